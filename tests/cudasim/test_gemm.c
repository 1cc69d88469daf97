/* test_gemm.c - contractions in blocks of threads, in every precision: every shape of contraction
 * (numeric/cases.h), simulated against the graph in double. Some of the cases; in the long
 * form every one in f32, and each second one, by turns, where products are rounded. */
#include "harness.h"

#include "../numeric/cases.h"

enum { SAMPLES = 2, QUICK = 9, ROUNDED = 4 };

/* Options.dtype, and how far the product of two rounded numbers may be from theirs. A case is two
 * layers at most; what rounding does to a sum is less than what it does to its largest term. */
static const struct Rounding {
  const char *target;
  Precision precision;
  double error;
} roundings[] = {
    {"sm_80", PRECISION_F32, 0}, /* what rounding of sums may do */
    {"sm_80", PRECISION_TF32, 0x1p-10},  {"sm_80", PRECISION_BF16, 0x1p-7},
    {"sm_80", PRECISION_F16, 0x1p-10},   {"sm_80", PRECISION_F32X3, 0x1p-19},
    {"sm_90a", PRECISION_BF16, 0x1p-7},  {"sm_90a", PRECISION_F16, 0x1p-10},
    {"sm_90a", PRECISION_TF32, 0x1p-10},
};

static const char *forced[] = {"*=implicit_gemm"};

static void check_cases(const Case *c, int n, const struct Rounding *as) {
  Options o = {.target = as->target, .batch = SAMPLES, .algo = {.at = forced, .n = COUNT(forced)}};
  if (as->precision) o.dtype = DTYPE_F64 + (int)as->precision;
  char *text = network_text(c, n);
  Simulated s = simulated_text_options(text, o);
  free(text);
  simulated_check(&s, SAMPLES, SAMPLES, 2 * as->error);
  simulated_free(&s);
}

static void check_each(const Cases *all, int first, int step, const struct Rounding *as) {
  Cases some = {.arena = all->arena};
  for (int i = first; i < all->list.n; i += step) vec_push(some.arena, &some.list, all->list.at[i]);
  for (int from = 0; from < some.list.n; from += AT_ONCE) {
    const int left = some.list.n - from;
    check_cases(some.list.at + from, left < AT_ONCE ? left : AT_ONCE, as);
  }
  print_message("%s, %s: %d cases\n", as->target, precision_names[as->precision], some.list.n);
}

static Cases every_case(Arena *arena) {
  Cases cases = {.arena = arena};
  add_windows(&cases, contractions, COUNT(contractions));
  return cases;
}

static void some_agree(void **state) {
  const Cases cases = every_case(*state);
  for (int i = 0; i < COUNT(roundings); i++)
    check_each(&cases, i, i ? ROUNDED * QUICK : QUICK, &roundings[i]);
}

static void all_agree(void **state) {
  const Cases cases = every_case(*state);
  for (int i = 0; i < COUNT(roundings); i++) check_each(&cases, i % 2, i ? 2 : 1, &roundings[i]);
}

static bool has_parts(const Plan *p) {
  for (int b = 0; b < p->buffer.n; b++)
    if (strstr(p->buffer.at[b].name, ".parts")) return true;
  return false;
}

/* Long sums of few results are cut into parts; what follows them comes after. */
static void sums_come_in_parts(void **state) {
  static const char network[] =
      "{ 'name': 'net', 'input': { 'shape': [128, 6, 5] }, 'layers': ["
      "{ 'op': 'conv', 'filters': 8, 'kernel': 3, 'pad': 1, 'name': 'a' }, { 'op': 'relu' },"
      "{ 'op': 'conv', 'filters': 8, 'kernel': 1, 'from': 'x', 'name': 'b' },"
      "{ 'op': 'add', 'from': ['relu1', 'b'] } ] }";
  const Options o = {.target = "sm_80", .batch = 3, .algo = {.at = forced, .n = 1}};
  Simulated s = simulated_text_options(network, o);
  (void)state;
  assert_true(has_parts(s.plan));
  simulated_check(&s, 1, 3, 0);
  simulated_compile(&s);
  simulated_free(&s);
}

/* ---- channels in lanes ---- */

/* Windows, strides, groups, dilation, parts of a concatenation, a residual; 12 channels have no
 * lanes. */
