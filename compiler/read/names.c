/* names.c - names of layers: what they may look like, who has them, which layer a "from" means.
 *
 * A layer inside a block is INSTANCE.LAYER. A "from" sees the layers of its own block instance,
 * then those of the enclosing ones; the full name is seen from everywhere. */
#include <ctype.h>
#include <string.h>

#include "read.h"

enum { MAX_NAME = 200 };

static const char *skip_part(const char *s) {
  bool number = isdigit((unsigned char)*s);
  const char *start = s;
  while (*s == '_' || isalnum((unsigned char)*s)) {
    if (number && !isdigit((unsigned char)*s)) return start;
    s++;
  }
  return s;
}

bool read_is_identifier(const char *name) {
  return *name && !isdigit((unsigned char)*name) && *skip_part(name) == 0;
}

bool name_check(Reader *r, const char *name, const Path *where) {
  if (strlen(name) > MAX_NAME) {
    diag_error(r->u, where, "a name may have %d characters, not %zu", MAX_NAME, strlen(name));
    return false;
  }
  const char *s = name;
  for (;; s++) {
    const char *end = skip_part(s);
    if (end == s || (*end && *end != '.')) break;
    s = end;
    if (!*s) return true;
  }
  diag_error(
      r->u, where,
      "\"%s\" is not a name: letters, digits and _, not beginning with a digit, or parts like "
      "that and numbers joined by dots",
      name);
  return false;
}

static unsigned name_bucket(const char *name) {
  unsigned hash = 2166136261u;
  for (; *name; name++) hash = (hash ^ (unsigned char)*name) * 16777619u;
  return hash % NAME_BUCKETS;
}

static Name *name_find(const Reader *r, const char *full) {
  int i = r->bucket[name_bucket(full)] - 1;
  while (i >= 0 && strcmp(r->name.at[i].name, full) != 0) i = r->name.at[i].next;
  return i >= 0 ? &r->name.at[i] : NULL;
}

int name_lookup(const Reader *r, const char *full) {
  const Name *name = name_find(r, full);
  return name ? name->draft : -1;
}

bool name_define(Reader *r, const char *full, int draft, bool alias, const Path *where) {
  Name *known = name_find(r, full);
  int *bucket = &r->bucket[name_bucket(full)];
  if (!known) {
    vec_push(r->u->arena, &r->name, ((Name){full, draft, alias, *bucket - 1}));
    *bucket = r->name.n;
  } else if (alias && known->alias) {
    known->draft = draft;
  } else {
    diag_error(r->u, where, "the name \"%s\" is taken", full);
    diag_note(r->u, read_path(r, r->draft.at[known->draft].path, "name"), "it is taken here");
    return false;
  }
  return true;
}

/* ---- finding ---- */

static int find_visible(const Reader *r, const Scope *scope, const char *name) {
  for (; scope; scope = scope->outer) {
    int draft = name_lookup(r, arena_printf(r->u->arena, "%s%s", scope->prefix, name));
    if (draft >= 0) return draft;
  }
  return -1;
}

/* "@in" or "@in.1" */
static int find_block_input(Reader *r, const Scope *scope, const char *name, const Path *where) {
  const char *number = name + strlen("@in");
  if (!scope->block) {
    diag_error(r->u, where, "\"%s\" is the input of a block and means nothing outside", name);
  } else if (*number == 0 && scope->in.n == 1) {
    return scope->in.at[0];
  } else if (*number == 0) {
    diag_error(r->u, where, "block \"%s\" has %d inputs here; say which: \"@in.0\" to \"@in.%d\"",
               scope->block, scope->in.n, scope->in.n - 1);
  } else if (*number == '.' && isdigit((unsigned char)number[1]) &&
             strspn(number + 1, "0123456789") == strlen(number + 1)) {
    long i = strtol(number + 1, NULL, 10);
    if (i < scope->in.n) return scope->in.at[i];
    diag_error(r->u, where, "block \"%s\" has %d input%s here, so \"%s\" does not exist",
               scope->block, scope->in.n, scope->in.n == 1 ? "" : "s", name);
  } else {
    diag_error(r->u, where, "\"%s\" is not understood; a block's input is \"@in\" or \"@in.0\"",
               name);
  }
  return -1;
}

static bool comes_later(const Scope *scope, const char *name) {
  size_t i;
  json_t *layer;
  for (; scope; scope = scope->outer) json_array_foreach(scope->layers, i, layer) {
      const char *given = json_string_value(json_object_get(layer, "name"));
      if (given && strcmp(given, name) == 0) return true;
    }
  return false;
}

/* The visible name nearest to a misspelt one, as it would be written in this scope. */
static const char *nearest_name(const Reader *r, const Scope *scope, const char *name) {
  const char **names = NEW_ARRAY(r->u->arena, const char *, r->name.n + 1);
  int n = 0;
  for (int i = 0; i < r->name.n; i++)
    for (const Scope *s = scope; s; s = s->outer) {
      size_t length = strlen(s->prefix);
      if (strncmp(r->name.at[i].name, s->prefix, length) != 0) continue;
      names[n++] = r->name.at[i].name + length;
      break;
    }
  return nearest(name, names, n);
}

int read_find_layer(Reader *r, const Scope *scope, const char *name, const Path *where) {
  if (name[0] == '@' && strncmp(name, "@in", 3) == 0)
    return find_block_input(r, scope, name, where);
  int draft = find_visible(r, scope, name);
  if (draft >= 0) return draft;
  if (comes_later(scope, name)) {
    diag_error(r->u, where, "\"%s\" comes later; a layer reads layers above it", name);
    return -1;
  }
  diag_error(r->u, where, "there is no layer \"%s\"%s", name,
             did_you_mean(r->u->arena, nearest_name(r, scope, name)));
  return -1;
}
