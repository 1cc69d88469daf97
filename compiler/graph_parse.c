/* graph_parse.c - reads the text form of a Graph (see graph_text.c).
 *
 * Nodes are added as the reader of documents adds them: types are inferred, and must be those that
 * are written. Names of nodes may be any words that begin with %. */
#include <string.h>

#include "field_text.h"

typedef struct Named {
  const char *name;
  Id id;
} Named;

typedef struct Parse {
  Scan *s;
  Graph *g;
  VEC(Named) named;
  const char *defining; /* the node being parsed */
  Type type;            /* its type, as written */
} Parse;

/* ---- names of nodes ---- */

static Id find(const Parse *p, const char *name) {
  for (int i = 0; i < p->named.n; i++)
    if (strcmp(p->named.at[i].name, name) == 0) return p->named.at[i].id;
  return NO_ID;
}

static bool id_parse(Parse *p, Id *id) {
  Scan before = *p->s;
  const char *name = scan_word(p->s);
  if (!name) return false;
  *id = find(p, name);
  if (*id != NO_ID) return true;
  before.failed = false;
  *p->s = before;
  return scan_error(p->s, "there is no node %.60s above", name);
}

static bool optional_id_parse(Parse *p, Id *id) {
  *id = NO_ID;
  return scan_has(p->s, "-") || id_parse(p, id);
}

typedef VEC(Id) Ids;

static bool ids_parse(Parse *p, bool optional, Ids *ids) {
  if (!scan_need(p->s, "(")) return false;
  while (!scan_has(p->s, ")")) {
    Id id;
    if (ids->n && !scan_need(p->s, ",")) return false;
    if (!(optional ? optional_id_parse(p, &id) : id_parse(p, &id))) return false;
    vec_push(p->g->u->arena, ids, id);
  }
  return true;
}

/* ---- leaves ---- */

static bool typed_name_parse(Parse *p, const char **name) {
  *name = scan_word(p->s);
  return *name && scan_need(p->s, ":") && scan_type(p->s, &p->type);
}

static bool is_fixed_type(const Type *type) {
  for (int a = 0; a < type->rank; a++)
    if (type->dim[a].per_n) return false;
  return true;
}

static bool param_parse(Parse *p, Id *id) {
  Scan *s = p->s;
  Param param = {.lr_scale = 1};
  if (!typed_name_parse(p, &param.name)) return false;
  for (int i = 0; i < p->g->param.n; i++)
    if (strcmp(p->g->param.at[i].name, param.name) == 0)
      return scan_error(s, "parameter %.60s is there twice", param.name);
  param.type = p->type;
  if (!is_fixed_type(&param.type)) return scan_error(s, "a parameter does not depend on n");
  int role = scan_choice(s, "role", graph_role_names, PARAM_ROLES);
  if (role < 0) return false;
  param.role = (ParamRole)role;
  if (scan_has(s, "init")) {
    int init = scan_choice(s, "init", graph_init_names, INIT_KINDS);
    if (init < 0) return false;
    param.init = (InitKind)init;
  }
  if (scan_has(s, "value") && !scan_number(s, &param.init_value)) return false;
  if (scan_has(s, "fan") && !(scan_int(s, 0, MAX_ELEMENTS, &param.fan_in) &&
                              scan_int(s, 0, MAX_ELEMENTS, &param.fan_out)))
    return false;
  param.trainable = scan_has(s, "trainable");
  param.decay = scan_has(s, "decay");
  if (scan_has(s, "lr_scale") && !scan_number(s, &param.lr_scale)) return false;
  *id = s->failed ? NO_ID : graph_param(p->g, param);
  return true;
}

static bool input_parse(Parse *p, Id *id) {
  Scan *s = p->s;
  Input in = {.scale = 1};
  if (!typed_name_parse(p, &in.name)) return false;
  in.type = p->type;
  in.kind = scan_has(s, "target") ? INPUT_TARGET : INPUT_DATA;
  in.hwc = scan_has(s, "hwc");
  in.gradient = scan_has(s, "gradient");
  if (scan_has(s, "scale") && !scan_number(s, &in.scale)) return false;
  if (scan_has(s, "mean")) {
    int64_t n;
    if (!scan_int(s, 1, COUNT(in.mean), &n)) return false;
    in.nmean = (int)n;
    if (!reals_parse(s, in.mean, n) || !reals_parse(s, in.std, n)) return false;
  }
  *id = s->failed ? NO_ID : graph_input(p->g, in);
  return true;
}

