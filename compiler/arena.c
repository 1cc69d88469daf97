/* arena.c - memory of one compilation: allocated in pieces, never returned singly, freed at once.
 *
 * Small requests are cut from chunks; large ones get a chunk of their own. Under the address
 * sanitizer every request gets its own chunk, so that an overrun by one byte is seen. Growing
 * arrays and texts leave their old memory behind: they double, so that costs at most as much
 * again. */
#include "cnnc.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
enum { CHUNK = 0 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { CHUNK = 0 };
#else
enum { CHUNK = 1 << 16 };
#endif
#else
enum { CHUNK = 1 << 16 };
#endif

enum { ALIGN = 16 };

typedef struct Chunk {
  struct Chunk *next;
  size_t used, size; /* of the bytes that follow the header */
} Chunk;

enum { HEADER = (sizeof(Chunk) + ALIGN - 1) / ALIGN * ALIGN };

struct Arena {
  Chunk *chunks; /* the first one is the one that small requests are cut from */
  long fail_after;
};

NORETURN static void out_of_memory(void) {
  fputs("cnnc: error: out of memory\n", stderr);
  exit(1);
}

void *heap_alloc(size_t size) {
  void *memory = calloc(1, size ? size : 1);
  if (!memory) out_of_memory();
  return memory;
}

static Chunk *chunk_new(size_t size) {
  if (size > SIZE_MAX - HEADER) out_of_memory();
  Chunk *chunk = heap_alloc(HEADER + size);
  chunk->size = size;
  return chunk;
}

Arena *arena_new(void) {
  return heap_alloc(sizeof(Arena));
}

void arena_free(Arena *arena) {
  if (!arena) return;
  for (Chunk *chunk = arena->chunks, *next; chunk; chunk = next) {
    next = chunk->next;
    free(chunk);
  }
  free(arena);
}

void arena_fail_after(Arena *arena, long k) {
  arena->fail_after = k;
}

/* A chunk with room for `size` bytes. A large one is put behind the first, which keeps serving
 * small requests. */
static Chunk *chunk_for(Arena *arena, size_t size) {
  Chunk *first = arena->chunks;
  if (first && first->size - first->used >= size) return first;
  if (first && size > CHUNK / 4) {
    Chunk *own = chunk_new(size);
    own->next = first->next;
    return first->next = own;
  }
  Chunk *chunk = chunk_new(size > CHUNK ? size : CHUNK);
  chunk->next = first;
  return arena->chunks = chunk;
}

void *arena_alloc(Arena *arena, size_t size) {
  if (arena->fail_after > 0 && --arena->fail_after == 0) out_of_memory();
  if (size > PTRDIFF_MAX - ALIGN) out_of_memory();
  if (size == 0) size = 1;
  size_t rounded = CHUNK ? (size + ALIGN - 1) / ALIGN * ALIGN : size;
  Chunk *chunk = chunk_for(arena, rounded);
  void *memory = (char *)chunk + HEADER + chunk->used;
  chunk->used += rounded;
  return memory;
}

void *arena_array(Arena *arena, size_t element, size_t n) {
  if (n > PTRDIFF_MAX / element) out_of_memory();
  return arena_alloc(arena, element * n);
}

char *arena_copy(Arena *arena, const char *text, size_t length) {
  char *copy = arena_alloc(arena, length + 1);
  if (length) memcpy(copy, text, length);
  return copy;
}

char *arena_printf(Arena *arena, const char *format, ...) {
  Text text = {.arena = arena};
  va_list args;
  va_start(args, format);
  text_addv(&text, format, args);
  va_end(args);
  return text.at;
}

void vec_grow(Arena *arena, void **at, int *cap, size_t element) {
  if (*cap > INT_MAX / 2) out_of_memory();
  int grown = *cap ? 2 * *cap : 8;
  void *old;
  memcpy(&old, at,
         sizeof old); /* *at has another pointer type: copied as bytes, not read as void * */
  void *memory = arena_array(arena, element, (size_t)grown);
  if (*cap) memcpy(memory, old, element * (size_t)*cap);
  memcpy(at, &memory, sizeof memory);
  *cap = grown;
}

/* Room for `more` bytes and the closing NUL. */
static void text_reserve(Text *text, size_t more) {
  if (more > PTRDIFF_MAX - text->n - 1) out_of_memory();
  size_t need = text->n + more + 1;
  if (need <= text->cap) return;
  size_t cap = text->cap > PTRDIFF_MAX / 2 ? need : 2 * text->cap;
  if (cap < 64) cap = 64;
  if (cap < need) cap = need;
  char *memory = arena_alloc(text->arena, cap);
  if (text->n) memcpy(memory, text->at, text->n);
  text->at = memory;
  text->cap = cap;
}

void text_append(Text *text, const char *bytes, size_t n) {
  text_reserve(text, n);
  if (n) memcpy(text->at + text->n, bytes, n);
  text->n += n;
  text->at[text->n] = 0;
}

void text_addv(Text *text, const char *format, va_list args) {
  va_list again;
  va_copy(again, args);
  int length = vsnprintf(NULL, 0, format, args);
  if (length < 0) BUG("a format or its arguments cannot be printed: %s", format);
  text_reserve(text, (size_t)length);
  vsnprintf(text->at + text->n, (size_t)length + 1, format, again);
  va_end(again);
  text->n += (size_t)length;
}

void text_add(Text *text, const char *format, ...) {
  va_list args;
  va_start(args, format);
  text_addv(text, format, args);
  va_end(args);
}

void text_add_wrapped(Text *text, const char *words, int indent) {
  enum { WIDTH = 80 };
  int column = indent, length;
  for (; *words; words += length + (words[length] == ' ')) {
    length = (int)strcspn(words, " ");
    if (column > indent && column + 1 + length > WIDTH) {
      text_add(text, "\n%*s", indent, "");
      column = indent;
    }
    text_add(text, "%s%.*s", column > indent ? " " : "", length, words);
    column += length + (column > indent);
  }
}
