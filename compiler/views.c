/* views.c - the algebra of index maps.
 *
 * A coordinate is floor(linear / div) mod m. Composition substitutes coordinates for the loops of
 * another one; where several of them divide the same linear part, the digits are put together
 * again: m * floor(v / m) + v mod m = v. Cutting a loop into digits is the other direction. */
#include <stdlib.h>
#include <string.h>

#include "views.h"

/* ---- simplification ---- */

/* Terms that are multiples of the period do not matter to a remainder. */
static void simplify_mod(const Kernel *k, Coord *c) {
  int64_t period = (int64_t)c->div * c->mod, lo, hi, many = 1 << 30;
  if (c->mod == 0) return;
  for (int l = 0; l < k->nloop; l++)
    if (c->coef[l] % period == 0) c->coef[l] = 0;
  c->plus -= floor_div(c->plus, period) * period;
  const Coord linear = coord_linear(c);
  coord_range(k, &linear, many, &lo, &hi);
  if (lo >= 0 && hi < period) c->mod = 0;
}

/* Terms that are multiples of the divisor leave the division; if the rest is below the divisor, it
 * vanishes. */
static void simplify_div(const Kernel *k, Coord *c) {
  int64_t lo, hi, many = 1 << 30;
  Coord rest = {.div = 1, .plus = c->plus - floor_div(c->plus, c->div) * c->div};
  bool any = rest.plus != 0;
  for (int l = 0; l < k->nloop; l++) {
    if (c->coef[l] % c->div) rest.coef[l] = c->coef[l];
    any |= rest.coef[l] != 0;
  }
  coord_range(k, &rest, many, &lo, &hi);
  if (lo < 0 || hi >= c->div || (c->exact && any)) return;
  for (int l = 0; l < k->nloop; l++) c->coef[l] = rest.coef[l] ? 0 : c->coef[l] / c->div;
  c->plus = floor_div(c->plus, c->div);
  c->div = 1;
}

void coord_simplify(const Kernel *k, Coord *c) {
  simplify_mod(k, c);
  if (c->div > 1) simplify_div(k, c);
  if (c->div == 1) c->exact = false;
  simplify_mod(k, c);
}

/* ---- composition ---- */

typedef struct Linear { /* in 64 bits until it is known to fit */
  int64_t coef[MAX_LOOPS], plus;
} Linear;

static bool add_linear(Linear *to, int64_t factor, const Coord *c) {
  int64_t most = (int64_t)1 << 40;
  for (int l = 0; l < MAX_LOOPS; l++) {
    to->coef[l] += factor * c->coef[l];
    if (llabs((long long)to->coef[l]) > INT32_MAX) return false;
  }
  if (llabs((long long)c->plus) > most) return false;
  to->plus += factor * c->plus;
  return true;
}

static Coord from_linear(const Linear *v) {
  Coord c = {.plus = v->plus, .div = 1};
  for (int l = 0; l < MAX_LOOPS; l++) c.coef[l] = (int32_t)v->coef[l];
  return c;
}

typedef struct Term { /* factor * coordinate */
  int64_t factor;
  Coord c;
} Term;

static bool same_linear(const Coord *a, const Coord *b) {
  return memcmp(a->coef, b->coef, sizeof a->coef) == 0 && a->plus == b->plus;
}

/* high and low are neighbouring digits of one number: then low becomes both. */
static bool join_digits(Term *low, const Term *high) {
  if (!same_linear(&low->c, &high->c) || low->c.exact || high->c.exact || low->c.mod == 0)
    return false;
  if (high->c.div != (int64_t)low->c.div * low->c.mod || high->factor != low->factor * low->c.mod)
    return false;
  int64_t mod = (int64_t)low->c.mod * high->c.mod;
  if (mod > INT32_MAX) return false;
  low->c.mod = (int32_t)mod;
  return true;
}

static int join_all(Term *term, int n) {
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < n; j++) {
      if (i == j || !join_digits(&term[i], &term[j])) continue;
      term[j] = term[--n];
      return join_all(term, n);
    }
  }
  return n;
}

