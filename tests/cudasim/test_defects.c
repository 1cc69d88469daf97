/* test_defects.c - what the simulator is there to find: defects planted in a kernel with barriers
 * (defects.cu) and in emitted files. Without a defect nothing is reported, in any order. */
#include "harness.h"

#include <stdio.h>

static const char *const orders[] = {"CUDASIM_ORDER=natural", "CUDASIM_ORDER=reverse",
                                     "CUDASIM_ORDER=random:1", "CUDASIM_ORDER=random:2"};

/* ---- a kernel with barriers ---- */

/* Builds defects.cu with a defect (NULL: none) and runs it in every order; each says `message`. */
static void check_kernel(const char *defect, const char *message) {
  Unit *u = unit_new();
  const char *folder = toolchain_folder(u);
  const char *object = arena_printf(u->arena, "%s/kernel.o", folder),
             *program = arena_printf(u->arena, "%s/kernel", folder);
  Text output = {.arena = u->arena};
  const char *const compile[] = {"g++",
                                 "-std=c++14",
                                 "-O1",
                                 "-g1",
                                 "-fsanitize=thread",
                                 "-I",
                                 CUDASIM,
                                 arena_printf(u->arena, "-DDEFECT_%s", defect ? defect : "NONE"),
                                 "-x",
                                 "c++",
                                 "-c",
                                 CUDASIM "/defects.cu",
                                 "-o",
                                 object,
                                 NULL};
  const char *const link[] = {"g++", object, CUDASIM_LIBRARY, "-o", program, NULL};
  if (toolchain_run(u, compile, &output) || toolchain_run(u, link, &output))
    fail_msg("%s", output.at);
  for (int i = 0; i < COUNT(orders); i++) {
    const char *const run[] = {"env", orders[i], program, NULL};
    output.n = 0;
    const int status = toolchain_run(u, run, &output);
    if (status != (defect ? CUDASIM_FOUND : 0) || (defect && !strstr(output.at, message)))
      fail_msg("%s, %s: status %d: %s", defect ? defect : "no defect", orders[i], status,
               output.n ? output.at : "");
  }
  toolchain_remove(u, folder);
  unit_free(u);
}

static void kernels_are_watched(void **state) {
  (void)state;
  check_kernel(NULL, NULL);
  check_kernel("STORED", "shared memory");
  check_kernel("TREE", "race in shared memory");
  check_kernel("LATE", "race in shared memory");
  check_kernel("ATOMIC", "race in device memory");
  check_kernel("OUTSIDE", "bytes");
  check_kernel("UNWRITTEN", "nothing wrote it");
  check_kernel("BRANCH", "waits at");
  check_kernel("LEAVES", "have ended");
}

/* ---- emitted files ---- */

static const char network[] =
    "{ 'name': 'net', 'input': { 'shape': [3, 9, 8] }, 'layers': ["
    "{ 'op': 'conv', 'filters': 5, 'kernel': 3, 'pad': 1 }, { 'op': 'relu' },"
    "{ 'op': 'pool', 'kind': 'max', 'kernel': 2 }, { 'op': 'dense', 'units': 4 } ] }";

static void check_defect(Options o, const char *from, const char *to, const char *message) {
  Simulated s = simulated_text_options(network, o);
  simulated_emit(&s);
  simulated_replace(&s, from, to);
  simulated_build(&s);
  SimulatedRun r = simulated_inputs(&s, 2);
  for (int i = 0; i < COUNT(orders); i++) {
    const int status = simulated_run(&s, &r, (const char *const[]){orders[i], NULL});
    if (status != CUDASIM_FOUND || !strstr(r.messages.at, message))
      fail_msg("%s for %s, %s: status %d: %s", to, from, orders[i], status,
               r.messages.n ? r.messages.at : "");
  }
  simulated_free(&s);
}

static void check_emitted(const char *from, const char *to, const char *message) {
  check_defect((Options){.target = "sm_80", .batch = 2}, from, to, message);
}

/* In blocks of threads; rounded: with tensor cores. */
static void check_product(bool rounded, const char *from, const char *to, const char *message) {
  static const char *forced[] = {"*=implicit_gemm"};
  Options o = {.target = "sm_80", .batch = 2, .algo = {.at = forced, .n = 1}};
  if (rounded) o.dtype = DTYPE_F64 + (int)PRECISION_BF16;
  check_defect(o, from, to, message);
}

static void products_are_watched(void **state) {
  (void)state;
  check_product(false, "__syncthreads();", "", "shared memory");
  check_product(false, " / 16 % 2;", " / 16 % 1;", "race in shared memory");
  check_product(false, "x[stage][k][at] = next", "x[stage][k + 1][at] = next", "shared memory");
  check_product(false, "row < rows", "row <= rows", "device memory");
  check_product(true, "__syncthreads();", "", "shared memory");
  check_product(true, "lane % 4][", "lane % 4 + 8][", "shared memory");
  check_product(true, "cnnc_mma_bf16(acc", "if (lane != 7) cnnc_mma_bf16(acc", "not all lanes");
}

static void emitted_files_are_watched(void **state) {
  (void)state;
  check_emitted("point += stride", "point += stride / 2", "race in device memory");
  check_emitted("out0[", "out0[1 + ", "device memory");
  check_emitted("in1[", "in1[100000 + ", "outside of device memory");
  check_emitted("point < points", "point < points - 1", "nothing wrote it");
}

/* Whichever launch or copy fails: the library says so. */
static void errors_are_reported(void **state) {
  (void)state;
  enum { E_DEVICE = 256 - 8, OF_DRIVER = 100 };
  Simulated s = simulated_text(network, "sm_90", 2);
  simulated_emit(&s);
  simulated_build(&s);
  SimulatedRun r = simulated_inputs(&s, 2);
  int failures = 0, status = 1;
  for (int k = 1; status; k++) {
    const char *const settings[] = {arena_printf(s.u->arena, "CUDASIM_FAIL=%d", k), NULL};
    status = simulated_run(&s, &r, settings);
    failures += status == E_DEVICE;
    assert_true(status == 0 || status == E_DEVICE || status / OF_DRIVER == 1);
  }
  assert_true(failures >= 4); /* parameters, and three kernels at least */
  simulated_free(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(kernels_are_watched),
      cmocka_unit_test(emitted_files_are_watched),
      cmocka_unit_test(products_are_watched),
      cmocka_unit_test(errors_are_reported),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
