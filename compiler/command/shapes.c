/* shapes.c - bench --shapes: a table of convolutions, a network for each of its rows.
 *
 * Columns are found by name: layer, N C K, D H W, kernel kd kh kw, strides sd sh sw, padding pd ph
 * pw and pd_end ph_end pw_end, dilation dd dh dw (beyond 1, or 0 and 1 alike), groups, nd: how many
 * of d, h, w there are. Of missing ones D and all but N C H W K kh kw have a default. OD OH OW are
 * compared with what the rest says. Rows whose `source` ends in "deconv" are transposed
 * convolutions. --batch counts in place of N. The convolution stands between two layers, so that it
 * finds and leaves its tensors as most do. */
#include "bench.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { AXES = 3 };
static const int64_t most = INT64_C(1) << 40;

/* Columns in threes are of d, h and w. */
typedef enum Column {
  OF_N,
  OF_C,
  OF_K,
  OF_GROUPS,
  OF_ND,
  OF_SIZE,
  OF_KERNEL = OF_SIZE + AXES,
  OF_STRIDE = OF_KERNEL + AXES,
  OF_PAD = OF_STRIDE + AXES,
  OF_PAD_END = OF_PAD + AXES,
  OF_DILATION = OF_PAD_END + AXES,
  OF_OUT = OF_DILATION + AXES,
  COLUMNS = OF_OUT + AXES
} Column;

static const struct {
  const char *name;
  int64_t least, otherwise; /* least - 1: there is no default */
} columns[COLUMNS] = {
    [OF_N] = {"N", 1, 0},
    [OF_C] = {"C", 1, 0},
    [OF_K] = {"K", 1, 0},
    [OF_GROUPS] = {"groups", 1, 1},
    [OF_ND] = {"nd", 1, 2},
    [OF_SIZE] = {"D", 1, 1},
    [OF_SIZE + 1] = {"H", 1, 0},
    [OF_SIZE + 2] = {"W", 1, 0},
    [OF_KERNEL] = {"kd", 1, 1},
    [OF_KERNEL + 1] = {"kh", 1, 0},
    [OF_KERNEL + 2] = {"kw", 1, 0},
    [OF_STRIDE] = {"sd", 1, 1},
    [OF_STRIDE + 1] = {"sh", 1, 1},
    [OF_STRIDE + 2] = {"sw", 1, 1},
    [OF_PAD] = {"pd", 0, 0},
    [OF_PAD + 1] = {"ph", 0, 0},
    [OF_PAD + 2] = {"pw", 0, 0},
    [OF_PAD_END] = {"pd_end", -(1 << 24), 0},
    [OF_PAD_END + 1] = {"ph_end", -(1 << 24), 0},
    [OF_PAD_END + 2] = {"pw_end", -(1 << 24), 0},
    [OF_DILATION] = {"dd", 0, 1},
    [OF_DILATION + 1] = {"dh", 0, 1},
    [OF_DILATION + 2] = {"dw", 0, 1},
    [OF_OUT] = {"OD", 0, 0},
    [OF_OUT + 1] = {"OH", 0, 0},
    [OF_OUT + 2] = {"OW", 0, 0},
};

typedef struct Table {
  Unit *u;
  Source source;
  int field[COLUMNS]; /* which field of a line; -1: the table lacks it */
  int layer, kind;    /* fields that are texts */
} Table;

typedef struct Shape {
  const char *layer;
  bool transposed;
  int64_t at[COLUMNS];
} Shape;

/* ---- lines ---- */

/* Field i of a line; false: it has fewer. */
static bool find_field(const char *line, int i, const char **at, size_t *length) {
  for (; i > 0; i--) {
    line += strcspn(line, ",\r\n");
    if (*line++ != ',') return false;
  }
  *at = line;
  *length = strcspn(line, ",\r\n");
  return true;
}

static const char *next_line(const char *line) {
  line += strcspn(line, "\n");
  return *line ? line + 1 : line;
}

static int find_column(const char *head, const char *name) {
  const char *at;
  size_t length;
  for (int i = 0; find_field(head, i, &at, &length); i++)
    if (strlen(name) == length && strncmp(at, name, length) == 0) return i;
  return -1;
}

