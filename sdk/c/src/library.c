/*
 * The part of C's library that a plug-in needs, without a system below it.
 *
 * Every call has a fresh instance, whose memory goes with it. So memory is handed out from a pointer that
 * only moves forward, and never taken back.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 65536
#define ALIGNED 16
/* Before each block: its size, which `realloc` has to know. */
#define HEAD ALIGNED

/* The linker puts it where free memory begins. */
extern uint8_t __heap_base;

static uintptr_t next;

static size_t rounded(size_t size) {
  return (size + ALIGNED - 1) & ~(size_t)(ALIGNED - 1);
}

void *malloc(size_t size) {
  if (size > SIZE_MAX / 2) return NULL;
  if (next == 0) next = rounded((uintptr_t)&__heap_base);
  uintptr_t block = next + HEAD;
  uintptr_t end = block + rounded(size);
  uintptr_t have = (uintptr_t)__builtin_wasm_memory_size(0) * PAGE;
  if (end < block) return NULL;
  if (end > have && __builtin_wasm_memory_grow(0, (end - have + PAGE - 1) / PAGE) == SIZE_MAX) return NULL;
  *(size_t *)(block - HEAD) = size;
  next = end;
  return (void *)block;
}

void *calloc(size_t count, size_t size) {
  size_t all;
  if (__builtin_mul_overflow(count, size, &all)) return NULL;
  /* Memory that was never handed out is zero. */
  return malloc(all);
}

void *realloc(void *old, size_t size) {
  if (old == NULL) return malloc(size);
  size_t *had = (size_t *)((uintptr_t)old - HEAD);
  if (size <= *had) return old;
  /* The last block can grow where it is. */
  if ((uintptr_t)old + rounded(*had) == next) {
    uintptr_t back = next;
    next = (uintptr_t)old - HEAD;
    void *grown = malloc(size);
    if (grown == NULL) next = back;
    return grown;
  }
  void *new = malloc(size);
  if (new != NULL) memcpy(new, old, *had);
  return new;
}

void free(void *memory) {
  (void)memory;
}

_Noreturn void abort(void) {
  __builtin_trap();
}

/* The compiler makes calls of these as well. With bulk memory they are one instruction each. */

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
  return __builtin_memcpy(to, from, size);
}

void *memmove(void *to, const void *from, size_t size) {
  return __builtin_memmove(to, from, size);
}

void *memset(void *to, int byte, size_t size) {
  return __builtin_memset(to, byte, size);
}

int memcmp(const void *one, const void *other, size_t size) {
  const uint8_t *a = one, *b = other;
  size_t at = 0;
  /* Eight at a time, wherever they lie: WebAssembly reads them at once. */
  for (uint64_t left, right; at + sizeof left <= size; at += sizeof left) {
    __builtin_memcpy(&left, a + at, sizeof left);
    __builtin_memcpy(&right, b + at, sizeof right);
    if (left != right) break;
  }
  for (; at < size; at += 1) {
    if (a[at] != b[at]) return a[at] - b[at];
  }
  return 0;
}

size_t strlen(const char *text) {
  size_t length = 0;
  while (text[length] != '\0') length += 1;
  return length;
}
