/* machine_file.c - machines in and out of JSON.
 *
 *   { "machine": 1, "target": "avx512",
 *     "cores": 2, "flops": 117e9, "fma_per_cycle": 1, "l1": 32768, ... }
 *
 * Numbers have the names and units of struct Machine; what a file leaves out is as it would be
 * without the file. */
#include "machine_file.h"
#include "expr.h"
#include "read.h"

#include <stdlib.h>
#include <string.h>

enum { VERSION = 1 };

/* A number of a machine. What a target has not, its row has as 0: no file may give it. */
typedef struct Number {
  const char *key, *unit;
  size_t at;
  bool whole; /* an int */
  double least, most;
} Number;

#define AT(member) offsetof(Machine, member)
static const Number numbers[] = {
    {"cores", "jobs are made for so many", AT(cores), true, 1, 1024},
    {"flops", "operations a second and core", AT(flops), false, 1e6, 1e18},
    {"fma_per_cycle", "vectors", AT(fma_per_cycle), false, 0.25, 64},
    {"l1", "bytes", AT(l1), false, 1e3, 1e12},
    {"l2", "bytes", AT(l2), false, 1e3, 1e12},
    {"l3", "bytes", AT(l3), false, 1e3, 1e12},
    {"l2_bandwidth", "bytes a second", AT(l2_bandwidth), false, 1e6, 1e15},
    {"l3_bandwidth", "bytes a second", AT(l3_bandwidth), false, 1e6, 1e15},
    {"dram_bandwidth", "bytes a second", AT(dram_bandwidth), false, 1e6, 1e15},
    {"launch", "seconds", AT(launch), false, 1e-9, 1},
    {"units", "multiprocessors", AT(units), true, 1, 65536},
    {"tensor_flops", "operations a second", AT(tensor_flops), false, 1e6, 1e18},
    {"wgmma_flops", "operations a second", AT(wgmma_flops), false, 1e6, 1e18},
};

static double get(const Machine *m, const Number *n) {
  const void *at = (const char *)m + n->at;
  return n->whole ? *(const int *)at : *(const double *)at;
}

static void set(Machine *m, const Number *n, double value) {
  void *at = (char *)m + n->at;
  if (n->whole)
    *(int *)at = (int)value;
  else
    *(double *)at = value;
}

bool machine_same(const Machine *a, const Machine *b) {
  bool same = true;
  for (int i = 0; i < COUNT(numbers); i++) same &= get(a, &numbers[i]) == get(b, &numbers[i]);
  return same;
}

/* ---- reading ---- */

static const Number *find_number(const char *key) {
  for (int i = 0; i < COUNT(numbers); i++)
    if (strcmp(numbers[i].key, key) == 0) return &numbers[i];
  return NULL;
}

static void read_number(Unit *u, const Number *n, json_t *value, const Path *path, Machine *m) {
  const double number = json_number_value(value);
  const bool fine = n->whole ? json_is_integer(value) : json_is_number(value);
  if (fine && number >= n->least && number <= n->most)
    set(m, n, number);
  else
    diag_error(u, path, "%s is %s from %g to %g: %s", n->key, n->whole ? "an integer" : "a number",
               n->least, n->most, n->unit);
}

static void unknown_key(Unit *u, const char *key, const Path *path, const Target *t) {
  const char *names[COUNT(numbers)];
  int n = 0;
  for (int i = 0; i < COUNT(numbers); i++)
    if (get(&t->machine, &numbers[i]) > 0) names[n++] = numbers[i].key;
  diag_error_key(u, path, "unknown key \"%s\"%s", key,
                 did_you_mean(u->arena, nearest(key, names, n)));
}

