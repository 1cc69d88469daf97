/* window.c - windows that slide over up to three axes: extents, padding, index maps.
 *
 * Output position o and window position k meet at input position stride*o + dilation*k - lo. */
#include "window.h"

#include <string.h>

const char *window_output_loop(int axis, int rank) {
  static const char *const names[] = {"od", "oh", "ow"};
  return names[MAX_SPATIAL - rank + axis];
}

const char *window_kernel_loop(int axis, int rank) {
  static const char *const names[] = {"kd", "kh", "kw"};
  return names[MAX_SPATIAL - rank + axis];
}

int window_rank(Build *b, const Type *in) {
  if (in->rank >= 3 && in->rank <= 2 + MAX_SPATIAL) return in->rank - 2;
  build_error(b, NULL, "a window slides over channels with 1 to %d axes, not over %s", MAX_SPATIAL,
              type_text(build_graph(b)->u->arena, in));
  return 0;
}

bool axes_resolve(Build *b, const char *key, const IntList *given, int rank, int64_t otherwise,
                  IntList *list) {
  if (given->n > 1 && given->n != rank) {
    build_error(b, key, "%s has %d numbers, but the input has %d spatial ax%cs", key, (int)given->n,
                rank, rank == 1 ? 'i' : 'e');
    return false;
  }
  IntList result = {.n = rank};
  for (int a = 0; a < rank; a++)
    result.at[a] = given->n == 0 ? otherwise : given->at[given->n == 1 ? 0 : a];
  *list = result;
  return true;
}

static int64_t reach(const Window *w, int axis) {
  return (w->kernel.at[axis] - 1) * w->dilation.at[axis];
}

static bool resolve_pad(Build *b, const Pad *given, const Type *in, Window *w) {
  int rank = w->kernel.n;
  Pad pad = {.kind = PAD_SIDES, .lo.n = rank, .hi.n = rank};
  bool good = true;
  if (given->kind == PAD_NUMBER || given->kind == PAD_SIDES) {
    const IntList *hi = given->kind == PAD_NUMBER ? &given->lo : &given->hi;
    good &= axes_resolve(b, "pad", &given->lo, rank, 0, &pad.lo);
    good = good && axes_resolve(b, "pad", hi, rank, 0, &pad.hi);
  }
  for (int a = 0; a < rank; a++) {
    int64_t extent = in->dim[2 + a].plus, stride = w->stride.at[a];
    int64_t missing = ((extent + stride - 1) / stride - 1) * stride + reach(w, a) + 1 - extent;
    if (given->kind == PAD_FULL) pad.lo.at[a] = pad.hi.at[a] = reach(w, a);
    if (given->kind != PAD_SAME || missing <= 0) continue;
    pad.lo.at[a] = missing / 2;
    pad.hi.at[a] = missing - missing / 2;
  }
  w->pad = pad;
  return good;
}

bool window_resolve(Build *b, const Window *given, const Type *in, int64_t stride, Window *w) {
  int rank = in->rank - 2;
  const IntList *otherwise = given->stride.n || stride ? &given->stride : &given->kernel;
  return axes_resolve(b, "kernel", &given->kernel, rank, 1, &w->kernel) &&
         axes_resolve(b, "stride", otherwise, rank, stride, &w->stride) &&
         axes_resolve(b, "dilation", &given->dilation, rank, 1, &w->dilation) &&
         resolve_pad(b, &given->pad, in, w);
}

/* 7x7 */
static const char *extents_text(Arena *arena, const int64_t *extent, int rank) {
  Text text = {.arena = arena};
  for (int a = 0; a < rank; a++) text_add(&text, "%s%lld", a ? "x" : "", (long long)extent[a]);
  return text.at;
}

bool window_extents(Graph *g, const Node *node, const Window *w, bool ceil,
                    int64_t out[MAX_SPATIAL]) {
  const Type *in = &g->node.at[node->arg[0]].type;
  int64_t extent[MAX_SPATIAL], padded[MAX_SPATIAL], size[MAX_SPATIAL];
  int rank = w->kernel.n;
  bool fits = in->rank == rank + 2;
  for (int a = 0; fits && a < rank; a++) {
    int64_t lo = w->pad.lo.at[a], stride = w->stride.at[a];
    extent[a] = in->dim[2 + a].plus;
    padded[a] = extent[a] + lo + w->pad.hi.at[a];
    size[a] = reach(w, a) + 1;
    int64_t room = padded[a] - size[a];
    out[a] = room < 0 ? 0 : room / stride + 1;
    if (ceil && room >= 0 && room % stride && out[a] * stride < extent[a] + lo) out[a]++;
  }
  for (int a = 0; fits && a < rank; a++)
    if (out[a] == 0) {
      Arena *arena = g->u->arena;
      bool dilated = memcmp(size, w->kernel.at, sizeof *size * (size_t)rank) != 0;
      diag_error(g->u, path_key(arena, node->where.path, "kernel"),
                 "kernel %s%s does not fit the input of %s (%s with padding)",
                 extents_text(arena, size, rank), dilated ? ", dilated," : "",
                 extents_text(arena, extent, rank), extents_text(arena, padded, rank));
      return false;
    }
  return fits;
}

Coord window_coord(const Window *w, int axis, int o, int k) {
  Coord c = coord_loop(o, (int)w->stride.at[axis], -w->pad.lo.at[axis]);
  c.coef[k] += (int32_t)w->dilation.at[axis];
  return c;
}

bool window_padding_fits(Build *b, const Window *w) {
  for (int a = 0; a < w->kernel.n; a++) {
    int64_t reach = (w->kernel.at[a] - 1) * w->dilation.at[a];
    int64_t pad = w->pad.lo.at[a] > w->pad.hi.at[a] ? w->pad.lo.at[a] : w->pad.hi.at[a];
    if (pad <= reach) continue;
    build_error(b, "pad", "with padding %lld, windows of %lld lie in the padding alone",
                (long long)pad, (long long)reach + 1);
    return false;
  }
  return true;
}

bool window_infer(Graph *g, Node *node, const Window *w, bool ceil) {
  int64_t out[MAX_SPATIAL];
  if (!window_extents(g, node, w, ceil, out)) return false;
  node->type = g->node.at[node->arg[0]].type;
  for (int a = 2; a < node->type.rank; a++) node->type.dim[a] = fixed(out[a - 2]);
  return true;
}

/* Does a window read outside the input? */
static bool overlaps(const Window *w, const Type *in, const Type *out, int axis) {
  int64_t last = (out->dim[2 + axis].plus - 1) * w->stride.at[axis] - w->pad.lo.at[axis];
  last += (w->kernel.at[axis] - 1) * w->dilation.at[axis];
  return w->pad.lo.at[axis] > 0 || last >= in->dim[2 + axis].plus;
}

void window_kernel(const Graph *g, const Node *node, const Window *w, Kernel *k) {
  const Type *in = &g->node.at[node->arg[0]].type;
  kernel_start(k, node->where.layer, -1, &node->type);
  View *x = kernel_in(k, node->arg[0], in);
  for (int a = 0; a < 2; a++) x->at[a] = coord_loop(a, 1, 0);
  for (int a = 0; a < w->kernel.n; a++) {
    k->loop[2 + a].name = window_output_loop(a, w->kernel.n);
    int t = kernel_loop(k, window_kernel_loop(a, w->kernel.n), fixed(w->kernel.at[a]), true);
    x->at[2 + a] = window_coord(w, a, 2 + a, t);
    if (overlaps(w, in, &node->type, a)) x->outside = SKIP;
  }
}
