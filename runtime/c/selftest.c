/* ---- self-test: kernels against a reference ----
 * A reference is a kernel's formula at one point, in double. What rounding may do is measured: the
 * formula is computed again with everything that it reads moved by about a rounding error. */
enum { NAME_SHAKES = 3, NAME_MOST_PROBES = 96 };

typedef struct NAME_expectation {
  const char *what;
  const void *place;
  double value, allowed;
} NAME_expectation;

typedef struct NAME_samples NAME_samples;

typedef struct NAME_test {
  NAME_tell *tell;
  void *user;
  const NAME_samples *samples;
  uint64_t random;
  double shake; /* everything that is read is moved by up to so much of itself */
  int failed, done;
  int expectations; /* of the step that runs */
  NAME_expectation expected[NAME_MOST_PROBES];
} NAME_test;

typedef struct NAME_point { /* of a result */
  long long at[12];         /* the kernel's free loops */
  const void *place;        /* where it lies */
} NAME_point;

typedef double NAME_reference(NAME_test *t, const NAME_args *a, NAME_point *point);

typedef struct NAME_probe {
  const char *what;
  NAME_reference *reference;
  int loops, count;       /* free loops; points that are tried */
  int per_n[12], plus[12]; /* their extents */
} NAME_probe;

static double NAME_chance(NAME_test *t) { /* in [-1, 1) */
  t->random = t->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (double)(t->random >> 32) / 2147483648.0 - 1;
}

static double NAME_moved(NAME_test *t, double value) {
  return t->shake > 0 ? value * (1 + t->shake * NAME_chance(t)) : value;
}

CNNC_SCALAR_INLINE long long NAME_quotient(long long a, long long b) { /* rounded down */
  return a / b - (a % b < 0);
}

/* One of so many values of a loop: the first and the last are the likeliest. */
static long long NAME_choose(NAME_test *t, long long extent) {
  double where = 0.5 + 0.75 * NAME_chance(t); /* in [-0.25, 1.25) */
  long long at = (long long)(where * (double)extent);
  return where < 0 ? 0 : at < extent ? at : extent - 1;
}

/* What one point should be, and how far rounding may take it from there. */
static NAME_expectation NAME_expect_one(NAME_test *t, const NAME_probe *p, const NAME_args *a) {
  NAME_point point = {{0}, NULL};
  NAME_expectation e = {p->what, NULL, 0, 0};
  for (int l = 0; l < p->loops; l++)
    point.at[l] = NAME_choose(t, (long long)p->per_n[l] * a->batch + p->plus[l]);
  t->shake = 0;
  e.value = p->reference(t, a, &point);
  e.place = point.place;
  t->shake = sizeof(NAME_real) == 4 ? 1e-6 : 2e-15;
  for (int s = 0; s < NAME_SHAKES; s++) {
    double moved = fabs(p->reference(t, a, &point) - e.value);
    if (moved > e.allowed) e.allowed = moved;
  }
  return e;
}

/* Before a step runs. */
static void NAME_expect(NAME_test *t, const NAME_probe *probe, int probes, const NAME_args *a) {
  NAME_expectation *e = t->expected;
  int n = 0;
  for (int p = 0; p < probes; p++) {
    double sum = 0, part = sizeof(NAME_real) == 4 ? 1e-4 : 1e-12;
    int first = n;
    for (int i = 0; i < probe[p].count && n < NAME_MOST_PROBES; i++) {
      e[n] = NAME_expect_one(t, &probe[p], a);
      sum += e[n].value * e[n].value;
      n++;
    }
    for (int i = first; i < n; i++)
      e[i].allowed = 16 * e[i].allowed + part * (fabs(e[i].value) + 0.1 * sqrt(sum / (n - first)));
  }
  t->expectations = n;
}

static void NAME_note(NAME_test *t, const char *what, double got, double expected, double allowed) {
  t->done++;
  if (fabs(got - expected) <= allowed) return;
  t->failed++;
  if (t->tell) t->tell(t->user, what, got, expected, allowed);
}

/* After it. */
static void NAME_compare(NAME_test *t) {
  const NAME_expectation *e = t->expected;
  for (int i = 0; i < t->expectations; i++) {
    NAME_real got;
    memcpy(&got, e[i].place, sizeof got);
    NAME_note(t, e[i].what, (double)got, e[i].value, e[i].allowed);
  }
}

static void *NAME_carve(unsigned char **at, size_t bytes) {
  unsigned char *begin = *at;
  *at += (bytes + NAME_ALIGN - 1) / NAME_ALIGN * NAME_ALIGN;
  return begin;
}
