/* kernel_text.c - the text form of kernels, printed and parsed.
 *
 *   conv1: n<n k<64 oh<112 ow<112 | c<3 kh<7 kw<7
 *     in0 = %x[n, c, 2*oh + kh - 3, 2*ow + kw - 3] fill 0
 *     in1 = %w[k, c, kh, kw]
 *     acc0 = sum in0*in1
 *     %y[n, k, oh, ow] = max(0, acc0)
 *
 * Behind the name of a gradient's layer stands its role: "conv1 dgrad: ...", "conv1 wgrad: ...".
 * A coordinate is linear, (linear)/d, rounded down, (linear)/d! where d must divide, each with %m
 * behind it for a remainder. An out written += sums over the loops that its view lacks. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

const char *const role_names[ROLES] = {"fwd", "dgrad", "wgrad"};

const char *role_kernel(Arena *arena, const char *layer, Role role) {
  return role == ROLE_FWD ? layer : arena_printf(arena, "%s:%s", layer, role_names[role]);
}

static const char *const combine_names[COMBINES] = {"sum", "max", "argmax"};

/* ---- printing ---- */

static void leaf_print(void *context, const Expr *leaf, Text *out) {
  const Kernel *k = context;
  if (leaf->op == E_index)
    text_add(out, "%s", k->loop[leaf->index].name);
  else
    text_add(out, "%s%d", expr_name(leaf->op), leaf->index);
}

static void linear_print(Text *out, const Kernel *k, const Coord *c) {
  bool first = true;
  for (int l = 0; l < k->nloop; l++) {
    int32_t coef = c->coef[l];
    if (coef == 0) continue;
    text_add(out, "%s", first ? (coef < 0 ? "-" : "") : coef < 0 ? " - " : " + ");
    if (abs(coef) != 1) text_add(out, "%d*", abs(coef));
    text_add(out, "%s", k->loop[l].name);
    first = false;
  }
  if (first)
    text_add(out, "%lld", (long long)c->plus);
  else if (c->plus)
    text_add(out, " %c %lld", c->plus < 0 ? '-' : '+', llabs((long long)c->plus));
}

static void coord_print(Text *out, const Kernel *k, const Coord *c) {
  int loop;
  const Coord linear = coord_linear(c);
  bool enclose = !coord_affine(c) && !coord_is_loop(&linear, &loop);
  if (enclose) text_add(out, "(");
  linear_print(out, k, c);
  if (enclose) text_add(out, ")");
  if (c->div > 1) text_add(out, "/%d%s", c->div, c->exact ? "!" : "");
  if (c->mod) text_add(out, "%%%d", c->mod);
}

static void view_print(Text *out, const Kernel *k, const View *view, TensorName name,
                       const void *context) {
  name(context, view->tensor, out);
  text_add(out, "[");
  for (int a = 0; a < view->rank; a++) {
    if (a) text_add(out, ", ");
    coord_print(out, k, &view->at[a]);
  }
  text_add(out, "]");
  if (view->outside == SKIP) text_add(out, " skip");
  if (view->outside != FILL) return;
  text_add(out, " fill ");
  number_print(out, view->fill);
}

static void head_print(Text *out, const Kernel *k) {
  word_print(out, k->name ? k->name : "_");
  if (k->role != ROLE_FWD) text_add(out, " %s", role_names[k->role]);
  text_add(out, ":");
  for (int l = 0; l < k->nloop; l++) {
    bool first = k->loop[l].reduced && (l == 0 || !k->loop[l - 1].reduced);
    text_add(out, "%s %s<", first ? " |" : "", k->loop[l].name);
    extent_print(out, k->loop[l].extent);
  }
  text_add(out, "\n");
}

