/* axes.c - axes of an input that layers speak of. See axes.h. */
#include "axes.h"

bool axis_exists(Unit *u, Where where, const char *key, int64_t axis, const Type *in) {
  if (axis + 1 < in->rank) return true;
  const Path *path = path_key(u->arena, where.path, key);
  if (in->rank > 1)
    diag_error(u, path, "axis %lld does not exist: the input has 0 to %d", (long long)axis,
               in->rank - 2);
  else
    diag_error(u, path, "axis %lld does not exist: the input has none", (long long)axis);
  return false;
}

bool axes_exist(Unit *u, Where where, const char *key, const IntList *axes, const Type *in) {
  for (int i = 0; i < axes->n; i++) {
    if (!axis_exists(u, where, key, axes->at[i], in)) return false;
    for (int j = 0; j < i; j++) {
      if (axes->at[j] != axes->at[i]) continue;
      diag_error(u, path_key(u->arena, where.path, key), "axis %lld is there twice",
                 (long long)axes->at[i]);
      return false;
    }
  }
  return true;
}

bool parts_divide(Unit *u, Where where, const char *key, int64_t parts, int64_t whole,
                  const char *what) {
  if (whole > 0 && whole % parts == 0) return true;
  diag_error(u, path_key(u->arena, where.path, key), "%lld %s do not divide the %lld %s",
             (long long)parts, key, (long long)whole, what);
  return false;
}

int64_t channels_of(const Type *type) {
  return type->rank < 2 ? 0 : type->dim[1].plus;
}

bool channels_in_groups(Build *b, const Type *in, int64_t groups, ReshapeAttr *apart,
                        ReshapeAttr *together) {
  Unit *u = build_graph(b)->u;
  const int64_t channels = channels_of(in);
  if (!parts_divide(u, build_where(b), "groups", groups, channels, "channels")) return false;
  if (in->rank == MAX_RANK) {
    build_error(b, NULL, "groups need an axis of their own, and %s has as many as there can be",
                type_text(u->arena, in));
    return false;
  }
  *apart = (ReshapeAttr){.shape = {.n = in->rank, .at = {groups, channels / groups}}};
  *together = (ReshapeAttr){.shape = {.n = in->rank - 1, .at = {channels}}};
  for (int a = 2; a < in->rank; a++)
    apart->shape.at[a] = together->shape.at[a - 1] = in->dim[a].plus;
  return true;
}
