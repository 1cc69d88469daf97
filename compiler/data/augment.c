/* augment.c - the table of random changes, and how a list of them is read and carried out.
 *
 * A row changes the map from places of the result to places of the sample (rows of phase PLACES:
 * all together they are one map, and values are moved once, augment_places.c), or the values that
 * arrive (rows of phase VALUES, augment_values.c). The rows' order here is the order in which they
 * work, whatever the order of the words. Adding a change: one row and its function. */
#include "augment_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PLACES, VALUES };
enum { LIMIT = 1 << 14 };

typedef struct Row {
  const char *name;
  int phase;
  const char *argument;          /* "N", or two of them: "A:S"; NULL: none */
  double otherwise[2], min, max; /* `otherwise`: of what is not given; min, max: of the first */
  bool whole;                    /* the first is a whole number */
  bool coloured;                 /* for three channels only */
  void (*change)(Change *, const double *value);
  const char *doc, *source;
} Row;

static const Row rows[] = {
    {.name = "shift",
     .phase = PLACES,
     .argument = "N",
     .min = 1,
     .max = LIMIT,
     .whole = true,
     .change = change_shift,
     .doc = "moves by -N to N places along each axis, other numbers each time",
     .source = "Simard, Steinkraus, Platt 2003"},
    {.name = "crop",
     .phase = PLACES,
     .argument = "N",
     .min = 1,
     .max = LIMIT,
     .whole = true,
     .change = change_shift,
     .doc =
         "cuts a window out of the sample and N places around it; pictures and sounds of a folder "
         "are read that much larger, other samples are continued by the border",
     .source = "Krizhevsky, Sutskever, Hinton 2012"},
    {.name = "flip",
     .phase = PLACES,
     .change = change_flip,
     .doc = "half of the samples mirrored left to right",
     .source = "Krizhevsky et al. 2012"},
    {.name = "vflip",
     .phase = PLACES,
     .change = change_vflip,
     .doc = "half of the samples mirrored top to bottom"},
    {.name = "scale",
     .phase = PLACES,
     .argument = "F",
     .max = 0.9,
     .change = change_scale,
     .doc = "enlarges by 1 - F to 1 + F",
     .source = "Ciresan et al. 2011"},
    {.name = "stretch",
     .phase = PLACES,
     .argument = "F",
     .max = 0.9,
     .change = change_stretch,
     .doc = "the same, with another factor for each axis",
     .source = "Ciresan et al. 2011"},
    {.name = "rotate",
     .phase = PLACES,
     .argument = "DEGREES",
     .max = 180,
     .change = change_rotate,
     .doc = "turns by -DEGREES to DEGREES",
     .source = "Simard et al. 2003"},
    {.name = "shear",
     .phase = PLACES,
     .argument = "F",
     .max = 2,
     .change = change_shear,
     .doc = "slants by -F to F columns each row",
     .source = "Simard et al. 2003"},
    {.name = "elastic",
     .phase = PLACES,
     .argument = "A:S",
     .otherwise = {34, 4},
     .max = 1000,
     .change = change_elastic,
     .doc = "moves each place by A times random numbers of -1 to 1 that a Gaussian of S places has "
            "smoothed (default 34:4)",
     .source = "Simard et al. 2003"},
    {.name = "brightness",
     .phase = VALUES,
     .argument = "F",
     .max = 1,
     .change = change_brightness,
     .doc = "multiplies by 1 - F to 1 + F",
     .source = "Howard 2013, arXiv 1312.5402"},
    {.name = "contrast",
     .phase = VALUES,
     .argument = "F",
     .max = 1,
     .change = change_contrast,
     .doc = "scales the distance to the sample's mean by 1 - F to 1 + F",
     .source = "Howard 2013"},
    {.name = "saturation",
     .phase = VALUES,
     .argument = "F",
     .max = 1,
     .coloured = true,
     .change = change_saturation,
     .doc = "scales the distance of colours to grey by 1 - F to 1 + F",
     .source = "Howard 2013"},
    {.name = "pca",
     .phase = VALUES,
     .argument = "S",
     .otherwise = {0.1},
     .max = 10,
     .coloured = true,
     .change = change_pca,
     .doc = "adds the principal components of the data's colours, times their variances and normal "
            "numbers of deviation S (default 0.1)",
     .source = "Krizhevsky et al. 2012"},
    {.name = "noise",
     .phase = VALUES,
     .argument = "S",
     .max = 1e9,
     .change = change_noise,
     .doc = "adds normal numbers of deviation S, in the data's units",
     .source = "Bishop 1995"},
    {.name = "erase",
     .phase = VALUES,
     .argument = "N",
     .min = 1,
     .max = LIMIT,
     .whole = true,
     .change = change_erase,
     .doc = "a square of N places becomes 0",
     .source = "DeVries, Taylor 2017, arXiv 1708.04552"},
};

static const char *const border_names[BORDERS] = {[BORDER_CONSTANT] = "constant",
                                                  [BORDER_EDGE] = "edge",
                                                  [BORDER_REFLECT] = "reflect",
                                                  [BORDER_SYMMETRIC] = "symmetric",
                                                  [BORDER_WRAP] = "wrap"};

struct Augment {
  bool given[COUNT(rows)];
  double value[COUNT(rows)][2];
  Change change;
};

/* ---- reading words ---- */

