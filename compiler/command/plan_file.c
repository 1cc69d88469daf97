/* plan_file.c - plan files, in and out.
 *
 *   { "plan": 1,
 *     "network": "lenet5", "target": "avx512", "dtype": "f32", "batch": 1, "train": false,
 *     "forward": {
 *       "c1": {"algorithm": "direct", "tiles": [{"r": 28, "k": 1}], "result": "lanes"},
 *       "s2": {"layout": "lanes", "result": "lanes"} } }
 *
 * Entries hold kernels by name (passes/choose_decisions.c). A line says what it decides: the
 * algorithm of a contraction with the tiles of its steps, the layout that any other kernel works
 * in, and how the tensors lie that it is the first to write. What no line says is estimated, with
 * the numbers of "machine" where it stands in the head: without it, with those of the target. */
#include "plan_file.h"
#include "algos.h"
#include "machine_file.h"
#include "read.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION = 1, MOST_TILES = 4096 };

static const char *const layout_names[] = {
    [LAYOUT_ANY] = "any",
    [LAYOUT_PLAIN] = "plain",
    [LAYOUT_LANES] = "lanes",
    [LAYOUT_BATCH] = "batch",
};

typedef struct Reading {
  Unit *u;
  const PlanHead *head;
  PlanFile *file;
} Reading;

static const char *suggestion(Unit *u, const char *word, const char *const *names, int n) {
  return did_you_mean(u->arena, nearest(word, names, n));
}

/* ---- a kernel's line ---- */

static Layouts read_layout(Reading *r, json_t *value, const Path *path) {
  const char *word = json_is_string(value) ? json_string_value(value) : NULL;
  for (int i = LAYOUT_PLAIN; word && i < LAYOUT_END; i++)
    if (strcmp(word, layout_names[i]) == 0) return (Layouts)i;
  diag_error(r->u, path, "a layout is \"plain\", \"lanes\" or \"batch\"%s",
             word ? suggestion(r->u, word, layout_names + LAYOUT_PLAIN, LAYOUT_END - LAYOUT_PLAIN)
                  : "");
  return LAYOUT_ANY;
}

static void read_algorithm(Reading *r, Decision *d, json_t *value, const Path *path) {
  const char *names[ALGO_KINDS], *word = json_is_string(value) ? json_string_value(value) : NULL;
  for (int a = 0; a < ALGO_KINDS; a++) names[a] = algos[a]->name;
  d->algo = word ? algo_find(word) : NULL;
  if (!word)
    diag_error(r->u, path, "an algorithm is a string, not %s", read_kind(value));
  else if (!d->algo)
    diag_error(r->u, path, "unknown algorithm \"%s\"%s", word,
               suggestion(r->u, word, names, ALGO_KINDS));
}

static void read_own_layout(Reading *r, Decision *d, json_t *value, const Path *path) {
  d->layout = read_layout(r, value, path);
}

/* One name, or a list of them where a kernel writes several tensors. */
static void read_result(Reading *r, Decision *d, json_t *value, const Path *path) {
  Arena *arena = r->u->arena;
  size_t i;
  json_t *each;
  if (!json_is_array(value)) vec_push(arena, &d->result, read_layout(r, value, path));
  json_array_foreach(value, i, each) {
    if (i == MAX_OUT) {
      diag_error(r->u, path, "a kernel writes at most %d tensors", MAX_OUT);
      return;
    }
    vec_push(arena, &d->result, read_layout(r, each, path_index(arena, path, (int)i)));
  }
}

static void read_tile(Reading *r, Decision *d, json_t *value, const Path *path) {
  Arena *arena = r->u->arena;
  Tile tile = {.n = 0};
  const char *name;
  json_t *number;
  if (!json_is_object(value))
    diag_error(r->u, path, "a tile is an object of numbers, not %s", read_kind(value));
  json_object_foreach(value, name, number) {
    const char *copy = arena_copy(arena, name, strlen(name));
    const Path *where = path_key(arena, path, copy);
    const json_int_t size = json_integer_value(number);
    if (tile.n == MAX_TILE)
      diag_error_key(r->u, where, "a tile has at most %d numbers", MAX_TILE);
    else if (!json_is_integer(number) || size < 1 || size > INT16_MAX)
      diag_error(r->u, where, "%s is an integer from 1 to %d", copy, INT16_MAX);
    else
      tile_set(&tile, copy, (int)size);
    if (tile.n == MAX_TILE) break;
  }
  vec_push(arena, &d->tile, tile);
}