static bool read_head(Table *t) {
  const int errors = t->u->errors;
  for (int c = 0; c < COLUMNS; c++) {
    t->field[c] = find_column(t->source.text, columns[c].name);
    if (t->field[c] < 0 && columns[c].otherwise < columns[c].least)
      diag_error_at(t->u, 0, strcspn(t->source.text, "\r\n"), "the table has no column \"%s\"",
                    columns[c].name);
  }
  t->layer = find_column(t->source.text, "layer");
  t->kind = find_column(t->source.text, "source");
  return t->u->errors == errors;
}

static const char *text_of(const Table *t, const char *line, int field) {
  const char *at;
  size_t length;
  if (field < 0 || !find_field(line, field, &at, &length)) return "";
  return arena_copy(t->u->arena, at, length);
}

static int64_t number_of(const Table *t, const char *line, Column c) {
  const char *at;
  size_t length;
  char *end;
  if (t->field[c] < 0) return columns[c].otherwise;
  if (!find_field(line, t->field[c], &at, &length)) {
    diag_error_at(t->u, (size_t)(line - t->source.text), strcspn(line, "\r\n"),
                  "the line has no \"%s\"", columns[c].name);
    return columns[c].least;
  }
  const int64_t value = strtoll(at, &end, 10);
  if (end == at + length && length > 0 && value >= columns[c].least && value <= most) return value;
  diag_error_at(t->u, (size_t)(at - t->source.text), length ? length : 1,
                "%s is an integer from %" PRId64 " to %" PRId64, columns[c].name, columns[c].least,
                most);
  return columns[c].least;
}

static bool read_shape(const Table *t, const char *line, Shape *s) {
  const int errors = t->u->errors;
  s->layer = text_of(t, line, t->layer);
  const char *kind = text_of(t, line, t->kind);
  s->transposed = path_ends(kind, "deconv");
  for (int c = 0; c < COLUMNS; c++) s->at[c] = number_of(t, line, (Column)c);
  if (s->at[OF_ND] > AXES)
    diag_error_at(t->u, (size_t)(line - t->source.text), strcspn(line, "\r\n"),
                  "nd is an integer from 1 to %d", AXES);
  return t->u->errors == errors;
}

/* ---- a network for a shape ---- */

static void add_list(Text *out, const char *key, const Shape *s, Column from, int64_t least) {
  text_add(out, "%s[", key);
  for (int a = AXES - (int)s->at[OF_ND]; a < AXES; a++) {
    const int64_t value = s->at[from + a];
    text_add(out, "%s%" PRId64, a > AXES - (int)s->at[OF_ND] ? ", " : "",
             value < least ? least : value);
  }
  text_add(out, "]");
}

/* What the end of a transposed convolution's result has in addition: padding below 0. */
static void add_output_padding(Text *out, const Shape *s) {
  Shape more = *s;
  for (int a = 0; a < AXES; a++) more.at[OF_PAD_END + a] = -s->at[OF_PAD_END + a];
  add_list(out, ", \"output_padding\": ", &more, OF_PAD_END, 0);
}

static const char *network_text(Unit *u, const Shape *s, bool train) {
  static const char before[] = "{ \"op\": \"depthwise\", \"kernel\": 1, \"bias\": false }";
  static const char after[] = "{ \"op\": \"dense\", \"units\": 1, \"bias\": false }";
  Text out = {.arena = u->arena};
  text_add(&out, "{ \"name\": \"shape\", \"input\": { \"shape\": [%" PRId64 ", ", s->at[OF_C]);
  Text size = {.arena = u->arena};
  add_list(&size, "", s, OF_SIZE, 1);
  text_add(&out, "%s }, \"layers\": [%s, { \"op\": \"%s\", \"name\": \"measured\"", size.at + 1,
           before, s->transposed ? "conv_transpose" : "conv");
  text_add(&out, ", \"filters\": %" PRId64 ", \"groups\": %" PRId64 ", \"bias\": false",
           s->at[OF_K], s->at[OF_GROUPS]);
  add_list(&out, ", \"kernel\": ", s, OF_KERNEL, 1);
  add_list(&out, ", \"stride\": ", s, OF_STRIDE, 1);
  add_list(&out, ", \"dilation\": ", s, OF_DILATION, 1);
  add_list(&out, ", \"pad\": { \"lo\": ", s, OF_PAD, 0);
  add_list(&out, ", \"hi\": ", s, OF_PAD_END, 0);
  text_add(&out, " }");
  if (s->transposed) add_output_padding(&out, s);
  text_add(&out, " }, %s]", after);
  if (train)
    text_add(&out, ", \"loss\": { \"op\": \"mse\" }, "
                   "\"optimizer\": { \"op\": \"sgd\", \"lr\": 0.1 }");
  text_add(&out, " }");
  return out.at;
}