static bool read_border(Unit *u, Augment *a, const char *text) {
  const char *near = nearest(text, border_names, BORDERS);
  for (int i = 0; i < BORDERS; i++)
    if (strcmp(text, border_names[i]) == 0) return a->change.border = (Border)i, true;
  usage_error(u,
              "--augment border=%s: constant, edge, reflect, symmetric or wrap is expected%s%s%s",
              text, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
  return false;
}

static bool read_fill(Unit *u, Augment *a, const char *text) {
  char *end;
  a->change.fill = strtof(text, &end);
  if (end > text && !*end && isfinite(a->change.fill)) return true;
  usage_error(u, "--augment fill=%s: a number is expected", text);
  return false;
}

static bool in_range(const Row *row, double x) {
  return x >= row->min && x <= row->max && (!row->whole || x == floor(x));
}

/* "4", "34:4" or what is left of it. */
static bool read_values(const Row *row, const char *text, double value[2]) {
  int n = 0, most = strchr(row->argument, ':') ? 2 : 1;
  for (char *end; n < most; text = end + 1) {
    value[n] = strtod(text, &end);
    if (end == text || !isfinite(value[n++])) return false;
    if (!*end) return in_range(row, value[0]) && (n < 2 || (value[1] > 0 && value[1] <= 64));
    if (*end != ':') return false;
  }
  return false;
}

static bool read_row(Unit *u, Augment *a, int i, const char *text) {
  const Row *row = &rows[i];
  bool optional = !row->argument || row->otherwise[0] != 0;
  memcpy(a->value[i], row->otherwise, sizeof a->value[i]);
  a->given[i] = true;
  if (!text && optional) return true;
  if (text && row->argument && read_values(row, text, a->value[i])) return true;
  if (!row->argument)
    usage_error(u, "--augment %s=%s: %s takes no value", row->name, text, row->name);
  else
    usage_error(u, "--augment %s%s%s: %s=%s is expected, with a %snumber from %g to %g%s",
                row->name, text ? "=" : "", text ? text : "", row->name, row->argument,
                row->whole ? "whole " : "", row->min, row->max,
                strchr(row->argument, ':') ? ", and one up to 64" : "");
  return false;
}

static void unknown_word(Unit *u, const char *name) {
  const char *names[COUNT(rows) + 2] = {"border", "fill"};
  for (int i = 0; i < COUNT(rows); i++) names[i + 2] = rows[i].name;
  const char *near = nearest(name, names, COUNT(names));
  if (near)
    usage_error(u, "--augment %s: no such change; did you mean \"%s\"?", name, near);
  else
    usage_error(u, "--augment %s: no such change; `cnnc train --help` lists them", name);
}

static bool read_word(Unit *u, Augment *a, const char *word) {
  size_t length = strcspn(word, "=");
  const char *name = arena_copy(u->arena, word, length);
  const char *text = word[length] ? word + length + 1 : NULL;
  if (strcmp(name, "border") == 0) return read_border(u, a, text ? text : "");
  if (strcmp(name, "fill") == 0) return read_fill(u, a, text ? text : "");
  for (int i = 0; i < COUNT(rows); i++)
    if (strcmp(rows[i].name, name) == 0) return read_row(u, a, i, text);
  unknown_word(u, name);
  return false;
}

Augment *augment_new(Unit *u, const char *const *word, int n) {
  Augment *a = NEW(u->arena, Augment);
  bool fine = true;
  for (int i = 0; i < n; i++) fine &= read_word(u, a, word[i]);
  return fine ? a : NULL;
}

int64_t augment_margin(const Augment *a) {
  for (int i = 0; a && i < COUNT(rows); i++)
    if (a->given[i] && strcmp(rows[i].name, "crop") == 0) return (int64_t)a->value[i][0];
  return 0;
}

static void help_word(Text *out, const char *word, const char *doc) {
  enum { DOC_COLUMN = 19 };
  text_add(out, "  %-*s", DOC_COLUMN - 2, word);
  text_add_wrapped(out, doc, DOC_COLUMN);
  text_add(out, "\n");
}

void augment_help(Text *out) {
  Arena *arena = out->arena;
  text_add(out,
           "\nchanges of samples, each with other random numbers in each epoch (--augment):\n");
  for (int i = 0; i < COUNT(rows); i++) {
    const Row *row = &rows[i];
    const char *word = arena_printf(arena, "%s%s%s", row->name, row->argument ? "=" : "",
                                    row->argument ? row->argument : "");
    help_word(out, word,
              row->source ? arena_printf(arena, "%s (%s)", row->doc, row->source) : row->doc);
  }
  help_word(out, "border=HOW",
            "what lies outside of a sample: constant (default), edge, reflect, symmetric, wrap");
  help_word(out, "fill=V", "the constant, in the data's units (default 0)");
}

/* ---- carrying out ---- */

bool augment_prepare(Unit *u, Augment *a, const Dataset *d) {
  if (!a) return true;
  Change *c = &a->change;
  for (int i = 0; i < COUNT(rows); i++)
    if (a->given[i] && rows[i].coloured && (d->rank != 3 || d->dim[0] != 3)) {
      usage_error(u, "--augment %s: for pictures of three channels", rows[i].name);
      return false;
    }
  change_start(u->arena, c, d);
  for (int i = 0; i < COUNT(rows); i++)
    if (a->given[i] && rows[i].change == change_pca) change_find_components(c, d);
  return true;
}

void augment_sample(Augment *a, Random random, const float *sample, float *out) {
  Change *c = &a->change;
  c->random = random;
  c->at = out;
  change_begin(c);
  for (int i = 0; i < COUNT(rows); i++)
    if (a->given[i] && rows[i].phase == PLACES) rows[i].change(c, a->value[i]);
  change_move(c, sample);
  for (int i = 0; i < COUNT(rows); i++)
    if (a->given[i] && rows[i].phase == VALUES) rows[i].change(c, a->value[i]);
  change_end(c);
}
