/* augment.c - random changes: how a list of them is read and carried out.
 *
 * A row changes the map from places of the result to places of the sample (augment_places.c: all
 * together they are one map, and values are moved once), or the values that arrive
 * (augment_values.c). The rows' order there is the order in which they work, whatever the order of
 * the words. Adding a change: a function and its row beside it. */
#include "augment_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int row_count(void) {
  return augment_places.n + augment_values.n;
}

static const AugmentRow *row_at(int i) {
  return i < augment_places.n ? &augment_places.at[i] : &augment_values.at[i - augment_places.n];
}

static const char *const border_names[BORDERS] = {[BORDER_CONSTANT] = "constant",
                                                  [BORDER_EDGE] = "edge",
                                                  [BORDER_REFLECT] = "reflect",
                                                  [BORDER_SYMMETRIC] = "symmetric",
                                                  [BORDER_WRAP] = "wrap"};

enum { MOST_ROWS = 32 };

struct Augment {
  bool given[MOST_ROWS];
  double value[MOST_ROWS][2];
  Change change;
};

/* ---- reading words ---- */

static bool read_border(Unit *u, Augment *a, const char *text) {
  const char *near = nearest(text, border_names, BORDERS);
  for (int i = 0; i < BORDERS; i++)
    if (strcmp(text, border_names[i]) == 0) return a->change.border = (Border)i, true;
  usage_error(u, "--augment border=%s: constant, edge, reflect, symmetric or wrap is expected%s",
              text, did_you_mean(u->arena, near));
  return false;
}

static bool read_fill(Unit *u, Augment *a, const char *text) {
  char *end;
  a->change.fill = strtof(text, &end);
  if (end > text && !*end && isfinite(a->change.fill)) return true;
  usage_error(u, "--augment fill=%s: a number is expected", text);
  return false;
}

static bool in_range(const AugmentRow *row, double x) {
  return x >= row->min && x <= row->max && (!row->whole || x == floor(x));
}

/* "4", "34:4" or what is left of it. */
static bool read_values(const AugmentRow *row, const char *text, double value[2]) {
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
  const AugmentRow *row = row_at(i);
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
  const char *names[MOST_ROWS + 2] = {"border", "fill"};
  for (int i = 0; i < row_count(); i++) names[i + 2] = row_at(i)->name;
  const char *near = nearest(name, names, row_count() + 2);
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
  for (int i = 0; i < row_count(); i++)
    if (strcmp(row_at(i)->name, name) == 0) return read_row(u, a, i, text);
  unknown_word(u, name);
  return false;
}

Augment *augment_new(Unit *u, const char *const *word, int n) {
  if (row_count() > MOST_ROWS) BUG("%d changes of samples", row_count());
  Augment *a = NEW(u->arena, Augment);
  bool fine = true;
  for (int i = 0; i < n; i++) fine &= read_word(u, a, word[i]);
  return fine ? a : NULL;
}

int64_t augment_margin(const Augment *a) {
  for (int i = 0; a && i < row_count(); i++)
    if (a->given[i] && row_at(i)->margin) return (int64_t)a->value[i][0];
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
  for (int i = 0; i < row_count(); i++) {
    const AugmentRow *row = row_at(i);
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
  for (int i = 0; i < row_count(); i++)
    if (a->given[i] && row_at(i)->coloured && (d->rank != 3 || d->dim[0] != 3)) {
      usage_error(u, "--augment %s: for pictures of three channels", row_at(i)->name);
      return false;
    }
  change_start(u->arena, c, d);
  for (int i = 0; i < row_count(); i++)
    if (a->given[i] && row_at(i)->prepare) row_at(i)->prepare(c, d);
  return true;
}

void augment_sample(Augment *a, Random random, const float *sample, float *out) {
  Change *c = &a->change;
  c->random = random;
  c->at = out;
  change_begin(c);
  for (int i = 0; i < augment_places.n; i++)
    if (a->given[i]) row_at(i)->change(c, a->value[i]);
  change_move(c, sample);
  for (int i = augment_places.n; i < row_count(); i++)
    if (a->given[i]) row_at(i)->change(c, a->value[i]);
  change_end(c);
}