static const char lanes_network[] =
    "{ 'name': 'net', 'input': { 'shape': [3, 12, 10] }, 'layers': ["
    "{ 'op': 'conv', 'filters': 16, 'kernel': 3, 'pad': 1, 'name': 'a' }, { 'op': 'relu' },"
    "{ 'op': 'conv', 'filters': 24, 'kernel': 3, 'stride': 2, 'pad': 1, 'groups': 2, 'name': 'b' },"
    "{ 'op': 'conv', 'filters': 24, 'kernel': 1, 'name': 'c' },"
    "{ 'op': 'add', 'from': ['c', 'b'] }, { 'op': 'relu', 'name': 'r' },"
    "{ 'op': 'conv', 'filters': 12, 'kernel': 3, 'pad': 2, 'dilation': 2, 'name': 'd' },"
    "{ 'op': 'conv', 'filters': 20, 'kernel': 1, 'from': 'r', 'name': 'e' },"
    "{ 'op': 'concat', 'from': ['d', 'e', 'r'] },"
    "{ 'op': 'pool', 'kind': 'max', 'kernel': 2, 'stride': 1 },"
    "{ 'op': 'conv', 'filters': 40, 'kernel': [3, 2], 'name': 'f' },"
    "{ 'op': 'global_pool', 'kind': 'average' }, { 'op': 'dense', 'units': 8 } ] }";

static Simulated with_lanes(const char *target, Precision precision) {
  Options o = {.target = target, .batch = 3, .algo = {.at = forced, .n = 1}};
  o.dtype = DTYPE_F64 + (int)precision;
  return simulated_text_options(lanes_network, o);
}

static int buffers_of(const Plan *p, DType dtype) {
  int n = 0;
  for (int b = 0; b < p->buffer.n; b++)
    n += p->buffer.at[b].format.dtype == dtype && p->buffer.at[b].home == HOME_WORK;
  return n;
}

/* Chunks of channels are copied as they lie, and memory holds what the precision multiplies. */
static void channels_come_in_chunks(void **state) {
  static const struct {
    const char *target;
    Precision precision;
    DType stored;
    double error;
  } rows[] = {{"sm_80", PRECISION_TF32, F32, 0x1p-7},   {"sm_80", PRECISION_BF16, BF16, 0x1p-4},
              {"sm_80", PRECISION_F16, F16, 0x1p-7},    {"sm_80", PRECISION_F32X3, F32, 0x1p-16},
              {"sm_90a", PRECISION_BF16, BF16, 0x1p-4}, {"sm_90a", PRECISION_F16, F16, 0x1p-7},
              {"sm_90a", PRECISION_TF32, F32, 0x1p-7}};
  (void)state;
  for (int i = 0; i < COUNT(rows); i++) {
    Simulated s = with_lanes(rows[i].target, rows[i].precision);
    size_t size;
    simulated_check(&s, 3, 3, rows[i].error);
    const char *text = file_read(s.u, simulated_path(&s, "net.cu"), &size);
    assert_non_null(strstr(text, "cnnc_cp_async_16(to, in"));
    assert_true(buffers_of(s.plan, rows[i].stored) >= 6);
    simulated_compile(&s);
    simulated_free(&s);
  }
}

static int occurrences(const char *text, const char *what) {
  int n = 0;
  while ((text = strstr(text, what))) text += strlen(what), n++;
  return n;
}

/* Every product on sm_90a is one of four warps; devices that lack it multiply in each of them, by
 * the same text. */
static void warps_multiply_together(void **state) {
  (void)state;
  Simulated s = with_lanes("sm_90a", PRECISION_BF16);
  size_t size;
  simulated_emit(&s);
  const char *text = file_read(s.u, simulated_path(&s, "net.cu"), &size);
  assert_int_equal(occurrences(text, "Implicit GEMM:"), occurrences(text, "cnnc_wgmma_wait(0);"));
  s.old = true;
  simulated_check(&s, 2, 3, 0x1p-4);
  simulated_free(&s);
}

/* ---- boxes of tensors ---- */

/* Windows with borders on all sides, dilation, all and part of a concatenation, a residual, several
 * stages and one, boxes that stand out of images and of the batch; strides and 40 channels have no
 * boxes. */