static void read_tiles(Reading *r, Decision *d, json_t *value, const Path *path) {
  size_t i;
  json_t *each;
  if (!json_is_array(value) || json_array_size(value) > MOST_TILES) {
    diag_error(r->u, path, "tiles are a list of at most %d objects", MOST_TILES);
    return;
  }
  json_array_foreach(value, i, each) read_tile(r, d, each, path_index(r->u->arena, path, (int)i));
}

static double read_positive(Reading *r, json_t *value, const Path *path) {
  const double number = json_number_value(value);
  if (json_is_number(value) && number >= 0 && isfinite(number)) return number;
  diag_error(r->u, path, "a number that is not negative is expected");
  return 0;
}

static void read_measured(Reading *r, Decision *d, json_t *value, const Path *path) {
  d->seconds = 1e-6 * read_positive(r, value, path);
}

static void read_error(Reading *r, Decision *d, json_t *value, const Path *path) {
  d->error = read_positive(r, value, path);
}

static const struct Member {
  const char *key;
  void (*read)(Reading *, Decision *, json_t *, const Path *);
} members[] = {
    {"algorithm", read_algorithm}, {"tiles", read_tiles},          {"layout", read_own_layout},
    {"result", read_result},       {"measured_us", read_measured}, {"error", read_error},
};

static void read_member(Reading *r, Decision *d, const char *key, json_t *value, const Path *path) {
  const char *names[COUNT(members)];
  for (int i = 0; i < COUNT(members); i++) {
    names[i] = members[i].key;
    if (strcmp(names[i], key) != 0) continue;
    members[i].read(r, d, value, path);
    return;
  }
  diag_error_key(r->u, path, "unknown key \"%s\"%s", key,
                 suggestion(r->u, key, names, COUNT(members)));
}

static const char *copy_of(const Reading *r, const char *key) {
  return arena_copy(r->u->arena, key, strlen(key));
}

static void read_entry(Reading *r, PlanEntry entry, json_t *kernels, const Path *path) {
  Arena *arena = r->u->arena;
  const char *name, *key;
  json_t *line, *value;
  if (!json_is_object(kernels))
    diag_error(r->u, path, "the kernels of an entry are an object, not %s", read_kind(kernels));
  json_object_foreach(kernels, name, line) {
    Decision d = {.entry = entry, .kernel = copy_of(r, name)};
    const Path *where = path_key(arena, path, d.kernel);
    if (!json_is_object(line))
      diag_error(r->u, where, "what is decided is an object, not %s", read_kind(line));
    json_object_foreach(line, key, value) {
      const char *copy = copy_of(r, key);
      read_member(r, &d, copy, value, path_key(arena, where, copy));
    }
    vec_push(arena, &r->file->decision, d);
  }
}

/* ---- the head ---- */

static void expect_text(Reading *r, json_t *root, const char *key, const char *want,
                        const char *noun) {
  const Path *path = path_key(r->u->arena, NULL, key);
  json_t *value = json_object_get(root, key);
  if (!json_is_string(value))
    diag_error(r->u, path, "a plan file says its \"%s\": \"%s\"", key, want);
  else if (strcmp(json_string_value(value), want) != 0)
    diag_error(r->u, path, "the plan is for the %s \"%s\", not \"%s\"", noun,
               json_string_value(value), want);
}

