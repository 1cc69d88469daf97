/* Tensors from files: round trips, every fault a message,
 * and no byte of a damaged file believed. */
#include "folder.h"
#include "tensors.h"

#include <math.h>

/* A safetensors file in memory with this header and so many zeros behind it. */
static char *sealed(Arena *arena, const char *header, size_t zeros, size_t *size) {
  size_t length = strlen(header);
  char *bytes = arena_alloc(arena, 8 + length + zeros);
  for (int i = 0; i < 8; i++) bytes[i] = (char)(length >> 8 * i);
  memcpy(bytes + 8, header, length);
  *size = 8 + length + zeros;
  return bytes;
}

/* ---- safetensors ---- */

static void weights_round_trip(void **state) {
  (void)state;
  Captured *c = captured_new("", NULL);
  Arena *arena = c->u->arena;
  static const float a[] = {1, -2, 3.5f, NAN, 1e-40f, INFINITY};
  static const uint16_t half[] = {0x3c00, 0xc000, 0x7bff, 0x0001, 0x7c00, 0x3555};
  static const double half_is[] = {1, -2, 65504, 0x1p-24, (double)INFINITY, 0.333251953125};
  static const uint8_t odd[] = {1, 2, 255};
  static const int64_t wide[] = {-1, 1LL << 40};
  Tensor in[] = {
      {"a.weight", ELEMENT_F32, 2, {2, 3}, a},  {"odd \"name\"", ELEMENT_U8, 1, {3}, odd},
      {"half", ELEMENT_F16, 1, {6}, half},      {"scalar", ELEMENT_F32, 0, {0}, a},
      {"brain", ELEMENT_BF16, 2, {3, 2}, half}, {"none", ELEMENT_F64, 3, {2, 0, 4}, a},
      {"wide", ELEMENT_I64, 1, {2}, wide}};
  Tensors written = {in, COUNT(in), COUNT(in)}, read;
  const char *file = in_folder(arena, "w.safetensors");
  assert_true(weights_write(c->u, file, &written));
  assert_true(weights_read(c->u, file, &read));
  assert_int_equal(read.n, COUNT(in));
  for (int i = 0; i < read.n; i++) {
    const Tensor *t = weights_find(&read, in[i].name);
    assert_non_null(t);
    assert_int_equal(t->element, in[i].element);
    assert_int_equal(t->rank, in[i].rank);
    assert_int_equal((uintptr_t)t->data % (size_t)elements[t->element].size, 0);
    if (tensor_bytes(t)) assert_memory_equal(t->data, in[i].data, tensor_bytes(t));
  }
  const double *values = tensor_f64(arena, weights_find(&read, "half"));
  for (int i = 0; i < COUNT(half_is); i++) assert_true(values[i] == half_is[i]);
  assert_true(tensor_f32(arena, weights_find(&read, "brain"))[0] == 0.0078125f);
  assert_true(tensor_f64(arena, weights_find(&read, "wide"))[1] == 0x1p40);
  assert_null(weights_find(&read, "other"));
  assert_int_equal(c->u->errors, 0);
  captured_free(c);
}

