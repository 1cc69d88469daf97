/* gemm.h - contractions in blocks of threads: the fast path of the generator. Its parts: the kernel
 * and its launch (gemm.c), how operands come into shared memory (stage.c, boxes.c), what the
 * threads make of them there (products.c), and what becomes of the sums (results.c, store.c,
 * columns.c). */
#ifndef CUDA_GEMM_H
#define CUDA_GEMM_H

#include "function.h"
#include "algos.h"
#include "device.h"

/* What a precision needs of the text: numbers of shared memory are words of one or two. */
typedef struct Arithmetic {
  const char *word;  /* type of shared memory */
  DType number;      /* of which it holds: */
  int pack;          /* so many */
  const char *round; /* makes a word; NULL: as it is */
  const char *mma;   /* product of a warp; NULL: each thread multiplies and adds */
  const char *wgmma; /* of four together, NAME_16 of 16 columns ...; NULL: there is none */
  const char *late;  /* what words that were not rounded need before they are multiplied */
  bool split;        /* that makes a sum of two of each */
} Arithmetic;
extern const Arithmetic gemm_arithmetic[PRECISIONS];

/* The tile of one block of threads (Kernel.tile): of the result, words of a stage along the terms,
 * what one thread (with mma one warp) computes of it, how many stages shared memory holds, and how
 * many warps multiply together (0: each by itself). Rows are a run of points, or, where operands
 * come in boxes, a box of so wide and high images (0: they do not). */
typedef struct GemmTile {
  int rows, columns, words, i, j, stages, warps, wide, high;
} GemmTile;
GemmTile gemm_tile(const Kernel *);
void gemm_set_tile(Kernel *, const GemmTile *);
int gemm_threads(const GemmTile *, const Arithmetic *);
/* Stages that are on their way behind the one that is multiplied; by wgmma another one still is. */
int gemm_stages_ahead(const GemmTile *);
int64_t gemm_shared_bytes(const GemmTile *, const Arithmetic *);

enum {
  GEMM_PAD = 8,      /* words behind a row of shared memory, so that a warp meets all its banks */
  GEMM_CHUNK = 4,    /* words that come at once for tensor cores: 16 bytes */
  GEMM_TOGETHER = 4, /* warps by wgmma */
  GEMM_TURNED = 32,  /* words of a row that it wants, turned by its chunks; of a line of terms */
  GEMM_LINE = 64     /* rows that such a line has */
};

bool gemm_serves(const Writer *);
/* Prints what loads, what stores and the kernel, and to `calls` its launch. */
void gemm_print(Writer *, Emit *calls, Maps *);

/* ---- a kernel while it is printed ---- */

/* An operand: a tile of it lies in shared memory, x[stage][term][row]; for tensor cores
 * x[stage][row][word of the terms], or in lines of terms (stage.c). */
typedef struct Operand {
  int in;
  char role;          /* of the loops along which it has rows in the tile */
  const char *array;  /* "x", "w" */
  const char *index;  /* "row", "column" */
  int tile;           /* how many of them */
  const char *extent; /* how many there are: "784 * batch" */
  bool whole;         /* tiles cover them without a rest */
  bool along_terms;   /* neighbours in memory are terms */
  bool copied;        /* without passing through registers, */
  bool lines;         /* in chunks of rows */
  Function f;         /* that loads an element, or begins to copy a unit */
} Operand;

/* Operands that come in boxes: the loops along which x has points; -1: only one. */
typedef struct Boxes {
  int image, high, wide;
} Boxes;

typedef struct Gemm {
  Writer *w;
  Contraction c;
  const Arithmetic *as;
  GemmTile tile;
  int threads;
  int unit;          /* terms that come at once */
  const char *terms; /* how many there are */
  bool whole_terms;
  Operand x, y;       /* y: w of the contraction */
  bool along_columns; /* neighbours in memory of the result are columns */
  int pairs;          /* the loop along which two results are stored at once; -1: none */
  Function store, sums;
  Boxes boxes; /* if tile.wide > 0 */
  Function stage;
} Gemm;

/* ---- gemm.c ---- */

/* The loops of a role become those of the thread. */
void gemm_set_role(Gemm *, char role);
int64_t gemm_most_points(const Gemm *, char role);
/* Declares the loops of a role in a function, from a number that it is passed if it needs any;
 * `only` (or NULL): those that this view mentions. */
