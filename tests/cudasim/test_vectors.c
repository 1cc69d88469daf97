/* test_vectors.c - kernels without products whose results lie in lanes, a block of channels for
 * each thread: pools with and without borders, maps of several inputs, parts of a concatenation,
 * what has a number for each channel; simulated against the graph in double in every precision that
 * has lanes. */
#include "harness.h"

static const char network[] =
    "{ 'name': 'net', 'input': { 'shape': [16, 13, 11] }, 'layers': ["
    "{ 'op': 'conv', 'filters': 16, 'kernel': 1, 'name': 'a' },"
    "{ 'op': 'pool', 'kind': 'max', 'kernel': 3, 'stride': 2, 'pad': 1, 'name': 'most' },"
    "{ 'op': 'pool', 'kind': 'average', 'kernel': 3, 'stride': 2, 'pad': 1, 'from': 'a',"
    "  'count_include_pad': false, 'name': 'mean' },"
    "{ 'op': 'pool', 'kind': 'l2', 'kernel': 2, 'stride': 2, 'ceil_mode': true, 'from': 'a',"
    "  'name': 'root' },"
    "{ 'op': 'mul', 'from': ['most', 'mean'] }, { 'op': 'sub', 'from': ['mul1', 'root'] },"
    "{ 'op': 'tanh', 'name': 't' },"
    "{ 'op': 'batch_norm', 'from': 't', 'name': 'n' }, { 'op': 'sigmoid' },"
    "{ 'op': 'pad', 'axis': 1, 'lo': 1, 'hi': 0, 'value': 0.5, 'from': 't', 'name': 'p' },"
    "{ 'op': 'conv', 'filters': 8, 'kernel': [2, 1], 'from': 'p', 'name': 'c' },"
    "{ 'op': 'concat', 'from': ['sigmoid1', 'c', 't'] }, { 'op': 'lrn', 'size': 3 },"
    "{ 'op': 'conv', 'filters': 16, 'kernel': 1 },"
    "{ 'op': 'global_pool', 'kind': 'average' } ] }";

static int blocks_of(const char *text) {
  int n = 0;
  while ((text = strstr(text, "A thread has 8 channels."))) text++, n++;
  return n;
}

static void check(const char *target, Precision precision, double error) {
  static const char *forced[] = {"*=implicit_gemm"};
  Options o = {.target = target, .batch = 3, .algo = {.at = forced, .n = 1}};
  size_t size;
  o.dtype = DTYPE_F64 + (int)precision;
  Simulated s = simulated_text_options(network, o);
  simulated_check(&s, 2, 3, error);
  const char *text = file_read(s.u, simulated_path(&s, "net.cu"), &size);
  if (blocks_of(text) < 6) fail_msg("%d kernels have blocks of channels", blocks_of(text));
  simulated_compile(&s);
  simulated_free(&s);
}

static void blocks_agree(void **state) {
  (void)state;
  check("sm_80", PRECISION_BF16, 0x1p-5);
  check("sm_90a", PRECISION_F16, 0x1p-8);
  check("sm_80", PRECISION_F32X3, 0x1p-16);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(blocks_agree)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
