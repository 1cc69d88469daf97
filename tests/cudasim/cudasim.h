/* cudasim.h - the simulator's core, as cuda_runtime.h and its parts use it: launches and copies
 * that wait in a queue (cudasim.c), threads as fibers (block.c), memory and what is wrong with its
 * use (memory.c).
 *
 * What is found ends the program with status CUDASIM_FOUND and a message on stderr: accesses
 * outside of what cudaMalloc gave, reads of what nothing wrote, races between threads, barriers
 * that not all threads of a block reach. Settings come from the environment:
 *
 *   CUDASIM_ORDER   natural (default), reverse, random or random:SEED: of blocks, and of threads
 *                   between barriers
 *   CUDASIM_ASYNC   early (default): work runs when it is put into a stream, copies into shared
 *                   memory and products of several warps when they begin; late: when the host, or
 *                   the thread, waits for them, boxes when nothing else goes on
 *   CUDASIM_CHECK   0: memory is not watched, which is faster
 *   CUDASIM_BANKS   1: bank conflicts of shared memory are found as well
 *   CUDASIM_FAIL    K: the K-th launch or copy fails */
#ifndef CUDASIM_H
#define CUDASIM_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { CUDASIM_FOUND = 3, CUDASIM_THREADS = 1024 /* of a block, at most */ };

typedef struct cudasim_index {
  unsigned x, y, z;
} cudasim_index;

extern cudasim_index threadIdx, blockIdx, blockDim, gridDim;

/* ---- cudasim.c ---- */

typedef struct CudasimLaunch {
  const char *kernel;
  cudasim_index blocks, threads;
  size_t shared;                      /* bytes of cudasim_wide */
  void (*run)(const void *arguments); /* one thread */
  const void *arguments;              /* copied */
  size_t size;                        /* of arguments, in bytes */
} CudasimLaunch;

/* An error code of CUDA, which is also the last error then. */
int cudasim_launch(const CudasimLaunch *);
int cudasim_copy(void *to, const void *from, size_t bytes);
int cudasim_fill(void *to, int byte, size_t bytes);
int cudasim_last_error(void); /* and forgets it */
/* Between these what is put in, into any stream, becomes a graph. */
typedef struct CudasimGraph CudasimGraph;
int cudasim_capture(void);
int cudasim_captured(CudasimGraph **);
int cudasim_graph(const CudasimGraph *); /* puts in all of it */
void cudasim_graph_release(CudasimGraph *);
/* Runs what was put in. */
void cudasim_wait(void);

/* Says what is wrong, and where; ends the program. */
void cudasim_found(const void *code, const char *format, ...) __attribute__((noreturn));

/* ---- block.c ---- */

typedef enum CudasimOrder { ORDER_NATURAL, ORDER_REVERSE, ORDER_RANDOM } CudasimOrder;
extern CudasimOrder cudasim_order;
/* A permutation of 0 ... n - 1 in that order. */
void cudasim_permute(unsigned *at, unsigned n);

/* All threads of block blockIdx. */
void cudasim_block(const CudasimLaunch *);
/* Where a thread waits for its block. */
void cudasim_barrier(const char *file, int line);
/* Where the threads of a warp meet, all of them: each brings some bytes and gets those of all, in
 * the order of lanes. They stay until the warp meets again. */
enum { CUDASIM_LANES = 32, CUDASIM_BYTES = 48 };
const unsigned char (*cudasim_meet(const void *brought, size_t bytes, const char *file,
                                   int line))[CUDASIM_BYTES];
/* The number of the lane whose own number differs in these bits; of a mask of all lanes. */
double cudasim_exchange(unsigned mask, double, int bits, const char *file, int line);
/* Of the thread that runs: its number in its block, its stack; NULL: none does. */
typedef struct CudasimThread {
  unsigned number;
  const unsigned char *stack;
  size_t stack_bytes;
} CudasimThread;
extern const CudasimThread *cudasim_thread;

/* Where a thread waits until something is so, while others go on. */
void cudasim_until(bool (*is_so)(const void *), const void *what, const char *file, int line);

/* ---- tensor.c: what runtime/cuda/tensor.cuh has as instructions, and the products of wgmma.cuh
 * ---- */

typedef enum CudasimNumber { CUDASIM_TF32, CUDASIM_BF16, CUDASIM_F16 } CudasimNumber;
unsigned cudasim_tf32(float);
unsigned cudasim_bf16(float, float);
unsigned cudasim_f16(float, float);
float cudasim_from_f16(unsigned short);
/* Sums are in double, rounded once. */
void cudasim_mma(CudasimNumber, float d[4], const unsigned a[4], const unsigned b[2],
                 const char *file, int line);

/* A tile of rows or columns where products of four warps find it: chunks of terms, in rows of 32
 * words or so many apart; or lines of terms (runtime/cuda/wgmma_lines.cuh). */
