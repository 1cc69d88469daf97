/* rules.c - what an emitted file must keep besides being C: SPEC's contract, as far as it can be
 * seen without running anything. */
#include "examination.h"

#include <string.h>
#include <strings.h>

/* Functions outside the file that it may call.
 * A row that ends in * allows all names that begin so. */
static const char *const allowed[] = {
    "memcpy",
    "memmove",
    "memset",
    "memcmp",
    "strcmp",
    "strncmp",
    "strlen", /* memory and strings */
    "sqrt*",
    "exp*",
    "log*",
    "pow",
    "powf",
    "tanh*",
    "erf",
    "erff",
    "floor*",
    "ceil*",
    "fabs*",
    "fma*",
    "fmin*",
    "fmax*",
    "cos*",
    "sin*",
    "nearbyint*",
    "rint*",
    "lrint*",
    "ldexp*",
    "frexp*",
    "round*",
    "trunc*",
    "copysign*", /* libm */
    "fopen",
    "fclose",
    "fread",
    "fwrite",
    "fseek",
    "ftell",
    "fflush",
    "ferror",
    "remove",
    "rename", /* under ..._NO_STDIO */
    "snprintf",
    "printf",
    "fprintf",
    "clock_gettime", /* selftest and profile */
    "omp_get_thread_num",
    "omp_get_num_threads",
    "omp_get_max_threads",
    "omp_in_parallel",
    "_mm*",
    "__builtin_*",
    "v*q_*",
    "v*_f32",
    "v*_f64",
    "v*_s32",
    "v*_u32", /* intrinsics of x86 and Arm */
};

/* Functions that files of CUDA may call besides. */
static const char *const allowed_cuda[] = {"cudaMemcpyAsync",
                                           "cudaMemsetAsync",
                                           "cudaGetLastError",
                                           "cudaStream*Capture",
                                           "cudaGraph*",
                                           "__shfl_xor_sync",
                                           "__syncthreads",
                                           "__uint_as_float",
                                           "__float_as_uint",
                                           "__dadd_rn",
                                           "__dsub_rn",
                                           "__dmul_rn",
                                           "__cvta_generic_to_shared",
                                           "cudaFuncSetAttribute",
                                           "cudaGetDriverEntryPointByVersion"};

/* Builtins and libm's prefix rows do not let these in. */
static const char *const forbidden[] = {"__builtin_alloca*", "__builtin_malloc", "__builtin_calloc",
                                        "__builtin_realloc", "__builtin_free",   "_mm_malloc",
                                        "_mm_free"};

/* Members and parameters through which functions may be called: the user's hooks, the jobs that
 * they run, and what the driver of a device makes maps of tensors by. */
static const char *const hooks[] = {"parallel", "job", "bucket", "clock", "encode"};

static void problem_at(Examination *e, uint32_t offset, const char *format, ...) PRINTF_LIKE(3, 4);
static void problem_at(Examination *e, uint32_t offset, const char *format, ...) {
  Text message = {.arena = e->unit->arena};
  int line, column;
  va_list args;
  va_start(args, format);
  text_addv(&message, format, args);
  va_end(args);
  ctree_place(e->tree, offset, &line, &column);
  diag_error_in(e->unit, arena_printf(e->unit->arena, "%s:%d:%d", e->v->file, line, column), "%s",
                message.at);
  e->problems++;
}

/* `row` may have one *, which stands for anything. */
static bool matches(const char *name, const char *row) {
  const char *star = strchr(row, '*');
  if (!star) return !strcmp(name, row);
  size_t head = (size_t)(star - row), tail = strlen(star + 1), n = strlen(name);
  return n >= head + tail && !strncmp(name, row, head) && !strcmp(name + n - tail, star + 1);
}

static bool is_listed(const char *name, const char *const *list, int n) {
  for (int i = 0; i < n; i++)
    if (matches(name, list[i])) return true;
  return false;
}

/* ---- calls ---- */

static bool is_allowed(const Examination *e, const char *name) {
  const bool cuda = e->v->capability && is_listed(name, allowed_cuda, COUNT(allowed_cuda));
  return cuda || (is_listed(name, allowed, COUNT(allowed)) &&
                  !is_listed(name, forbidden, COUNT(forbidden)));
}

static void check_call(Examination *e, const CNode *n) {
  const CNode *callee = ctree_strip(n->first);
  while (callee && callee->kind == NODE_UNARY) callee = ctree_strip(callee->first);
  const CSymbol *s = n->symbol ? n->symbol : callee ? callee->symbol : NULL;
  if (!s)
    problem_at(e, n->start, "call through a pointer \"%s\": only the hooks may be called so",
               ctree_quote(e->tree, n));
  else if (s->kind != SYMBOL_FUNCTION && !is_listed(s->name, hooks, COUNT(hooks)))
    problem_at(e, n->start, "call through the pointer \"%s\": only the hooks may be called so",
               s->name);
  else if (s->kind == SYMBOL_FUNCTION && !s->function && !is_allowed(e, s->name))
    problem_at(e, n->start, "call of \"%s\", which emitted code may not use", s->name);
}

