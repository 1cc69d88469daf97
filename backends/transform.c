/* transform.c - which kernels are transforms, and what they consist of: constant matrices, the data
 * that they are applied to, the lane loop. Languages print them in files of the same name. */
#include "transform.h"

#include <math.h>

static const Buffer *input_buffer(const Plan *p, const Kernel *k, int i) {
  return &p->buffer.at[k->in[i].tensor];
}

static bool is_matrix(const Plan *p, const Kernel *k, int i) {
  const Buffer *b = input_buffer(p, k, i);
  int column;
  return b->home == HOME_CONST && b->value && b->type.rank == 2 && b->format.lanes == 1 &&
         coord_is_loop(&k->in[i].at[1], &column) && k->loop[column].reduced;
}

/* The row is a loop, or a loop modulo the number of rows. */
static bool find_dim(const Plan *p, const Kernel *k, int i, TransformDim *d) {
  const Type *type = &input_buffer(p, k, i)->type;
  Coord row = k->in[i].at[0];
  *d = (TransformDim){.axis = -1, .tiled = row.mod > 0};
  const int rows = (int)type->dim[0].plus;
  d->matrix = (ConstMatrix){input_buffer(p, k, i)->value, row.mod ? row.mod : rows,
                            (int)type->dim[1].plus, rows};
  if (rows > MAX_LINE || d->matrix.columns > MAX_LINE) return false;
  if (row.mod && (row.mod > rows || row.div != 1)) return false;
  row.mod = 0;
  if (!coord_is_loop(&row, &d->row) || !coord_is_loop(&k->in[i].at[1], &d->column)) return false;
  const Loop *free = &k->loop[d->row], *columns = &k->loop[d->column];
  if (free->reduced || free->extent.per_n || columns->extent.plus != d->matrix.columns)
    return false;
  const Bind *b = &k->bind[d->row];
  if (!d->tiled) return free->extent.plus == rows && b->step < 0;
  return b->step < 0 || (b->mul == 1 && b->from == 0) || /* blocks are whole tiles (nest) */
         (b->mul % d->matrix.rows == 0 && b->from % d->matrix.rows == 0);
}

/* Collects the factors of a product of inputs. */
static bool find_factors(const Plan *p, const Kernel *k, const Expr *term, Transform *t) {
  if (term->op == E_mul)
    return find_factors(p, k, term->arg[0], t) && find_factors(p, k, term->arg[1], t);
  if (term->op != E_in) return false;
  if (is_matrix(p, k, term->index))
    return t->n < MAX_DIMS && find_dim(p, k, term->index, &t->dim[t->n++]);
  if (t->data >= 0) return false;
  t->data = term->index;
  return true;
}

/* Matrices in the order of the kernel's inputs, which is the order of axes. */
static void sort_dims(Transform *t) {
  for (int i = 1; i < t->n; i++)
    for (int j = i; j > 0 && t->dim[j].column < t->dim[j - 1].column; j--) {
      const TransformDim swap = t->dim[j];
      t->dim[j] = t->dim[j - 1];
      t->dim[j - 1] = swap;
    }
}

/* Is the data read at each loop of the dimension as it should? */
static bool data_fits(const Kernel *k, const Transform *t, TransformDim *d) {
  const View *v = &k->in[t->data];
  int columns = 0;
  for (int a = 0; a < v->rank; a++) {
    const Coord *c = &v->at[a];
    columns += c->coef[d->column] == 1 ? 1 : c->coef[d->column] ? 2 : 0;
    if (!coord_uses(c, d->row)) continue;
    Coord whole = *c;
    int loop;
    whole.div = 1;
    if (!d->tiled || d->axis >= 0 || c->div != d->matrix.rows || c->exact ||
        !coord_is_loop(&whole, &loop))
      return false;
    d->axis = a;
  }
  return columns == 1 && d->tiled == (d->axis >= 0);
}

static bool views_fit(const Plan *p, const Kernel *k, const Transform *t) {
  for (int i = 0; i <= k->nin; i++) {
    const View *v = kernel_view(k, i);
    if (p->buffer.at[v->tensor].format.dtype != F32) return false;
    if (i < k->nin && i != t->data && is_matrix(p, k, i)) continue;
    for (int a = 0; a < v->rank; a++) {
      bool tiled = false;
      for (int d = 0; d < t->n; d++) tiled |= i == t->data && t->dim[d].axis == a;
      if (!coord_affine(&v->at[a]) && !tiled) return false;
    }
  }
  return true;
}

static bool is_lane(const Plan *p, const Kernel *k, const Transform *t, int l) {
  if (k->loop[l].reduced || k->loop[l].extent.per_n) return false;
  for (int d = 0; d < t->n; d++)
    if (t->dim[d].row == l) return false;
  for (int i = 0; i < k->nin; i++)
    if (i != t->data && !view_moves_by_one(p, k, &k->in[i], l)) return false;
  return view_uses(&k->in[t->data], l) && view_uses(&k->out[0].to, l) &&
         view_moves_by_one(p, k, &k->out[0].to, l);
}

bool transform_of(const Plan *p, const Kernel *k, Transform *t) {
  *t = (Transform){.data = -1, .lane = -1};
  if (k->math != F32 || k->nfold != 1 || k->fold[0].op != FOLD_SUM || k->fold[0].acc != F32 ||
      k->nout != 1 || k->out[0].combine || !find_factors(p, k, k->fold[0].term, t) || t->n == 0 ||
      t->data < 0)
    return false;
  int reduced = 0;
  for (int l = 0; l < k->nloop; l++) reduced += k->loop[l].reduced;
  for (int l = 0; l < k->nloop; l++)
    if (kernel_uses_index(k, l)) return false;
  sort_dims(t);
  for (int d = 0; d < t->n; d++)
    if (!data_fits(k, t, &t->dim[d])) return false;
  if (reduced != t->n || !views_fit(p, k, t)) return false;
  for (int l = 0; l < k->nloop && t->lane < 0 && p->target->lanes > 1; l++)
    if (is_lane(p, k, t, l)) t->lane = l;
  return p->target->lanes == 1 || t->lane >= 0;
}

double transform_tiles(const Plan *p, const Kernel *k, const Transform *t, int lanes) {
  double tiles = 1;
  for (int l = 0; l < k->nloop; l++) {
    double turns = (double)extent_at(k->loop[l].extent, p->max_batch);
    if (k->loop[l].reduced) continue;
    if (l == t->lane) turns = ceil(turns / lanes);
    for (int d = 0; d < t->n; d++)
      if (t->dim[d].row == l) turns = t->dim[d].tiled ? ceil(turns / t->dim[d].matrix.rows) : 1;
    tiles *= turns;
  }
  return tiles;
}
