/* kernel.c - kernels: types, building them, what can be told from them.
 *
 * Index maps compose and compare as data: a coordinate is a row of coefficients, so everything here
 * is integer arithmetic on small arrays. */
#include <stdlib.h>
#include <string.h>

#include "kernel.h"

/* ---- types ---- */

static const struct {
  const char *name;
  int size;
} dtypes[DTYPES] = {{"f32", 4}, {"f64", 8}, {"i32", 4}, {"u8", 1}, {"bf16", 2}, {"f16", 2}};

const char *dtype_name(DType dtype) {
  return dtypes[dtype].name;
}

int dtype_size(DType dtype) {
  return dtypes[dtype].size;
}

int64_t type_size(const Type *type, int64_t n) {
  int64_t size = 1;
  for (int i = 0; i < type->rank; i++) size *= extent_at(type->dim[i], n);
  return size;
}

bool type_same(const Type *a, const Type *b) {
  bool same = a->dtype == b->dtype && a->rank == b->rank;
  for (int i = 0; same && i < a->rank; i++) same = extent_same(a->dim[i], b->dim[i]);
  return same;
}

void extent_print(Text *out, Extent e) {
  if (e.per_n == 0) {
    text_add(out, "%lld", (long long)e.plus);
    return;
  }
  if (e.per_n != 1) text_add(out, "%lld", (long long)e.per_n);
  text_add(out, "n");
  if (e.plus) text_add(out, "%+lld", (long long)e.plus);
}

void type_print(Text *out, const Type *type) {
  text_add(out, "%s[", dtype_name(type->dtype));
  for (int i = 0; i < type->rank; i++) {
    if (i) text_add(out, ",");
    extent_print(out, type->dim[i]);
  }
  text_add(out, "]");
}

const char *type_text(Arena *arena, const Type *type) {
  Text text = {.arena = arena};
  type_print(&text, type);
  return text.at;
}

const char *sample_text(Arena *arena, const Type *type) {
  Text text = {.arena = arena};
  for (int a = 1; a < type->rank; a++)
    text_add(&text, "%s%lld", a > 1 ? "x" : "", (long long)extent_at(type->dim[a], 1));
  return text.n ? text.at : "1";
}

/* ---- tiles ---- */

int tile_get(const Tile *tile, const char *name, int otherwise) {
  for (int i = 0; i < tile->n; i++)
    if (strcmp(tile->at[i].name, name) == 0) return tile->at[i].value;
  return otherwise;
}

void tile_set(Tile *tile, const char *name, int value) {
  int i = 0;
  while (i < tile->n && strcmp(tile->at[i].name, name) != 0) i++;
  if (i == MAX_TILE) BUG("a tile has more than %d names", MAX_TILE);
  if (i == tile->n) tile->n++;
  tile->at[i].name = name;
  tile->at[i].value = value;
}

/* ---- building ---- */

int kernel_loop(Kernel *k, const char *name, Extent extent, bool reduced) {
  if (k->nloop == MAX_LOOPS) BUG("kernel %s has more than %d loops", k->name, MAX_LOOPS);
  k->loop[k->nloop] = (Loop){name, extent, reduced};
  k->bind[k->nloop] = (Bind){.step = -1};
  return k->nloop++;
}

View *kernel_in(Kernel *k, int tensor, const Type *type) {
  if (k->nin == MAX_IN) BUG("kernel %s has more than %d inputs", k->name, MAX_IN);
  View *view = &k->in[k->nin++];
  *view = (View){.tensor = tensor, .rank = type->rank};
  for (int a = 0; a < MAX_RANK; a++) view->at[a].div = 1;
  return view;
}

View *kernel_in_whole(Kernel *k, int tensor, const Type *type) {
  View *view = kernel_in(k, tensor, type);
  for (int a = 0; a < type->rank; a++) view->at[a] = coord_loop(a, 1, 0);
  return view;
}

/* Activations are n c d h w with the spatial axes that are there, anything else i0 i1 ... */
static const char *axis_name(const Type *type, int axis) {
  static const char *const spatial[] = {"d", "h", "w"};
  static const char *const plain[MAX_RANK] = {"i0", "i1", "i2", "i3", "i4", "i5", "i6", "i7"};
  if (type->rank == 0 || type->rank > 5 || type->dim[0].per_n == 0) return plain[axis];
  return axis == 0 ? "n" : axis == 1 ? "c" : spatial[3 - type->rank + axis];
}

void kernel_start(Kernel *k, const char *name, int tensor, const Type *type) {
  *k = (Kernel){.name = name, .nout = 1};
  View *to = &k->out[0].to;
  *to = (View){.tensor = tensor, .rank = type->rank};
  for (int a = 0; a < type->rank; a++)
    to->at[a] = coord_loop(kernel_loop(k, axis_name(type, a), type->dim[a], false), 1, 0);
}

