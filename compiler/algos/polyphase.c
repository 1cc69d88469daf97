/* polyphase.c - a contraction whose operands are read at exact quotients, as affine ones.
 *
 * The data gradient of a strided convolution reads dy[(h + p - kh) / s] where s divides. With
 * h = s * h' + r only the taps kh = s * t + (r + p) mod s take part, and the quotient is h' - t and
 * a constant: one affine contraction for each r, which writes every s-th row. Where no tap takes
 * part, the sum is 0 and what follows it stays. An input of the epilogue is read at a quotient or,
 * for the other rests, is what lies outside of it. */
#include "algos.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_PHASES = 64 };

/* Loop l is period[l] times a loop and one of as many rests; each part has one rest for every free
 * loop. */
typedef struct Phases {
  int64_t period[MAX_LOOPS], parts;
} Phases;

static int64_t gcd(int64_t a, int64_t b) {
  return b ? gcd(b, a % b) : llabs(a);
}

static bool divides(const Coord *c) {
  return c->exact && c->div > 1 && c->mod == 0;
}

/* Is input i a factor of the product? */
static bool factor(const Kernel *k, int i) {
  const Expr *term = k->fold[0].term;
  return term->arg[0]->index == i || term->arg[1]->index == i;
}

/* False: there are none, or too many. */
static bool find_phases(const Kernel *k, Phases *f) {
  *f = (Phases){.parts = 1};
  for (int l = 0; l < MAX_LOOPS; l++) f->period[l] = 1;
  bool any = false;
  for (int i = 0; i < k->nin; i++)
    for (int a = 0; a < k->in[i].rank; a++) {
      const Coord *c = &k->in[i].at[a];
      if (!divides(c)) continue;
      any |= factor(k, i);
      for (int l = 0; l < k->nloop; l++) {
        const int64_t period = c->div / gcd(c->coef[l], c->div);
        f->period[l] *= period / gcd(period, f->period[l]);
      }
    }
  for (int l = 0; l < k->nloop; l++) {
    if (f->period[l] > 1 && k->loop[l].extent.per_n) return false;
    if (!k->loop[l].reduced) f->parts *= f->period[l];
    if (f->parts > MOST_PHASES) return false;
  }
  return any;
}

/* Do the quotients of a view exist for loops that are these rests of their periods? */
static bool is_exact(const View *v, int nloop, const int64_t *rest) {
  for (int a = 0; a < v->rank; a++) {
    const Coord *c = &v->at[a];
    int64_t sum = c->plus;
    if (!divides(c)) continue;
    for (int l = 0; l < nloop; l++) sum += c->coef[l] * rest[l];
    if (sum % c->div != 0) return false;
  }
  return true;
}

static bool factors_exact(const Kernel *k, const int64_t *rest) {
  bool all = true;
  for (int i = 0; i < k->nin; i++) all &= !factor(k, i) || is_exact(&k->in[i], k->nloop, rest);
  return all;
}

/* Rests of the loops from l on, the reduced ones of which make quotients exact: how many there are;
 * the first is kept in `found`. */
static int rests_from(const Kernel *k, const Phases *f, int l, int64_t *rest, int64_t *found) {
  int n = 0;
  while (l < k->nloop && (!k->loop[l].reduced || f->period[l] == 1)) l++;
  if (l == k->nloop) {
    if (!factors_exact(k, rest)) return 0;
    memcpy(found, rest, sizeof *rest * MAX_LOOPS);
    return 1;
  }
  for (rest[l] = 0; rest[l] < f->period[l] && rest[l] < k->loop[l].extent.plus; rest[l]++)
    n += rests_from(k, f, l + 1, rest, found);
  rest[l] = 0;
  return n;
}

typedef struct Substitute {
  Unit *u;
  const Kernel *k;
  const Phases *f;
  const int64_t *rest;
  bool empty; /* no term at all */
} Substitute;

