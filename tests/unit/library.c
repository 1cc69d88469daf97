/* library.c - the part of an emitted library that does not depend on the network: runtime/c/ as it
 * is, around a network called NAME with two parameters whose derived part is their sum. */
#include "unit.h"
#include <stdio.h>

#define NAME_HASH                UINT64_C(0x0123456789abcdef)
#define NAME_MAX_THREADS         1024
#define NAME_ALIGN               64
#define NAME_RAW_BYTES           128
#define NAME_RAW                 32
#define NAME_PARAM_NAME          9
#define NAME_PARAM_COUNT         2
#define NAME_PARAMS_BYTES        ((size_t)64 + 128 + 64)
#define NAME_WORK_BYTES(threads) ((size_t)64 + (size_t)(threads) * (size_t)128)
typedef float NAME_real;
typedef struct NAME_memory {
  uint64_t hash;
  void *params;
  size_t params_bytes;
  void *work;
  size_t work_bytes;
} NAME_memory;
enum {
  NAME_OK = 0,
  NAME_E_NULL = -1,
  NAME_E_BATCH = -2,
  NAME_E_ALIGN = -3,
  NAME_E_MEMORY = -4,
  NAME_E_CPU = -5,
  NAME_E_WEIGHTS = -6,
  NAME_E_HASH = -7,
  NAME_E_DEVICE = -8,
  NAME_E_RANGE = -9,
  NAME_E_FILE = -10
};
#include "../../runtime/c/jobs.h"
typedef struct NAME {
  NAME_parallel_for *parallel;
  void *user;
  int threads;
  unsigned char *header, *params, *derived, *work;
} NAME;
#include "../../runtime/c/params.h"

const NAME_param NAME_params[] = {{"a.weight", 2, {2, 3}, 6}, {"a.bias", 1, {2}, 2}};
static const struct {
  size_t first;
  uint64_t stream;
  double center, bound;
} NAME_places[] = {{0, 1, 0, 0.5}, {16, 2, 1, 0}};
static const char *const NAME_unused[] = {"aux.weight"};
enum { NAME_UNUSED_COUNT = 1, NAME_NAME_ROOM = 256 };
static int NAME_cpu(void) {
  return 1;
}
static int prepared;
static void NAME_prepare(const NAME *ctx) {
  const float *w = (const float *)(const void *)ctx->params;
  float sum = 0;
  for (int i = 0; i < 6; i++) sum += w[i];
  memcpy(ctx->derived, &sum, sizeof sum);
  prepared++;
}
#include "../../runtime/c/about.c"
#include "../../runtime/c/parallel.c"
#include "../../runtime/c/philox.h"
#include "../../runtime/c/uniform.h"
#include "../../runtime/c/random.c"
#include "../../runtime/c/header.c"
#include "../../runtime/c/safetensors.c"
#include "../../runtime/c/params.c"
#include "../../runtime/c/init.c"

static _Alignas(64) unsigned char params_memory[NAME_PARAMS_BYTES], work_memory[NAME_WORK_BYTES(2)];

static NAME_memory memory(void) {
  return (NAME_memory){NAME_HASH, params_memory, sizeof params_memory, work_memory,
                       sizeof work_memory};
}

static NAME start(void) {
  NAME ctx;
  NAME_memory m = memory();
  memset(params_memory, 0x5a, sizeof params_memory);
  assert_int_equal(NAME_init(&ctx, &m, 2), NAME_OK);
  return ctx;
}

