/* test_defects.c - what the simulator is there to find: defects planted in a kernel with barriers
 * (defects.cu), in one that gets boxes of a tensor (boxes.cu) and in emitted files. Without a
 * defect nothing is reported, in any order. */
#include "harness.h"

#include <stdio.h>

static const char *const orders[] = {"CUDASIM_ORDER=natural", "CUDASIM_ORDER=reverse",
                                     "CUDASIM_ORDER=random:1", "CUDASIM_ORDER=random:2"};

/* ---- kernels ---- */

/* Builds a file with a defect (NULL: none) and runs it in every order; each says `message`. */
static void check_file(const char *file, const char *defect, const char *message) {
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
                                 "-I",
                                 CUDASIM "/../../runtime/cuda",
                                 "-Wno-psabi",
                                 arena_printf(u->arena, "-DDEFECT_%s", defect ? defect : "NONE"),
                                 "-x",
                                 "c++",
                                 "-c",
                                 arena_printf(u->arena, CUDASIM "/%s", file),
                                 "-o",
                                 object,
                                 NULL};
  const char *const link[] = {"g++", object, CUDASIM_LIBRARY, "-o", program, NULL};
  if (toolchain_run(u, compile, &output) || toolchain_run(u, link, &output))
    fail_msg("%s", output.at);
  for (int i = 0; i < COUNT(orders); i++) {
    const char *const run[] = {"env", orders[i],
                               i % 2 ? "CUDASIM_ASYNC=late" : "CUDASIM_ASYNC=early", program, NULL};
    output.n = 0;
    const int status = toolchain_run(u, run, &output);
    if (status != (defect ? CUDASIM_FOUND : 0) || (defect && !strstr(output.at, message)))
      fail_msg("%s, %s: status %d: %s", defect ? defect : "no defect", orders[i], status,
               output.n ? output.at : "");
  }
  toolchain_remove(u, folder);
  unit_free(u);
}