static void weights_faults_have_messages(void **state) {
  (void)state;
#define T(name, rest) "\"" name "\":{\"dtype\":\"F32\"," rest "}"
  static const struct {
    const char *header;
    size_t zeros;
    const char *says;
  } cases[] = {
      {"{" T("a", "\"shape\":[2],\"data_offsets\":[0,8]") "}", 8, ""},
      {"{\"__metadata__\":{\"format\":\"pt\"}}   ", 0, ""},
      {"{" T("a", "\"shape\":[2],\"data_offsets\":[0,8]") "}", 7,
       "\"a\" lies at bytes 0 to 8, outside"},
      {"{" T("a", "\"shape\":[2],\"data_offsets\":[0,8]") "}", 9,
       "the last 1 bytes belong to no tensor"},
      {"{" T("a", "\"shape\":[2],\"data_offsets\":[0,4]") "}", 8,
       "has 4 bytes of data, but [2] of F32 need 8"},
      {"{" T("a", "\"shape\":[2],\"data_offsets\":[8,0]") "}", 8, "outside"},
      {"{" T("a", "\"shape\":[2],\"data_offsets\":[-8,0]") "}", 8, "outside"},
      {"{" T("a", "\"shape\":[2],\"data_offsets\":[0]") "}", 8, "pair of \"data_offsets\""},
      {"{" T("a", "\"shape\":[2]") "}", 8, "pair of \"data_offsets\""},
      {"{" T("a", "\"shape\":[2.5],\"data_offsets\":[0,8]") "}", 8, "not a list of sizes"},
      {"{" T("a", "\"shape\":[-2],\"data_offsets\":[0,8]") "}", 8, "not a list of sizes"},
      {"{" T("a", "\"shape\":7,\"data_offsets\":[0,8]") "}", 8, "has no \"shape\""},
      {"{" T("a", "\"shape\":[1,1,1,1,1,1,1,1,2],\"data_offsets\":[0,8]") "}", 8, "has 9 axes"},
      {"{" T("a", "\"shape\":[2147483648,2147483648,4],\"data_offsets\":[0,8]") "}", 8,
       "too large"},
      {"{" T("a", "\"shape\":[0,9223372036854775807,9],\"data_offsets\":[0,0]") "}", 0,
       "too large"},
      {"{" T("a", "\"shape\":[1],\"data_offsets\":[0,4]") "," T(
           "b", "\"shape\":[1],\"data_offsets\":[2,6]") "}",
       6, "\"a\" and \"b\" overlap"},
      {"{" T("a", "\"shape\":[1],\"data_offsets\":[0,4]") "," T(
           "b", "\"shape\":[1],\"data_offsets\":[6,10]") "}",
       10, "2 bytes before tensor \"b\" belong to no tensor"},
      {"{" T("a", "\"shape\":[1],\"data_offsets\":[0,4]") "," T(
           "a", "\"shape\":[1],\"data_offsets\":[4,8]") "}",
       8, "duplicate"},
      {"{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1,
       "element type \"F8_E4M3\""},
      {"{\"a\":{\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "has no \"dtype\""},
      {"{\"a\":3}", 1, "not described by an object"},
      {"[1,2]", 0, "no JSON object"},
      {"{\"a\":", 0, "not a safetensors file: the header is not JSON"},
      {"{\"\xff\":1}", 0, "not a safetensors file: the header is not JSON"},
      {"{" T("a", "\"shape\":[99999999999999999999],\"data_offsets\":[0,8]") "}", 8,
       "the header is not JSON"},
  };
#undef T
  for (int i = 0; i < COUNT(cases); i++) {
    Captured *c = captured_new("", NULL);
    Tensors tensors;
    size_t size;
    char *bytes = sealed(c->u->arena, cases[i].header, cases[i].zeros, &size);
    bool sound = weights_parse(c->u, "w.safetensors", bytes, size, &tensors);
    assert_int_equal(sound, cases[i].says[0] == 0);
    assert_int_equal(c->u->errors, !sound);
    if (!sound && !strstr(messages(c), cases[i].says)) fail_msg("%s", messages(c));
    captured_free(c);
  }
}

/* A small sound file, for the two tests of damage. */
static char *small_file(Arena *arena, size_t *size) {
  return sealed(arena,
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]},"
                "\"b\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[8,16]}}",
                16, size);
}

/* Parses a copy whose end is the end of an allocation, and reads all it got. */
static bool parse_exactly(const char *bytes, size_t size) {
  Captured *c = captured_new("", NULL);
  char *exact = malloc(size ? size : 1);
  memcpy(exact, bytes, size);
  Tensors tensors;
  bool sound = weights_parse(c->u, "w", exact, size, &tensors);
  assert_int_equal(c->u->errors > 0, !sound);
  double sum = 0;
  for (int i = 0; sound && i < tensors.n; i++)
    for (int64_t k = 0; k < tensor_size(&tensors.at[i]); k++)
      sum += tensor_value(&tensors.at[i], k);
  free(exact);
  captured_free(c);
  return sound && sum == sum;
}

static void truncated_weights_are_refused(void **state) {
  (void)state;
  Arena *arena = arena_new();
  size_t size;
  char *bytes = small_file(arena, &size);
  assert_true(parse_exactly(bytes, size));
  for (size_t n = 0; n < size; n++) assert_false(parse_exactly(bytes, n));
  arena_free(arena);
}

static uint32_t next_random(uint32_t *seed) {
  *seed = *seed * 1664525u + 1013904223u;
  return *seed >> 8;
}

