/* grid.c - the points that the threads of a grid share out: how many there are, and the loops as
 * parts of a point's number. See writer.h. */
#include "writer.h"

/* A number, and factors with the number of samples in them. */
typedef struct Product {
  int64_t number;
  int n; /* factors */
  const char *factors;
} Product;

/* The extents of the thread's loops from `first` on. */
static Product points_of(Writer *w, int first) {
  Product p = {.number = 1, .factors = ""};
  for (int l = first; l < w->k->nloop; l++) {
    const Extent e = w->k->loop[l].extent;
    if (!w->thread[l]) continue;
    if (e.per_n == 0) {
      p.number *= e.plus;
      continue;
    }
    const char *factor = writer_operand(w, e);
    p.factors = p.n++ ? arena_printf(w->e->arena, "%s * %s", p.factors, factor) : factor;
  }
  return p;
}

static const char *product_text(Arena *arena, const Product *p, const char *suffix) {
  if (p->n > 0 && p->number == 1) return p->factors;
  const char *constant = arena_printf(arena, "%lld%s", (long long)p->number, suffix);
  return p->n > 0 ? arena_printf(arena, "%s * %s", constant, p->factors) : constant;
}

void writer_take_loops(Writer *w, bool reduced) {
  for (int l = 0; l < w->k->nloop; l++) w->thread[l] = w->k->loop[l].reduced == reduced;
}

const char *writer_points(Writer *w, int first, const char *suffix) {
  const Product p = points_of(w, first);
  return product_text(w->e->arena, &p, suffix);
}

/* The loop that goes on where l ends, -1: none; of those that are one number's parts. */
static int inner_loop(const Writer *w, int l) {
  for (l++; l < w->k->nloop; l++)
    if (w->thread[l]) return l;
  return -1;
}

void writer_loops(Writer *w, const char *number, const bool *used) {
  bool outermost = true;
  Extent run = fixed(1); /* of the loops that the next one is joined by */
  for (int l = 0; l < w->k->nloop; l++) {
    if (!w->thread[l]) continue;
    const Extent own = w->k->loop[l].extent;
    const Extent e = own.per_n ? writer_scaled(own, run.plus) : writer_scaled(run, own.plus);
    run = w->joined[l] ? e : fixed(1);
    if (w->joined[l]) continue;
    const Product inner = points_of(w, l + 1);
    Text value = {.arena = w->e->arena};
    text_add(&value, "%s", number);
    const bool one = inner.n + (inner.number != 1) <= 1;
    if (inner.n > 0 || inner.number != 1)
      text_add(&value, one ? " / %s" : " / (%s)", product_text(w->e->arena, &inner, ""));
    if (!outermost) text_add(&value, " %% %s", writer_operand(w, e));
    if (!used || used[l]) emit(w->e, "const %s %s = %s;", w->index, w->loop[l], value.at);
    outermost = false;
  }
}

/* Does a term, or which of them is the largest, depend on where loop l stands? */
static bool terms_use(const Kernel *k, int l) {
  bool uses = kernel_uses_index(k, l);
  for (int f = 0; f < k->nfold; f++) uses |= k->fold[f].op == FOLD_ARGMAX;
  for (int i = 0; i < k->nin; i++) uses |= view_uses(&k->in[i], l);
  return uses;
}

void writer_open_points(Writer *w) {
  Emit *e = w->e;
  const char *index = w->index;
  emit(e, "const %s points = %s;", index, writer_points(w, 0, ""));
  emit(e, "const %s stride = (%s)gridDim.x * (%s)blockDim.x;", index, index, index);
  emit(e, "%s point = (%s)blockIdx.x * (%s)blockDim.x + (%s)threadIdx.x;", index, index, index,
       index);
  emit_open(e, "for (; point < points; point += stride)");
  writer_loops(w, "point", NULL);
}

void writer_block_point(Writer *w) {
  const Kernel *k = w->k;
  emit(w->e, "const int thread = (int)threadIdx.x;");
  writer_take_loops(w, false);
  if (k->nloop > 0 && !k->loop[0].reduced) /* free loops come first */
    emit(w->e, "const %s point = (%s)blockIdx.x;", w->index, w->index);
  writer_loops(w, "point", NULL);
}

void writer_open_terms(Writer *w, int threads) {
  bool used[MAX_LOOPS];
  for (int l = 0; l < w->k->nloop; l++) used[l] = terms_use(w->k, l);
  writer_take_loops(w, true);
  emit_open(w->e, "for (%s term = thread; term < %s; term += %d)", w->index,
            writer_points(w, 0, ""), threads);
  writer_loops(w, "term", used);
}

void writer_join(Writer *w, const View *v) {
  for (int l = 0; l < w->k->nloop; l++) {
    const int inner = w->thread[l] ? inner_loop(w, l) : -1;
    if (inner < 0 || w->k->loop[inner].extent.per_n) continue;
    w->joined[l] = writer_goes_on(w, v, l, inner);
    if (w->joined[l])
      w->loop[inner] = arena_printf(w->e->arena, "%s_%s", w->loop[l], w->loop[inner]);
  }
}
