/* run.c - the command run: inputs from files, one inference, the largest outputs or a file. */
#include "inference.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

enum { TOP = 5, REPEAT = 20 };

/* ---- inputs ---- */

static int64_t extent(const Type *type, int axis) {
  return axis < type->rank ? extent_at(type->dim[axis], 1) : 1;
}

/* A picture, prepared as the input says; bytes where the network takes bytes. */
static float *read_picture(Unit *u, const Input *in, const char *file) {
  Tensor t;
  const Type *type = &in->type;
  if (type->rank != 4) {
    diag_error_in(u, file, "input \"%s\" is no picture [c,h,w]", in->name);
    return NULL;
  }
  if (!picture_read(u, file, extent(type, 1), extent(type, 2), extent(type, 3), &t)) return NULL;
  Scaling scaling = inference_scaling(in);
  return tensor_scaled(u->arena, &t, &scaling);
}

static bool same_extents(const Tensor *t, int from, const Type *type) {
  if (t->rank - from != type->rank - 1) return false;
  for (int a = 1; a < type->rank; a++)
    if (t->dim[from + a - 1] != extent(type, a)) return false;
  return true;
}

/* Bytes hold whole numbers from 0 to 255. */
static bool fits_bytes(Unit *u, const Input *in, const char *file, const float *value, int64_t n) {
  for (int64_t i = 0; i < n; i++)
    if (!(value[i] >= 0 && value[i] <= 255 && value[i] == floorf(value[i]))) {
      diag_error_in(u, file,
                    "value %" PRId64 " is %g; input \"%s\" takes whole numbers from 0 to 255 "
                    "(\"dtype\": \"u8\")",
                    i, (double)value[i], in->name);
      return false;
    }
  return true;
}

/* An array of one sample or of several, as forward takes it. */
static float *read_array(Unit *u, const Input *in, const char *file, int64_t *n) {
  Tensor t;
  if (!npy_read(u, file, &t)) return NULL;
  bool one = same_extents(&t, 0, &in->type), many = !one && same_extents(&t, 1, &in->type);
  *n = one ? 1 : t.dim[0];
  if ((one || many) && *n > 0) {
    const float *value = tensor_f32(u->arena, &t);
    const bool fits = in->type.dtype != U8 || fits_bytes(u, in, file, value, tensor_size(&t));
    return fits ? (float *)(uintptr_t)value : NULL;
  }
  Text have = {.arena = u->arena}, want = {.arena = u->arena};
  tensor_print_shape(&have, &t);
  type_print(&want, &in->type);
  diag_error_in(u, file, "the array has shape %s; input \"%s\" is %s", have.at, in->name, want.at);
  return NULL;
}

/* NAME=FILE, or a file for the first input; -1: there is no such input. */
static int find_input(const Graph *g, const char *argument, const char **file) {
  const char *equals = strchr(argument, '=');
  for (int i = 0; i < g->input.n; i++) {
    size_t length = strlen(g->input.at[i].name);
    if (equals && (size_t)(equals - argument) == length &&
        strncmp(g->input.at[i].name, argument, length) == 0) {
      *file = equals + 1;
      return i;
    }
  }
  *file = argument;
  if (equals && access(argument, F_OK) != 0) return -1;
  for (int i = 0; i < g->input.n; i++)
    if (g->input.at[i].kind == INPUT_DATA) return i;
  return -1;
}

static void read_input(Inference *f, const char *argument) {
  const char *file;
  int i = find_input(f->g, argument, &file);
  if (i < 0) {
    usage_error(f->u, "--input %s: the network has no input%s", argument,
                strchr(argument, '=') ? " of that name" : "");
    return;
  }
  const Input *in = &f->g->input.at[i];
  int64_t n = 1;
  f->input[i] =
      path_ends(file, ".npy") ? read_array(f->u, in, file, &n) : read_picture(f->u, in, file);
  if (f->input[i] && f->n && f->n != n)
    diag_error_in(f->u, file, "%" PRId64 " samples; the other inputs have %" PRId64, n, f->n);
  if (f->input[i]) f->n = n;
}