/* outer(inner) where outer is a function of one coordinate that itself divides. */
static bool nest_division(const Coord *outer, const Term *inner, Coord *result) {
  const Coord *c = &inner->c;
  int64_t div = (int64_t)c->div * outer->div;
  bool exact = outer->exact && outer->div > 1;
  *result = *c;
  if (inner->factor != 1 || div > INT32_MAX) return false;
  if (c->mod) {
    if (outer->plus || exact) return false;
    if (c->exact && outer->div > 1) return false;
    if (c->mod % outer->div) return false;
    int32_t mod = c->mod / outer->div;
    if (outer->mod && mod % outer->mod) return false;
    result->mod = outer->mod ? outer->mod : mod;
  } else {
    if (c->exact != exact && c->div > 1 && outer->div > 1) return false;
    result->exact = c->exact || exact;
    result->plus += outer->plus * c->div;
    result->mod = outer->mod;
  }
  result->div = (int32_t)div;
  return true;
}

bool coord_compose(const Coord *outer, const Coord *const *inner, int nouter, Coord *result) {
  Term term[MAX_LOOPS];
  Linear linear = {.plus = outer->plus};
  int n = 0;
  for (int l = 0; l < nouter; l++)
    if (outer->coef[l]) term[n++] = (Term){outer->coef[l], *inner[l]};
  n = join_all(term, n);
  for (int i = 0; i < n;) {
    if (!coord_affine(&term[i].c)) {
      i++;
      continue;
    }
    if (!add_linear(&linear, term[i].factor, &term[i].c)) return false;
    term[i] = term[--n];
  }
  Coord rest = from_linear(&linear);
  rest.div = outer->div;
  rest.mod = outer->mod;
  rest.exact = outer->exact;
  if (n == 0) {
    *result = rest;
    return true;
  }
  Coord constant = {.plus = linear.plus, .div = 1};
  Coord only = from_linear(&linear);
  if (n > 1 || !coord_same(&only, &constant)) return false;
  return nest_division(&rest, &term[0], result);
}

const Expr *coord_expr(Unit *u, const Coord *c, int nloop) {
  const Expr *e = expr_const(u, (double)c->plus);
  for (int l = 0; l < nloop; l++)
    if (c->coef[l])
      e = expr2(u, E_add, expr2(u, E_mul, expr_index(u, l), expr_const(u, c->coef[l])), e);
  if (c->div > 1) e = expr1(u, E_floor, expr2(u, E_div, e, expr_const(u, c->div)));
  if (c->mod == 0) return e;
  const Expr *mod = expr_const(u, c->mod);
  const Expr *turns = expr1(u, E_floor, expr2(u, E_div, e, mod));
  return expr2(u, E_sub, e, expr2(u, E_mul, turns, mod));
}

/* ---- cutting loops into digits ---- */

enum { MAX_CUTS = 4 };

typedef struct Cut {
  Unit *u;
  int loop, parts;
  int64_t weight[MAX_CUTS + 1]; /* of each part, the most significant first; the last is 1 */
} Cut;

static void cut_coord(const Cut *cut, Coord *c) {
  int32_t coef[MAX_LOOPS] = {0};
  for (int l = 0; l + cut->parts - 1 < MAX_LOOPS; l++) {
    if (l < cut->loop) coef[l] = c->coef[l];
    if (l > cut->loop) coef[l + cut->parts - 1] = c->coef[l];
  }
  for (int i = 0; i < cut->parts; i++)
    coef[cut->loop + i] = (int32_t)(c->coef[cut->loop] * cut->weight[i]);
  memcpy(c->coef, coef, sizeof coef);
}

static void cut_view(const Cut *cut, const Kernel *k, View *view) {
  for (int a = 0; a < view->rank; a++) {
    cut_coord(cut, &view->at[a]);
    coord_simplify(k, &view->at[a]);
  }
}

static const Expr *cut_leaf(void *context, const Expr *leaf) {
  const Cut *cut = context;
  if (leaf->op != E_index || leaf->index < cut->loop) return leaf;
  if (leaf->index > cut->loop) return expr_index(cut->u, leaf->index + cut->parts - 1);
  Coord c = {.div = 1};
  for (int i = 0; i < cut->parts; i++) c.coef[cut->loop + i] = (int32_t)cut->weight[i];
  return coord_expr(cut->u, &c, MAX_LOOPS);
}