typedef struct CudasimTile {
  const unsigned *at;
  int apart;
  int lines; /* 1: so it is */
} CudasimTile;

/* A thread's part of the product of four warps, of which it is thread 0 ... 127. */
void cudasim_product(CudasimNumber, int columns, unsigned thread, float d[][4],
                     const CudasimTile *rows, const CudasimTile *column, int k);

/* ---- together.c: how runtime/cuda/wgmma.cuh begins products and waits for them ---- */

void cudasim_wgmma(CudasimNumber, int columns, float d[][4], CudasimTile rows, CudasimTile column,
                   int k, const char *file, int line);
/* Word 4 * chunk of a row, where that lies. */
static inline size_t cudasim_chunk(unsigned row, unsigned chunk, int apart) {
  return apart ? 4 * ((size_t)apart * chunk + row) : 32 * (size_t)row + 4 * (chunk ^ row % 8);
}
/* Word 4 * chunk of a line, of a tile in lines of terms; so many chunks hold its rows. */
static inline size_t cudasim_line_chunk(unsigned term, unsigned chunk) {
  return 32 * (size_t)(chunk / 8 * 64 + term) + 4 * (chunk % 8 ^ term % 8);
}
void cudasim_wgmma_written(void);
void cudasim_wgmma_fence(void);
void cudasim_wgmma_commit(void);
void cudasim_wgmma_wait(unsigned groups);
void cudasim_products_end(void); /* the thread ends */

/* ---- copies.c: its ways into shared memory and out of it ---- */

void cudasim_ldmatrix_x4(unsigned word[4], const unsigned *at, const char *file, int line);
void cudasim_ldmatrix_trans_x4(unsigned word[4], const unsigned *at, const char *file, int line);
void cudasim_store_x4(unsigned *to, const unsigned word[4]);

void cudasim_cp_async(void *to, const void *from, size_t bytes, bool there);
void cudasim_cp_async_commit(void);
void cudasim_cp_async_wait(unsigned groups);
void cudasim_copies_end(void); /* the thread ends */

/* ---- boxes.c: what runtime/cuda/tma.cuh has as instructions ---- */

void cudasim_barrier_begin(void *barrier);
void cudasim_barrier_expect(void *barrier, int bytes);
void cudasim_barrier_wait(void *barrier, int odd, const char *file, int line);
void cudasim_box(void *to, const void *map, void *barrier, const int *first);
/* Has the thread waited for that phase of a barrier of the block? */
bool cudasim_box_waited(unsigned thread, int barrier, unsigned phase);
void cudasim_boxes_begin(void); /* a block begins */
bool cudasim_boxes_come(void);  /* one that is on its way, if there is any */
void cudasim_boxes_end(void);   /* the block ends */

/* ---- memory.c ---- */

void *cudasim_allocate(size_t bytes); /* device memory, poisoned; NULL: there is none */
void cudasim_release(void *);
/* What comes next is ordered after all before: a launch (with its arguments), a copy. */
void cudasim_memory_next(const void *arguments, size_t size);
/* A block begins: its shared memory is poison, and so are these bytes of cudasim_wide. */
enum { CUDASIM_WIDE = 227 << 10 };
extern unsigned char cudasim_wide[CUDASIM_WIDE];
void cudasim_memory_block(unsigned block, size_t wide);
/* All threads have passed a barrier. */
void cudasim_memory_barrier(void);
/* The host writes or reads device memory; other memory is its own. */
void cudasim_memory_host(const void *at, size_t bytes, bool write);
/* The thread that runs reads or writes by other means than loads and stores; `code`: where. */
void cudasim_memory_access(const void *code, const void *at, size_t bytes, bool write);
/* Memory is being written, so that nobody may use it; or it is no longer. */
void cudasim_memory_await(const void *at, size_t bytes, bool yes);
/* Products begin to read memory, which nobody may write until they let go of it. Threads that have
 * written it must have said so since. */
void cudasim_memory_hold(const void *code, const void *at, size_t bytes);
void cudasim_memory_release(const void *at, size_t bytes);
void cudasim_memory_written(void);
/* A box that threads wait for at a barrier begins to come: nobody else may use its place. */
void cudasim_memory_box(const void *code, const void *at, size_t bytes, int barrier,
                        unsigned phase);
/* Reads what may be nothing yet. */
void cudasim_memory_glance(const void *code, const void *at, size_t bytes);
/* The device itself looks at what a thread wrote: that must have said so since. */
void cudasim_memory_said(const void *code, const void *at);

/* ---- banks.c ---- */

/* The thread that runs accesses shared memory. */
void cudasim_banks_access(const void *code, const void *at, size_t bytes);
/* All threads have come to a barrier, or ended. */
void cudasim_banks_check(void);

#ifdef __cplusplus
}
#endif
#endif