static void init_checks_what_it_gets(void **state) {
  (void)state;
  NAME ctx;
  NAME_memory m = memory();
  assert_int_equal(NAME_init(NULL, &m, 1), NAME_E_NULL);
  assert_int_equal(NAME_init(&ctx, NULL, 1), NAME_E_NULL);
  assert_int_equal(NAME_init(&ctx, &m, 0), NAME_E_RANGE);
  assert_int_equal(NAME_init(&ctx, &m, NAME_MAX_THREADS + 1), NAME_E_RANGE);
  assert_int_equal(NAME_init(&ctx, &m, 3), NAME_E_MEMORY);
  m.hash++;
  assert_int_equal(NAME_init(&ctx, &m, 1), NAME_E_HASH);
  m = memory();
  m.params_bytes--;
  assert_int_equal(NAME_init(&ctx, &m, 1), NAME_E_MEMORY);
  m = memory();
  m.work = work_memory + 4;
  assert_int_equal(NAME_init(&ctx, &m, 1), NAME_E_ALIGN);
  m = memory();
  m.params = NULL;
  assert_int_equal(NAME_init(&ctx, &m, 1), NAME_E_NULL);
}

static void parameters_are_wanted_before_use(void **state) {
  (void)state;
  NAME ctx = start();
  float values[6];
  assert_int_equal(NAME_ready(&ctx), NAME_E_WEIGHTS);
  assert_int_equal(NAME_get_param(&ctx, 0, values), NAME_E_WEIGHTS);
  assert_int_equal(NAME_set_param(&ctx, 0, values), NAME_E_WEIGHTS);
  assert_int_equal(NAME_init_params(&ctx, 1), NAME_OK);
  assert_int_equal(NAME_get_param(&ctx, 2, values), NAME_E_RANGE);
  assert_int_equal(NAME_get_param(&ctx, -1, values), NAME_E_RANGE);
}

static void seeds_decide_about_values(void **state) {
  (void)state;
  NAME ctx = start();
  float first[6], again[6], other[6], bias[2];
  assert_int_equal(NAME_init_params(&ctx, 7), NAME_OK);
  NAME_get_param(&ctx, 0, first);
  NAME_get_param(&ctx, 1, bias);
  NAME_init_params(&ctx, 8);
  NAME_get_param(&ctx, 0, other);
  NAME_init_params(&ctx, 7);
  NAME_get_param(&ctx, 0, again);
  assert_memory_equal(first, again, sizeof first);
  assert_memory_not_equal(first, other, sizeof first);
  for (int i = 0; i < 6; i++) assert_true(first[i] >= -0.5f && first[i] < 0.5f);
  assert_true(bias[0] == 1.0f && bias[1] == 1.0f);
}

