/* fold.c - Graph -> Graph, inference: what scales a contraction's result goes into its weights.
 *
 *   %2 = conv %x %w          ->  %w2 = kernel %w * gamma / sqrt(var + eps), once, in double
 *   %3 = batch_norm %2 ...       %b2 = kernel beta - mean * gamma / sqrt(var + eps)
 *                                %3 = conv %x %w2 + broadcast %b2
 *
 * A chain of maps that is a * r + b in the result r of a contraction that nobody else reads, where
 * a and b come from parameters alone and a varies only along axes that the weights have as well,
 * becomes the contraction with weights a * w, plus b. */
#include "passes.h"
#include "join.h"

typedef struct Scaled { /* node = a * result + b */
  Kernel map, contract;
  Id result;
  const Expr *a, *b;
  int read;            /* which input of the map is the result */
  int x, w;            /* which inputs of the contraction */
  int axis[MAX_LOOPS]; /* per loop of the map: axis of the result */
} Scaled;

/* ---- recognising ---- */

/* Maps of parameters, and maps on the way to the contraction, become part of the map. */
static bool absorb_one(const Graph *g, const int *uses, Kernel *map) {
  for (int i = 0; i < map->nin; i++) {
    Id id = map->in[i].tensor;
    Kernel from = {0};
    if (node_is_leaf(g, id) || (graph_phase(g, id) == PHASE_CALL && uses[id] != 1)) continue;
    node_kernel(g, id, &from);
    if (from.nfold || from.nout != 1) continue;
    Type type[MAX_IN];
    for (int j = 0; j < from.nin; j++) type[j] = g->node.at[from.in[j].tensor].type;
    if (kernel_absorb(g->u, map, i, &from, type)) return true;
  }
  return false;
}

/* The only input of the map that a call computes, -1 if there are several. */
static int only_call_input(const Graph *g, const Kernel *map) {
  int found = -1;
  for (int i = 0; i < map->nin; i++) {
    if (graph_phase(g, map->in[i].tensor) != PHASE_CALL) continue;
    if (found >= 0) return -1;
    found = i;
  }
  return found;
}

/* May the map still turn out to be a * r + b? What is not affine in its only input from a call
 * never will, however long the chain before it is. */
static bool may_be_affine(const Graph *g, const Kernel *map) {
  const Expr *a, *b;
  int read = only_call_input(g, map);
  return read < 0 || expr_affine(g->u, map->out[0].value, expr_in(g->u, read), &a, &b);
}

static bool is_contraction(const Graph *g, Scaled *s) {
  if (node_is_leaf(g, s->result)) return false;
  node_kernel(g, s->result, &s->contract);
  const Kernel *k = &s->contract;
  if (kernel_kind(k) != KIND_CONTRACT || k->nout != 1 || k->out[0].value->op != E_acc) return false;
  int a, b;
  kernel_operands(k, &a, &b);
  bool a_first = graph_phase(g, k->in[a].tensor) != PHASE_CALL;
  s->w = a_first ? a : b;
  s->x = a_first ? b : a;
  return graph_phase(g, k->in[s->w].tensor) != PHASE_CALL &&
         graph_phase(g, k->in[s->x].tensor) == PHASE_CALL;
}

/* The axis of the weights that moves with axis `axis` of the result, or -1. */
static int weight_axis(const Scaled *s, int axis) {
  const View *w = &s->contract.in[s->w];
  for (int a = 0; a < w->rank; a++)
    if (coord_same(&w->at[a], &s->contract.out[0].to.at[axis])) return a;
  return -1;
}

static bool scales_along_weights(const Scaled *s) {
  for (int i = 0; i < s->map.nin; i++) {
    if (!expr_uses(s->a, E_in, i)) continue;
    for (int l = 0; l < s->map.nloop; l++)
      if (view_uses(&s->map.in[i], l) && weight_axis(s, s->axis[l]) < 0) return false;
  }
  return !expr_uses(s->a, E_index, -1) && !expr_uses(s->b, E_index, -1);
}

static bool is_scaled(const Graph *g, const int *uses, Id id, Scaled *s) {
  if (node_is_leaf(g, id) || graph_phase(g, id) != PHASE_CALL) return false;
  *s = (Scaled){.read = -1};
  node_kernel(g, id, &s->map);
  if (s->map.nfold || s->map.nout != 1) return false;
  while (may_be_affine(g, &s->map) && absorb_one(g, uses, &s->map)) kernel_simplify(g->u, &s->map);
  s->read = only_call_input(g, &s->map);
  if (s->read < 0) return false;
  s->result = s->map.in[s->read].tensor;
  if (uses[s->result] != 1 || !is_contraction(g, s)) return false;
  const Type *type = &g->node.at[s->result].type;
  if (!type_same(type, &g->node.at[id].type)) return false; /* an axis of 1 more or less */
  if (!view_is_whole(&s->map, &s->map.in[s->read], type, s->axis)) return false;
  if (!expr_affine(g->u, s->map.out[0].value, expr_in(g->u, s->read), &s->a, &s->b)) return false;
  if (expr_is(s->a, 1)) return false;
  return scales_along_weights(s);
}

