#include "json.h"

#include <stdlib.h>
#include <string.h>

/* Each level is a call in a call, and a plug-in's stack is small. */
#define DEEPEST 64

typedef struct {
  const uint8_t *at;
  const uint8_t *end;
  bool failed;
} reader_t;

static json_t *value(reader_t *reader, int level);

static void skip_blanks(reader_t *reader) {
  while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\t' || *reader->at == '\n' || *reader->at == '\r')) {
    reader->at += 1;
  }
}

static bool takes(reader_t *reader, uint8_t byte) {
  skip_blanks(reader);
  if (reader->at >= reader->end || *reader->at != byte) return false;
  reader->at += 1;
  return true;
}

static void expect(reader_t *reader, uint8_t byte) {
  if (!takes(reader, byte)) reader->failed = true;
}

static bool word(reader_t *reader, const char *word) {
  size_t length = strlen(word);
  if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, word, length) != 0) return false;
  reader->at += length;
  return true;
}

/* Four hexadecimal digits. */
static uint32_t unit(reader_t *reader) {
  uint32_t value = 0;
  for (int digit = 0; digit < 4; digit += 1) {
    uint8_t c = reader->at < reader->end ? *reader->at++ : 0;
    if (c >= '0' && c <= '9') value = value * 16 + (c - '0');
    else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') value = value * 16 + ((c | 0x20) - 'a' + 10);
    else reader->failed = true;
  }
  return value;
}

/* The character of an escape that names it by its number. Half a pair of UTF-16 is none. */
static uint32_t numbered(reader_t *reader) {
  uint32_t first = unit(reader);
  if (first < 0xd800 || first > 0xdfff) return first;
  const uint8_t *after = reader->at;
  if (first < 0xdc00 && word(reader, "\\u")) {
    uint32_t second = unit(reader);
    if (second >= 0xdc00 && second <= 0xdfff) return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
  }
  reader->at = after;
  return 0xfffd;
}

static uint8_t *put(uint8_t *to, uint32_t c) {
  if (c < 0x80) {
    *to++ = c;
    return to;
  }
  if (c < 0x800) {
    *to++ = 0xc0 | c >> 6;
  } else {
    if (c < 0x10000) {
      *to++ = 0xe0 | c >> 12;
    } else {
      *to++ = 0xf0 | c >> 18;
      *to++ = 0x80 | (c >> 12 & 0x3f);
    }
    *to++ = 0x80 | (c >> 6 & 0x3f);
  }
  *to++ = 0x80 | (c & 0x3f);
  return to;
}

static uint32_t escaped(reader_t *reader) {
  uint8_t c = reader->at < reader->end ? *reader->at++ : 0;
  switch (c) {
    case '"': case '\\': case '/': return c;
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'u': return numbered(reader);
    default:
      reader->failed = true;
      return 0;
  }
}

/* After the quotation mark. */
static text_t string(reader_t *reader) {
  const uint8_t *end = reader->at;
  while (end < reader->end && *end != '"') end += *end == '\\' ? 2 : 1;
  if (end >= reader->end) {
    reader->failed = true;
    return text("");
  }
  /* An escape is never shorter than the character that it stands for. */
  text_t read = {.ptr = malloc(end - reader->at), .len = 0};
  if (read.ptr == NULL) abort();
  uint8_t *to = read.ptr;
  while (reader->at < end && !reader->failed) {
    uint8_t c = *reader->at++;
    if (c < 0x20) reader->failed = true;
    if (c == '\\') to = put(to, escaped(reader));
    else *to++ = c;
  }
  reader->at = end + 1;
  read.len = to - read.ptr;
  return read;
}

static size_t digits(reader_t *reader) {
  const uint8_t *begin = reader->at;
  while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9') reader->at += 1;
  return reader->at - begin;
}

static bool one_of(reader_t *reader, uint8_t one, uint8_t other) {
  if (reader->at >= reader->end || (*reader->at != one && *reader->at != other)) return false;
  reader->at += 1;
  return true;
}

static text_t number(reader_t *reader) {
  uint8_t *begin = (uint8_t *)reader->at;
  one_of(reader, '-', '-');
  if (!one_of(reader, '0', '0') && digits(reader) == 0) reader->failed = true;
  if (one_of(reader, '.', '.') && digits(reader) == 0) reader->failed = true;
  if (one_of(reader, 'e', 'E')) {
    one_of(reader, '+', '-');
    if (digits(reader) == 0) reader->failed = true;
  }
  return (text_t){.ptr = begin, .len = reader->at - begin};
}

static json_t *values(reader_t *reader, json_kind_t kind, uint8_t close, int level) {
  json_t *around = calloc(1, sizeof(json_t));
  if (around == NULL) abort();
  around->kind = kind;
  json_t **last = &around->first;
  if (takes(reader, close)) return around;
  do {
    text_t name = text("");
    if (kind == JSON_OBJECT) {
      expect(reader, '"');
      if (!reader->failed) name = string(reader);
      expect(reader, ':');
    }
    json_t *one = reader->failed ? NULL : value(reader, level + 1);
    if (one == NULL || reader->failed) {
      reader->failed = true;
      return around;
    }
    one->name = name;
    *last = one;
    last = &one->next;
  } while (takes(reader, ','));
  expect(reader, close);
  return around;
}

static json_t *value(reader_t *reader, int level) {
  if (level > DEEPEST) {
    reader->failed = true;
    return NULL;
  }
  if (takes(reader, '[')) return values(reader, JSON_ARRAY, ']', level);
  if (takes(reader, '{')) return values(reader, JSON_OBJECT, '}', level);
  json_t *one = calloc(1, sizeof(json_t));
  if (one == NULL) abort();
  if (takes(reader, '"')) {
    one->kind = JSON_STRING;
    one->text = string(reader);
  } else if (word(reader, "true")) {
    one->kind = JSON_TRUE;
  } else if (word(reader, "false")) {
    one->kind = JSON_FALSE;
  } else if (!word(reader, "null")) {
    one->kind = JSON_NUMBER;
    one->text = number(reader);
  }
  return one;
}

json_t *json_read(text_t text) {
  reader_t reader = {.at = text.ptr, .end = text.ptr + text.len, .failed = false};
  json_t *read = value(&reader, 0);
  skip_blanks(&reader);
  return reader.failed || reader.at != reader.end ? NULL : read;
}

const json_t *json_member(const json_t *object, const char *name) {
  const json_t *found = NULL;
  if (object->kind != JSON_OBJECT) return NULL;
  for (const json_t *one = object->first; one != NULL; one = one->next) {
    if (text_is(one->name, name)) found = one;
  }
  return found;
}

const json_t *json_values(const json_t *object, const char *name) {
  const json_t *member = json_member(object, name);
  return member != NULL && member->kind == JSON_ARRAY ? member->first : NULL;
}

text_t json_text(const json_t *object, const char *name, const char *otherwise) {
  const json_t *member = json_member(object, name);
  bool is_text = member != NULL && (member->kind == JSON_STRING || member->kind == JSON_NUMBER);
  return is_text ? member->text : text(otherwise);
}

bool json_flag(const json_t *object, const char *name, bool otherwise) {
  const json_t *member = json_member(object, name);
  bool is_flag = member != NULL && (member->kind == JSON_TRUE || member->kind == JSON_FALSE);
  return is_flag ? member->kind == JSON_TRUE : otherwise;
}
