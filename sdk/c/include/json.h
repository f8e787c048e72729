/* Reading settings: JSON text as a tree. */

#pragma once

#include "text.h"

typedef enum { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT } json_kind_t;

typedef struct json_t {
  json_kind_t kind;
  /* Of a string: what it says. Of a number: its letters. */
  text_t text;
  /* Its name, if it is a member of an object. */
  text_t name;
  /* Of an array or an object: its first value. */
  struct json_t *first;
  /* The value after it in the same array or object. */
  struct json_t *next;
} json_t;

/* NULL if the text is not JSON, or nests deeper than any settings do. */
json_t *json_read(text_t text);

/* The member of this name that stands last; NULL if there is none, or if it is no object. */
const json_t *json_member(const json_t *object, const char *name);

/* The values of an array member, to be followed by `next`; NULL if there are none. */
const json_t *json_values(const json_t *object, const char *name);

/* What a string member says, or a number's letters; what is given if there is no such member. */
text_t json_text(const json_t *object, const char *name, const char *otherwise);

/* A member that is true or false; what is given if there is no such member. */
bool json_flag(const json_t *object, const char *name, bool otherwise);
