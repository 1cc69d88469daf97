/* ask.c - what an operator's `build` may ask for: nodes, parameters, its layer, messages. */
#include <string.h>

#include "read.h"

Graph *build_graph(Build *b) {
  return b->g;
}

bool build_training(Build *b) {
  return b->training;
}

Where build_where(Build *b) {
  return b->where;
}

const char *build_layer(Build *b) {
  return b->where.layer;
}

const Type *build_type(Build *b, Id id) {
  return &b->g->node.at[id].type;
}

void build_error(Build *b, const char *key, const char *format, ...) {
  Text text = {.arena = b->r->u->arena};
  va_list args;
  va_start(args, format);
  text_addv(&text, format, args);
  va_end(args);
  const Path *where = key ? path_key(b->r->u->arena, b->where.path, key) : b->where.path;
  diag_error(b->r->u, where, "%s", text.at);
}

Id build_add(Build *b, OpKind op, const void *attr, int nargs, const Id *arg) {
  return graph_add(b->g, op, arg, nargs, attr, b->where);
}

Id build_add1(Build *b, OpKind op, const void *attr, Id a) {
  return build_add(b, op, attr, 1, &a);
}

Id build_add2(Build *b, OpKind op, const void *attr, Id a, Id c) {
  return build_add(b, op, attr, 2, (Id[]){a, c});
}

Id build_kernel(Build *b, const Kernel *k, const Type *type) {
  for (int i = 0; i < k->nin; i++)
    if (k->in[i].tensor == NO_ID) return NO_ID;
  return graph_kernel(b->g, k, type, b->where);
}

/* What an earlier layer with the same parameter has made of it in this step, or NULL. */
static Update *update_of(Build *b, Id param) {
  Entry *entry = &b->g->entry[ENTRY_TRAIN_FORWARD];
  for (int i = 0; i < entry->update.n; i++)
    if (entry->update.at[i].to == param) return &entry->update.at[i];
  return NULL;
}

Id build_updated(Build *b, Id param) {
  const Update *update = update_of(b, param);
  return update ? update->value : param;
}

void build_update(Build *b, Id param, Id value) {
  Update *earlier = update_of(b, param);
  if (param == NO_ID || value == NO_ID) return;
  if (earlier)
    earlier->value = value;
  else
    vec_push(b->r->u->arena, &b->g->entry[ENTRY_TRAIN_FORWARD].update, ((Update){param, value}));
}

/* ---- parameters ---- */

static bool param_type(Build *b, const char *suffix, int rank, const int64_t *dim, Type *type) {
  int64_t size = 1;
  *type = (Type){.dtype = F32, .rank = (int8_t)rank};
  for (int i = 0; i < rank; i++) {
    type->dim[i] = fixed(dim[i]);
    size = size_mul(size, dim[i]);
  }
  if (size <= MAX_ELEMENTS) return true;
  build_error(b, NULL, "%s would have the shape %s, more than %lld elements", suffix,
              type_text(b->r->u->arena, type), (long long)MAX_ELEMENTS);
  return false;
}

/* What the layer says about how this parameter begins and how it is trained. */
static void apply_settings(const Settings *s, Param *p) {
  p->trainable = p->role != PARAM_STATISTIC && !s->freeze;
  p->decay = s->decay;
  p->lr_scale = s->lr_scale;
  if (s->init == INIT_DEFAULT || p->role > PARAM_BIAS) return;
  p->init = p->role == PARAM_BIAS ? INIT_CONSTANT : s->init;
  p->init_value = p->role == PARAM_BIAS ? 0 : s->init_value;
}

Id build_param(Build *b, const char *suffix, ParamRole role, int rank, const int64_t *dim,
               InitKind init, double value, int64_t fan_in, int64_t fan_out) {
  Reader *r = b->r;
  int owner = b->draft->settings.owner;
  const Draft *draft = owner >= 0 ? &r->draft.at[owner] : b->draft;
  const char *name = arena_printf(r->u->arena, "%s.%s", draft->name, suffix);
  Type type;
  if (draft->broken || !param_type(b, suffix, rank, dim, &type)) return NO_ID;
  for (int i = owner >= 0 ? 0 : b->first_param; i < b->g->param.n; i++) {
    const Param *p = &b->g->param.at[i];
    if (strcmp(p->name, name) != 0) continue;
    if (type_same(&p->type, &type)) return p->node;
    build_error(b, "share", "\"%s\" has the shape %s, and this layer needs %s", name,
                type_text(r->u->arena, &p->type), type_text(r->u->arena, &type));
    return NO_ID;
  }
  if (owner >= 0 && b->checking) {
    build_error(b, "share", "\"%s\" has no %s to share", draft->name, suffix);
    return NO_ID;
  }
  Param p = {.name = name, .type = type, .role = role, .init = init, .init_value = value};
  p.fan_in = fan_in;
  p.fan_out = fan_out;
  apply_settings(&draft->settings, &p);
  return graph_param(b->g, p);
}