static bool state_parse(Parse *p, Id *id) {
  const char *name;
  if (!typed_name_parse(p, &name)) return false;
  if (!is_fixed_type(&p->type)) return scan_error(p->s, "a state does not depend on n");
  *id = graph_state(p->g, name, &p->type);
  return true;
}

/* ---- kernels ---- */

static bool tensor_of(void *context, const char *name, int *tensor) {
  const Parse *p = context;
  *tensor = strcmp(name, p->defining) == 0 ? -1 : find(p, name);
  return *tensor >= 0 || strcmp(name, p->defining) == 0;
}

static const Type *type_of(const void *context, int tensor) {
  const Parse *p = context;
  return tensor < 0 ? &p->type : &p->g->node.at[tensor].type;
}

static bool tail_parse(Parse *p, Where *where) {
  if (!scan_need(p->s, ":") || !scan_type(p->s, &p->type)) return false;
  if (scan_has(p->s, "#")) where->layer = scan_word(p->s);
  return !p->s->failed;
}

/* The braces of a kernel; it is checked once its type is known. */
static bool kernel_node_parse(Parse *p, Id *id) {
  Kernel k;
  Where where = {0};
  if (!scan_need(p->s, "{") || !kernel_parse(p->s, tensor_of, p, &k) || !scan_need(p->s, "}") ||
      !tail_parse(p, &where))
    return false;
  for (int i = 0; i < k.nin; i++)
    if (k.in[i].tensor < 0) return scan_error(p->s, "a kernel reads its own result");
  if (k.nout != 1 || k.out[0].to.tensor != -1)
    return scan_error(p->s, "the kernel of %.60s has another result", p->defining);
  const char *fault = kernel_fault(p->g->u, &k, type_of, p);
  if (fault) return scan_error(p->s, "the kernel of %.60s: %.150s", p->defining, fault);
  *id = graph_kernel(p->g, &k, &p->type, where);
  return true;
}

/* ---- other nodes ---- */

/* How many arguments a node has; -1: any. */
static int arity(const Graph *g, const Op *op, const void *attr) {
  int n = 0;
  if (op->node_args) return op->node_args;
  if (!op->expr || op->infer) return op->max_args;
  const Expr *e = op->expr(g->u, attr);
  for (int i = 0; i < MAX_IN; i++)
    if (expr_uses(e, E_in, i)) n = i + 1;
  return n;
}

static bool check_arity(Parse *p, const Op *op, const void *attr, int nargs) {
  int n = arity(p->g, op, attr);
  if (nargs == n || (n < 0 && nargs >= 1 && nargs <= MAX_IN)) return true;
  return scan_error(p->s, "%s has %d arguments, not %d", op->name, n < 0 ? MAX_IN : n, nargs);
}

static bool plain_node_parse(Parse *p, OpKind kind, const Ids *ids, Id *id) {
  const Op *op = ops[kind];
  Where where = {0};
  int errors = p->g->u->errors;
  const void *attr = fields_parse(p->s, op, true);
  if (!attr || !check_arity(p, op, attr, op->class == CLASS_LEAF ? 0 : ids->n)) return false;
  if (!tail_parse(p, &where)) return false;
  if (kind == OP_constant && !((const ConstantAttr *)attr)->value.at)
    return scan_error(p->s, "the constant has no values");
  *id = graph_add(p->g, kind, ids->at, ids->n, op->attr_size ? attr : NULL, where);
  if (*id == NO_ID)
    return p->g->u->errors > errors ? false : scan_error(p->s, "%s does not fit", op->name);
  if (op->class == CLASS_LEAF || op->class == CLASS_OPTIMIZER) return true;
  const char *fault = node_fault(p->g, *id);
  return !fault || scan_error(p->s, "%s does not fit: %.150s", op->name, fault);
}

static bool is_node(const Op *op) {
  return op->class == CLASS_OPTIMIZER || op->kernel || op->expr || op == ops[OP_constant];
}

static bool value_parse(Parse *p, Id *id) {
  Ids ids = {0};
  Scan before = *p->s;
  const char *name = scan_word(p->s);
  const Op *op = name ? op_find(name) : NULL;
  if (!name) return false;
  if (op == ops[OP_param]) return param_parse(p, id);
  if (op == ops[OP_input]) return input_parse(p, id);
  if (op == ops[OP_state]) return state_parse(p, id);
  if (!op || !is_node(op)) {
    before.failed = false;
    *p->s = before;
    return scan_error(p->s, "no node is called %.60s", name);
  }
  if (!ids_parse(p, false, &ids)) return false;
  if (op == ops[OP_kernel]) return kernel_node_parse(p, id);
  int kind = 0;
  while (ops[kind] != op) kind++;
  return plain_node_parse(p, (OpKind)kind, &ids, id);
}