void machine_read(Unit *u, json_t *object, const Path *path, const Target *t,
                  const char *const *other, Machine *m) {
  const char *key;
  json_t *value;
  if (!json_is_object(object))
    diag_error(u, path, "a machine is an object of numbers, not %s", read_kind(object));
  json_object_foreach(object, key, value) {
    const char *copy = arena_copy(u->arena, key, strlen(key));
    const Path *where = path_key(u->arena, path, copy);
    const Number *n = find_number(key);
    if (is_among(key, other)) continue;
    if (strcmp(key, "name") == 0) {
      const char *name = json_string_value(value);
      if (name)
        m->name = arena_copy(u->arena, name, strlen(name));
      else
        diag_error(u, where, "a name is a string, not %s", read_kind(value));
    } else if (!n)
      unknown_key(u, copy, where, t);
    else if (get(&t->machine, n) == 0)
      diag_error_key(u, where, "target %s has no \"%s\"", t->name, copy);
    else
      read_number(u, n, value, where, m);
  }
}

static void read_head(Unit *u, json_t *root, const Target *t) {
  json_t *version = json_object_get(root, "machine"), *target = json_object_get(root, "target");
  const Path *at_version = path_key(u->arena, NULL, "machine"),
             *at_target = path_key(u->arena, NULL, "target");
  if (!json_is_integer(version))
    diag_error(u, at_version, "a machine file says its \"machine\": %d", VERSION);
  else if (json_integer_value(version) != VERSION)
    diag_error(u, at_version, "the machine is of version %" JSON_INTEGER_FORMAT ", not %d",
               json_integer_value(version), VERSION);
  if (!json_is_string(target))
    diag_error(u, at_target, "a machine file says its \"target\": \"%s\"", t->name);
  else if (strcmp(json_string_value(target), t->name) != 0)
    diag_error(u, at_target, "the machine is for the target \"%s\", not \"%s\"",
               json_string_value(target), t->name);
}

static void read_document(Unit *u, const Target *t, Machine *m) {
  static const char *const head[] = {"machine", "target", NULL};
  json_t *root = read_json(u);
  if (!root) return;
  if (json_is_object(root)) read_head(u, root, t);
  machine_read(u, root, NULL, t, head, m);
  json_decref(root);
}

bool machine_file_read(Unit *u, const char *path, const Target *t, Machine *m) {
  const int errors = u->errors;
  Source source = {.name = path};
  source.text = file_read(u, path, &source.size);
  if (!source.text) return false;
  const Source network = unit_turn_to(u, source);
  m->name = file_name(path);
  read_document(u, t, m);
  unit_turn_to(u, network);
  return u->errors == errors;
}

/* ---- printing ---- */

static void add_members(Text *out, const Machine *m, const char *between) {
  json_t *string = json_string(m->name);
  char *name = json_dumps(string, JSON_ENCODE_ANY);
  text_add(out, "\"name\": %s", name);
  free(name);
  json_decref(string);
  for (int i = 0; i < COUNT(numbers); i++) {
    if (get(m, &numbers[i]) == 0) continue;
    text_add(out, ",%s\"%s\": ", between, numbers[i].key);
    number_print(out, get(m, &numbers[i]));
  }
}

void machine_print(Text *out, const Machine *m) {
  text_add(out, "{");
  add_members(out, m, " ");
  text_add(out, "}");
}

void machine_file_print(Text *out, const Target *t) {
  text_add(out, "{\n  \"machine\": %d,\n  \"target\": \"%s\",\n  ", VERSION, t->name);
  add_members(out, &t->machine, "\n  ");
  text_add(out, "\n}\n");
}

void machine_describe(Text *out, const Machine *m) {
  text_add(out, "%s: %d core%s of %.4g GFLOP/s, L1 %.0f KiB, L2 %.0f KiB at %.3g GB/s, ", m->name,
           m->cores, m->cores > 1 ? "s" : "", 1e-9 * m->flops, m->l1 / 1024, m->l2 / 1024,
           1e-9 * m->l2_bandwidth);
  text_add(out, "L3 %.0f KiB at %.3g GB/s, memory at %.3g GB/s", m->l3 / 1024,
           1e-9 * m->l3_bandwidth, 1e-9 * m->dram_bandwidth);
}