static const char *part_name(Unit *u, const Kernel *k, const char *base, int part) {
  for (;; part++) {
    const char *name = arena_printf(u->arena, "%s%d", base, part);
    int l = 0;
    while (l < k->nloop && strcmp(k->loop[l].name, name) != 0) l++;
    if (l == k->nloop) return name;
  }
}

static void cut_loops(Cut *cut, Kernel *k) {
  int more = cut->parts - 1, loop = cut->loop;
  Loop old = k->loop[loop];
  memmove(&k->loop[loop + 1 + more], &k->loop[loop + 1],
          (size_t)(k->nloop - loop - 1) * sizeof *k->loop);
  memmove(&k->bind[loop + 1 + more], &k->bind[loop + 1],
          (size_t)(k->nloop - loop - 1) * sizeof *k->bind);
  for (int i = 0; i < cut->parts; i++) k->loop[loop + i] = old;
  k->nloop += more;
  int64_t extent = old.extent.plus;
  for (int i = 0; i < cut->parts; i++) {
    k->loop[loop + i].name = part_name(cut->u, k, old.name, i + 1);
    k->loop[loop + i].extent = fixed(extent / cut->weight[i]);
    k->bind[loop + i] = (Bind){.step = -1};
    extent = cut->weight[i];
  }
}

static void cut_kernel(Cut *cut, Kernel *k) {
  cut_loops(cut, k);
  for (int i = 0; i < k->nin; i++) cut_view(cut, k, &k->in[i]);
  for (int o = 0; o < k->nout; o++) {
    cut_view(cut, k, &k->out[o].to);
    k->out[o].value = expr_replace(cut->u, k->out[o].value, cut_leaf, cut);
  }
  for (int f = 0; f < k->nfold; f++)
    k->fold[f].term = expr_replace(cut->u, k->fold[f].term, cut_leaf, cut);
}

/* Where a coordinate would like loop l to be cut: at multiples of its divisor and of its period. */
static bool add_weight(Cut *cut, int64_t weight, int64_t extent) {
  int at = 0;
  if (weight <= 1 || weight >= extent) return true;
  while (at < cut->parts && cut->weight[at] > weight) at++;
  if (at < cut->parts && cut->weight[at] == weight) return true;
  if (cut->parts == MAX_CUTS + 1) return false;
  for (int i = cut->parts++; i > at; i--) cut->weight[i] = cut->weight[i - 1];
  cut->weight[at] = weight;
  return true;
}

static bool find_cut(const Kernel *k, int input, Cut *cut) {
  const View *view = &k->in[input];
  int64_t extent = k->loop[cut->loop].extent.plus;
  cut->parts = 1;
  cut->weight[0] = 1;
  for (int a = 0; a < view->rank; a++) {
    const Coord *c = &view->at[a];
    int64_t coef = c->coef[cut->loop];
    if (coef <= 0 || coord_affine(c)) continue;
    if (c->div % coef == 0 && !add_weight(cut, c->div / coef, extent)) return false;
    int64_t period = (int64_t)c->div * c->mod;
    if (period % coef == 0 && !add_weight(cut, period / coef, extent)) return false;
  }
  for (int i = 0; i < cut->parts; i++) /* each weight divides the next larger one */
    if ((i ? cut->weight[i - 1] : extent) % cut->weight[i]) return false;
  return cut->parts > 1 && k->nloop + cut->parts - 1 <= MAX_LOOPS;
}

static int divisions(const Kernel *k, int input) {
  int n = 0;
  for (int a = 0; a < k->in[input].rank; a++) n += !coord_affine(&k->in[input].at[a]);
  return n;
}

void kernel_cut_loops(Unit *u, Kernel *k, int input) {
  for (int l = 0; l < k->nloop && divisions(k, input); l++) {
    Cut cut = {.u = u, .loop = l};
    if (k->loop[l].extent.per_n || k->bind[l].step >= 0 || !find_cut(k, input, &cut)) continue;
    Kernel trial = *k;
    cut_kernel(&cut, &trial);
    if (divisions(&trial, input) < divisions(k, input)) *k = trial;
  }
}
