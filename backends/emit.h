/* emit.h - printing source text: what generators of every language share.
 *
 * A generator's source looks like its output:
 *
 *   BLOCK(e, "static void %s(void)", name) {
 *     FOR(e, "ow", 0, 28, 7)
 *       emit(e, "out0[ow] = 0.0f;");
 *   }
 *
 * BLOCK and FOR print the head and an opening brace, indent while their C block runs, and print the
 * closing brace when it ends (so never leave such a block by return or break). */
#ifndef EMIT_H
#define EMIT_H

#include "backend.h"
#include "dictionary.h"

typedef struct Emit {
  Arena *arena;
  Text *out; /* where lines go; may be changed between lines */
  int indent;
  int temporaries;    /* of expressions, in the function that is being printed */
  const char *prefix; /* of all symbols */
  bool several;       /* targets: names of what is made for one of them hold its name */
  bool profile;       /* calls of kernels are timed */
  const char *const *input, *const *output; /* names of forward's arguments */
  const char *const *gradient;              /* of backward's, by input */
  Emitted *emitted;                         /* facts are added here; may be NULL */
  Dictionary taken;                         /* identifiers */
  Dictionary function; /* functions that stand in the file, by key: numbers of their names */
  VEC(const char *) function_name;
} Emit;

/* ---- lines, blocks and names (emit.c) ---- */

Emit emit_start(Arena *, Text *out, const char *prefix, Emitted *);

void emit(Emit *, const char *format, ...) PRINTF_LIKE(2, 3); /* one indented line */
/* A long line with commas, broken after them so that it fits into 100 columns. */
void emit_wrapped(Emit *, const char *text);
void emit_line(Emit *);                   /* an empty one */
void emit_text(Emit *, const char *text); /* as it is: runtime files */
/* A comment of one paragraph per line of the text, wrapped at 100 columns. */
void emit_comment(Emit *, const char *format, ...) PRINTF_LIKE(2, 3);

/* The prefix of what is made for the plan's target: the file's, or "net_avx2" of several. */
const char *emit_part(const Emit *, const Plan *);

/* An identifier made from `wish` (a layer's name) that nothing else in the file has:
 * "layer1.0.conv1" -> layer1_0_conv1. */
const char *emit_name(Emit *, const char *wish);
/* A constant that reads back exactly: 0.5f, 1e-05f, INFINITY; in double without the f. */
const char *emit_number(Arena *, double value, DType);

void emit_fact(Emit *, const char *function, const char *name, int64_t lo, int64_t hi);

/* The name of the emitted function with this key, which is everything that its text depends on, or
 * NULL: another kernel with the same key calls it. */
const char *emitted_function(const Emit *, const char *key);
void emitted_add(Emit *, const char *key, const char *name);

#define EMIT_PASTE_(a, b) a##b
#define EMIT_PASTE(a, b)  EMIT_PASTE_(a, b)
#define BLOCK(e, ...)                                                                              \
  for (bool EMIT_PASTE(open_, __LINE__) = emit_open((e), __VA_ARGS__);                             \
       EMIT_PASTE(open_, __LINE__); EMIT_PASTE(open_, __LINE__) = emit_close(e))
#define FOR(e, name, from, to, step)                                                               \
  for (bool EMIT_PASTE(open_, __LINE__) =                                                          \
           emit_open_for((e), (name), (int64_t)(from), (int64_t)(to), (int64_t)(step));            \
       EMIT_PASTE(open_, __LINE__); EMIT_PASTE(open_, __LINE__) = emit_close(e))
bool emit_open(Emit *, const char *format, ...) PRINTF_LIKE(2, 3); /* true */
bool emit_open_block(Emit *);                                      /* without a head */
bool emit_open_for(Emit *, const char *name, int64_t from, int64_t to, int64_t step);
bool emit_close(Emit *); /* false */

/* ---- expressions (emit_expr.c) ---- */

/* How a language writes expressions of one type. In a template, $0 $1 $2 are the arguments. */
typedef struct Dialect {
  const char *type;     /* of temporaries: "float", "vf" */
  DType number;         /* how constants are printed */
  const char *constant; /* around a constant: "v_set1($0)"; NULL: as it is */
  const char *spell[EXPR_OPS];
  /* A selection whose condition is a comparison: the condition, where it has a text of its own, and
   * the selection by it: "$0 < $1" and "$0 ? $1 : $2". */
  const char *test[EXPR_OPS];
  const char *select;
} Dialect;
/* Float and double as C and CUDA write them (c/dialect.c). */
extern const Dialect scalar_float, scalar_double;

/* A type as C and CUDA write it: "float", "unsigned char" (c/dialect.c). */
const char *c_type(DType);

/* The text of a leaf IN, ACC, INDEX or SCALAR; and of what float does not hold: RANDOM, whose
 * arguments are exact in double only, and quotients of indices, the positions between elements. */
typedef const char *(*EmitLeaf)(void *context, const Expr *leaf);
/* The text of an expression. Parts that are used more than once are printed in front of it, as
 * constants t0, t1 ... numbered by e->temporaries (set it to 0 where a function begins). */
const char *emit_expr(Emit *, const Dialect *, const Expr *, EmitLeaf, void *context);

/* A constant as the dialect writes it: "1.0f", "avx512_set1(1.0f)". */
const char *emit_constant(Emit *, const Dialect *, const char *number);

#endif
