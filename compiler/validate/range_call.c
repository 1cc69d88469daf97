/* range_call.c - calls: what a called function reads and writes, by table, by the Plan's facts or
 * by running it. */
#include "range.h"

#include <string.h>

enum { WHOLE_VECTOR = -1, ONE_ELEMENT = -2, MAX_ARGUMENTS = 32 };

/* What functions do with their pointers; * stands for a target's name, or v, and a line. `count`:
 * argument with the number of elements, or one of the above; `scale`: argument with the elements'
 * size or distance, 0: none. */
static const struct Touch {
  const char *name;
  int pointer, count, scale;
  bool store, bytes;
} touches[] = {
    {.name = "*load", .pointer = 0, .count = WHOLE_VECTOR},
    {.name = "*loadu", .pointer = 0, .count = WHOLE_VECTOR},
    {.name = "*store", .pointer = 0, .count = WHOLE_VECTOR, .store = true},
    {.name = "*storeu", .pointer = 0, .count = WHOLE_VECTOR, .store = true},
    {.name = "*stream", .pointer = 0, .count = WHOLE_VECTOR, .store = true},
    {.name = "*load_part", .pointer = 0, .count = 1},
    {.name = "*store_part", .pointer = 0, .count = 2, .store = true},
    {.name = "*splat", .pointer = 0, .count = ONE_ELEMENT},
    {.name = "*gather", .pointer = 0, .count = WHOLE_VECTOR, .scale = 1},
    {.name = "*scatter", .pointer = 0, .count = WHOLE_VECTOR, .scale = 2, .store = true},
    {.name = "*gather_part", .pointer = 0, .count = 2, .scale = 1},
    {.name = "*scatter_part", .pointer = 0, .count = 3, .scale = 2, .store = true},
    {.name = "memcpy", .pointer = 0, .count = 2, .store = true, .bytes = true},
    {.name = "memcpy", .pointer = 1, .count = 2, .bytes = true},
    {.name = "memmove", .pointer = 0, .count = 2, .store = true, .bytes = true},
    {.name = "memmove", .pointer = 1, .count = 2, .bytes = true},
    {.name = "memset", .pointer = 0, .count = 2, .store = true, .bytes = true},
    {.name = "memcmp", .pointer = 0, .count = 2, .bytes = true},
    {.name = "memcmp", .pointer = 1, .count = 2, .bytes = true},
    {.name = "fread", .pointer = 0, .count = 2, .scale = 1, .store = true, .bytes = true},
    {.name = "fwrite", .pointer = 0, .count = 2, .scale = 1, .bytes = true},
    {.name = "cudaMemcpyAsync", .pointer = 0, .count = 2, .store = true, .bytes = true},
    {.name = "cudaMemcpyAsync", .pointer = 1, .count = 2, .bytes = true},
    {.name = "cudaMemsetAsync", .pointer = 0, .count = 2, .store = true, .bytes = true},
    {.name = "cudaStreamEndCapture", .pointer = 1, .count = ONE_ELEMENT, .store = true},
    {.name = "cudaGraphInstantiateWithFlags", .pointer = 0, .count = ONE_ELEMENT, .store = true},
    {.name = "cudaGetDriverEntryPointByVersion", .pointer = 1, .count = ONE_ELEMENT, .store = true},
    {.name = "cudaGetDriverEntryPointByVersion", .pointer = 4, .count = ONE_ELEMENT, .store = true},
    {.name = "snprintf", .pointer = 0, .count = 1, .store = true, .bytes = true},
};

/* Functions that only take strings which end, handles, or addresses that they do not follow. */
static const char *const harmless[] = {"strlen",
                                       "strcmp",
                                       "strncmp",
                                       "fopen",
                                       "fclose",
                                       "fseek",
                                       "ftell",
                                       "fprintf",
                                       "printf",
                                       "snprintf",
                                       "remove",
                                       "rename",
                                       "_mm_prefetch",
                                       "__cvta_generic_to_shared",
                                       "__builtin_prefetch",
                                       "__builtin_cpu_supports",
                                       "cudaFuncSetAttribute",
                                       "cudaStreamBeginCapture",
                                       "cudaGraphDestroy",
                                       "cudaGraphLaunch",
                                       "cudaGraphExecDestroy"};

typedef struct Call {
  CNode *node;
  CNode *argument[MAX_ARGUMENTS];
  Value value[MAX_ARGUMENTS];
  int n;
} Call;

