/* inputs.c - "input" and "inputs": shape, type, and how pictures are scaled before they go in. */
#include <math.h>
#include <string.h>

#include "read.h"

enum { MAX_SHAPE = 4 }; /* channels and up to three spatial axes */

static const char *const input_keys[] = {"shape", "dtype", "layout", "scale", "mean", "std", NULL};

static bool is_target(const json_t *loss, const char *name) {
  const char *target = json_string_value(json_object_get(loss, "target"));
  return target && strcmp(target, name) == 0;
}

static bool named_by_loss(const Reader *r, const char *name) {
  size_t i;
  json_t *loss, *losses = json_object_get(r->root, "losses");
  json_array_foreach(losses, i, loss) if (is_target(loss, name)) return true;
  return is_target(json_object_get(r->root, "loss"), name);
}

static bool type_fits(const Type *type) {
  int64_t size = 1;
  for (int a = 1; a < type->rank; a++) size = size_mul(size, type->dim[a].plus);
  return size <= MAX_ELEMENTS;
}

static bool read_shape(Reader *r, json_t *value, const Path *path, Type *type) {
  if (!json_is_array(value) || json_array_size(value) > MAX_SHAPE) {
    diag_error(r->u, path,
               "shape must be a list of at most %d extents: channels and up to three "
               "axes, without the batch",
               MAX_SHAPE);
    return false;
  }
  size_t i;
  json_t *e;
  bool good = true;
  json_array_foreach(value, i, e) {
    int64_t extent = 1;
    const Path *where = path_index(r->u->arena, path, (int)i);
    good &= read_integer(r, NULL, e, where, 1, (double)MAX_ELEMENTS, &extent);
    type->dim[type->rank++] = fixed(extent);
  }
  if (good && !type_fits(type))
    diag_error(r->u, path, "this is more than %lld elements", (long long)MAX_ELEMENTS);
  return good;
}

/* mean and std: one number, or one per channel. */
static void read_scaling(Reader *r, json_t *object, const Path *path, Input *input) {
  json_t *scale = json_object_get(object, "scale"), *mean = json_object_get(object, "mean");
  json_t *std = json_object_get(object, "std");
  const Path *mean_path = path_key(r->u->arena, path, "mean");
  const Path *std_path = path_key(r->u->arena, path, "std");
  int64_t channels = input->type.rank > 1 ? input->type.dim[1].plus : 1;
  int nmean = 0, nstd = 0;
  double means[4] = {0}, stds[4] = {1};
  if (scale)
    read_real(r, NULL, scale, path_key(r->u->arena, path, "scale"), -INFINITY, INFINITY,
              &input->scale);
  if (mean && !read_reals(r, NULL, mean, mean_path, COUNT(means), means, &nmean)) return;
  if (std && !read_reals(r, NULL, std, std_path, COUNT(stds), stds, &nstd)) return;
  if (nmean > 1 && nmean != channels)
    diag_error(r->u, mean_path, "mean has %d numbers for %lld channel%s", nmean,
               (long long)channels, channels == 1 ? "" : "s");
  if (nstd > 1 && nstd != channels)
    diag_error(r->u, std_path, "std has %d numbers for %lld channel%s", nstd, (long long)channels,
               channels == 1 ? "" : "s");
  for (int i = 0; i < nstd; i++)
    if (!(stds[i] > 0)) diag_error(r->u, std_path, "std must be above 0, not %.15g", stds[i]);
  input->nmean = nmean > nstd ? nmean : nstd;
  for (int i = 0; i < input->nmean; i++) {
    input->mean[i] = nmean > 1 ? means[i] : means[0];
    input->std[i] = nstd > 1 ? stds[i] : stds[0];
  }
}