/* ---- rewriting ---- */

/* Expression e of the map, in a new kernel whose loop for the map's loop l is loop[l]; what e reads
 * becomes inputs of that kernel. */
static const Expr *move_expr(const Graph *from, const Id *new_id, const Scaled *s, const Expr *e,
                             const int *loop, Kernel *k) {
  int input[MAX_IN];
  for (int i = 0; i < s->map.nin; i++) {
    if (!expr_uses(e, E_in, i)) continue;
    View v = s->map.in[i];
    v.tensor = new_id[v.tensor];
    for (int a = 0; a < v.rank; a++) {
      Coord c = {.plus = v.at[a].plus, .div = v.at[a].div, .mod = v.at[a].mod};
      c.exact = v.at[a].exact;
      for (int l = 0; l < s->map.nloop; l++)
        if (v.at[a].coef[l]) c.coef[loop[l]] += v.at[a].coef[l];
      v.at[a] = c;
    }
    input[i] = k->nin;
    k->in[k->nin++] = v;
  }
  return expr_rename_inputs(from->u, e, input);
}

/* a * w, in the shape of w. */
static Id scaled_weights(const Graph *from, const Id *new_id, Graph *to, const Scaled *s) {
  Kernel k;
  int loop[MAX_LOOPS] = {0};
  Id w = s->contract.in[s->w].tensor;
  const Type *type = &from->node.at[w].type;
  kernel_start(&k, NULL, -1, type);
  for (int l = 0; l < s->map.nloop; l++) {
    int axis = weight_axis(s, s->axis[l]);
    loop[l] = axis < 0 ? 0 : axis;
  }
  kernel_in_whole(&k, new_id[w], type);
  const Expr *a = move_expr(from, new_id, s, s->a, loop, &k);
  k.out[0].value = expr2(from->u, E_mul, expr_in(from->u, 0), a);
  return graph_kernel(to, &k, type, from->node.at[s->result].where);
}

/* b, along the axes on which it varies, repeated along the others. */
static Id shift(const Graph *from, const Id *new_id, Graph *to, const Scaled *s, Id like,
                Where where) {
  Kernel k;
  int loop[MAX_LOOPS] = {0}, axis[MAX_RANK];
  Type type = {.dtype = F32}, whole = to->node.at[like].type;
  for (int l = 0; l < s->map.nloop; l++) {
    bool varies = false;
    for (int i = 0; i < s->map.nin; i++)
      varies |= expr_uses(s->b, E_in, i) && view_uses(&s->map.in[i], l);
    if (!varies) continue;
    loop[l] = type.rank;
    axis[type.rank] = s->axis[l];
    type.dim[type.rank++] = s->map.loop[l].extent;
  }
  kernel_start(&k, NULL, -1, &type);
  k.out[0].value = move_expr(from, new_id, s, s->b, loop, &k);
  return graph_broadcast(to, graph_kernel(to, &k, &type, where), &whole, axis, where);
}

static Id rewrite_scaled(const Graph *from, const Id *new_id, Graph *to, const Scaled *s,
                         Where where) {
  const Node *node = &from->node.at[s->result];
  Id arg[MAX_IN];
  for (int i = 0; i < node->nargs; i++) {
    arg[i] = new_id[node->arg[i]];
    if (node->arg[i] == s->contract.in[s->w].tensor) arg[i] = scaled_weights(from, new_id, to, s);
  }
  Id result = graph_add(to, node->op, arg, node->nargs, node->attr, node->where);
  if (expr_is(s->b, 0)) return result;
  Id both[2] = {result, shift(from, new_id, to, s, result, where)};
  return graph_add(to, OP_add, both, 2, NULL, where);
}

static Id rewrite(void *uses, const Graph *from, Id id, Graph *to, const Id *new_id) {
  const Node *node = &from->node.at[id];
  Scaled s;
  return node->nargs <= MAX_IN && is_scaled(from, uses, id, &s)
             ? rewrite_scaled(from, new_id, to, &s, node->where)
             : graph_copy_node(from, id, to, new_id);
}

static void count_uses(const Graph *g, int *uses) {
  for (Id id = 0; id < g->node.n; id++)
    for (int i = 0; i < g->node.at[id].nargs; i++) uses[g->node.at[id].arg[i]]++;
  for (int e = 0; e < ENTRIES; e++)
    for (int i = 0; i < g->entry[e].want.n; i++) uses[g->entry[e].want.at[i]]++;
}

Graph *pass_fold(Graph *g) {
  int *uses = NEW_ARRAY(g->u->arena, int, g->node.n);
  count_uses(g, uses);
  return graph_rewrite(g, rewrite, uses);
}
