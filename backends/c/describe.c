/* describe.c - the comment over a leaf function: which layers it computes, shapes, window,
 * operands, what it costs and what else could have been chosen. All of it is read off the Kernel's
 * views.
 *
 *   conv2 + bn2 + relu  [n,64,56,56] -> [n,128,28,28]  3x3 /2 pad 1
 *     in0 x, in1 weight [128,3,3,64], in2 bias [128]
 *     out0 = max(0, acc0 + in2)
 *     direct, tile 14x2 vectors, 231 MFLOP a sample; next best im2col, +18 % estimated */
#include "function.h"

#include <math.h>
#include <string.h>

/* ---- shapes ---- */

static void add_shape(Text *out, const Type *type) {
  if (type->dtype != F32) text_add(out, "%s", dtype_name(type->dtype));
  text_add(out, "[");
  for (int a = 0; a < type->rank; a++) {
    if (a) text_add(out, ",");
    extent_print(out, type->dim[a]);
  }
  text_add(out, "]");
}

static const Type *type_of(const Leaf *f, const View *v) {
  return &leaf_buffer(f, v)->type;
}

/* ---- windows ---- */

typedef struct Window { /* along one axis of a view */
  int64_t size, stride, dilation, pad;
} Window;

/* stride * free loop + dilation * reduced loop - pad, or false: no window. */
static bool find_window(const Kernel *k, const Coord *c, Window *w) {
  int free = 0, reduced = 0;
  *w = (Window){.size = 1, .stride = 1, .dilation = 1, .pad = -c->plus};
  for (int l = 0; l < k->nloop; l++) {
    if (!coord_uses(c, l)) continue;
    if (k->loop[l].reduced) {
      reduced++;
      w->size = k->loop[l].extent.plus;
      w->dilation = c->coef[l];
    } else {
      free++;
      w->stride = c->coef[l];
    }
  }
  return coord_affine(c) && free <= 1 && reduced <= 1 && w->pad >= 0;
}

/* " /2" for all axes alike, " /2x1" otherwise; nothing where all are `usual`. */
static void add_each(Text *out, const char *before, const int64_t *value, int n, int64_t usual) {
  bool all_usual = true, alike = true;
  for (int i = 0; i < n; i++) {
    all_usual &= value[i] == usual;
    alike &= value[i] == value[0];
  }
  if (all_usual) return;
  for (int i = 0; i < (alike ? 1 : n); i++)
    text_add(out, "%s%lld", i ? "x" : before, (long long)value[i]);
}

/* "3x3 /2 pad 1", of the spatial axes that a view slides over. */
static void add_window(Text *out, const Kernel *k, const View *v) {
  const int n = v->rank - 2;
  int64_t size[MAX_RANK], stride[MAX_RANK], dilation[MAX_RANK], pad[MAX_RANK];
  for (int i = 0; i < n; i++) {
    Window w;
    if (!find_window(k, &v->at[i + 2], &w)) return;
    size[i] = w.size;
    stride[i] = w.stride;
    dilation[i] = w.dilation;
    pad[i] = w.pad;
  }
  bool point = k->out[0].to.rank != v->rank;
  for (int i = 0; i < n; i++) point &= size[i] == 1;
  if (n <= 0 || point) return; /* a dense layer has no window */
  for (int i = 0; i < n; i++) text_add(out, "%s%lld", i ? "x" : "  ", (long long)size[i]);
  add_each(out, " /", stride, n, 1);
  add_each(out, " pad ", pad, n, 0);
  add_each(out, " dilated ", dilation, n, 1);
}

/* ---- operands ---- */

/* What an input is to the layer; NULL: nothing in particular. */
static const char *role(const Leaf *f, const Contraction *c, int i) {
  const View *v = &f->k->in[i];
  if (!c) return NULL;
  if (i == c->w) return "weight";
  if (i == c->x) return "x";
  if (type_same(type_of(f, v), type_of(f, &f->k->out[0].to))) return "residual";
  const Buffer *b = leaf_buffer(f, v);
  if (b->home == HOME_PARAM) { /* "bn1.running_mean" */
    const char *name = f->plan->graph->param.at[b->index].name, *dot = strrchr(name, '.');
    return dot ? dot + 1 : name;
  }
  return b->home == HOME_DERIVED && b->type.rank == 1 ? "bias" : NULL;
}

/* Operands by name; the shape of x stands in front of the arrow. */
static void add_operands(Text *out, const Leaf *f, const Contraction *c) {
  for (int i = 0; i < f->k->nin; i++) {
    const char *name = role(f, c, i);
    text_add(out, "%sin%d", i ? ", " : "", i);
    if (name) text_add(out, " %s", name);
    if (c && i == c->x) continue;
    text_add(out, " ");
    add_shape(out, type_of(f, &f->k->in[i]));
  }
}