static void read_input(Reader *r, const char *name, json_t *object, const Path *path) {
  static const char *const dtypes[] = {"f32", "u8", "i32", NULL};
  static const char *const layouts[] = {"chw", "hwc", NULL};
  static const DType dtype_of[] = {F32, U8, I32};
  Arena *arena = r->u->arena;
  int errors = r->u->errors;
  int32_t dtype = 0, layout = 0;
  Input *input = &r->input[r->ninput++];
  *input = (Input){.name = arena_copy(arena, name, strlen(name)), .scale = 1};
  input->type = (Type){.rank = 1, .dim[0] = {1, 0}};
  input->kind = named_by_loss(r, name) ? INPUT_TARGET : INPUT_DATA;
  if (!json_is_object(object)) {
    diag_error(r->u, path, "an input must be an object with \"shape\", not %s", read_kind(object));
  } else {
    json_t *shape = json_object_get(object, "shape"), *value;
    read_check_keys(r, object, path, input_keys);
    if (shape)
      read_shape(r, shape, path_key(arena, path, "shape"), &input->type);
    else
      diag_error(r->u, path, "input \"%s\" needs \"shape\"", name);
    if ((value = json_object_get(object, "dtype")))
      read_choice(r, value, path_key(arena, path, "dtype"), dtypes, &dtype);
    if ((value = json_object_get(object, "layout")))
      read_choice(r, value, path_key(arena, path, "layout"), layouts, &layout);
    input->type.dtype = dtype_of[dtype];
    input->hwc = layout == 1;
    read_scaling(r, object, path, input);
  }
  Draft d = {.name = input->name, .op = OP_input, .path = path, .settings.owner = -1};
  d.broken = r->u->errors != errors;
  vec_push(arena, &r->draft, d);
  if (name_check(r, name, path)) name_define(r, input->name, r->draft.n - 1, false, path);
}

/* ---- --input-shape [NAME=]CxDxHxW ---- */

/* Does the option speak of an input of this name? */
static bool names(const char *option, const char *name) {
  size_t length = strlen(name);
  return strncmp(option, name, length) == 0 && option[length] == '=';
}

/* The input that an option means: without a name the first. */
static Input *find_input(Reader *r, const char *option) {
  for (int i = 0; i < r->ninput; i++)
    if (!strchr(option, '=') || names(option, r->input[i].name)) return &r->input[i];
  return NULL;
}

bool input_shape_follows(const Reader *r, const Input *input) {
  for (int i = 0; i < r->options->input_shape.n; i++)
    if (names(r->options->input_shape.at[i], input->name)) return false;
  return r->options->input_shape.n > 0;
}

/* Extents behind the batch; all that are too large are alike. False if `text` is something else. */
static bool parse_shape(const char *text, Type *type) {
  for (const char *at = text;; at++) {
    char *end;
    long long extent = *at >= '0' && *at <= '9' ? strtoll(at, &end, 10) : 0;
    if (extent < 1 || type->rank > MAX_SHAPE || (*end && *end != 'x')) return false;
    type->dim[type->rank++] = fixed(extent <= MAX_ELEMENTS ? extent : MAX_ELEMENTS + 1);
    at = end;
    if (!*at) return true;
  }
}

static void override_shape(Reader *r, const char *option) {
  const char *equals = strchr(option, '=');
  Input *input = find_input(r, option);
  if (!input) {
    usage_error(r->u, "--input-shape %s: the network has no input of that name", option);
    return;
  }
  Type type = {.dtype = input->type.dtype, .rank = 1, .dim[0] = input->type.dim[0]};
  if (!parse_shape(equals ? equals + 1 : option, &type))
    usage_error(r->u,
                "--input-shape %s is not understood; expected [NAME=]CxHxW, for example 3x224x224",
                option);
  else if (type.rank != input->type.rank)
    usage_error(r->u, "--input-shape %s: input \"%s\" has %d extents, not %d: %s=%s", option,
                input->name, input->type.rank - 1, type.rank - 1, input->name,
                sample_text(r->u->arena, &input->type));
  else if (!type_fits(&type))
    usage_error(r->u, "--input-shape %s is more than %lld elements", option,
                (long long)MAX_ELEMENTS);
  else
    input->type = type;
}

void read_inputs(Reader *r) {
  json_t *one = json_object_get(r->root, "input"), *many = json_object_get(r->root, "inputs"),
         *each;
  const Path *path = path_key(r->u->arena, NULL, "inputs");
  const char *key;
  if (one && many) diag_error_key(r->u, path, "a network has either \"input\" or \"inputs\"");
  if (many && (!json_is_object(many) || json_object_size(many) == 0)) {
    diag_error(r->u, path, "inputs must be an object of names and inputs");
    many = NULL;
  }
  if (!one && !many) diag_error(r->u, NULL, "a network needs \"input\": { \"shape\": [...] }");
  r->input = NEW_ARRAY(r->u->arena, Input, json_object_size(many) + 1);
  if (one) read_input(r, "x", one, path_key(r->u->arena, NULL, "input"));
  if (!one)
    json_object_foreach(many, key, each) read_input(
        r, key, each, path_key(r->u->arena, path, arena_copy(r->u->arena, key, strlen(key))));
  for (int i = 0; i < r->options->input_shape.n; i++)
    override_shape(r, r->options->input_shape.at[i]);
}
