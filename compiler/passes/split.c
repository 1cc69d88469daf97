/* split.c - maps that read beyond their tensors are cut where the border lies.
 *
 * Needs: steps. Guarantees: the same values; the parts of a map read either inside, without a test,
 * or nothing at all.
 *
 *   pad: c h<6 w<6:  y = x[c, h - 1, w - 1] fill 0   ->   h<1: y = 0;  h<4: ...;  h<1: y = 0
 *
 * and the middle rows in turn by columns. Loops that a step cuts into blocks stay whole. */
#include "passes.h"

typedef struct Cut { /* loop `loop` reads inside the tensor for [lo, hi) */
  int input, loop;
  int64_t lo, hi;
} Cut;

/* ---- where to cut ---- */

static bool find_cut(const Plan *p, const Kernel *k, Cut *cut) {
  for (int i = 0; i < k->nin; i++) {
    const View *v = &k->in[i];
    const Type *type = &p->buffer.at[v->tensor].type;
    for (int a = 0; a < v->rank && v->outside == FILL; a++) {
      int l = coord_forward_loop(&v->at[a]);
      if (l < 0 || k->bind[l].step >= 0 || k->loop[l].extent.per_n || type->dim[a].per_n) continue;
      int64_t coef = v->at[a].coef[l], plus = v->at[a].plus, extent = k->loop[l].extent.plus;
      *cut = (Cut){.input = i, .loop = l};
      cut->lo = -floor_div(plus, coef);
      cut->hi = floor_div(type->dim[a].plus - 1 - plus, coef) + 1;
      if (cut->lo < 0) cut->lo = 0;
      if (cut->hi > extent) cut->hi = extent;
      if (cut->hi < cut->lo) cut->hi = cut->lo = extent;
      if (cut->lo > 0 || cut->hi < extent) return true;
    }
  }
  return false;
}

/* Nothing left to leave: the view needs no test. */
static void mark_inside(const Plan *p, Kernel *k) {
  for (int i = 0; i < k->nin; i++) {
    View *v = &k->in[i];
    bool inside = v->outside == FILL;
    for (int a = 0; a < v->rank && inside; a++) {
      int64_t lo, hi;
      coord_range(k, &v->at[a], p->max_batch, &lo, &hi);
      inside = lo >= 0 && hi < extent_at(p->buffer.at[v->tensor].type.dim[a], p->max_batch) &&
               !v->at[a].exact;
    }
    if (!inside) continue;
    v->outside = INSIDE;
    v->fill = 0;
  }
}

/* ---- the parts ---- */

typedef struct Part {
  Unit *u;
  int loop, input; /* input -1: it is read */
  int64_t from;
  double fill;
} Part;

static const Expr *part_leaf(void *context, const Expr *leaf) {
  const Part *part = context;
  if (leaf->op == E_in && leaf->index == part->input) return expr_const(part->u, part->fill);
  if (leaf->op != E_index || leaf->index != part->loop) return leaf;
  return expr2(part->u, E_add, leaf, expr_const(part->u, (double)part->from));
}

static void move_view(View *v, const Part *part) {
  for (int a = 0; a < v->rank; a++) v->at[a].plus += v->at[a].coef[part->loop] * part->from;
}

/* The kernel for loop values [from, to). */
static Kernel part_of(const Plan *p, const Kernel *k, const Cut *cut, int64_t from, int64_t to,
                      bool reads) {
  Kernel out = *k;
  Part part = {p->u, cut->loop, reads ? -1 : cut->input, from, k->in[cut->input].fill};
  out.loop[cut->loop].extent = fixed(to - from);
  for (int i = 0; i < k->nin; i++) move_view(&out.in[i], &part);
  for (int o = 0; o < k->nout; o++) {
    move_view(&out.out[o].to, &part);
    out.out[o].value = expr_replace(p->u, out.out[o].value, part_leaf, &part);
  }
  kernel_simplify(p->u, &out);
  mark_inside(p, &out);
  return out;
}

static void split_kernel(Plan *p, Step *leaf, Steps *parts) {
  const Kernel *k = leaf->run;
  Cut cut;
  if (kernel_kind(k) != KIND_MAP || !find_cut(p, k, &cut)) {
    vec_push(p->u->arena, parts, leaf);
    return;
  }
  int64_t at[] = {0, cut.lo, cut.hi, k->loop[cut.loop].extent.plus};
  for (int i = 0; i < 3; i++) {
    if (at[i] == at[i + 1]) continue;
    Kernel part = part_of(p, k, &cut, at[i], at[i + 1], i == 1);
    split_kernel(p, plan_leaf(p, &part), parts);
  }
}

static void split_steps(Plan *p, Steps *steps) {
  Steps parts = {0};
  for (int i = 0; i < steps->n; i++) {
    if (steps->at[i]->run) {
      split_kernel(p, steps->at[i], &parts);
      continue;
    }
    split_steps(p, &steps->at[i]->body);
    vec_push(p->u->arena, &parts, steps->at[i]);
  }
  *steps = parts;
}

void pass_split(Plan *p, const PlanOptions *options) {
  (void)options;
  for (PlanEntry e = PLAN_FORWARD; e < PLAN_ENTRIES; e++) split_steps(p, &p->entry[e].step);
}