void kernel_print(Text *out, const Kernel *k, TensorName name, const void *context) {
  union {
    const Kernel *in;
    void *out;
  } own = {k}; /* leaf_print only reads it */
  head_print(out, k);
  for (int i = 0; i < k->nin; i++) {
    text_add(out, "  in%d = ", i);
    view_print(out, k, &k->in[i], name, context);
    text_add(out, "\n");
  }
  for (int f = 0; f < k->nfold; f++) {
    text_add(out, "  acc%d = %s %s", f, combine_names[k->fold[f].op],
             k->fold[f].acc == F64 ? "f64 " : "");
    expr_print(out, k->fold[f].term, leaf_print, own.out);
    text_add(out, "\n");
  }
  for (int o = 0; o < k->nout; o++) {
    text_add(out, "  ");
    view_print(out, k, &k->out[o].to, name, context);
    text_add(out, k->out[o].combine ? " += " : " = ");
    expr_print(out, k->out[o].value, leaf_print, own.out);
    text_add(out, "\n");
  }
}

/* ---- parsing ---- */

typedef struct Parser {
  Scan *s;
  Unit *u;
  Kernel *k;
  TensorOf tensor;
  void *context;
  bool out; /* in an out's value: sums may be used, reduced loops not */
  int depth, nodes;
} Parser;

static int find_loop(const Kernel *k, const char *name) {
  int l = k->nloop - 1;
  while (l >= 0 && strcmp(k->loop[l].name, name) != 0) l--;
  return l;
}

static const char *identifier(Scan *s) {
  size_t n = 0;
  scan_peek(s, "]"); /* passes blanks */
  if (s->failed || (!isalpha((unsigned char)*s->at) && *s->at != '_')) {
    scan_error(s, "a loop's name is expected here");
    return NULL;
  }
  while (isalnum((unsigned char)s->at[n]) || s->at[n] == '_') n++;
  s->at += n;
  return arena_copy(s->u->arena, s->at - n, n);
}

static bool parse_loops(Parser *p) {
  Kernel *k = p->k;
  bool reduced = false;
  while (!scan_peek(p->s, "in0") && !scan_peek(p->s, "acc0")) {
    if (!reduced && scan_has(p->s, "|")) {
      reduced = true;
      continue;
    }
    if (*p->s->at == '%' || *p->s->at == '"') return true; /* a tensor: an out */
    const char *before = p->s->at, *name = identifier(p->s);
    if (!name) return false;
    if (!scan_has(p->s, "<")) { /* a tensor's name as well */
      p->s->at = before;
      return true;
    }
    Extent extent;
    if (find_loop(k, name) >= 0) return scan_error(p->s, "loop %.60s is there twice", name);
    if (k->nloop == MAX_LOOPS) return scan_error(p->s, "a kernel has at most %d loops", MAX_LOOPS);
    if (!scan_extent(p->s, &extent)) return false;
    kernel_loop(k, name, extent, reduced);
  }
  return !p->s->failed;
}

/* One term of a linear form, with its sign: 3, kh, 2*oh. */
static bool parse_term(Parser *p, Coord *c, int sign) {
  int64_t factor = 1, most = (int64_t)1 << 40;
  scan_peek(p->s, "0"); /* passes blanks */
  if (isdigit((unsigned char)*p->s->at)) {
    if (!scan_int(p->s, 0, most, &factor)) return false;
    if (!scan_has(p->s, "*")) {
      c->plus += sign * factor;
      if (llabs((long long)c->plus) > most) return scan_error(p->s, "the sum is too large");
      return true;
    }
  }
  const char *name = identifier(p->s);
  if (!name) return false;
  int l = find_loop(p->k, name);
  if (l < 0) return scan_error(p->s, "the kernel has no loop %.60s", name);
  int64_t coef = c->coef[l] + sign * factor;
  if (llabs((long long)coef) > INT32_MAX) return scan_error(p->s, "the factor is too large");
  c->coef[l] = (int32_t)coef;
  return true;
}

static bool parse_linear(Parser *p, Coord *c) {
  int sign = scan_has(p->s, "-") ? -1 : 1;
  do {
    if (!parse_term(p, c, sign)) return false;
    sign = scan_has(p->s, "+") ? 1 : scan_has(p->s, "-") ? -1 : 0;
  } while (sign);
  return true;
}