/* What follows the name of a target and a line: helpers in vectors are called so. NULL: nothing. */
static const char *vector_helper(const char *name) {
  if (strncmp(name, "v_", 2) == 0) return name + 2; /* what they are called in their own file */
  for (int i = 0; targets[i]; i++) {
    const size_t n = strlen(targets[i]->name);
    if (strncmp(name, targets[i]->name, n) == 0 && name[n] == '_') return name + n + 1;
  }
  return NULL;
}

/* `avx512_load` is a `*load`. */
static bool names(const char *name, const char *row) {
  const char *helper = row[0] == '*' ? vector_helper(name) : NULL;
  return helper ? !strcmp(helper, row + 1) : !strcmp(name, row);
}

bool range_is_helper(const char *name) {
  for (int i = 0; i < COUNT(touches); i++)
    if (touches[i].name[0] == '*' && names(name, touches[i].name)) return true;
  return false;
}

static bool is_harmless(const char *name) {
  for (int i = 0; i < COUNT(harmless); i++)
    if (names(name, harmless[i])) return true;
  return false;
}

bool range_stores_through(const char *name, int argument) {
  bool listed = is_harmless(name);
  for (int i = 0; i < COUNT(touches); i++)
    if (names(name, touches[i].name)) {
      listed = true;
      if (touches[i].pointer == argument) return touches[i].store;
    }
  return !listed;
}

/* ---- by table ---- */

static const CType *pointee(const CNode *argument, bool bytes) {
  const CNode *n = argument;
  while (bytes && n->kind == NODE_CAST && n->first) /* before it became void * */
    n = n->first;
  return n->type && (n->type->kind == TYPE_POINTER || n->type->kind == TYPE_ARRAY)
             ? n->type->element
             : NULL;
}

static int64_t vector_bytes(const Call *call, bool store) {
  const CType *result = call->node->type;
  if (!store && result && result->size > 0) return result->size;
  for (int i = call->n - 1; i >= 0; i--) { /* the stored value */
    const CType *t = call->argument[i]->type;
    if (t && (t->kind == TYPE_OTHER || t->kind == TYPE_FLOAT)) return t->size;
  }
  return 0;
}

static bool touched_bytes(Checker *c, const struct Touch *t, const Call *call, int64_t element,
                          Affine *length) {
  int64_t vector = vector_bytes(call, t->store);
  Affine size = affine_constant(t->bytes ? 1 : element);
  if (t->count == WHOLE_VECTOR)
    *length = affine_constant(vector / (element ? element : 1));
  else if (t->count == ONE_ELEMENT)
    *length = affine_constant(1);
  else if (t->count < call->n && call->value[t->count].kind == VALUE_INT)
    *length = call->value[t->count].at;
  else
    return false;
  if (t->scale && !t->bytes) { /* (count - 1) * distance + 1 elements */
    if (t->scale >= call->n || call->value[t->scale].kind != VALUE_INT) return false;
    length->constant -= 1;
    *length = affine_product(c->known, length, &call->value[t->scale].at);
    length->constant += 1;
  } else if (t->scale) {
    if (t->scale >= call->n || call->value[t->scale].kind != VALUE_INT) return false;
    size = call->value[t->scale].at;
  }
  *length = affine_product(c->known, length, &size);
  return true;
}

static void touch(Checker *c, const struct Touch *t, Call *call) {
  if (t->pointer >= call->n) return;
  CNode *site = call->argument[t->pointer];
  const CType *to = pointee(site, t->bytes);
  int64_t element = to && to->size > 0 ? to->size : 1;
  Affine length;
  const char *what = t->store ? "store to" : "load of";
  if (touched_bytes(c, t, call, element, &length))
    access_check(c, ctree_strip(site), call->value[t->pointer], length, element, what);
  else
    access_report(c, ctree_strip(site), ACCESS_UNPROVED,
                  "not proved in range: %s \"%s\": nothing is known about the count", what,
                  ctree_quote(c->tree, call->node));
  if (t->store && to &&
      (to->kind == TYPE_RECORD || to->kind == TYPE_INT || to->kind == TYPE_POINTER)) {
    if (call->value[t->pointer].kind == VALUE_POINTER)
      memory_forget_base(c, call->value[t->pointer].base);
    else
      memory_forget(c, true);
  }
}

static bool touch_by_table(Checker *c, Call *call, const char *name) {
  bool found = false;
  for (int i = 0; i < COUNT(touches); i++)
    if (names(name, touches[i].name)) {
      touch(c, &touches[i], call);
      found = true;
    }
  return found;
}

