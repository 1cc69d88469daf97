/* cnnc.h - what every file of the compiler may use: memory, growing arrays, diagnostics.
 *
 * One compilation is one Unit. All memory of a compilation comes from the Unit's arena and is freed
 * at once by unit_free; nothing is global, so a program may compile many networks, one after
 * another (fuzzing does). */
#ifndef CNNC_H
#define CNNC_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CNNC_VERSION "0.1.0"

#if defined(__GNUC__)
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#define NORETURN                 __attribute__((noreturn))
#else
#define PRINTF_LIKE(text, first)
#define NORETURN
#endif

#define COUNT(array) ((int)(sizeof(array) / sizeof(*(array))))

/* ---- memory (arena.c) ---- */

typedef struct Arena Arena;

Arena *arena_new(void);
void arena_free(Arena *);
/* Zeroed memory, aligned to 16 bytes. Never NULL: when the system has no more, says so and exits
 * with status 1. */
void *arena_alloc(Arena *, size_t size);
void *arena_array(Arena *, size_t element, size_t n);
char *arena_copy(Arena *, const char *text, size_t length); /* NUL-terminated copy */
char *arena_printf(Arena *, const char *format, ...) PRINTF_LIKE(2, 3);
/* Makes the k-th allocation from now fail as if memory had run out (k = 1: the next one); 0
 * switches it off. */
void arena_fail_after(Arena *, long k);

#define NEW(arena, Type)          ((Type *)arena_alloc((arena), sizeof(Type)))
#define NEW_ARRAY(arena, Type, n) ((Type *)arena_array((arena), sizeof(Type), (size_t)(n)))

/* Zeroed memory for what has to be freed before its compilation ends, by free(). Never NULL. */
void *heap_alloc(size_t size);

/* A growing array: `VEC(Node) nodes;` then vec_push(arena, &nodes, node); nodes.at[i], nodes.n. */
#define VEC(T)                                                                                     \
  struct {                                                                                         \
    T *at;                                                                                         \
    int n;                                                                                         \
    int cap;                                                                                       \
  }
#define vec_push(arena, v, value)                                                                  \
  ((v)->n < (v)->cap ? (void)0 : vec_grow((arena), (void **)&(v)->at, &(v)->cap, sizeof *(v)->at), \
   (void)((v)->at[(v)->n++] = (value)))
void vec_grow(Arena *, void **at, int *cap, size_t element);

/* A text that grows: reports, text forms, emitted files. */
typedef struct Text {
  Arena *arena;
  char *at; /* NUL-terminated once something was added */
  size_t n, cap;
} Text;
void text_add(Text *, const char *format, ...) PRINTF_LIKE(2, 3);
void text_addv(Text *, const char *format, va_list);
void text_append(Text *, const char *bytes, size_t n);
/* A sentence in lines that fit a terminal; all begin at column `indent`, where the text is. */
void text_add_wrapped(Text *, const char *words, int indent);

/* ---- places and diagnostics (diag.c, locate.c) ---- */

/* A place in a JSON document as a chain of steps from the root: `layers[3].op` is { "op" } -> {
 * index 3 } -> { "layers" }. Positions are found only when a message is printed, by scanning the
 * text again (locate), so reading pays nothing. */
typedef struct Path Path;
struct Path {
  const Path *up;     /* NULL: the root object */
  const char *key;    /* member of an object, or NULL: */
  int index;          /* element of an array */
  const char *option; /* of the command line, which is no place in the document: "--outputs" */
  const Path *used; /* inside a block: where that block is used (the message shows both places); set
                       it on any step of a path: what goes on from there inherits it */
};

typedef struct Source {
  const char *name; /* as the user wrote it */
  const char *text; /* NUL-terminated */
  size_t size;
} Source;

typedef struct Unit {
  Arena *arena;
  Source source; /* being read: the network, or a file beside it */
  int errors, warnings;
  int usage_errors;      /* of the errors, those about the command line */
  bool json_diagnostics; /* --diagnostics=json: one JSON object a line */
  FILE *messages;        /* where diagnostics go; stderr unless a test says otherwise */
  struct Exprs *exprs;   /* the pool of expressions (expr.c) */
} Unit;

Unit *unit_new(void);
void unit_free(Unit *);
/* What is reported from now on has its place in this source; returns the one before. */
Source unit_turn_to(Unit *, Source);

/* Reports an error at a place of u->source and counts it; the caller goes on with something
 * harmless, so that one run reports all mistakes. Text form: lower case, no full stop, names the
 * thing, says what is wrong and what would be right. */
void diag_error(Unit *, const Path *where, const char *format, ...) PRINTF_LIKE(3, 4);
void diag_warning(Unit *, const Path *where, const char *format, ...) PRINTF_LIKE(3, 4);
/* An error that points at the member's name instead of its value: unknown keys. */
void diag_error_key(Unit *, const Path *where, const char *format, ...) PRINTF_LIKE(3, 4);
/* An error at a known byte offset (of syntax), and one about a file as a whole. */
void diag_error_at(Unit *, size_t offset, size_t length, const char *format, ...) PRINTF_LIKE(4, 5);
void diag_error_in(Unit *, const char *file, const char *format, ...) PRINTF_LIKE(3, 4);
/* About the command line, or a tool that it names; and what is worth knowing. */
void usage_error(Unit *, const char *format, ...) PRINTF_LIKE(2, 3);
void usage_note(Unit *, const char *format, ...) PRINTF_LIKE(2, 3);
/* Additional line after an error, e.g. "note: block "bottleneck" is used here". */
void diag_note(Unit *, const Path *where, const char *format, ...) PRINTF_LIKE(3, 4);

const Path *path_key(Arena *, const Path *up, const char *key);
const Path *path_index(Arena *, const Path *up, int index);
/* Finds the value (or with `of_key` the member name) that a path leads to. False if the text has no
 * such place. */
bool locate(const Source *, const Path *, bool of_key, size_t *offset, size_t *length);

/* Is the word one of these? The last is followed by NULL. */
bool is_among(const char *word, const char *const *words);
/* The candidate nearest to `word` by edit distance, or NULL when none is near:
 * for "did you mean". */
const char *nearest(const char *word, const char *const *candidates, int n);
/* "; did you mean \"conv\"?" at the end of a message; nothing where none is near (NULL). */
const char *did_you_mean(Arena *, const char *near);

/* A defect of the compiler itself: prints the place and aborts. User errors never end here. */
#define BUG(...) bug(__FILE__, __LINE__, __VA_ARGS__)
NORETURN void bug(const char *file, int line, const char *format, ...) PRINTF_LIKE(3, 4);

/* ---- files (file.c) ---- */

/* Is there a name before this suffix (".npy")? */
bool path_ends(const char *path, const char *suffix);
const char *file_name(const char *path); /* without its folders */

/* Reads a whole file; NULL after a diagnostic. The bytes are followed by a NUL that `size` does not
 * count. */
char *file_read(Unit *, const char *path, size_t *size);
/* Writes under a temporary name beside `path` and renames:
 * the file appears complete or not at all. */
bool file_write(Unit *, const char *path, const void *bytes, size_t size);
/* Would file_write find its place? False after the message that it would give. */
bool file_writable(Unit *, const char *path);
/* Several files: all appear or none. */
typedef struct FileBytes {
  const char *path;
  const void *bytes;
  size_t size;
} FileBytes;
bool files_write(Unit *, const FileBytes *, int n);

#endif