void gemm_declare_loops(Gemm *, Function *, char role, const char *number, const View *only);
/* The call of such a function; a number that it does not take is left out. */
const char *gemm_call(Gemm *, const Function *, const char *row, const char *column,
                      const char *term, const char *more);

/* ---- stage.c: how operands come into shared memory ---- */

/* May units of the operand be copied as they lie: terms; for tensor cores rows? */
bool stage_copies(const Gemm *, const Operand *);
bool stage_copies_lines(const Gemm *, const Operand *);
bool stage_has_lines(const Plan *); /* may an operand come in lines of terms? */
/* The function that the operand is read by. */
void stage_print_function(Gemm *, Operand *);
/* Declares shared memory, and the registers through which operands pass that are not copied. */
void stage_declare(Gemm *);
/* The stage that begins at a term goes to a slot of shared memory: copies begin, loads go to
 * registers; then those are stored. */
void stage_begin(Gemm *, const char *slot, const char *term);
void stage_end(Gemm *, const char *slot);
/* Chunk k of a row of an operand, for tensor cores. */
const char *stage_chunk(const Gemm *, const Operand *, const char *slot, const char *k,
                        const char *row);
/* Of an operand in lines: the chunk of rows of a term. */
const char *stage_line(const Gemm *, const Operand *, const char *slot, const char *term,
                       const char *chunk);

/* ---- boxes.c: operands that come as boxes of their tensors ---- */

/* Can they? */
bool boxes_of(const Plan *, const Contraction *, Boxes *);
bool boxes_fit(const GemmTile *);   /* is it a box at all? */
int boxes_images(const GemmTile *); /* that it has points of */
/* How many boxes hold all rows, at the largest batch. */
double boxes_tiles(const Plan *, const Kernel *, const Boxes *, const GemmTile *);
const char *boxes_count_text(Gemm *); /* blocks of a launch */
/* Declares where the box begins, as `block` counts them. */
void boxes_print_place(Gemm *, const char *block);
/* Declares `row` for row `at` of the tile; returns the condition under which there is one. */
const char *boxes_print_row(Gemm *);
/* The function that asks for a stage, and the turns in which stages are multiplied. */
void boxes_print_function(Gemm *);
void boxes_print_turns(Gemm *);
/* How the tensors of both operands lie in memory: rows of a table of cnnc_tensor. */
const char *boxes_map_x(Emit *, const Gemm *);
const char *boxes_map_w(Emit *, const Gemm *);

/* ---- store.c: what follows a sum ---- */

/* The loop along which a thread's two results are one word of memory; -1: none. */
int store_pairs(const Gemm *);
/* The function that finishes and stores one result, or two; a result whose column is summed it
 * returns, two take the place of their sums. */
void store_print_function(Gemm *);

/* ---- columns.c: sums of the results of a column, in runs of rows ---- */

/* Over which points, for kernels with this tile (Target.sums). */
bool columns_runs(const Plan *, const Kernel *, Coord *run);
/* Has the kernel outs that are such sums? */
bool columns_summed(const Gemm *);
/* The function that stores the sums of a run. */
void columns_print_function(Gemm *);
/* Declares a thread's sums of nothing; adds `value` to them; adds those of lanes up whose numbers
 * differ in the bits from `first` to below `end`. */
void columns_begin(Gemm *);
void columns_add(Gemm *);
void columns_join(Gemm *, int first, int end);
/* Stores them for the run that begins at `row`, where a condition holds. */
void columns_store(Gemm *, const char *condition, const char *row);

/* ---- products.c: what the threads of a block make of a stage ---- */

/* Which part of the tile is whose, and sums of nothing. */
void products_begin(Gemm *);
/* Adds the products of the stage in `slot`. */
void products_stage(Gemm *);
/* Units of a thread's sums acc: rows and columns of its own, or of the instruction, which gives a
 * thread sums of two rows and two columns, acc[i][j][r]. */
enum { MMA_ROWS = 16, MMA_COLUMNS = 8, MMA_RESULTS = 4 };
int products_rows(const Gemm *);
int products_columns(const Gemm *);
/* In the tile: the row of unit i; the column of unit j. */
const char *products_row(const Gemm *);
const char *products_column(const Gemm *);
/* Opens a loop that is written out. */
void products_unrolled(Emit *, const char *name, int n, int step);

/* ---- results.c: sums on their way to what follows them ---- */

/* When all products are made. */
void results_print(Gemm *);

#endif