static void damaged_weights_do_no_harm(void **state) {
  (void)state;
  Arena *arena = arena_new();
  size_t size;
  char *bytes = small_file(arena, &size), *copy = arena_alloc(arena, size);
  uint32_t seed = 1;
  for (int round = 0; round < 20000; round++) {
    memcpy(copy, bytes, size);
    for (uint32_t flips = 1 + next_random(&seed) % 4; flips > 0; flips--)
      copy[next_random(&seed) % size] = "0123456789[]{},:\"-eE\xff"[next_random(&seed) % 21];
    parse_exactly(copy, size);
  }
  arena_free(arena);
}

/* ---- NumPy ---- */

static void numpy_round_trip(void **state) {
  (void)state;
  Captured *c = captured_new("", NULL);
  static const int64_t data[6] = {1, 2, 3, -4, 5, 6};
  static const Element kinds[] = {ELEMENT_F32, ELEMENT_F64, ELEMENT_F16, ELEMENT_U8,  ELEMENT_I8,
                                  ELEMENT_I16, ELEMENT_I32, ELEMENT_I64, ELEMENT_BOOL};
  const char *file = in_folder(c->u->arena, "a.npy");
  for (int i = 0; i < COUNT(kinds); i++)
    for (int rank = 0; rank <= 3; rank++) {
      Tensor in = {file, kinds[i], rank, {2, 3, 1}, data}, out;
      assert_true(npy_write(c->u, file, &in));
      assert_true(npy_read(c->u, file, &out));
      assert_int_equal(out.rank, rank);
      assert_int_equal(out.element, kinds[i]);
      assert_memory_equal(out.dim, in.dim, (size_t)rank * sizeof *in.dim);
      assert_memory_equal(out.data, data, tensor_bytes(&in));
    }
  captured_free(c);
}

static void numpy_faults_have_messages(void **state) {
  (void)state;
  static const struct {
    const char *header;
    size_t zeros;
    const char *says;
  } cases[] = {
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }      \n", 24, ""},
      {"{\"shape\":(6L,),\"fortran_order\":True,\"descr\":\"=f4\"}", 24, ""},
      {"{'descr': '>u1', 'fortran_order': False, 'shape': ()}", 1, ""},
      {"{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", 24, "Fortran order"},
      {"{'descr': '>f4', 'fortran_order': False, 'shape': (2, 3), }", 24, "big-endian"},
      {"{'descr': '<c8', 'fortran_order': False, 'shape': (3,), }", 24, "type '<c8'"},
      {"{'descr': '', 'fortran_order': False, 'shape': (3,), }", 24, "type ''"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 23, "needs"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 25, "needs"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", 0, "needs"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", 0, "header"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1)}", 4,
       "at most 8 axes"},
      {"{'descr': '<f4', 'fortran_order': False}", 4, "header"},
      {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", 4, "header"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,", 4, "header"},
  };
  for (int i = 0; i < COUNT(cases); i++) {
    Captured *c = captured_new("", NULL);
    const char *file = in_folder(c->u->arena, "b.npy");
    Text bytes = {.arena = c->u->arena};
    size_t length = strlen(cases[i].header);
    text_append(&bytes, "\x93NUMPY\x01", 8);
    text_append(&bytes, (char[]){(char)length, 0}, 2);
    text_append(&bytes, cases[i].header, length);
    for (size_t k = 0; k < cases[i].zeros; k++) text_append(&bytes, "", 1);
    assert_true(file_write(c->u, file, bytes.at, bytes.n));
    Tensor t;
    bool sound = npy_read(c->u, file, &t);
    if (sound != (cases[i].says[0] == 0)) fail_msg("case %d: %s", i, messages(c));
    if (!sound && !strstr(messages(c), cases[i].says)) fail_msg("case %d: %s", i, messages(c));
    for (size_t n = 0; n < 10 + length; n += 5) {
      assert_true(file_write(c->u, file, bytes.at, n));
      assert_false(npy_read(c->u, file, &t));
    }
    captured_free(c);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(weights_round_trip),
      cmocka_unit_test(weights_faults_have_messages),
      cmocka_unit_test(truncated_weights_are_refused),
      cmocka_unit_test(damaged_weights_do_no_harm),
      cmocka_unit_test(numpy_round_trip),
      cmocka_unit_test(numpy_faults_have_messages),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
