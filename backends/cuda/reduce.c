/* reduce.c - folds of many terms and few points, such as a batch norm's sums: a block of threads
 * for each point of the free loops.
 *
 *   for (int term = thread; term < 1024 * batch; term += 256) ...    each thread every 256th term
 *   part0[thread] = acc0;
 *   if (thread < 128) part0[thread] += part0[thread + 128]; ...      halves of what is left
 *   if (thread == 0) out0[c] = ...
 *
 * Which terms are added in which order depends on their number alone. */
#include "reduce.h"
#include "function.h"

bool reduce_fits(const Kernel *k) {
  for (int f = 0; f < k->nfold; f++)
    if (k->fold[f].op == FOLD_ARGMAX) return false;
  for (int o = 0; o < k->nout; o++)
    if (k->out[o].combine) return false;
  return k->nfold > 0 && kernel_reduces(k);
}

int reduce_threads(const Kernel *k) {
  return tile_get(&k->tile, "threads", 0);
}

void reduce_set_threads(Kernel *k, int threads) {
  tile_set(&k->tile, "threads", threads);
}

/* part0[thread] takes in part0[thread + half]. */
static void print_joint(Writer *w, int f, int half) {
  if (w->k->fold[f].op == FOLD_SUM) {
    emit(w->e, "if (thread < %d) part%d[thread] += part%d[thread + %d];", half, f, f, half);
    return;
  }
  emit(w->e, "if (thread < %d && %s(part%d[thread + %d], part%d[thread]))", half,
       writer_fold_dtype(w, f) == F64 ? "cnnc_wins" : "cnnc_winsf", f, half, f);
  emit(w->e, "  part%d[thread] = part%d[thread + %d];", f, f, half);
}

static void print_tree(Writer *w, int threads) {
  Emit *e = w->e;
  for (int f = 0; f < w->k->nfold; f++) emit(e, "part%d[thread] = acc%d;", f, f);
  emit(e, "__syncthreads();");
  for (int half = threads / 2; half > 0; half /= 2) {
    for (int f = 0; f < w->k->nfold; f++) print_joint(w, f, half);
    emit(e, "__syncthreads();");
  }
}

static void print_body(Writer *w, int threads) {
  Emit *e = w->e;
  for (int f = 0; f < w->k->nfold; f++)
    emit(e, "__shared__ %s part%d[%d];", c_type(writer_fold_dtype(w, f)), f, threads);
  writer_block_point(w);
  writer_begin_point(w);
  writer_start_folds(w);
  writer_open_terms(w, threads);
  writer_fold_term(w);
  emit_close(e);
  print_tree(w, threads);
  BLOCK(e, "if (thread == 0)") {
    for (int f = 0; f < w->k->nfold; f++) emit(e, "acc%d = part%d[0];", f, f);
    writer_finish(w);
  }
}

void reduce_print(Writer *w, Emit *calls) {
  const int threads = reduce_threads(w->k);
  Function f = {0};
  Body body;
  const char *comment =
      arena_printf(w->e->arena, "%s\nA block of %d threads for each.", writer_title(w), threads);
  function_begin_shared(w, &f, threads, comment, &body);
  print_body(w, threads);
  function_launch_shared(w, &f, &body, w->k, threads, calls);
}