static void check_nodes(Examination *e, const CNode *n) {
  if (n->kind == NODE_CALL) check_call(e, n);
  if (n->kind == NODE_VARIABLE && n->symbol->type->is_variable)
    problem_at(e, n->start, "array \"%s\" has a variable length", n->symbol->name);
  if (n->kind == NODE_GOTO) problem_at(e, n->start, "goto");
  for (const CNode *child = n->first; child; child = child->next) check_nodes(e, child);
}

enum { NOT_VISITED, BEING_VISITED, VISITED };

static void check_recursion(Examination *e, CFunction *f) {
  f->state = BEING_VISITED;
  for (int i = 0; i < f->calls.n; i++) {
    CFunction *g = f->calls.at[i];
    if (g->state == BEING_VISITED)
      problem_at(e, f->body->start, "recursion: %s calls %s", f->symbol->name, g->symbol->name);
    else if (g->state == NOT_VISITED)
      check_recursion(e, g);
  }
  f->state = VISITED;
}

/* ---- symbols ---- */

static uint32_t place_of(const CSymbol *s) {
  unsigned offset;
  clang_getExpansionLocation(clang_getCursorLocation(s->cursor), NULL, NULL, NULL, &offset);
  return offset;
}

static bool is_prefixed(const Examination *e, const char *name) {
  return !strncmp(name, e->v->prefix, strlen(e->v->prefix));
}

static void check_symbol(Examination *e, const CSymbol *s) {
  if (s->kind == SYMBOL_VARIABLE && s->is_mutable && !s->is_shared)
    problem_at(e, place_of(s), "%s \"%s\" can change: all state belongs to the caller's memory",
               s->is_file ? "variable" : "static variable", s->name);
  if (clang_getCursorLinkage(s->cursor) == CXLinkage_External && !is_prefixed(e, s->name))
    problem_at(e, place_of(s), "external symbol \"%s\" lacks the prefix \"%s\" and is not static",
               s->name, e->v->prefix);
}

/* ---- facts ---- */

/* A fact about a function or parameter that does not exist is a misunderstanding between the Plan
 * and the text. */
static void check_facts(Examination *e) {
  for (int i = 0; i < e->v->nfact; i++) {
    const Fact *fact = &e->v->fact[i];
    bool found = !fact->function;
    for (int j = 0; j < e->tree->function.n && !found; j++)
      found = !strcmp(e->tree->function.at[j]->symbol->name, fact->function);
    if (!found)
      problem_at(e, 0, "the plan knows \"%s\" of %s, but there is no such function", fact->name,
                 fact->function);
    else if (!fact->size_of && fact->lo > fact->hi + 1)
      problem_at(e, 0, "the plan's range of \"%s\" of %s is empty", fact->name,
                 fact->function ? fact->function : "any record");
  }
}

/* ---- all of it ---- */

void examination_rules(Examination *e) {
  const CTree *tree = e->tree;
  for (int i = 0; i < tree->global.n; i++) check_symbol(e, tree->global.at[i]);
  for (int i = 0; i < tree->function.n; i++) check_nodes(e, tree->function.at[i]->body);
  for (int i = 0; i < tree->function.n; i++)
    if (tree->function.at[i]->state == NOT_VISITED) check_recursion(e, tree->function.at[i]);
  check_facts(e);
}

/* ---- headers ---- */

typedef struct HeaderVisit {
  Examination *e;
  const char *file;
} HeaderVisit;

/* Types and constants too have the prefix, in capitals or not. */
static enum CXChildVisitResult check_name(CXCursor cursor, CXCursor parent, CXClientData data) {
  const HeaderVisit *visit = data;
  Examination *e = visit->e;
  enum CXCursorKind kind = clang_getCursorKind(cursor);
  unsigned line, column;
  (void)parent;
  CXSourceLocation place = clang_getCursorLocation(cursor);
  if (!clang_Location_isFromMainFile(place)) return CXChildVisit_Continue;
  clang_getExpansionLocation(place, NULL, &line, &column, NULL);
  CXString spelling = clang_getCursorSpelling(cursor);
  const char *name = clang_getCString(spelling);
  const bool named = kind == CXCursor_FunctionDecl || kind == CXCursor_VarDecl ||
                     kind == CXCursor_TypedefDecl || kind == CXCursor_EnumConstantDecl;
  if (named && strncasecmp(name, e->v->prefix, strlen(e->v->prefix))) {
    diag_error_in(e->unit, arena_printf(e->unit->arena, "%s:%u:%u", visit->file, line, column),
                  "\"%s\" lacks the prefix \"%s\"", name, e->v->prefix);
    e->problems++;
  }
  clang_disposeString(spelling);
  return kind == CXCursor_EnumDecl ? CXChildVisit_Recurse : CXChildVisit_Continue;
}

void examination_header(Examination *e, CXTranslationUnit unit, const char *file) {
  HeaderVisit visit = {e, file};
  clang_visitChildren(clang_getTranslationUnitCursor(unit), check_name, &visit);
}
