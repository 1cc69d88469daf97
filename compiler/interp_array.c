/* interp_array.c - tensors as the interpreter sees them: where their elements lie, and which of
 * them a view reads. */
#include "interp.h"

Array array_new(Arena *arena, const Type *type, int64_t n) {
  Array a = {.type = *type, .lane_axis = -1, .lanes = 1};
  int64_t stride = 1;
  for (int i = type->rank - 1; i >= 0; i--) {
    a.stride[i] = stride;
    stride *= extent_at(type->dim[i], n);
  }
  if (arena) a.at = NEW_ARRAY(arena, double, stride);
  return a;
}

int64_t interp_offset(const Array *a, int axis, int64_t c) {
  if (axis != a->lane_axis) return c * a->stride[axis];
  int64_t block = floor_div(c, a->lanes);
  return block * a->stride[axis] + c - block * a->lanes;
}

int64_t array_offset(const Array *a, const int64_t *coordinate) {
  int64_t offset = a->origin;
  for (int i = 0; i < a->type.rank; i++) offset += interp_offset(a, i, coordinate[i]);
  return offset;
}

Range interp_box(const Array *a, const View *view, int axis, int64_t n) {
  Range box = {0, extent_at(a->type.dim[axis], n)};
  if (view->outside == FILL) {
    box.lo -= a->lo[axis];
    box.hi += a->hi[axis];
  }
  return box;
}

int64_t interp_linear(const Coord *c, const int64_t *index, int nloop) {
  int64_t v = c->plus;
  for (int l = 0; l < nloop; l++) v += c->coef[l] * index[l];
  return v;
}

bool interp_divided(const Coord *c, int64_t *v) {
  if (c->div > 1) {
    int64_t q = floor_div(*v, c->div);
    if (c->exact && q * c->div != *v) return false;
    *v = q;
  }
  if (c->mod) *v -= floor_div(*v, c->mod) * c->mod;
  return true;
}

Range interp_points(int64_t v, int64_t step, Range box, int64_t length) {
  Range r = {0, length};
  if (step == 0) {
    if (v < box.lo || v >= box.hi) r.hi = 0;
    return r;
  }
  int64_t first = step > 0 ? -floor_div(v - box.lo, step) : -floor_div(box.hi - 1 - v, -step);
  int64_t last = step > 0 ? floor_div(box.hi - 1 - v, step) : floor_div(v - box.lo, -step);
  if (first > r.lo) r.lo = first < length ? first : length;
  if (last + 1 < r.hi) r.hi = last + 1;
  return r.lo < r.hi ? r : (Range){0, 0};
}