static void check_kernel(const char *defect, const char *message) {
  check_file("defects.cu", defect, message);
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

static void boxes_are_watched(void **state) {
  static const char file[] = "boxes.cu";
  (void)state;
  check_file(file, NULL, NULL);
  check_file(file, "SAID", "nobody has said to have begun");
  check_file(file, "BEGUN", "shared memory");
  check_file(file, "WAIT", "shared memory");
  check_file(file, "PHASE", "");
  check_file(file, "EXPECT", "for what never comes");
  check_file(file, "TWICE", "announced twice");
  check_file(file, "BYTES", "for what never comes");
  check_file(file, "SLOT", "");
  check_file(file, "PLACE", "not a multiple of 128");
  check_file(file, "ENDS", "a block ends while a box is on its way");
}

/* ---- emitted files ---- */

static const char network[] =
    "{ 'name': 'net', 'input': { 'shape': [3, 9, 8] }, 'layers': ["
    "{ 'op': 'conv', 'filters': 5, 'kernel': 3, 'pad': 1 }, { 'op': 'relu' },"
    "{ 'op': 'pool', 'kind': 'max', 'kernel': 2 }, { 'op': 'dense', 'units': 4 } ] }";

/* With as many terms as turn all slots of shared memory over; 16 channels lie in lanes. */
static const char products[] =
    "{ 'name': 'net', 'input': { 'shape': [6, 9, 8] }, 'layers': ["
    "{ 'op': 'conv', 'filters': 16, 'kernel': 3, 'pad': 1 }, { 'op': 'relu' },"
    "{ 'op': 'conv', 'filters': 8, 'kernel': 3, 'pad': 1 },"
    "{ 'op': 'pool', 'kind': 'max', 'kernel': 2 }, { 'op': 'dense', 'units': 4 } ] }";

/* With more stages than shared memory has slots. */
static const char together[] =
    "{ 'name': 'net', 'input': { 'shape': [6, 5, 4] }, 'layers': ["
    "{ 'op': 'conv', 'filters': 40, 'kernel': 3, 'pad': 1 }, { 'op': 'relu' },"
    "{ 'op': 'conv', 'filters': 16, 'kernel': 3, 'pad': 1 } ] }";

static Simulated with_defect(const char *text, Options o, const char *from, const char *to) {
  Simulated s = simulated_text_options(text, o);
  simulated_emit(&s);
  simulated_replace(&s, from, to);
  simulated_build(&s);
  return s;
}

static void check_defect(const char *text, Options o, const char *from, const char *to,
                         const char *message) {
  Simulated s = with_defect(text, o, from, to);
  SimulatedRun r = simulated_inputs(&s, 2);
  for (int i = 0; i < COUNT(orders); i++) {
    const char *const settings[] = {orders[i], o.dtype ? "CUDASIM_BANKS=1" : "CUDASIM_BANKS=0",
                                    i % 2 ? "CUDASIM_ASYNC=late" : NULL, NULL};
    const int status = simulated_run(&s, &r, settings);
    if (status != CUDASIM_FOUND || !strstr(r.messages.at, message))
      fail_msg("%s for %s, %s: status %d: %s", to, from, orders[i], status,
               r.messages.n ? r.messages.at : "");
  }
  simulated_free(&s);
}

static void check_emitted(const char *from, const char *to, const char *message) {
  check_defect(network, (Options){.target = "sm_80", .batch = 2}, from, to, message);
}

/* In blocks of threads; not in f32: with tensor cores. */
static Options of_products(const char *target, Precision precision) {
  static const char *forced[] = {"*=implicit_gemm"};
  Options o = {.target = target, .batch = 2, .algo = {.at = forced, .n = 1}};
  if (precision) o.dtype = DTYPE_F64 + (int)precision;
  return o;
}

static void check_product(Precision precision, const char *from, const char *to,
                          const char *message) {
  check_defect(products, of_products("sm_80", precision), from, to, message);
}

static void check_together(const char *from, const char *to, const char *message) {
  check_defect(together, of_products("sm_90a", PRECISION_BF16), from, to, message);
}

static void products_are_watched(void **state) {
  (void)state;
  check_product(PRECISION_F32, "__syncthreads();", "", "shared memory");
  check_product(PRECISION_F32, "cnnc_cp_async_wait(", "(void)(", "a copy is on its way");
  check_product(PRECISION_F32, " slot = (", " slot = to + 0 * (", "shared memory");
  check_product(PRECISION_F32, "&x[to][k][at]", "&x[to][k / 2][at]", "shared memory");
  check_product(PRECISION_F32, "row < rows", "row <= rows", "device memory");
}

static void tensor_cores_are_watched(void **state) {
  (void)state;
  check_product(PRECISION_BF16, "__syncthreads();", "", "shared memory");
  check_product(PRECISION_BF16, "&x[to][at]", "&x[slot][at]", "shared memory");
  check_product(PRECISION_BF16, "cnnc_cp_async_wait(", "(void)(", "a copy is on its way");
  check_product(PRECISION_BF16, " ^ at / 2 % 4)", ")", "bank conflict");
  check_product(PRECISION_BF16, "cnnc_mma_bf16(acc", "if (lane != 7) cnnc_mma_bf16(acc",
                "not all lanes");
  check_product(PRECISION_TF32, "cnnc_cp_async_wait(", "(void)(", "a copy is on its way");
  check_product(PRECISION_TF32, " slot = (", " slot = to + 0 * (", "shared memory");
}

static void products_together_are_watched(void **state) {
  (void)state;
  check_together("__syncthreads();", "", "shared memory");
  check_together("cnnc_cp_async_wait(", "(void)(", "a copy is on its way");
  check_together("cnnc_wgmma_wait(0);", "", "which products on their way read");
  check_together("cnnc_wgmma_wait(1);", "", "which products on their way read");
  check_together("cnnc_wgmma_commit();", "", "products");
  check_together("cnnc_wgmma_fence();", "", "products without a fence");
  check_together("cnnc_wgmma_written();", "", "has not said that it wrote it");
  check_together(" to = term / 64 %", " to = (term / 64 + term / 128) %",
                 "which products on their way read");
  check_together("(acc[0], x[slot]", "(acc[0], x[thread % 32 == 7 ? to : slot]", "different tiles");
  check_together("(sums, 128, 68)", "(sums, 128, 64)", "bank conflict");
  check_together("&sums[row]", "&sums[row / 2]", "race in shared memory");
}

/* Operands in boxes, more stages than slots. */
static const char boxes[] = "{ 'name': 'net', 'input': { 'shape': [8, 8, 4] }, 'layers': ["
                            "{ 'op': 'conv', 'filters': 64, 'kernel': 1 }, { 'op': 'relu' },"
                            "{ 'op': 'conv', 'filters': 64, 'kernel': 3, 'pad': 1 } ] }";

static void check_boxes(const char *from, const char *to, const char *message) {
  check_defect(boxes, of_products("sm_90a", PRECISION_BF16), from, to, message);
}

static void emitted_boxes_are_watched(void **state) {
  (void)state;
  check_boxes("cnnc_barrier_wait(&full[slot], ", "(void)(", "shared memory");
  check_boxes("cnnc_barrier_expect(full, ", "(void)full, (void)(", "for what never comes");
  check_boxes(", to = next / ", ", to = term / ", "which products on their way read");
  check_boxes("cnnc_wgmma_wait(1);", "", "which products on their way read");
  check_boxes("__syncthreads();", "", "");
}

/* A driver that knows of no maps, or does not take one: the library says so. */
static void refused_maps_are_reported(void **state) {
  static const char *const other[][2] = {
      {"\"cuTensorMapEncodeTiled\"", "\"cuTensorMapEncodeOther\""},
      {"{576, 64}, {1152}", "{576, 64}, {1150}"}};
  enum { E_DEVICE = 256 - 8 };
  (void)state;
  for (int i = 0; i < COUNT(other); i++) {
    Simulated s =
        with_defect(boxes, of_products("sm_90a", PRECISION_BF16), other[i][0], other[i][1]);
    SimulatedRun r = simulated_inputs(&s, 2);
    assert_int_equal(simulated_run(&s, &r, NULL), E_DEVICE);
    simulated_free(&s);
  }
}

/* Products take chunks from where they believe them: elsewhere are other numbers. */
static void wrong_places_are_seen(void **state) {
  (void)state;
  Simulated s =
      with_defect(together, of_products("sm_90a", PRECISION_BF16), "(k ^ at % 8)", "(k ^ at % 4)");
  SimulatedRun r = simulated_inputs(&s, 2);
  assert_int_equal(simulated_run(&s, &r, NULL), 0);
  assert_false(simulated_error(&s, &r, 0) < 0.1);
  simulated_free(&s);
}

/* Without being watched: a copy that comes as late as it may leaves poison in its place. */
static void late_copies_are_missed(void **state) {
  static const char *const settings[] = {"CUDASIM_CHECK=0", "CUDASIM_ASYNC=late", NULL};
  (void)state;
  Simulated s =
      with_defect(products, of_products("sm_80", PRECISION_F32), "cnnc_cp_async_wait(", "(void)(");
  SimulatedRun r = simulated_inputs(&s, 2);
  const int status = simulated_run(&s, &r, settings);
  assert_true(status == CUDASIM_FOUND || !(simulated_error(&s, &r, 0) < 0.1));
  simulated_free(&s);
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
      cmocka_unit_test(kernels_are_watched),       cmocka_unit_test(boxes_are_watched),
      cmocka_unit_test(emitted_files_are_watched), cmocka_unit_test(products_are_watched),
      cmocka_unit_test(tensor_cores_are_watched),  cmocka_unit_test(products_together_are_watched),
      cmocka_unit_test(wrong_places_are_seen),     cmocka_unit_test(emitted_boxes_are_watched),
      cmocka_unit_test(refused_maps_are_reported), cmocka_unit_test(late_copies_are_missed),
      cmocka_unit_test(errors_are_reported),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