static bool parse_coord(Parser *p, Coord *c) {
  int64_t number;
  *c = (Coord){.div = 1};
  bool enclosed = scan_has(p->s, "(");
  if (!parse_linear(p, c) || (enclosed && !scan_need(p->s, ")"))) return false;
  if (scan_has(p->s, "/")) {
    if (!scan_int(p->s, 1, INT32_MAX, &number)) return false;
    c->div = (int32_t)number;
    c->exact = scan_has(p->s, "!") && number > 1;
  }
  if (scan_has(p->s, "%")) {
    if (!scan_int(p->s, 1, INT32_MAX, &number)) return false;
    c->mod = (int32_t)number;
  }
  return !p->s->failed;
}

static bool parse_view(Parser *p, View *view) {
  *view = (View){.rank = 0};
  Scan before = *p->s;
  const char *name = scan_word(p->s);
  if (!name) return false;
  if (!p->tensor(p->context, name, &view->tensor)) {
    before.failed = p->s->failed;
    *p->s = before;
    return scan_error(p->s, "there is no %.60s", name);
  }
  for (int a = 0; a < MAX_RANK; a++) view->at[a].div = 1;
  if (!scan_need(p->s, "[")) return false;
  while (!scan_peek(p->s, "]")) {
    if (view->rank == MAX_RANK) return scan_error(p->s, "a view has at most %d axes", MAX_RANK);
    if (view->rank && !scan_need(p->s, ",")) return false;
    if (!parse_coord(p, &view->at[view->rank])) return false;
    view->rank++;
  }
  if (!scan_need(p->s, "]")) return false;
  if (scan_has(p->s, "skip")) view->outside = SKIP;
  if (!scan_has(p->s, "fill")) return true;
  view->outside = FILL;
  return scan_number(p->s, &view->fill);
}

static const Expr *parse_sum(Parser *p);

/* in3, acc0, scalar1: the number, or -1. */
static int numbered(const char *word, const char *base) {
  size_t n = strlen(base);
  if (strncmp(word, base, n) != 0 || !isdigit((unsigned char)word[n]) || strlen(word) > n + 3)
    return -1;
  for (const char *c = word + n; *c; c++)
    if (!isdigit((unsigned char)*c)) return -1;
  return atoi(word + n);
}

static const Expr *leaf_of(Parser *p, const char *word) {
  int in = numbered(word, "in"), acc = numbered(word, "acc"), scalar = numbered(word, "scalar");
  int l = find_loop(p->k, word);
  if (l >= 0 && !(p->out && p->k->loop[l].reduced)) return expr_index(p->u, l);
  if (in >= 0 && in < p->k->nin) return expr_in(p->u, in);
  if (acc >= 0 && acc < p->k->nfold && p->out) return expr_acc(p->u, acc);
  if (scalar >= 0 && scalar < SCALARS) return expr_scalar(p->u, scalar);
  if (strcmp(word, "nan") == 0 || strcmp(word, "inf") == 0)
    return expr_const(p->u, strtod(word, NULL));
  scan_error(p->s, "%.60s is no input, sum, loop or scalar that may be used here", word);
  return NULL;
}

static const Expr *parse_call(Parser *p, const char *word) {
  const Expr *arg[3] = {NULL};
  int op = E_add;
  while (op < EXPR_OPS && strcmp(expr_name((ExprOp)op), word) != 0) op++;
  if (op == EXPR_OPS) {
    scan_error(p->s, "there is no function %.60s", word);
    return NULL;
  }
  int arity = expr_arity((ExprOp)op);
  for (int i = 0; i < arity; i++) {
    if (i && !scan_need(p->s, ",")) return NULL;
    if (!(arg[i] = parse_sum(p))) return NULL;
  }
  if (!scan_need(p->s, ")")) return NULL;
  return arity == 1   ? expr1(p->u, (ExprOp)op, arg[0])
         : arity == 2 ? expr2(p->u, (ExprOp)op, arg[0], arg[1])
                      : expr3(p->u, (ExprOp)op, arg[0], arg[1], arg[2]);
}

static const Expr *parse_primary(Parser *p) {
  double number;
  if (scan_has(p->s, "(")) {
    const Expr *e = parse_sum(p);
    return e && scan_need(p->s, ")") ? e : NULL;
  }
  if (isdigit((unsigned char)*p->s->at) || *p->s->at == '.')
    return scan_number(p->s, &number) ? expr_const(p->u, number) : NULL;
  const char *word = identifier(p->s);
  if (!word) return NULL;
  return scan_has(p->s, "(") ? parse_call(p, word) : leaf_of(p, word);
}