/* Intrinsics load and store one vector: the result's, or the last argument's. */
static bool touch_by_intrinsic(Checker *c, Call *call, const char *name) {
  bool load = !strncmp(name, "_mm", 3) && strstr(name, "_load"),
       store = !strncmp(name, "_mm", 3) && strstr(name, "_store");
  load = load || !strncmp(name, "vld1", 4) || !strcmp(name, "__builtin_neon_vld1q_v");
  store = store || !strncmp(name, "vst1", 4) || !strcmp(name, "__builtin_neon_vst1q_v");
  if ((!load && !store) || strstr(name, "mask") || call->n == 0 ||
      call->value[0].kind != VALUE_POINTER)
    return false;
  int64_t bytes = vector_bytes(call, store);
  access_check(c, ctree_strip(call->argument[0]), call->value[0], affine_constant(bytes), 1,
               store ? "store to" : "load of");
  return true;
}

/* ---- by facts ---- */

static void check_int(Checker *c, CNode *site, const Value *v, const Fact *fact) {
  Interval want = {fact->lo, fact->hi};
  if (v->kind == VALUE_INT && prove_within(c->known, &v->at, want)) {
    access_report(c, site, ACCESS_PROVED, "%s", "");
    return;
  }
  Interval is =
      v->kind == VALUE_INT ? affine_bounds(c->known, &v->at) : (Interval){INT64_MIN, INT64_MAX};
  bool outside = v->kind == VALUE_INT && affine_attained(c->known, &v->at);
  access_report(c, site, outside ? ACCESS_OUTSIDE : ACCESS_UNPROVED,
                "%s \"%s\" is between %s and %s, but \"%s\" of %s takes %lld to %lld",
                outside ? "out of range:" : "not proved in range:", ctree_quote(c->tree, site),
                wide_text(c, is.lo), wide_text(c, is.hi), fact->name, fact->function,
                (long long)fact->lo, (long long)fact->hi);
}

/* The elements that the fact promises must lie behind the pointer. */
static void check_pointer(Checker *c, CNode *site, Value v, const Fact *fact, const CType *t,
                          const Value *count) {
  if (fact->optional && v.kind == VALUE_POINTER && v.base == NULL_BASE) return;
  int64_t size = t->element && t->element->size > 0 ? t->element->size : 1;
  Affine length = affine_constant(((Wide)fact->hi - fact->lo + 1) * size),
         bytes = affine_constant(size);
  if (fact->size_of && count && count->kind == VALUE_INT)
    length = affine_product(c->known, &count->at, &bytes);
  else if (fact->size_of)
    v.kind = VALUE_UNKNOWN;
  else if (v.kind == VALUE_POINTER)
    v.at.constant += (Wide)fact->lo * size;
  access_check(c, site, v, length, size,
               arena_printf(c->arena, "\"%s\" of %s as", fact->name, fact->function));
}

static const Value *argument_named(const CFunction *f, const Call *call, const char *name) {
  for (int i = 0; name && i < f->parameter.n && i < call->n; i++)
    if (!strcmp(f->parameter.at[i]->name, name)) return &call->value[i];
  return NULL;
}

static void check_facts(Checker *c, const CFunction *f, Call *call) {
  for (int i = 0; i < f->parameter.n && i < call->n; i++) {
    const CSymbol *p = f->parameter.at[i];
    const Fact *fact = fact_find(c, f->symbol->name, p->name);
    if (!fact) continue;
    CNode *site = ctree_strip(call->argument[i]);
    if (p->type->kind == TYPE_POINTER)
      check_pointer(c, site, call->value[i], fact, p->type, argument_named(f, call, fact->size_of));
    else
      check_int(c, site, &call->value[i], fact);
  }
}

/* ---- jobs ---- */

static bool is_parameter(const CFunction *f, const char *name) {
  for (int i = 0; i < f->parameter.n; i++)
    if (!strcmp(f->parameter.at[i]->name, name)) return true;
  return false;
}

static void check_handed_member(Checker *c, CNode *site, int base, const Fact *fact) {
  for (int i = 0; i < c->cells.n; i++) {
    const Cell cell = c->cells.at[i];
    if (cell.base != base || !cell.field || strcmp(cell.field->name, fact->name)) continue;
    if (cell.field->type->kind == TYPE_POINTER)
      check_pointer(c, site, cell.value, fact, cell.field->type, NULL);
    else
      check_int(c, site, &cell.value, fact);
    return;
  }
  access_report(c, site, ACCESS_UNPROVED,
                "not proved in range: member \"%s\" that %s reads was not set here", fact->name,
                fact->function);
}

/* A call that is given a job function, its argument and the number of jobs keeps what the facts
 * promise to the job. */
