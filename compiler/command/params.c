/* params.c - values of a network's parameters: from a file, or from the initialisers. They are kept
 * in double, but each is a float: what the emitted library would hold. */
#include "driver.h"
#include "tensors.h"

#include <string.h>

/* The library's own generator, so that `cnnc run --seed` and NAME_init_params give
 * the same bits. */
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

/* What keeps a tensor (NULL: the file has none of the name) from being the parameter; NULL:
 * nothing. */
static const char *misfit(Unit *u, const Tensor *t, const Param *p) {
  const char *wanted = shape_text(u->arena, &p->type);
  if (!t) return arena_printf(u->arena, "%s is missing", wanted);
  if (tensor_is_integer(t)) return "holds integers; parameters are floating-point";
  if (same_shape(t, &p->type)) return NULL;
  Text text = {.arena = u->arena};
  tensor_print_shape(&text, t);
  return arena_printf(u->arena, "has shape %s; the network wants %s", text.at, wanted);
}

/* The values of one parameter out of the file's tensors; NULL, and *fault says why. */
static double *read_param(Unit *u, const Tensors *tensors, const Param *p, const char **fault) {
  const Tensor *t = weights_find(tensors, p->name);
  *fault = misfit(u, t, p);
  return *fault ? NULL : from_floats(u->arena, tensor_f32(u->arena, t), tensor_size(t));
}

static const Param *find_param(const Graph *g, const char *name) {
  for (int i = 0; i < g->param.n; i++)
    if (strcmp(g->param.at[i].name, name) == 0) return &g->param.at[i];
  return NULL;
}

/* What files hold besides parameters, and the parameters of layers that are left out. */
static bool is_ignored(const Graph *g, const char *name) {
  const char *dot = strrchr(name, '.');
  for (int i = 0; i < g->dropped.n; i++)
    if (strcmp(g->dropped.at[i], name) == 0) return true;
  return strcmp(dot ? dot + 1 : name, "num_batches_tracked") == 0;
}

static bool is_extra(const Graph *g, const Tensor *t) {
  return !find_param(g, t->name) && !is_ignored(g, t->name);
}

static void report_extra(Unit *u, const Graph *g, const char *file, const Tensor *t) {
  const char **names = NEW_ARRAY(u->arena, const char *, g->param.n + 1);
  int n = 0;
  for (int i = 0; i < g->param.n; i++) names[n++] = g->param.at[i].name;
  Text shape = {.arena = u->arena};
  tensor_print_shape(&shape, t);
  const char *near = nearest(t->name, names, n);
  diag_error_in(u, file, "tensor \"%s\" %s is no parameter of the network \"%s\"%s", t->name,
                shape.at, g->name, did_you_mean(u->arena, near));
}

double **params_read(Unit *u, const Graph *g, const char *file) {
  Tensors tensors = {0};
  int errors = u->errors;
  if (!weights_read(u, file, &tensors) || !g) return NULL;
  double **values = NEW_ARRAY(u->arena, double *, g->param.n + 1);
  for (int i = 0; i < g->param.n; i++) {
    const char *fault;
    values[i] = read_param(u, &tensors, &g->param.at[i], &fault);
    if (fault) diag_error_in(u, file, "tensor \"%s\" %s", g->param.at[i].name, fault);
  }
  for (int i = 0; i < tensors.n; i++)
    if (is_extra(g, &tensors.at[i])) report_extra(u, g, file, &tensors.at[i]);
  return u->errors > errors ? NULL : values;
}

/* ---- what fits ---- */

enum { MOST_NAMES = 8 }; /* in a note about tensors that are of no use */

static void note_extra(Unit *u, const Graph *g, const char *file, const Tensors *tensors) {
  Text names = {.arena = u->arena};
  int n = 0;
  for (int i = 0; i < tensors->n; i++) {
    if (!is_extra(g, &tensors->at[i])) continue;
    if (n < MOST_NAMES) text_add(&names, "%s%s", n ? ", " : "", tensors->at[i].name);
    if (n == MOST_NAMES) text_add(&names, " ...");
    n++;
  }
  if (n) usage_note(u, "%s: no parameters here, left out: %d, %s", file, n, names.at);
}

double **params_read_part(Unit *u, const Graph *g, const char *file) {
  Tensors tensors = {0};
  int taken = 0;
  if (!weights_read(u, file, &tensors)) return NULL;
  double **values = NEW_ARRAY(u->arena, double *, g->param.n + 1);
  for (int i = 0; i < g->param.n; i++) {
    const char *fault;
    values[i] = read_param(u, &tensors, &g->param.at[i], &fault);
    taken += values[i] != NULL;
    if (fault)
      usage_note(u, "%s: tensor \"%s\" %s, so it begins anew", file, g->param.at[i].name, fault);
  }
  note_extra(u, g, file, &tensors);
  usage_note(u, "%s: %d of %d parameters are taken", file, taken, g->param.n);
  if (taken) return values;
  diag_error_in(u, file,
                "no tensor has the name and the shape of a parameter of the network \"%s\"",
                g->name);
  return NULL;
}