/* ---- values ---- */

static void input_name(void *context, const Expr *leaf, Text *out) {
  (void)context;
  static const char *const name[] = {
      [E_in] = "in", [E_acc] = "acc", [E_index] = "index", [E_scalar] = "scalar"};
  text_add(out, "%s%d", name[leaf->op], leaf->index);
}

static void add_values(Text *out, const Kernel *k, bool contracts) {
  static const char *const fold[COMBINES] = {"sum of", "maximum of", "first largest of"};
  for (int a = 0; a < k->nfold && !contracts; a++) {
    text_add(out, "\n  acc%d = %s ", a, fold[k->fold[a].op]);
    expr_print(out, k->fold[a].term, input_name, NULL);
  }
  for (int o = 0; o < k->nout; o++) {
    if (contracts && k->out[o].value->op == E_acc && !k->out[o].combine) continue;
    text_add(out, "\n  out%d = %s", o, k->out[o].combine ? "sum of " : "");
    expr_print(out, k->out[o].value, input_name, NULL);
  }
}

/* ---- the algorithm ---- */

static void add_next_best(Text *out, const Leaf *f) {
  const Choice *best = NULL, *next = NULL;
  for (int i = 0; i < f->plan->choice.n; i++) {
    const Choice *c = &f->plan->choice.at[i];
    if (!choice_is_of(c, f->k) || c->predicted < 0) continue;
    if (c->taken)
      best = c;
    else if (!next || c->predicted < next->predicted)
      next = c;
  }
  if (!best || !next || best->predicted <= 0 || strcmp(best->algo, f->k->algo) != 0) return;
  const double more = round(100 * (next->predicted / best->predicted - 1));
  text_add(out, "; next best %s, ", next->algo);
  if (more == 0)
    text_add(out, "estimated alike");
  else
    text_add(out, "%+.0f %% estimated", more);
}

static void add_algorithm(Text *out, const Leaf *f) {
  const Kernel *k = f->k;
  text_add(out, "\n  %s", k->algo);
  const int r = tile_get(&k->tile, "r", 0), vectors = tile_get(&k->tile, "k", 0);
  const int taps = tile_get(&k->tile, "taps", 1);
  if (r && vectors && contract_fits(f->plan, k)) {
    text_add(out, ", tile %dx%d vectors", r, vectors);
    if (taps > 1) text_add(out, " x %d taps", taps);
  }
  const double flop = 2 * (double)k->macs;
  if (flop >= 1e9)
    text_add(out, ", %.3g GFLOP a sample", 1e-9 * flop);
  else if (flop > 0)
    text_add(out, ", %.3g MFLOP a sample", 1e-6 * flop);
  add_next_best(out, f);
}

/* ---- the comment ---- */

/* A layer with weights: not a gradient, whose operands are both activations. Where images are in
 * the lanes, the weights are x to the tiles. */
static bool has_weights(const Leaf *f, Contraction *c) {
  const Kernel *k = f->k;
  if (k->math != F32 || !contraction_of(f->plan, k, c)) return false;
  if (leaf_buffer(f, &k->in[c->x])->phase != PHASE_CALL) {
    const int x = c->x;
    c->x = c->w;
    c->w = x;
  }
  return leaf_buffer(f, &k->in[c->w])->phase != PHASE_CALL;
}

void leaf_describe(const Leaf *f, PlanEntry entry) {
  const Kernel *k = f->k;
  Contraction c;
  const bool contracts = has_weights(f, &c), one = !contracts && k->nin == 1;
  const View *x = contracts ? &k->in[c.x] : one ? &k->in[0] : NULL;
  Text text = {.arena = f->e->arena};
  text_add(&text, "%s%s  ", entry == PLAN_PREPARE ? "weights of " : "", kernel_title(k));
  if (x) {
    add_shape(&text, type_of(f, x));
    text_add(&text, " ");
  }
  text_add(&text, "->");
  for (int o = 0; o < k->nout; o++) {
    text_add(&text, o ? ", " : " ");
    add_shape(&text, type_of(f, &k->out[o].to));
  }
  if (x && k->nfold > 0 && entry != PLAN_PREPARE) add_window(&text, k, x);
  if (!one && k->nin > 0) text_add(&text, "\n  ");
  if (!one) add_operands(&text, f, contracts ? &c : NULL);
  add_values(&text, k, contracts);
  if (k->algo) add_algorithm(&text, f);
  emit_comment(f->e, "%s", text.at);
}