static void expect_number(Reading *r, json_t *root, const char *key, int64_t want,
                          const char *noun) {
  const Path *path = path_key(r->u->arena, NULL, key);
  json_t *value = json_object_get(root, key);
  if (!json_is_integer(value))
    diag_error(r->u, path, "a plan file says its \"%s\": %" PRId64, key, want);
  else if (json_integer_value(value) != want)
    diag_error(r->u, path, "the plan is for %s %" JSON_INTEGER_FORMAT ", not %" PRId64, noun,
               json_integer_value(value), want);
}

static void expect_training(Reading *r, json_t *root) {
  const Path *path = path_key(r->u->arena, NULL, "train");
  json_t *value = json_object_get(root, "train");
  const bool want = r->head->train;
  if (!json_is_boolean(value))
    diag_error(r->u, path, "a plan file says its \"train\": %s", want ? "true" : "false");
  else if (json_boolean_value(value) != want)
    diag_error(r->u, path,
               want ? "the plan is for inference, not for --train"
                    : "the plan is for --train, not for inference");
}

static const char *const head_keys[] = {"plan",  "network", "target", "dtype",
                                        "batch", "train",   "machine"};

/* An entry of that name; PLAN_ENTRIES: it is none, which is reported if it is no
 * key of the head. */
static PlanEntry entry_named(Reading *r, const char *key) {
  const char *names[COUNT(head_keys) + PLAN_ENTRIES];
  int n = 0;
  for (int e = PLAN_FORWARD; e <= PLAN_STEP; e++) {
    if (strcmp(key, plan_entry_names[e]) == 0) return (PlanEntry)e;
    names[n++] = plan_entry_names[e];
  }
  for (int i = 0; i < COUNT(head_keys); i++) {
    if (strcmp(key, head_keys[i]) == 0) return PLAN_ENTRIES;
    names[n++] = head_keys[i];
  }
  diag_error_key(r->u, path_key(r->u->arena, NULL, copy_of(r, key)), "unknown key \"%s\"%s", key,
                 suggestion(r->u, key, names, n));
  return PLAN_ENTRIES;
}

static void read_machine(Reading *r, json_t *machine) {
  static const char *const none[] = {NULL};
  const Target *row = target_find(r->head->target->name);
  r->file->machine = row->machine;
  if (machine)
    machine_read(r->u, machine, path_key(r->u->arena, NULL, "machine"), row, none,
                 &r->file->machine);
}

static void read_head(Reading *r, json_t *root) {
  const PlanHead *head = r->head;
  expect_number(r, root, "plan", VERSION, "version");
  expect_text(r, root, "network", head->network, "network");
  expect_text(r, root, "target", head->target->name, "target");
  expect_text(r, root, "dtype", head->dtype, "dtype");
  expect_number(r, root, "batch", head->batch, "batch");
  expect_training(r, root);
  read_machine(r, json_object_get(root, "machine"));
}

static void read_file(Reading *r) {
  json_t *root = read_json(r->u), *value;
  const char *key;
  if (!root) return;
  if (!json_is_object(root))
    diag_error(r->u, NULL, "a plan is a JSON object, not %s", read_kind(root));
  else if (r->head)
    read_head(r, root);
  json_object_foreach(root, key, value) {
    const PlanEntry entry = entry_named(r, key);
    if (entry != PLAN_ENTRIES)
      read_entry(r, entry, value, path_key(r->u->arena, NULL, plan_entry_names[entry]));
  }
  json_decref(root);
}

PlanFile *plan_file_read(Unit *u, const char *path, const PlanHead *head) {
  PlanFile *file = NEW(u->arena, PlanFile);
  Reading r = {u, head, file};
  const int errors = u->errors;
  file->source.name = path;
  file->source.text = file_read(u, path, &file->source.size);
  if (!file->source.text) return NULL;
  const Source network = unit_turn_to(u, file->source);
  read_file(&r);
  unit_turn_to(u, network);
  return u->errors == errors ? file : NULL;
}

/* ---- what the plan makes of it ---- */