static const Expr *phase_leaf(void *context, const Expr *leaf) {
  const Substitute *s = context;
  if (leaf->op == E_acc && s->empty) return expr_const(s->u, 0);
  if (leaf->op == E_in && !is_exact(&s->k->in[leaf->index], s->k->nloop, s->rest))
    return expr_const(s->u, s->k->in[leaf->index].fill);
  if (leaf->op != E_index || s->f->period[leaf->index] == 1) return leaf;
  const Expr *whole = expr_const(s->u, (double)s->f->period[leaf->index]);
  const Expr *rest = expr_const(s->u, (double)s->rest[leaf->index]);
  return expr2(s->u, E_add, expr2(s->u, E_mul, whole, leaf), rest);
}

static void phase_view(View *v, const Substitute *s) {
  const bool exact = is_exact(v, s->k->nloop, s->rest);
  for (int a = 0; a < v->rank; a++) {
    Coord *c = &v->at[a];
    const bool quotient = exact && divides(c);
    for (int l = 0; l < s->k->nloop; l++) {
      c->plus += c->coef[l] * s->rest[l];
      c->coef[l] *= (int32_t)s->f->period[l];
      if (quotient) c->coef[l] /= c->div;
    }
    if (!quotient) continue;
    c->plus /= c->div;
    c->div = 1;
    c->exact = false;
  }
}

/* False: it has no points. No longer a contraction where no term is left. */
static bool phase_part(Unit *u, const Kernel *k, const Phases *f, int64_t part, Kernel *result) {
  int64_t rest[MAX_LOOPS] = {0}, found[MAX_LOOPS] = {0};
  for (int l = 0; l < k->nloop; l++) {
    if (k->loop[l].reduced) continue;
    rest[l] = part % f->period[l];
    part /= f->period[l];
    if (rest[l] >= k->loop[l].extent.plus && f->period[l] > 1) return false;
  }
  const int n = rests_from(k, f, 0, rest, found);
  Substitute s = {u, k, f, n ? found : rest, n == 0};
  *result = *k;
  for (int l = 0; l < k->nloop; l++)
    if (f->period[l] > 1)
      result->loop[l].extent =
          fixed((k->loop[l].extent.plus - s.rest[l] + f->period[l] - 1) / f->period[l]);
  for (int i = 0; i < k->nin; i++) phase_view(&result->in[i], &s);
  phase_view(&result->out[0].to, &s);
  result->out[0].value = expr_replace(u, k->out[0].value, phase_leaf, &s);
  kernel_simplify(u, result);
  return true;
}

/* Of a sum of several rests a part would be several contractions. */
static bool one_rest(const Kernel *k, const Phases *f) {
  for (int64_t part = 0; part < f->parts; part++) {
    int64_t rest[MAX_LOOPS] = {0}, found[MAX_LOOPS], left = part;
    for (int l = 0; l < k->nloop; l++) {
      if (k->loop[l].reduced) continue;
      rest[l] = left % f->period[l];
      left /= f->period[l];
    }
    if (rests_from(k, f, 0, rest, found) > 1) return false;
  }
  return true;
}

/* Is it computed as affine parts? */
static bool splits(const Kernel *k, Phases *f) {
  return k->nout == 1 && find_phases(k, f) && one_rest(k, f);
}

const char *tiles_refuses(const Plan *p, const Contraction *c, char role) {
  Phases f;
  if (splits(c->k, &f)) {
    for (int64_t i = 0; i < f.parts; i++) {
      Kernel part;
      Contraction affine;
      if (!phase_part(p->u, c->k, &f, i, &part) || !contraction_of(p, &part, &affine)) continue;
      const char *reason = affine_refuses(p, &affine, role);
      if (reason) return reason;
    }
    return NULL;
  }
  return affine_refuses(p, c, role);
}

void tiles_lower(Plan *p, const Contraction *c, char role, const char *algo, Steps *steps) {
  Phases f;
  if (!splits(c->k, &f)) {
    affine_lower(p, c, role, algo, steps);
    return;
  }
  for (int64_t i = 0; i < f.parts; i++) {
    Kernel part;
    Contraction affine;
    if (!phase_part(p->u, c->k, &f, i, &part)) continue;
    if (contraction_of(p, &part, &affine)) {
      affine_lower(p, &affine, role, algo, steps);
      continue;
    }
    part.algo = NULL;
    vec_push(p->u->arena, steps, plan_leaf(p, &part));
  }
}