Coord coord_loop(int loop, int coef, int64_t plus) {
  Coord c = {.plus = plus, .div = 1};
  c.coef[loop] = coef;
  return c;
}

bool coord_affine(const Coord *c) {
  return c->div == 1 && c->mod == 0;
}

bool coord_lines_up(const Coord *c, int loop, int lanes) {
  for (int l = 0; l < MAX_LOOPS; l++)
    if (l != loop && c->coef[l] % lanes != 0) return false;
  return c->coef[loop] == 1 && c->plus % lanes == 0 && coord_affine(c);
}

Coord coord_linear(const Coord *c) {
  Coord linear = *c;
  linear.div = 1;
  linear.mod = 0;
  linear.exact = false;
  return linear;
}

bool coord_uses(const Coord *c, int loop) {
  return c->coef[loop] != 0;
}

int coord_only_loop(const Coord *c) {
  int found = -1;
  for (int l = 0; l < MAX_LOOPS; l++) {
    if (c->coef[l] == 0) continue;
    if (found >= 0) return -1;
    found = l;
  }
  return found;
}

int coord_forward_loop(const Coord *c) {
  const int l = coord_affine(c) ? coord_only_loop(c) : -1;
  return l >= 0 && c->coef[l] > 0 ? l : -1;
}

bool coord_is_loop(const Coord *c, int *loop) {
  int found = -1;
  if (!coord_affine(c) || c->plus != 0) return false;
  for (int l = 0; l < MAX_LOOPS; l++) {
    if (c->coef[l] == 0) continue;
    if (c->coef[l] != 1 || found >= 0) return false;
    found = l;
  }
  if (found >= 0) *loop = found;
  return found >= 0;
}

bool coord_same(const Coord *a, const Coord *b) {
  return memcmp(a->coef, b->coef, sizeof a->coef) == 0 && a->plus == b->plus && a->div == b->div &&
         a->mod == b->mod && a->exact == b->exact;
}

bool view_uses(const View *view, int loop) {
  for (int a = 0; a < view->rank; a++)
    if (coord_uses(&view->at[a], loop)) return true;
  return false;
}

bool view_same(const View *a, const View *b) {
  if (a->tensor != b->tensor || a->rank != b->rank || a->outside != b->outside) return false;
  if (a->outside == FILL && memcmp(&a->fill, &b->fill, sizeof a->fill) != 0) return false;
  for (int i = 0; i < a->rank; i++)
    if (!coord_same(&a->at[i], &b->at[i])) return false;
  return true;
}

/* a * b, kept where a dozen of them can be added. */
static int64_t bounded_mul(int64_t a, int64_t b) {
  const int64_t most = INT64_C(400000000000000000);
  if (a == 0 || b == 0) return 0;
  if (llabs((long long)a) <= most / llabs((long long)b)) return a * b;
  return (a < 0) == (b < 0) ? most : -most;
}

void coord_range(const Kernel *k, const Coord *c, int64_t n, int64_t *lo, int64_t *hi) {
  *lo = *hi = c->plus;
  for (int l = 0; l < k->nloop; l++) {
    int64_t last = extent_at(k->loop[l].extent, n) - 1;
    if (last <= 0) continue;
    *(c->coef[l] < 0 ? lo : hi) += bounded_mul(c->coef[l], last);
  }
  *lo = floor_div(*lo, c->div);
  *hi = floor_div(*hi, c->div);
  if (c->mod == 0) return;
  if (floor_div(*lo, c->mod) == floor_div(*hi, c->mod)) {
    int64_t turn = floor_div(*lo, c->mod) * c->mod;
    *lo -= turn;
    *hi -= turn;
  } else {
    *lo = 0;
    *hi = c->mod - 1;
  }
}

bool kernel_same_loops(const Kernel *a, const Kernel *b) {
  bool same = a->nloop == b->nloop;
  for (int l = 0; same && l < a->nloop; l++)
    same = extent_same(a->loop[l].extent, b->loop[l].extent) &&
           a->loop[l].reduced == b->loop[l].reduced;
  return same;
}

bool kernel_same(const Kernel *a, const Kernel *b) {
  if (a->nin != b->nin || a->nfold != b->nfold || a->nout != b->nout || a->math != b->math ||
      !kernel_same_loops(a, b))
    return false;
  for (int i = 0; i < a->nin; i++)
    if (!view_same(&a->in[i], &b->in[i])) return false;
  for (int f = 0; f < a->nfold; f++)
    if (a->fold[f].op != b->fold[f].op || a->fold[f].term != b->fold[f].term ||
        a->fold[f].acc != b->fold[f].acc)
      return false;
  for (int o = 0; o < a->nout; o++)
    if (!view_same(&a->out[o].to, &b->out[o].to) || a->out[o].value != b->out[o].value ||
        a->out[o].combine != b->out[o].combine)
      return false;
  return true;
}