/* The known answers that Random123 publishes for philox4x32-10 (kat_vectors). */
static void philox_is_philox(void **state) {
  static const struct {
    uint32_t counter[4], key[2], answer[4];
  } known[] = {
      {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
       {0xa4093822, 0x299f31d0},
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  (void)state;
  for (int i = 0; i < COUNT(known); i++) {
    uint32_t word[4];
    memcpy(word, known[i].counter, sizeof word);
    cnnc_philox(known[i].key[0], known[i].key[1], word);
    assert_memory_equal(word, known[i].answer, sizeof word);
  }
}

/* A number is the upper 24 bits of the first word; its arguments are the words' places. */
static void numbers_are_philox(void **state) {
  (void)state;
  uint32_t word[4] = {0x03707344, 0x31fd0, 0x299f31d0, 0x1c0de};
  cnnc_philox(0x243f6a88, 0x5a308, word);
  float number = cnnc_uniform(0x5a308243f6a88p0, 0x1c0de299f31d0p0, 0x31fd003707344p0);
  assert_true(number == (float)(word[0] >> 8) / 16777216.0f);
}

static void setting_makes_stale(void **state) {
  (void)state;
  NAME ctx = start();
  float values[6] = {1, 2, 3, 4, 5, 6}, sum;
  NAME_init_params(&ctx, 1);
  prepared = 0;
  assert_int_equal(NAME_ready(&ctx), NAME_OK);
  assert_int_equal(prepared, 0);
  assert_int_equal(NAME_set_param(&ctx, 0, values), NAME_OK);
  assert_int_equal(NAME_ready(&ctx), NAME_OK);
  assert_int_equal(NAME_ready(&ctx), NAME_OK);
  assert_int_equal(prepared, 1);
  memcpy(&sum, params_memory + 64 + 128, sizeof sum);
  assert_true(sum == 21.0f);
}

/* ---- safetensors ---- */

static size_t file_of(unsigned char *bytes, const char *header, const void *data, size_t size) {
  size_t length = strlen(header);
  memset(bytes, 0, 8);
  bytes[0] = (unsigned char)length;
  bytes[1] = (unsigned char)(length >> 8);
  memcpy(bytes + 8, header, length);
  memcpy(bytes + 8 + length, data, size);
  return 8 + length + size;
}

static void saved_is_loaded(void **state) {
  (void)state;
  NAME ctx = start();
  unsigned char bytes[512];
  float before[6], after[6];
  NAME_init_params(&ctx, 3);
  NAME_get_param(&ctx, 0, before);
  size_t size = NAME_save_size(&ctx);
  assert_int_equal(NAME_save(&ctx, bytes, size - 1), NAME_E_MEMORY);
  assert_int_equal(NAME_save(&ctx, bytes, size), NAME_OK);
  NAME_init_params(&ctx, 4);
  for (size_t cut = 0; cut < size; cut++)
    assert_int_equal(NAME_load(&ctx, bytes, cut), NAME_E_WEIGHTS);
  assert_int_equal(NAME_load(&ctx, bytes, size), NAME_OK);
  NAME_get_param(&ctx, 0, after);
  assert_memory_equal(before, after, sizeof before);
}

static void files_do_the_same(void **state) {
  (void)state;
  NAME ctx = start();
  char path[] = "/tmp/cnnc_library_XXXXXX";
  float before[6], after[6];
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(NAME_save_file(&ctx, path), NAME_E_WEIGHTS);
  NAME_init_params(&ctx, 3);
  NAME_get_param(&ctx, 0, before);
  assert_int_equal(NAME_save_file(&ctx, path), NAME_OK);
  ctx = start();
  assert_int_equal(NAME_load_file(&ctx, path), NAME_OK);
  NAME_get_param(&ctx, 0, after);
  assert_memory_equal(before, after, sizeof before);
  remove(path);
  assert_int_equal(NAME_load_file(&ctx, path), NAME_E_FILE);
}

static void other_types_are_converted(void **state) {
  (void)state;
  NAME ctx = start();
  unsigned char bytes[512], data[6 * 2 + 2 * 8];
  static const uint16_t half[6] = {0x3c00, 0xc000, 0x0001, 0x7bff, 0x3555, 0x8000};
  static const float expected[6] = {1, -2, 5.9604644775390625e-8f, 65504, 0.333251953125f, 0};
  static const double bias[2] = {0.1, -3};
  float weight[6], read_bias[2];
  memcpy(data, half, 12);
  memcpy(data + 12, bias, 16);
  size_t size = file_of(
      bytes,
      " {\"__metadata__\":{\"format\":\"p\\\"t}\"},\"bn.num_batches_tracked\":{\"dtype\":\"I64\","
      "\"shape\":[],\"data_offsets\":[0,8]}, \"aux.weight\":{}, \"a.bias\" : "
      "{\"shape\":[2],\"x\":[{\"]\":1}],"
      "\"dtype\":\"F64\",\"data_offsets\":[12,28]},\n\"a.weight\":{\"data_offsets\":[0,12],"
      "\"dtype\":\"F16\",\"shape\":[2, 3]}} ",
      data, sizeof data);
  assert_int_equal(NAME_load(&ctx, bytes, size), NAME_OK);
  NAME_get_param(&ctx, 0, weight);
  NAME_get_param(&ctx, 1, read_bias);
  for (int i = 0; i < 6; i++) assert_true(weight[i] == expected[i]);
  assert_true(read_bias[0] == 0.1f && read_bias[1] == -3.0f);
}

static void bfloat_is_the_upper_half(void **state) {
  (void)state;
  static const unsigned char one_and_half[2] = {0xc0, 0x3f};
  assert_true(NAME_value(one_and_half, "BF16") == 1.5f);
}

static void wrong_files_change_nothing(void **state) {
  (void)state;
#define WEIGHT "\"a.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}"
#define BIAS   "\"a.bias\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[24,32]}"
  static const char *const headers[] = {
      "",
      "{",
      "[]",
      "{" WEIGHT "}",
      "{" WEIGHT "," BIAS,
      "{" WEIGHT "," BIAS "}}",
      "{" WEIGHT "," WEIGHT "}",
      "{" WEIGHT "," BIAS "," BIAS "}",
      "{" WEIGHT "," BIAS ",\"c\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}",
      "{" WEIGHT ",\"a.bias\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[24,36]}}",
      "{" WEIGHT ",\"a.bias\":{\"dtype\":\"I32\",\"shape\":[2],\"data_offsets\":[24,32]}}",
      "{" WEIGHT ",\"a.bias\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[28,36]}}",
      "{" WEIGHT ",\"a.bias\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[32,24]}}",
      "{" WEIGHT ",\"a.bias\":{\"dtype\":\"F32\",\"shape\":[2]}}",
      "{" WEIGHT ",\"a.bias\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,2],"
      "\"data_offsets\":[24,32]}}",
      "{" WEIGHT ",\"a.bias\":{\"dtype\":\"F32\",\"shape\":[18446744073709551618],"
      "\"data_offsets\":[24,32]}}",
  };
  static const float data[8] = {9, 9, 9, 9, 9, 9, 9, 9};
  NAME ctx = start();
  unsigned char before[sizeof params_memory], bytes[512];
  NAME_init_params(&ctx, 5);
  memcpy(before, params_memory, sizeof before);
  for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
    size_t size = file_of(bytes, headers[i], data, sizeof data);
    assert_int_equal(NAME_load(&ctx, bytes, size), NAME_E_WEIGHTS);
    assert_memory_equal(before, params_memory, sizeof before);
  }
  memset(bytes, 0xff, sizeof bytes);
  assert_int_equal(NAME_load(&ctx, bytes, sizeof bytes), NAME_E_WEIGHTS);
}

/* ---- jobs ---- */

static void mark_job(void *arg, int index, int worker) {
  ((int *)arg)[index] += 1 + worker;
}
static void backwards(void *user, int jobs, NAME_job *job, void *arg) {
  *(int *)user = jobs;
  for (int i = jobs; i-- > 0;) job(arg, i, 1);
}

static void all_jobs_run(void **state) {
  (void)state;
  NAME ctx = start();
  int marks[5] = {0}, asked = 0;
  NAME_parallel(&ctx, 5, mark_job, marks);
  for (int i = 0; i < 5; i++) assert_int_equal(marks[i], 1);
  ctx.parallel = backwards;
  ctx.user = &asked;
  NAME_parallel(&ctx, 5, mark_job, marks);
  assert_int_equal(asked, 5);
  for (int i = 0; i < 5; i++) assert_int_equal(marks[i], 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(init_checks_what_it_gets),
      cmocka_unit_test(parameters_are_wanted_before_use),
      cmocka_unit_test(seeds_decide_about_values),
      cmocka_unit_test(philox_is_philox),
      cmocka_unit_test(numbers_are_philox),
      cmocka_unit_test(setting_makes_stale),
      cmocka_unit_test(saved_is_loaded),
      cmocka_unit_test(files_do_the_same),
      cmocka_unit_test(other_types_are_converted),
      cmocka_unit_test(bfloat_is_the_upper_half),
      cmocka_unit_test(wrong_files_change_nothing),
      cmocka_unit_test(all_jobs_run),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
