/* params.c - values of a network's parameters: from a file, or from the initialisers. They are kept
 * in double, but each is a float: what the emitted library would hold. */
#include "driver.h"
#include "tensors.h"

#include <string.h>

/* The library's own generator, so that `cnnc run --seed` and NAME_init_params give the same bits.
 */
typedef float NAME_real;
#include "../runtime/c/philox.h"
#include "../runtime/c/random.c"

static double *from_floats(Arena *arena, const float *values, int64_t size) {
  double *result = NEW_ARRAY(arena, double, size);
  for (int64_t i = 0; i < size; i++) result[i] = values[i];
  return result;
}

static double *seeded(Arena *arena, const Param *p, uint64_t seed) {
  int64_t size = type_size(&p->type, 1);
  float *values = NEW_ARRAY(arena, float, size);
  double center, bound;
  param_init(p, &center, &bound);
  NAME_fill(values, (size_t)size, seed, param_stream(p), center, bound);
  return from_floats(arena, values, size);
}

double **params_seeded(const Graph *g, uint64_t seed) {
  Arena *arena = g->u->arena;
  double **values = NEW_ARRAY(arena, double *, g->param.n + 1);
  for (int i = 0; i < g->param.n; i++) values[i] = seeded(arena, &g->param.at[i], seed);
  return values;
}

static bool same_shape(const Tensor *t, const Type *type) {
  if (t->rank != type->rank) return false;
  for (int a = 0; a < t->rank; a++)
    if (t->dim[a] != extent_at(type->dim[a], 1)) return false;
  return true;
}

static const char *shape_text(Arena *arena, const Type *type) {
  Tensor t = {.rank = type->rank};
  for (int a = 0; a < t.rank; a++) t.dim[a] = extent_at(type->dim[a], 1);
  Text text = {.arena = arena};
  tensor_print_shape(&text, &t);
  return text.at;
}

/* The values of one parameter out of the file's tensors; NULL after a diagnostic. */
static double *read_param(Unit *u, const char *file, const Tensors *tensors, const Param *p) {
  const Tensor *t = weights_find(tensors, p->name);
  const char *wanted = shape_text(u->arena, &p->type);
  if (!t) {
    diag_error_in(u, file, "tensor \"%s\" %s is missing", p->name, wanted);
    return NULL;
  }
  if (tensor_is_integer(t)) {
    diag_error_in(u, file, "tensor \"%s\" holds integers; parameters are floating-point", p->name);
    return NULL;
  }
  if (!same_shape(t, &p->type)) {
    Text text = {.arena = u->arena};
    tensor_print_shape(&text, t);
    diag_error_in(u, file, "tensor \"%s\" has shape %s; the network wants %s", p->name, text.at,
                  wanted);
    return NULL;
  }
  return from_floats(u->arena, tensor_f32(u->arena, t), tensor_size(t));
}

static const Param *find_param(const Graph *g, const char *name) {
  for (int i = 0; i < g->param.n; i++)
    if (strcmp(g->param.at[i].name, name) == 0) return &g->param.at[i];
  return NULL;
}

static bool is_ignored(const char *name) {
  const char *dot = strrchr(name, '.');
  return strcmp(dot ? dot + 1 : name, "num_batches_tracked") == 0;
}

static void report_extra(Unit *u, const Graph *g, const char *file, const Tensor *t) {
  const char **names = NEW_ARRAY(u->arena, const char *, g->param.n + 1);
  int n = 0;
  for (int i = 0; i < g->param.n; i++) names[n++] = g->param.at[i].name;
  Text shape = {.arena = u->arena};
  tensor_print_shape(&shape, t);
  const char *near = nearest(t->name, names, n);
  diag_error_in(u, file, "tensor \"%s\" %s is no parameter of the network \"%s\"%s%s%s", t->name,
                shape.at, g->name, near ? "; did you mean \"" : "", near ? near : "",
                near ? "\"?" : "");
}

double **params_read(Unit *u, const Graph *g, const char *file) {
  Tensors tensors = {0};
  int errors = u->errors;
  if (!weights_read(u, file, &tensors)) return NULL;
  double **values = NEW_ARRAY(u->arena, double *, g->param.n + 1);
  for (int i = 0; i < g->param.n; i++) values[i] = read_param(u, file, &tensors, &g->param.at[i]);
  for (int i = 0; i < tensors.n; i++)
    if (!find_param(g, tensors.at[i].name) && !is_ignored(tensors.at[i].name))
      report_extra(u, g, file, &tensors.at[i]);
  return u->errors > errors ? NULL : values;
}