static const Expr *parse_factor(Parser *p) {
  const Expr *e;
  if (p->depth > 200 || ++p->nodes > 2000) {
    scan_error(p->s, "the expression is too large");
    return NULL;
  }
  p->depth++;
  if (scan_has(p->s, "-"))
    e = (e = parse_factor(p)) ? expr1(p->u, E_neg, e) : NULL;
  else
    e = parse_primary(p);
  p->depth--;
  return e;
}

static const Expr *parse_product(Parser *p) {
  const Expr *a = parse_factor(p);
  while (a) {
    bool times = scan_has(p->s, "*");
    if (!times && !scan_has(p->s, "/")) return a;
    const Expr *b = parse_factor(p);
    a = b ? expr2(p->u, times ? E_mul : E_div, a, b) : NULL;
  }
  return NULL;
}

static const Expr *parse_sum(Parser *p) {
  const Expr *a = parse_product(p);
  while (a) {
    bool plus = scan_has(p->s, "+");
    if (!plus && !scan_has(p->s, "-")) return a;
    const Expr *b = parse_product(p);
    a = b ? expr2(p->u, plus ? E_add : E_sub, a, b) : NULL;
  }
  return NULL;
}

static bool parse_inputs(Parser *p) {
  char name[8];
  for (;;) {
    snprintf(name, sizeof name, "in%d", p->k->nin);
    if (!scan_has(p->s, name)) return !p->s->failed;
    if (p->k->nin == MAX_IN) return scan_error(p->s, "a kernel has at most %d inputs", MAX_IN);
    if (!scan_need(p->s, "=") || !parse_view(p, &p->k->in[p->k->nin])) return false;
    p->k->nin++;
  }
}

static bool parse_folds(Parser *p) {
  char name[8];
  for (;;) {
    snprintf(name, sizeof name, "acc%d", p->k->nfold);
    if (!scan_has(p->s, name)) return !p->s->failed;
    if (p->k->nfold == MAX_FOLD) return scan_error(p->s, "a kernel has at most %d sums", MAX_FOLD);
    Fold *fold = &p->k->fold[p->k->nfold];
    if (!scan_need(p->s, "=")) return false;
    int op = scan_choice(p->s, "a fold", combine_names, COMBINES);
    if (op < 0) return false;
    fold->op = (Combine)op;
    fold->acc = scan_has(p->s, "f64") ? F64 : F32;
    if (!(fold->term = parse_sum(p))) return false;
    p->k->nfold++;
  }
}

/* Does a tensor's name with an index come next? */
static bool out_follows(Scan *s) {
  Scan ahead = *s;
  scan_peek(&ahead, "%");
  if (ahead.failed || (!isalnum((unsigned char)*ahead.at) && !strchr("%_\"", *ahead.at)))
    return false;
  if (*ahead.at == '\0' || *ahead.at == '"') return *ahead.at == '"';
  return scan_word(&ahead) && scan_peek(&ahead, "[");
}

static bool parse_outs(Parser *p) {
  p->out = true;
  do {
    if (p->k->nout == MAX_OUT) return scan_error(p->s, "a kernel has at most %d outs", MAX_OUT);
    Out *out = &p->k->out[p->k->nout];
    if (!parse_view(p, &out->to)) return false;
    out->combine = scan_has(p->s, "+");
    if (!scan_need(p->s, "=") || !(out->value = parse_sum(p))) return false;
    p->k->nout++;
  } while (out_follows(p->s));
  return !p->s->failed;
}

bool kernel_parse(Scan *s, TensorOf tensor, void *context, Kernel *k) {
  Parser p = {.s = s, .u = s->u, .k = k, .tensor = tensor, .context = context};
  *k = (Kernel){.name = scan_word(s)};
  if (k->name && strcmp(k->name, "_") == 0) k->name = NULL;
  for (Role role = ROLE_DGRAD; role < ROLES; role++)
    if (scan_has(s, role_names[role])) k->role = role;
  return scan_need(s, ":") && parse_loops(&p) && parse_inputs(&p) && parse_folds(&p) &&
         parse_outs(&p);
}