static const char boxes_network[] =
    "{ 'name': 'net', 'input': { 'shape': [8, 2, 15] }, 'layers': ["
    "{ 'op': 'conv', 'filters': 64, 'kernel': 1, 'name': 'a' },"
    "{ 'op': 'conv', 'filters': 64, 'kernel': 3, 'pad': 1, 'name': 'b' },"
    "{ 'op': 'add', 'from': ['b', 'a'] }, { 'op': 'relu', 'name': 'r' },"
    "{ 'op': 'conv', 'filters': 128, 'kernel': [3, 2], 'pad': [2, 1], 'dilation': 2, 'name': 'c' },"
    "{ 'op': 'conv', 'filters': 64, 'kernel': 1, 'name': 'd' }, { 'op': 'relu', 'name': 'p' },"
    "{ 'op': 'concat', 'from': ['c', 'p'], 'name': 'j' },"
    "{ 'op': 'conv', 'filters': 64, 'kernel': 1, 'from': 'p', 'name': 'q' },"
    "{ 'op': 'conv', 'filters': 64, 'kernel': 1, 'from': 'j', 'name': 'h' },"
    "{ 'op': 'add', 'from': ['q', 'h'] },"
    "{ 'op': 'conv', 'filters': 40, 'kernel': 3, 'stride': 2, 'pad': 1, 'name': 'e' },"
    "{ 'op': 'conv', 'filters': 64, 'kernel': 3, 'pad': 1, 'name': 'f' },"
    "{ 'op': 'global_pool', 'kind': 'average', 'name': 'g' }, { 'op': 'dense', 'units': 8 } ] }";

/* Operands come in boxes, where the target has them and numbers have 16 bits. */
static void operands_come_in_boxes(void **state) {
  static const struct {
    const char *target;
    Precision precision;
    int boxes; /* kernels of them */
    double error;
  } rows[] = {{"sm_90a", PRECISION_BF16, 5, 0x1p-4},
              {"sm_90a", PRECISION_F16, 5, 0x1p-7},
              {"sm_90a", PRECISION_TF32, 0, 0x1p-7},
              {"sm_90", PRECISION_BF16, 0, 0x1p-4}};
  (void)state;
  for (int i = 0; i < COUNT(rows); i++) {
    Options o = {.target = rows[i].target, .batch = 4, .algo = {.at = forced, .n = 1}};
    o.dtype = DTYPE_F64 + (int)rows[i].precision;
    Simulated s = simulated_text_options(boxes_network, o);
    size_t size;
    simulated_check(&s, 3, 4, rows[i].error);
    const char *text = file_read(s.u, simulated_path(&s, "net.cu"), &size);
    assert_int_equal(occurrences(text, "cnnc_box_4(x, in"), rows[i].boxes);
    simulated_compile(&s);
    simulated_free(&s);
  }
}

/* The interpreter rounds what memory holds, too: nearer to it than to the network in double. */
static void memory_is_interpreted(void **state) {
  (void)state;
  Simulated s = with_lanes("sm_80", PRECISION_BF16);
  simulated_emit(&s);
  simulated_build(&s);
  SimulatedRun exact = simulated_inputs(&s, 2);
  assert_int_equal(simulated_run(&s, &exact, NULL), 0);
  s.graph = NULL;
  SimulatedRun rounded = simulated_inputs(&s, 2);
  rounded.out = exact.out;
  const double error = simulated_error(&s, &rounded, 0), all = simulated_error(&s, &exact, 0);
  if (!(error > 0 && error < all)) fail_msg("error %g, from double %g", error, all);
  simulated_free(&s);
}

static int set_up(void **state) {
  *state = unit_new()->arena;
  return 0;
}

int main(void) {
  const struct CMUnitTest some[] = {cmocka_unit_test_setup(some_agree, set_up)};
  const struct CMUnitTest all[] = {cmocka_unit_test_setup(all_agree, set_up)};
  const struct CMUnitTest others[] = {
      cmocka_unit_test(sums_come_in_parts), cmocka_unit_test(channels_come_in_chunks),
      cmocka_unit_test(warps_multiply_together), cmocka_unit_test(operands_come_in_boxes),
      cmocka_unit_test(memory_is_interpreted)};
  const int failed = cmocka_run_group_tests(others, NULL, NULL);
  return failed + (is_long() ? cmocka_run_group_tests(all, NULL, NULL)
                             : cmocka_run_group_tests(some, NULL, NULL));
}
