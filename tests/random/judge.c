/* judge.c - what a random network has to give, in double, and how far rounding may lead away from
 * it.
 *
 * Networks are judged only where their values are well-conditioned: a layer is kept only if noise
 * of the size of rounding, added to every value on the way, changes little. It is as large as what
 * is allowed, so that it meets the kinks (of a relu, of a maximum) that rounding may pass. */
#include "judge.h"

#include "plan.h"
#include "passes.h"

enum {
  NOISY_RUNS = 4,
  MOST_WORK = 200000,
  MOST_SIZE = 4125 /* of the largest input, 33 x 5 x 5 x 5 */
};

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
  Rounding rounding;
  Array *array; /* by node */
} Values;

/* Nothing that f32 would not hold, or the numbers of 16 bits that products may round to. Sums that
 * cancel leave 1e-17, which is fine. */
static bool is_sane(double value, bool rounded) {
  return value == 0 || (fabs(value) > 1e-30 && fabs(value) < (rounded ? 3e4 : 1e9));
}

/* Everything that is needed for what is wanted of a graph. */
typedef struct Want {
  Id *id;
  const char **name;
  int n;
  bool *needed; /* by node */
} Want;

static void add_wants(Want *want, const Entry *entry) {
  for (int i = 0; i < entry->want.n; i++) {
    want->name[want->n] = entry->want_name.at[i];
    want->id[want->n++] = entry->want.at[i];
  }
}

static Want wants_of(Arena *arena, const Graph *g) {
  const int n = judge_values(g);
  Want want = {NEW_ARRAY(arena, Id, n), NEW_ARRAY(arena, const char *, n), 0,
               NEW_ARRAY(arena, bool, g->node.n)};
  add_wants(&want, &g->entry[ENTRY_FORWARD]);
  add_wants(&want, &g->entry[ENTRY_TRAIN_FORWARD]);
  add_wants(&want, &g->entry[ENTRY_BACKWARD]);
  for (int i = 0; i < n; i++) want.needed[want.id[i]] = true;
  graph_need(g, want.needed);
  return want;
}

/* By what rounding may change: the value, and what it is made from, which often is near 1, as in
 * log(1 + exp(x)), or as large as the gradients around it. What is 0 stays so, as padding and the
 * lower side of a relu do: gradients ask for it. */
static void disturb(double *at, int64_t size, Rounding r, double near, Random *noise) {
  for (int64_t i = 0; i < size; i++) {
    if (at[i] == 0) continue;
    at[i] *= 1 + r.times * r.relative * random_real(noise);
    at[i] += r.times * F32_ROUNDING * near * random_real(noise);
  }
}

static double largest_of(const double *at, int64_t size) {
  double largest = 0;
  for (int64_t i = 0; i < size; i++) largest = fmax(largest, fabs(at[i]));
  return largest;
}

static bool is_gradient(const Graph *g, Id id) {
  const Entry *train = &g->entry[ENTRY_TRAIN_FORWARD];
  return train->want.n > 0 && id > train->want.at[0];
}

/* Might rounding make a divisor 0? Noise does not tell where a value is divided by itself. */
static bool divides_by_little(const Values *v, Id id) {
  enum { ROUNDINGS = 8 };
  const Node *node = &v->g->node.at[id];
  if (node->op != OP_div) return false;
  const Id divisor = node->arg[1];
  const double *at = v->array[divisor].at;
  const int64_t size = type_size(&v->g->node.at[divisor].type, v->n);
  const double least = ROUNDINGS * v->rounding.relative * largest_of(at, size);
  for (int64_t i = 0; i < size; i++)
    if (fabs(at[i]) < least) return true;
  return false;
}

/* Positions are not rounded; where noise moves a maximum they change with it. */
static bool is_position(const Kernel *k) {
  return k->nfold > 0 && k->fold[0].op == FOLD_ARGMAX;
}

/* False: a value is out of what f32 holds well. */
static bool run_node(const Values *v, Id id, Random *noise) {
  const Node *node = &v->g->node.at[id];
  const int64_t size = type_size(&node->type, v->n);
  double scalar[SCALARS], *at = v->array[id].at;
  Kernel k;
  node_kernel(v->g, id, &k);
  graph_scalars(v->g, v->n, scalar);
  kernel_run(&k, v->array, scalar, NULL, v->n);
  if (!noise && divides_by_little(v, id)) return false;
  for (int64_t i = 0; i < size && !noise; i++)
    if (!is_sane(at[i], v->rounding.relative > F32_ROUNDING)) return false;
  const double near = is_gradient(v->g, id) ? fmin(1, largest_of(at, size)) : 1;
  if (noise && !is_position(&k)) disturb(at, size, v->rounding, near, noise);
  return true;
}

