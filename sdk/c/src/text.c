#include "text.h"

#include <stdarg.h>
#include <stdlib.h>

/* A trap is the answer where memory is at its limit. */
static uint8_t *bytes(size_t size) {
  uint8_t *memory = malloc(size);
  if (memory == NULL) abort();
  return memory;
}

text_t text_join(size_t count, ...) {
  va_list parts;
  text_t joined = {.ptr = NULL, .len = 0};
  va_start(parts, count);
  for (size_t at = 0; at < count; at += 1) joined.len += va_arg(parts, text_t).len;
  va_end(parts);
  joined.ptr = bytes(joined.len);
  size_t used = 0;
  va_start(parts, count);
  for (size_t at = 0; at < count; at += 1) {
    text_t part = va_arg(parts, text_t);
    memcpy(joined.ptr + used, part.ptr, part.len);
    used += part.len;
  }
  va_end(parts);
  return joined;
}

text_t text_of_number(size_t number) {
  size_t length = 1;
  for (size_t rest = number; rest >= 10; rest /= 10) length += 1;
  text_t digits = {.ptr = bytes(length), .len = length};
  for (size_t at = length; at > 0; at -= 1, number /= 10) digits.ptr[at - 1] = '0' + number % 10;
  return digits;
}

text_t text_cut(text_t whole, size_t most) {
  if (whole.len <= most) return whole;
  /* What follows the first byte of a character begins with the bits 10. */
  while (most > 0 && (whole.ptr[most] & 0xc0) == 0x80) most -= 1;
  return (text_t){.ptr = whole.ptr, .len = most};
}

/* How many bytes the control character has that begins here; 0 if there is none. Those beyond ASCII,
 * U+0080 to U+009F, are two bytes. */
static size_t control(text_t whole, size_t at) {
  uint8_t byte = whole.ptr[at];
  if (byte < 0x20 || byte == 0x7f) return 1;
  return byte == 0xc2 && at + 1 < whole.len && whole.ptr[at + 1] < 0xa0 ? 2 : 0;
}

bool text_has_control_character(text_t whole) {
  for (size_t at = 0; at < whole.len; at += 1) {
    if (control(whole, at) > 0) return true;
  }
  return false;
}

text_t text_plain(text_t whole, size_t most) {
  text_t plain = {.ptr = bytes(whole.len * 3), .len = 0};
  for (size_t at = 0; at < whole.len;) {
    size_t length = control(whole, at);
    if (length > 0) {
      memcpy(plain.ptr + plain.len, "\xef\xbf\xbd", 3);
      plain.len += 3;
      at += length;
    } else {
      plain.ptr[plain.len++] = whole.ptr[at++];
    }
  }
  if (plain.len <= most) return plain;
  return text_join(2, text_cut(plain, most - 3), text("…"));
}
