/* store.c - part of gemm.c: what follows a sum (bias, residual, activation) and where it goes, in a
 * function of its own.
 *
 * A thread of a warp has sums of two columns beside each other (products.c). Where those are two
 * numbers of one word in memory, they are finished and stored together:
 *
 *   const unsigned pair2 = *(const unsigned *)&in2[at2];         what both of them read
 *   for (int side = 0; side < 2; side++) {
 *     const int k_side = k / 2 * 2 + side;
 *     value[side] = ...
 *   }
 *   *(unsigned *)&out0[at] = cnnc_bf16(value[0], value[1]); */
#include "gemm.h"

#include <string.h>

#include "narrow.h"

/* ---- pairs ---- */

/* Are two points of the loop, of which the first is even, one word of the view's memory? */
static bool lies_in_pairs(const Gemm *g, const View *v, int loop) {
  const Writer *w = g->w;
  const Format *f = &w->p->buffer.at[v->tensor].format;
  bool fits = dtype_narrow(f->dtype) && f->dtype == g->as->number && f->lane_axis >= 0;
  for (int a = 0; fits && a < v->rank; a++) {
    const Coord *c = &v->at[a];
    fits = coord_affine(c) && view_tests(w->p, w->k, v, a) == 0 &&
           (a == f->lane_axis ? coord_lines_up(c, loop, 2) : !coord_uses(c, loop));
  }
  return fits;
}

int store_pairs(const Gemm *g) {
  const Kernel *k = g->w->k;
  int last = k->nloop - 1;
  while (last >= 0 && g->c.role[last] != 'N') last--;
  if (last < 0 || k->loop[last].extent.per_n || k->loop[last].extent.plus % 2) return -1;
  return lies_in_pairs(g, &k->out[0].to, last) ? last : -1;
}

/* const int at2 = ...: the first of two elements. */
static void print_place(Gemm *g, const View *v, const char *pointer, const char *name) {
  emit(g->w->e, "const %s %s = (%s) / 2 * 2;", g->w->index, name,
       writer_subscript(g->w, v, pointer));
}

/* Loads pairs; single numbers are taken from them on each side. */
static void print_pair_loads(Gemm *g, bool *paired) {
  Writer *w = g->w;
  for (int i = 0; i < w->k->nin; i++) {
    paired[i] = writer_finishes_with(w, i) && lies_in_pairs(g, &w->k->in[i], g->pairs);
    if (!paired[i]) continue;
    print_place(g, &w->k->in[i], writer_in(w, i), arena_printf(w->e->arena, "at%d", i));
    emit(w->e, "const unsigned pair%d = *(const unsigned *)&in%d[at%d];", i, i, i);
  }
}

static void print_side(Gemm *g, const bool *paired) {
  Writer *w = g->w;
  const char *name = w->loop[g->pairs];
  w->loop[g->pairs] = arena_printf(w->e->arena, "%s_side", name);
  emit(w->e, "const float acc0 = %s;", columns_summed(g) ? "value[side]" : "side ? odd : even");
  if (writer_finishes_at(w, g->pairs, paired))
    emit(w->e, "const %s %s = %s / 2 * 2 + side;", w->index, w->loop[g->pairs], name);
  for (int i = 0; i < w->k->nin; i++) {
    w->loaded[i] = paired[i];
    if (paired[i])
      emit(w->e, "const float x%d = cnnc_from_%s((unsigned short)(pair%d >> 16 * side & 65535u));",
           i, dtype_name(g->as->number), i);
  }
  emit(w->e, "value[side] = %s;", writer_value(w, 0));
  memset(w->loaded, 0, sizeof w->loaded);
  w->loop[g->pairs] = name;
}

static void print_pair(Gemm *g) {
  Emit *e = g->w->e;
  bool paired[MAX_IN];
  print_pair_loads(g, paired);
  if (!columns_summed(g)) emit(e, "float value[2];");
  emit(e, "CNNC_UNROLL");
  BLOCK(e, "for (int side = 0; side < 2; side++)")
  print_side(g, paired);
  print_place(g, &g->w->k->out[0].to, writer_out(g->w, 0), "at");
  emit(e, "*(unsigned *)&out0[at] = %s(value[0], value[1]);", g->as->round);
}

/* ---- the function ---- */

static void print_one(Gemm *g) {
  Writer *w = g->w;
  if (!columns_summed(g)) {
    writer_finish(w);
    return;
  }
  emit_wrapped(w->e, arena_printf(w->e->arena, "const float value = %s;", writer_value(w, 0)));
  writer_store(w, 0, "value");
  emit(w->e, "return value;");
}

/* net_conv1_out: two results whose columns are summed take the place of their sums. */
void store_print_function(Gemm *g) {
  Writer *w = g->w;
  Function *f = &g->store;
  const bool pairs = g->pairs >= 0;
  const bool summed = columns_summed(g);
  Body body;
  for (int o = 0; o < w->k->nout; o++) w->out[o] = o == 0;
  *f = (Function){.declares = summed && !pairs ? "CNNC_HELPER float" : "CNNC_HELPER void"};
  f->more = !pairs ? "float acc0" : summed ? "float value[2]" : "float even, float odd";
  for (int i = 0; i < w->k->nin; i++) f->in[i] = writer_finishes_with(w, i);
  memcpy(f->out, w->out, sizeof f->out);
  f->name = arena_printf(w->e->arena, "%s_out", w->k->name);
  f->comment = arena_printf(w->e->arena, "%s: %s of the result.", w->k->name,
                            pairs ? "two elements" : "an element");
  function_begin(w, &body);
  function_constants(w, f->in);
  gemm_declare_loops(g, f, 'B', "group", NULL);
  gemm_declare_loops(g, f, 'M', "row", NULL);
  gemm_declare_loops(g, f, 'N', "column", NULL);
  if (pairs)
    print_pair(g);
  else
    print_one(g);
  function_print(w, f, &body);
  if (pairs && summed) emit_fact(w->e, f->printed, "value", 0, 1);
  for (int o = 0; o < w->k->nout; o++) w->out[o] = true;
}
