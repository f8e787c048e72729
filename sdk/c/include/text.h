/* Texts: UTF-8, with a length and no zero at the end. */

#pragma once

#include "management_plugin.h"

#include <string.h>

typedef management_plugin_string_t text_t;

/* The text of a literal. It is not copied, and its length is known to the compiler. */
static inline text_t text(const char *literal) {
  return (text_t){.ptr = (uint8_t *)literal, .len = __builtin_strlen(literal)};
}

static inline bool text_starts_with(text_t one, text_t start) {
  return one.len >= start.len && memcmp(one.ptr, start.ptr, start.len) == 0;
}

static inline bool text_is(text_t one, const char *other) {
  text_t is = text(other);
  return one.len == is.len && memcmp(one.ptr, is.ptr, is.len) == 0;
}

/* So many texts, one after the other. */
text_t text_join(size_t count, ...);

/* A number in decimal digits. */
text_t text_of_number(size_t number);

/* The start of a text, at most so many bytes, without cutting a character in two. */
text_t text_cut(text_t whole, size_t most);

/* Without characters that could fake a line or a colour, and at most so many bytes: what a sentence may
 * quote. */
text_t text_plain(text_t whole, size_t most);

/* Whether there is a line break or another control character in it. */
bool text_has_control_character(text_t whole);