bool kernel_only_sums(const Kernel *k) {
  for (int f = 0; f < k->nfold; f++)
    if (k->fold[f].op != FOLD_SUM) return false;
  return true;
}

bool kernel_reduces(const Kernel *k) {
  for (int l = 0; l < k->nloop; l++)
    if (k->loop[l].reduced) return true;
  return false;
}

bool kernel_uses(const Kernel *k, ExprOp op, int index) {
  for (int f = 0; f < k->nfold; f++)
    if (expr_uses(k->fold[f].term, op, index)) return true;
  for (int o = 0; o < k->nout; o++)
    if (expr_uses(k->out[o].value, op, index)) return true;
  return false;
}

bool kernel_uses_index(const Kernel *k, int l) {
  for (int f = 0; f < k->nfold; f++)
    if (k->fold[f].op == FOLD_ARGMAX && k->loop[l].reduced) return true;
  return kernel_uses(k, E_index, l);
}

Kind kernel_kind(const Kernel *k) {
  if (k->nfold == 0) return KIND_MAP;
  const Expr *term = k->fold[0].term;
  bool product = term->op == E_mul && term->arg[0]->op == E_in && term->arg[1]->op == E_in &&
                 term->arg[0] != term->arg[1];
  return k->nfold == 1 && k->fold[0].op == FOLD_SUM && product && kernel_reduces(k) ? KIND_CONTRACT
                                                                                    : KIND_REDUCE;
}

void kernel_operands(const Kernel *k, int *a, int *b) {
  const Expr *term = k->fold[0].term;
  *a = term->arg[0]->index;
  *b = term->arg[1]->index;
}

bool kernel_is_operand(const Kernel *k, int in) {
  int a, b;
  kernel_operands(k, &a, &b);
  return in == a || in == b;
}

int kernel_free_loops(const Kernel *k) {
  int n = 0;
  while (n < k->nloop && !k->loop[n].reduced) n++;
  return n;
}

int kernel_outer_loop(const Kernel *k) {
  for (int l = 0; l < k->nloop; l++)
    if (k->bind[l].step == 0) return l;
  return -1;
}

int64_t kernel_points(const Kernel *k, bool reduced, int64_t n) {
  int64_t points = 1;
  for (int l = 0; l < k->nloop; l++)
    if (k->loop[l].reduced == reduced) points *= extent_at(k->loop[l].extent, n);
  return points;
}

bool kernel_term_reads(const Kernel *k, int in) {
  for (int f = 0; f < k->nfold; f++)
    if (expr_uses(k->fold[f].term, E_in, in)) return true;
  return false;
}

bool kernel_term_needs(const Kernel *k, int in) {
  return (k->nfold > 0 && k->in[in].outside == SKIP) || kernel_term_reads(k, in);
}

const View *kernel_view(const Kernel *k, int i) {
  return i < k->nin ? &k->in[i] : &k->out[i - k->nin].to;
}

bool kernel_reads(const Kernel *k, int tensor) {
  for (int i = 0; i < k->nin; i++)
    if (k->in[i].tensor == tensor) return true;
  return false;
}

bool kernel_writes(const Kernel *k, int tensor) {
  for (int o = 0; o < k->nout; o++)
    if (k->out[o].to.tensor == tensor) return true;
  return false;
}

bool kernel_continues(const Kernel *before, const Kernel *k) {
  return kernel_reads(k, before->out[0].to.tensor) && k->algo && before->algo &&
         strcmp(k->algo, before->algo) == 0 && k->role == before->role &&
         strcmp(k->name, before->name) == 0;
}

static bool counts_points(const Kernel *k, const Coord *c) {
  Extent run = fixed(1);
  bool counts = !c->exact && c->mod == 0 && c->plus == 0;
  for (int l = kernel_free_loops(k) - 1; l >= 0; l--) {
    if (c->coef[l] == 0) continue;
    counts &= extent_same(run, fixed(c->coef[l]));
    run = (Extent){run.plus * k->loop[l].extent.per_n, run.plus * k->loop[l].extent.plus};
  }
  return counts;
}

bool kernel_runs(const Kernel *k, const Out *out) {
  bool runs = true;
  for (int a = 0; a < out->to.rank; a++) {
    const Coord *c = &out->to.at[a];
    if (coord_affine(c)) continue;
    runs &= counts_points(k, c);
    for (int b = 0; b < out->to.rank; b++)
      for (int l = 0; l < k->nloop; l++)
        runs &= b == a || !coord_uses(c, l) || !coord_uses(&out->to.at[b], l);
  }
  return runs;
}
