/* join.c - kernels that follow one another element by element. */
#include "join.h"
#include "views.h"

bool view_is_whole(const Kernel *m, const View *v, const Type *type, int *axis) {
  Coord zero = {.div = 1};
  for (int l = 0; l < m->nloop; l++) axis[l] = -1;
  for (int a = 0; a < v->rank; a++) {
    int loop;
    if (!coord_is_loop(&v->at[a], &loop)) {
      if (!coord_same(&v->at[a], &zero) || !extent_same(type->dim[a], fixed(1))) return false;
      continue;
    }
    if (axis[loop] >= 0 || !extent_same(m->loop[loop].extent, type->dim[a])) return false;
    axis[loop] = a;
  }
  for (int l = 0; l < m->nloop; l++)
    if (axis[l] < 0) return false;
  return v->outside == INSIDE;
}

static Coord coord_through(const Coord *c, const int *axis, const View *to) {
  Coord out = {.plus = c->plus, .div = c->div, .mod = c->mod, .exact = c->exact};
  for (int l = 0; l < MAX_LOOPS; l++) {
    if (c->coef[l] == 0) continue;
    const Coord *moved = &to->at[axis[l]];
    out.plus += c->coef[l] * moved->plus;
    for (int i = 0; i < MAX_LOOPS; i++) out.coef[i] += c->coef[l] * moved->coef[i];
  }
  return out;
}

View view_through(const View *v, const int *axis, const View *to) {
  View out = *v;
  for (int a = 0; a < v->rank; a++) out.at[a] = coord_through(&v->at[a], axis, to);
  return out;
}

typedef struct Join {
  Unit *u;
  const Kernel *fold;
  int axis[MAX_LOOPS]; /* per loop of the map: the axis of the fold's result it runs over */
  int input[MAX_IN];   /* per input of the map: its index in the joined kernel; -1: the fold */
} Join;

static const Expr *join_leaf(void *context, const Expr *leaf) {
  const Join *j = context;
  const Out *out = &j->fold->out[0];
  if (leaf->op == E_index)
    return coord_expr(j->u, &out->to.at[j->axis[leaf->index]], j->fold->nloop);
  if (leaf->op != E_in) return leaf;
  return j->input[leaf->index] < 0 ? out->value : expr_in(j->u, j->input[leaf->index]);
}

/* The one view through which m reads tensor `id`, or NULL. */
static const View *only_view(const Kernel *m, int id) {
  const View *read = NULL;
  for (int i = 0; i < m->nin; i++) {
    if (m->in[i].tensor != id) continue;
    if (read && !view_same(read, &m->in[i])) return NULL;
    read = &m->in[i];
  }
  return read;
}

bool kernel_join(Unit *u, const Kernel *fold, int id, const Type *type, const Kernel *m,
                 Kernel *joined) {
  Join j = {.u = u, .fold = fold};
  const View *read = only_view(m, id);
  if (!read || !view_is_whole(m, read, type, j.axis)) return false;
  *joined = *fold;
  for (int i = 0; i < m->nin; i++) {
    j.input[i] = -1;
    if (m->in[i].tensor == id) continue;
    if (joined->nin == MAX_IN) return false;
    j.input[i] = joined->nin;
    joined->in[joined->nin++] = view_through(&m->in[i], j.axis, &fold->out[0].to);
  }
  joined->nout = m->nout;
  for (int o = 0; o < m->nout; o++) {
    Out *out = &joined->out[o];
    *out = m->out[o];
    out->to = view_through(&m->out[o].to, j.axis, &fold->out[0].to);
    out->value = expr_replace(u, m->out[o].value, join_leaf, &j);
    if (out->value->size > EXPR_MOST) return false;
  }
  kernel_simplify(u, joined);
  return true;
}