/* Does the network make of the shape what the table says? */
static void check_result(const Table *t, const char *line, const Shape *s, const Graph *g) {
  for (int i = 0; i < g->layer.n; i++) {
    if (strcmp(g->layer.at[i].name, "measured") != 0 || g->layer.at[i].result == NO_ID) continue;
    const Type *type = &g->node.at[g->layer.at[i].result].type;
    for (int a = AXES - (int)s->at[OF_ND], axis = 2; a < AXES; a++, axis++)
      if (s->at[OF_OUT + a] && s->at[OF_OUT + a] != extent_at(type->dim[axis], 1))
        diag_error_at(t->u, (size_t)(line - t->source.text), strcspn(line, "\r\n"),
                      "%s is %" PRId64 " by the other columns", columns[OF_OUT + a].name,
                      extent_at(type->dim[axis], 1));
  }
}

/* Elements of a sample, or of the weights, whichever are more. */
static double largest_tensor(const Shape *s) {
  double in = (double)s->at[OF_C], out = (double)s->at[OF_K];
  double weights = in * out / (double)s->at[OF_GROUPS];
  for (int a = AXES - (int)s->at[OF_ND]; a < AXES; a++) {
    in *= (double)s->at[OF_SIZE + a];
    out *= (double)s->at[OF_OUT + a];
    weights *= (double)s->at[OF_KERNEL + a];
  }
  return fmax(in, fmax(out, weights));
}

static bool add_shape(Bench *b, const Table *t, const char *line, const Shape *s) {
  Unit *u = b->u;
  const char *text = network_text(u, s, b->o->train);
  const ReadOptions reading = {.training = b->o->train};
  Options options = *b->o;
  const int errors = u->errors;
  const char *name = arena_printf(u->arena, "%s, layer %s", t->source.name, s->layer);
  Graph *g = read_text(u, name, text, strlen(text), &reading);
  u->source = t->source;
  if (!g) return false;
  check_result(t, line, s, g);
  if (!options.batch) options.batch = s->at[OF_N];
  Plan *lowered = u->errors == errors ? pipeline_lowered(u, &options, g, b->target) : NULL;
  if (!lowered) return false;
  const Subjects all = measure_subjects(u, lowered);
  for (int i = 0; i < all.n; i++) {
    if (strcmp(all.at[i].layer, "measured") != 0) continue;
    Subject subject = all.at[i];
    subject.layer = *s->layer ? s->layer : "conv";
    vec_push(u->arena, &b->subjects, subject);
  }
  return true;
}

bool shapes_read(Bench *b, const char *file) {
  Table t = {.u = b->u, .source = {.name = file}};
  const int errors = b->u->errors;
  t.source.text = file_read(b->u, file, &t.source.size);
  if (!t.source.text) return false;
  b->name = file;
  b->u->source = t.source;
  if (!read_head(&t)) return false;
  for (const char *line = next_line(t.source.text); *line; line = next_line(line)) {
    Shape shape;
    if (!strcspn(line, "\r\n") || !read_shape(&t, line, &shape)) continue;
    if (largest_tensor(&shape) > (double)MAX_ELEMENTS)
      usage_note(b->u,
                 "%s: %s is left out: a tensor of a sample has more than %" PRId64 " elements",
                 file, shape.layer, MAX_ELEMENTS);
    else
      add_shape(b, &t, line, &shape);
  }
  measure_number(&b->subjects);
  return b->u->errors == errors;
}