static void check_job(Checker *c, Call *call, const CFunction *job, int base, const Value *jobs) {
  for (int i = 0; i < c->nfact; i++) {
    const Fact *fact = &c->fact[i];
    if (!fact->function || strcmp(fact->function, job->symbol->name)) continue;
    if (!is_parameter(job, fact->name) && base)
      check_handed_member(c, call->node, base, fact);
    else if (!strcmp(fact->name, "job") && jobs && jobs->kind == VALUE_INT) {
      Value last = *jobs;
      last.at.constant -= 1;
      Fact first = *fact;
      first.lo = -1; /* no jobs at all are fine */
      check_int(c, call->node, &last, &first);
    }
  }
}

static void check_jobs(Checker *c, const CFunction *f, Call *call) {
  const CFunction *job = NULL;
  int base = 0;
  for (int i = 0; i < call->n; i++) {
    const CNode *a = ctree_strip(call->argument[i]);
    if (a && a->kind == NODE_UNARY && a->op == C_AND) a = ctree_strip(a->first);
    if (a && a->kind == NODE_NAME && a->symbol && a->symbol->function) job = a->symbol->function;
    if (call->value[i].kind == VALUE_POINTER && c->bases.at[call->value[i].base].variable)
      base = call->value[i].base;
  }
  if (job) check_job(c, call, job, base, argument_named(f, call, "jobs"));
}

/* ---- any call ---- */

static bool has_pointer(const CFunction *f) {
  for (int i = 0; i < f->parameter.n; i++)
    if (f->parameter.at[i]->type->kind == TYPE_POINTER) return true;
  return false;
}

/* Functions of which no fact speaks are run at each call, if that can tell anything. */
bool range_is_inlined(const Checker *c, const CFunction *f) {
  CXType result = clang_getResultType(clang_getCursorType(f->symbol->cursor));
  enum CXTypeKind kind = clang_getCanonicalType(result).kind;
  bool is_int = kind >= CXType_Bool && kind <= CXType_LongLong;
  return !fact_speaks_of(c, f) && (has_pointer(f) || is_int);
}

static Value result_of(Checker *c, const CNode *n) {
  return n->type && (n->type->kind == TYPE_INT || n->type->kind == TYPE_POINTER)
             ? value_any(c, n->type, "the result of a call")
             : (Value){.kind = VALUE_UNKNOWN};
}

static Value call_own(Checker *c, CFunction *f, Call *call) {
  check_jobs(c, f, call);
  if (call->node->launch)
    range_launch(c, f, call->node);
  else if (range_is_inlined(c, f))
    return range_run(c, f, call->node, call->value, call->n);
  check_facts(c, f, call);
  Effects effects = {.anything = false};
  effects_find(c, call->node, &effects, false);
  effects_forget_memory(c, &effects);
  return result_of(c, call->node);
}

/* A string ends within its object. */
static Value string_length(Checker *c, const Value *string) {
  Value length = value_int(know_atom(c->known, (Interval){0, INT64_MAX}, false));
  if (string->kind == VALUE_POINTER && c->bases.at[string->base].is_known) {
    Affine end = affine_sum(c->known, &string->at, &length.at, 1);
    know_at_most(c->known, &end, &c->bases.at[string->base].hi);
  }
  return length;
}

static Value call_foreign(Checker *c, Call *call, const char *name) {
  if (!strcmp(name, "strlen") && call->n == 1) return string_length(c, &call->value[0]);
  if (touch_by_table(c, call, name) || touch_by_intrinsic(c, call, name) || is_harmless(name))
    return result_of(c, call->node);
  for (int i = 0; i < call->n; i++) {
    CNode *site = ctree_strip(call->argument[i]);
    if (call->value[i].kind != VALUE_POINTER || call->value[i].base == NULL_BASE ||
        !call->argument[i]->type || call->argument[i]->type->kind != TYPE_POINTER)
      continue;
    memory_forget_base(c, call->value[i].base);
    access_report(c, site, ACCESS_UNPROVED,
                  "not proved in range: \"%s\": what %s does with the pointer is not known",
                  ctree_quote(c->tree, site), name);
  }
  return result_of(c, call->node);
}

Value range_call(Checker *c, CNode *n) {
  Call call = {.node = n};
  for (CNode *a = n->first ? n->first->next : NULL; a && call.n < MAX_ARGUMENTS; a = a->next) {
    call.argument[call.n] = a;
    call.value[call.n++] = range_eval(c, a);
  }
  if (!n->symbol ||
      n->symbol->kind != SYMBOL_FUNCTION) { /* a hook: it only hands its pointers to the jobs */
    if (n->first) range_eval(c, n->first);
    memory_forget(c, false);
    return result_of(c, n);
  }
  CFunction *f = n->symbol->function;
  return f && !range_is_helper(n->symbol->name) ? call_own(c, f, &call)
                                                : call_foreign(c, &call, n->symbol->name);
}