/* Does an option mean this input, be there a file or not? */
static bool is_given(const Inference *f, int input) {
  const char *file;
  for (int i = 0; i < f->o->input.n; i++)
    if (find_input(f->g, f->o->input.at[i], &file) == input) return true;
  return false;
}

static void read_inputs(Inference *f) {
  if (!f->g) return;
  f->input = NEW_ARRAY(f->u->arena, float *, f->g->input.n + 1);
  for (int i = 0; i < f->o->input.n; i++) read_input(f, f->o->input.at[i]);
  for (int i = 0; i < f->g->input.n; i++)
    if (f->g->input.at[i].kind == INPUT_DATA && !is_given(f, i))
      usage_error(f->u, "no values for input \"%s\": give --input %s=FILE", f->g->input.at[i].name,
                  f->g->input.at[i].name);
  if (f->n == 0) f->n = 1;
}

/* ---- outputs ---- */

static void print_top(const float *values, int64_t size) {
  int64_t best[TOP];
  int n = 0;
  for (int64_t i = 0; i < size; i++) {
    int place = n < TOP ? n++ : TOP;
    if (place == TOP && values[i] <= values[best[TOP - 1]]) continue;
    if (place == TOP) place--;
    for (; place > 0 && values[best[place - 1]] < values[i]; place--) best[place] = best[place - 1];
    best[place] = i;
  }
  for (int i = 0; i < n; i++) printf("  %6" PRId64 "  %.6g\n", best[i], (double)values[best[i]]);
}

static void print_output(const Inference *f, int output) {
  const Type *type = graph_output_type(f->g, output);
  const char *name = f->g->entry[ENTRY_FORWARD].want_name.at[output];
  int64_t size = inference_output_size(f->g, output);
  Text shape = {.arena = f->u->arena};
  type_print(&shape, type);
  for (int64_t s = 0; s < f->n; s++) {
    if (f->n > 1)
      printf("%s %s, sample %" PRId64 "\n", name, shape.at, s);
    else
      printf("%s %s\n", name, shape.at);
    print_top(f->output[output] + s * size, size);
  }
}

/* Y.npy for the first output, Y.NAME.npy for the others. */
static bool write_output(const Inference *f, int output) {
  const Type *type = graph_output_type(f->g, output);
  const char *path = f->o->output, *name = f->g->entry[ENTRY_FORWARD].want_name.at[output];
  size_t stem = strlen(path) - (path_ends(path, ".npy") ? 4 : 0);
  if (output > 0) path = arena_printf(f->u->arena, "%.*s.%s.npy", (int)stem, path, name);
  Tensor t = {.element = ELEMENT_F32, .rank = type->rank, .data = f->output[output]};
  for (int a = 0; a < type->rank; a++) t.dim[a] = extent_at(type->dim[a], f->n);
  return npy_write(f->u, path, &t);
}

static Status show_outputs(const Inference *f) {
  for (int i = 0; i < f->g->entry[ENTRY_FORWARD].want.n; i++)
    if (!f->o->output)
      print_output(f, i);
    else if (!write_output(f, i))
      return STATUS_INPUT;
  printf("time %.3f ms", f->seconds * 1e3);
  if (f->memory_kb > 0)
    printf(", peak memory %.1f MB, library %.1f MB", f->memory_kb / 1024,
           (double)f->library_bytes / (1 << 20));
  printf(", %s%s\n", f->target ? "target " : "interpreted", f->target ? f->target->name : "");
  return STATUS_DONE;
}

Status command_run(Unit *u, const Options *o) {
  Inference f = inference_new(u, o);
  f.repeat = REPEAT;
  if (o->output) file_writable(u, o->output);
  read_inputs(&f);
  const Status status = inference_run(&f);
  return status ? status : show_outputs(&f);
}
