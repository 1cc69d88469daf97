/* judge.c - what a random network has to give, in double, and how far rounding may lead away from
 * it.
 *
 * Networks are judged only where their values are well-conditioned: a layer is kept only if noise
 * of the size of f32's rounding, added to every value on the way, changes little. */
#include "judge.h"

enum {
  NOISY_RUNS = 3,
  MOST_WORK = 200000,
  MOST_SIZE = 4125 /* of the largest input, 33 x 5 x 5 x 5 */
};
static const double noise_step = 1.0 / (1 << 23);

/* ---- numbers: by the name of what they are for, so that every graph of a network has the same
 * ---- */

static Random stream(const char *name) {
  uint64_t hash = 1469598103934665603u;
  for (; *name; name++) hash = (hash ^ (unsigned char)*name) * 1099511628211u;
  return (Random){hash};
}

double *judge_leaf(Arena *arena, const Graph *g, Id leaf, int64_t n) {
  const Node *node = &g->node.at[leaf];
  int64_t index = ((const LeafAttr *)node->attr)->index;
  const Param *param = node->op == OP_param ? &g->param.at[index] : NULL;
  const Type *type = param ? &param->type : &g->input.at[index].type;
  int64_t size = type_size(type, n);
  double *values = NEW_ARRAY(arena, double, size);
  Random r = stream(param ? param->name : g->input.at[index].name);
  for (int64_t i = 0; i < size; i++) {
    double value = (float)random_real(&r);
    if (param && param->role == PARAM_STATISTIC) value = 0.5f + fabsf((float)value);
    values[i] = type->dtype == U8 ? floor((value + 1) * 128) : value;
  }
  return values;
}

/* ---- interpreted, with or without noise ---- */

typedef struct Values {
  Arena *arena;
  const Graph *g;
  int64_t n;
  Array *array; /* by node */
} Values;

static bool is_sane(double value) { /* nothing that f32 would not hold */
  return value == 0 || (fabs(value) > 1e-12 && fabs(value) < 1e9);
}

/* By what rounding may change: the value, and what it is made from, which often is near 1, as in
 * log(1 + exp(x)). */
static double disturbed(double value, Random *noise) {
  double by = noise_step * random_real(noise);
  return value * (1 + by) + noise_step * random_real(noise);
}

/* False: a value is out of what f32 holds well. */
static bool run_node(const Values *v, Id id, Random *noise) {
  const Node *node = &v->g->node.at[id];
  int64_t size = type_size(&node->type, v->n);
  double scalar[SCALARS];
  Kernel k;
  node_kernel(v->g, id, &k);
  graph_scalars(v->g, v->n, scalar);
  kernel_run(&k, v->array, scalar, NULL, v->n);
  double *at = v->array[id].at;
  for (int64_t i = 0; i < size; i++) {
    if (!noise && !is_sane(at[i])) return false;
    if (noise) at[i] = disturbed(at[i], noise);
  }
  return true;
}

static bool run_graph(Arena *arena, const Graph *g, int64_t n, Random *noise, Array *array) {
  Values v = {arena, g, n, array};
  for (Id id = 0; id < g->node.n; id++) {
    const Node *node = &g->node.at[id];
    array[id] = array_new(arena, &node->type, n);
    if (node->op == OP_constant)
      memcpy(array[id].at, ((const ConstantAttr *)node->attr)->value.at,
             sizeof(double) * (size_t)type_size(&node->type, 1));
    else if (ops[node->op]->class == CLASS_LEAF)
      array[id].at = judge_leaf(arena, g, id, n);
    else if (!run_node(&v, id, noise))
      return false;
    if (noise && node->op == OP_param)
      for (int64_t i = 0; i < type_size(&node->type, n); i++)
        array[id].at[i] = disturbed(array[id].at[i], noise);
  }
  return true;
}

bool judge(Arena *arena, const Graph *g, int64_t n, Judged *out) {
  const Entry *forward = &g->entry[ENTRY_FORWARD];
  Array *exact = NEW_ARRAY(arena, Array, g->node.n), *noisy = NEW_ARRAY(arena, Array, g->node.n);
  if (!run_graph(arena, g, n, NULL, exact)) return false;
  for (int i = 0; i < forward->want.n; i++) {
    const Array *a = &exact[forward->want.at[i]];
    out[i] = (Judged){.value = a->at, .size = type_size(&a->type, n)};
    for (int64_t k = 0; k < out[i].size; k++) out[i].largest = fmax(out[i].largest, fabs(a->at[k]));
  }
  for (int run = 0; run < NOISY_RUNS; run++) {
    Random noise = {(uint64_t)run};
    if (!run_graph(arena, g, n, &noise, noisy)) return false;
    for (int i = 0; i < forward->want.n; i++)
      for (int64_t k = 0; k < out[i].size; k++)
        out[i].noise = fmax(out[i].noise, fabs(noisy[forward->want.at[i]].at[k] - out[i].value[k]));
  }
  return true;
}

/* ---- which networks are worth having ---- */

static bool is_small(const Graph *g) {
  for (Id id = 0; id < g->node.n; id++) {
    Kernel k;
    double work = 1;
    if (type_size(&g->node.at[id].type, 1) > MOST_SIZE) return false;
    if (ops[g->node.at[id].op]->class == CLASS_LEAF) continue;
    node_kernel(g, id, &k);
    for (int l = 0; l < k.nloop; l++) work *= (double)extent_at(k.loop[l].extent, 1);
    if (work > MOST_WORK) return false;
  }
  return true;
}

bool judge_accepts(const Graph *g) {
  Judged *out = NEW_ARRAY(g->u->arena, Judged, g->entry[ENTRY_FORWARD].want.n);
  if (!is_small(g) || !judge(g->u->arena, g, MOST_SAMPLES, out)) return false;
  for (int i = 0; i < g->entry[ENTRY_FORWARD].want.n; i++)
    if (out[i].noise > 1e-4 * out[i].largest) return false;
  return true;
}