/* Parameters as they come into a kernel; f32 holds inputs as they are, which products may round. */
static void run_leaf(const Values *v, Id id, Random *noise) {
  const Node *node = &v->g->node.at[id];
  const int64_t size = type_size(&node->type, v->n);
  if (node->op == OP_constant)
    memcpy(v->array[id].at, ((const ConstantAttr *)node->attr)->value.at,
           sizeof(double) * (size_t)type_size(&node->type, 1));
  else
    v->array[id].at = judge_leaf(v->arena, v->g, id, v->n);
  const bool rounded = v->rounding.relative > F32_ROUNDING && node->type.dtype == F32;
  if (noise && (rounded || node->op == OP_param))
    disturb(v->array[id].at, size, v->rounding, 1, noise);
}

static bool run_graph(const Values *v, const bool *needed, Random *noise) {
  for (Id id = 0; id < v->g->node.n; id++) {
    if (!needed[id]) continue;
    v->array[id] = array_new(v->arena, &v->g->node.at[id].type, v->n);
    if (node_is_leaf(v->g, id))
      run_leaf(v, id, noise);
    else if (!run_node(v, id, noise))
      return false;
  }
  return true;
}

int judge_values(const Graph *g) {
  return g->entry[ENTRY_FORWARD].want.n + g->entry[ENTRY_TRAIN_FORWARD].want.n +
         g->entry[ENTRY_BACKWARD].want.n;
}

bool judge(Arena *arena, const Graph *g, int64_t n, Rounding rounding, Judged *out) {
  const Want want = wants_of(arena, g);
  Values exact = {arena, g, n, rounding, NEW_ARRAY(arena, Array, g->node.n)}, noisy = exact;
  noisy.array = NEW_ARRAY(arena, Array, g->node.n);
  if (!run_graph(&exact, want.needed, NULL)) return false;
  for (int i = 0; i < want.n; i++) {
    const Array *a = &exact.array[want.id[i]];
    out[i] = (Judged){want.name[i], a->at, type_size(&a->type, n), 0, 0};
    out[i].largest = largest_of(a->at, out[i].size);
  }
  for (int run = 0; run < NOISY_RUNS; run++) {
    Random noise = {(uint64_t)run};
    if (!run_graph(&noisy, want.needed, &noise)) return false;
    for (int i = 0; i < want.n; i++)
      for (int64_t k = 0; k < out[i].size; k++)
        out[i].noise = fmax(out[i].noise, fabs(noisy.array[want.id[i]].at[k] - out[i].value[k]));
  }
  return true;
}

static void want_gradients(Graph *g) {
  for (int i = 0; i < g->input.n; i++) {
    Input *in = &g->input.at[i];
    in->gradient = in->kind == INPUT_DATA && in->type.dtype == F32;
  }
}

Graph *judge_read(Unit *u, const char *text, bool training, uint64_t seed) {
  FILE *messages = u->messages;
  u->messages = fopen("/dev/null", "w"); /* warnings of what no output needs */
  Graph *g = read_text(u, "random.json", text, strlen(text), &(ReadOptions){.training = training});
  fclose(u->messages);
  u->messages = messages;
  if (!g) BUG("networks that were accepted are refused together");
  if (training) want_gradients(g);
  g->seed = seed;
  g->pass = 1;
  return g;
}

void judge_gradients(Graph *g) {
  want_gradients(g);
  pass_grad(g);
}

/* ---- which networks are worth having ---- */

static bool is_small(const Graph *g) {
  for (Id id = 0; id < g->node.n; id++) {
    Kernel k;
    double work = 1;
    if (type_size(&g->node.at[id].type, 1) > MOST_SIZE) return false;
    if (node_is_leaf(g, id) || ops[g->node.at[id].op]->class == CLASS_OPTIMIZER) continue;
    node_kernel(g, id, &k);
    for (int l = 0; l < k.nloop; l++) work *= (double)extent_at(k.loop[l].extent, 1);
    if (work > MOST_WORK) return false;
  }
  return true;
}

bool judge_is_calm(const Judged *value, int n, Rounding r) {
  const double most = r.times * fmax(1e-4, 16 * r.relative); /* of the noise, relative */
  for (int i = 0; i < n; i++)
    if (value[i].noise > most * value[i].largest) return false;
  return true;
}

bool judge_accepts(const Wanted *wanted, Graph *g) {
  if (g->entry[ENTRY_TRAIN_FORWARD].want.n > 0) judge_gradients(g);
  Judged *out = NEW_ARRAY(g->u->arena, Judged, judge_values(g));
  return is_small(g) && judge(g->u->arena, g, wanted->samples, wanted->rounding, out) &&
         judge_is_calm(out, judge_values(g), wanted->rounding);
}