static bool node_parse(Parse *p) {
  Id id = NO_ID;
  p->defining = scan_word(p->s);
  if (!p->defining) return false;
  if (find(p, p->defining) != NO_ID) return scan_error(p->s, "%.60s is there twice", p->defining);
  if (!scan_need(p->s, "=") || !value_parse(p, &id)) return false;
  if (p->s->failed || id == NO_ID) return false;
  if (!type_same(&p->g->node.at[id].type, &p->type)) {
    Text type = {.arena = p->g->u->arena};
    type_print(&type, &p->g->node.at[id].type);
    return scan_error(p->s, "the type of %.60s is %.100s", p->defining, type.at);
  }
  vec_push(p->g->u->arena, &p->named, ((Named){p->defining, id}));
  return true;
}

/* ---- layers and entries ---- */

static bool layer_parse(Parse *p) {
  Layer layer = {.name = scan_word(p->s)};
  const char *name = scan_word(p->s);
  Ids ids = {0};
  int64_t first, count, params = p->g->param.n;
  if (!name) return false;
  int kind = 0;
  while (kind < OP_KINDS && strcmp(ops[kind]->name, name) != 0) kind++;
  if (kind == OP_KINDS) return scan_error(p->s, "no operator is called %.60s", name);
  layer.op = (OpKind)kind;
  if (!ids_parse(p, true, &ids) || !scan_need(p->s, "->") || !optional_id_parse(p, &layer.result) ||
      !scan_need(p->s, "params") || !scan_int(p->s, 0, params, &first) ||
      !scan_int(p->s, 0, params - first, &count))
    return false;
  layer.first_param = (int)first;
  layer.nparams = (int)count;
  for (int i = 0; i < ids.n; i++) vec_push(p->g->u->arena, &layer.arg, ids.at[i]);
  layer.attr = fields_parse(p->s, ops[kind], false);
  if (!layer.attr) return false;
  vec_push(p->g->u->arena, &p->g->layer, layer);
  return true;
}

static bool update_parse(Parse *p, Entry *entry) {
  Update update;
  if (!id_parse(p, &update.to) || !scan_need(p->s, "=") || !id_parse(p, &update.value))
    return false;
  const Node *to = &p->g->node.at[update.to];
  if ((to->op != OP_param && to->op != OP_state) ||
      !type_same(&to->type, &p->g->node.at[update.value].type))
    return scan_error(p->s, "only a parameter or state of the same type can be updated");
  vec_push(p->g->u->arena, &entry->update, update);
  return true;
}

static bool entry_parse(Parse *p) {
  int kind = scan_choice(p->s, "an entry", graph_entry_names, ENTRIES);
  if (kind < 0) return false;
  Entry *entry = &p->g->entry[kind];
  for (;;) {
    if (scan_has(p->s, "want")) {
      Id id;
      const char *name = scan_word(p->s);
      if (!name || !scan_need(p->s, "=") || !id_parse(p, &id)) return false;
      vec_push(p->g->u->arena, &entry->want, id);
      vec_push(p->g->u->arena, &entry->want_name, name);
    } else if (!scan_has(p->s, "update")) {
      return !p->s->failed;
    } else if (!update_parse(p, entry)) {
      return false;
    }
  }
}

static bool optimizer_parse(Parse *p) {
  if (!id_parse(p, &p->g->optimizer)) return false;
  if (ops[p->g->node.at[p->g->optimizer].op]->class == CLASS_OPTIMIZER) return true;
  return scan_error(p->s, "the optimizer is another operator");
}

static bool line_parse(Parse *p) {
  if (scan_peek(p->s, "%")) return node_parse(p);
  if (scan_has(p->s, "layer")) return layer_parse(p);
  if (scan_has(p->s, "optimizer")) return optimizer_parse(p);
  if (scan_has(p->s, "entry")) return entry_parse(p);
  return scan_error(p->s, "a node, layer, optimizer or entry is expected here");
}

Graph *graph_parse(Unit *u, const char *text) {
  if (u->source.text != text) u->source = (Source){"graph", text, strlen(text)};
  Scan s = scan_begin(u);
  Parse p = {.s = &s, .g = graph_new(u)};
  int errors = u->errors;
  if (!scan_need(&s, "graph")) return NULL;
  p.g->name = scan_word(&s);
  while (!s.failed && !scan_end(&s))
    if (!line_parse(&p)) return NULL;
  return s.failed || u->errors > errors ? NULL : p.g;
}