static void report_unknown(Unit *u, const Decision *d, const Path *where, const Plan *plan) {
  const char **names = NEW_ARRAY(u->arena, const char *, plan->decision.n + 1);
  int n = 0;
  for (int i = 0; i < plan->decision.n; i++)
    if (plan->decision.at[i].entry == d->entry) names[n++] = plan->decision.at[i].kernel;
  diag_error_key(u, where, "no kernel of %s is named \"%s\"%s", plan_entry_names[d->entry],
                 d->kernel, suggestion(u, d->kernel, names, n));
}

void plan_file_check(Unit *u, const PlanFile *file, const Plan *plan) {
  const Source network = unit_turn_to(u, file->source);
  for (int i = 0; i < file->decision.n; i++) {
    const Decision *d = &file->decision.at[i];
    const Path *entry = path_key(u->arena, NULL, plan_entry_names[d->entry]);
    const Path *where = path_key(u->arena, entry, d->kernel);
    if (!d->found)
      report_unknown(u, d, where, plan);
    else if (d->wrong)
      diag_error(u, path_key(u->arena, where, d->key), "%s: its %s cannot be so: %s", d->kernel,
                 d->key, d->wrong);
  }
  unit_turn_to(u, network);
}

/* ---- printing ---- */

static json_t *tiles_json(const Tiles *tiles) {
  json_t *list = json_array();
  for (int i = 0; i < tiles->n; i++) {
    json_t *tile = json_object();
    for (int t = 0; t < tiles->at[i].n; t++)
      json_object_set_new(tile, tiles->at[i].at[t].name, json_integer(tiles->at[i].at[t].value));
    json_array_append_new(list, tile);
  }
  return list;
}

static json_t *result_json(const Decision *d) {
  if (d->result.n == 1) return json_string(layout_names[d->result.at[0]]);
  json_t *list = json_array();
  for (int i = 0; i < d->result.n; i++)
    json_array_append_new(list, json_string(layout_names[d->result.at[i]]));
  return list;
}

static json_t *decision_json(const Decision *d) {
  json_t *line = json_object();
  if (d->algo) json_object_set_new(line, "algorithm", json_string(d->algo->name));
  if (d->tile.n) json_object_set_new(line, "tiles", tiles_json(&d->tile));
  if (d->layout != LAYOUT_ANY)
    json_object_set_new(line, "layout", json_string(layout_names[d->layout]));
  if (d->result.n) json_object_set_new(line, "result", result_json(d));
  if (d->seconds > 0) json_object_set_new(line, "measured_us", json_real(1e6 * d->seconds));
  if (d->error > 0) json_object_set_new(line, "error", json_real(d->error));
  return line;
}

static void add_json(Text *out, json_t *value) {
  char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(4));
  text_add(out, "%s", text);
  free(text);
  json_decref(value);
}

static void print_entry(Text *out, PlanEntry entry, const Decisions *decisions) {
  int n = 0;
  for (int i = 0; i < decisions->n; i++) {
    const Decision *d = &decisions->at[i];
    if (d->entry != entry) continue;
    if (n == 0) text_add(out, ",\n  \"%s\": {", plan_entry_names[entry]);
    text_add(out, n++ ? ",\n    " : "\n    ");
    add_json(out, json_string(d->kernel));
    text_add(out, ": ");
    add_json(out, decision_json(d));
  }
  if (n) text_add(out, "\n  }");
}

void plan_file_print(Text *out, const PlanHead *head, const Decisions *decisions) {
  text_add(out, "{\n  \"plan\": %d,\n  \"network\": \"%s\",\n  \"target\": \"%s\",\n", VERSION,
           head->network, head->target->name);
  text_add(out, "  \"dtype\": \"%s\",\n  \"batch\": %" PRId64 ",\n  \"train\": %s", head->dtype,
           head->batch, head->train ? "true" : "false");
  if (!machine_same(&head->target->machine, &target_find(head->target->name)->machine)) {
    text_add(out, ",\n  \"machine\": ");
    machine_print(out, &head->target->machine);
  }
  for (int e = PLAN_FORWARD; e < PLAN_ENTRIES; e++) print_entry(out, (PlanEntry)e, decisions);
  text_add(out, "\n}\n");
}
