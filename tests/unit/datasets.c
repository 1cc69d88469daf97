/* Data sets and pictures from files: what each form holds, and what is said of damaged ones. */
#include "folder.h"
#include "tensors.h"

#include <math.h>
#include <sys/stat.h>
#include <zlib.h>

static void scaled_sample(const Dataset *d, int64_t i, const Scaling *scaling, float *out) {
  dataset_values(d, i, out);
  scale_values(scaling, d->sample_size, out);
}

static void write_gz(const char *file, const void *bytes, size_t size) {
  gzFile out = gzopen(file, "wb");
  assert_int_equal(gzwrite(out, bytes, (unsigned)size), (int)size);
  assert_int_equal(gzclose(out), Z_OK);
}

static void reads_mnist_packed_and_plain(void **state) {
  (void)state;
  static const char images[] = {0, 0, 8, 3, 0, 0, 0,  2,   0, 0,         0,
                                1, 0, 0, 0, 3, 0, 51, 102, 0, (char)255, 7};
  static const char labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 9, 4};
  Captured *c = captured_new("", NULL);
  Arena *arena = c->u->arena;
  const char *here = in_folder(arena, "mnist");
  mkdir(here, 0777);
  write_gz(arena_printf(arena, "%s/t10k-images-idx3-ubyte.gz", here), images, sizeof images);
  assert_true(file_write(c->u, arena_printf(arena, "%s/t10k-labels-idx1-ubyte", here), labels,
                         sizeof labels));
  Dataset d;
  assert_true(dataset_read(c->u, &(DataRequest){.folder = here, .part = DATA_TEST}, &d));
  assert_int_equal(d.n, 2);
  assert_int_equal(d.rank, 3);
  assert_int_equal(d.dim[0], 1);
  assert_int_equal(d.dim[1], 1);
  assert_int_equal(d.dim[2], 3);
  assert_int_equal(d.label[0], 9);
  assert_int_equal(d.label[1], 4);
  float sample[3];
  scaled_sample(&d, 1, &(Scaling){.scale = 1 / 255.0}, sample);
  assert_true(sample[0] == 0 && sample[1] == 1 && sample[2] == (float)(7 * (1 / 255.0)));
  static const double mean[] = {1}, deviation[] = {2};
  scaled_sample(&d, 0, &(Scaling){1, mean, deviation, 1, 3}, sample);
  assert_true(sample[0] == -0.5f && sample[1] == 25 && sample[2] == 50.5f);
  assert_false(dataset_read(c->u, &(DataRequest){.folder = here, .part = DATA_TRAIN}, &d));
  assert_non_null(strstr(messages(c), "no data set in this folder"));
  assert_true(file_write(c->u, arena_printf(arena, "%s/t10k-labels-idx1-ubyte", here), labels,
                         sizeof labels - 1));
  assert_false(dataset_read(c->u, &(DataRequest){.folder = here, .part = DATA_TEST}, &d));
  assert_non_null(strstr(messages(c), "not what its header says"));
  captured_free(c);
}

static void cut_off_gzip_is_an_error(void **state) {
  (void)state;
  Captured *c = captured_new("", NULL);
  Arena *arena = c->u->arena;
  const char *here = in_folder(arena, "cut"),
             *file = in_folder(arena, "cut/t10k-images-idx3-ubyte.gz");
  mkdir(here, 0777);
  char images[16 + 400] = {0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 20, 0, 0, 0, 20};
  for (int i = 16; i < COUNT(images); i++) images[i] = (char)(i * i * 7);
  write_gz(file, images, sizeof images);
  size_t size;
  char *packed = file_read(c->u, file, &size);
  Dataset d;
  for (size_t n = 4; n < size; n += 9) {
    assert_true(file_write(c->u, file, packed, n));
    assert_false(dataset_read(c->u, &(DataRequest){.folder = here, .part = DATA_TEST}, &d));
  }
  captured_free(c);
}

static void reads_cifar_and_numpy(void **state) {
  (void)state;
  Captured *c = captured_new("", NULL);
  Arena *arena = c->u->arena;
  const char *here = in_folder(arena, "cifar");
  mkdir(here, 0777);
  enum { RECORD = 3073 };
  char *records = arena_alloc(arena, 3 * RECORD);
  for (int i = 0; i < 3; i++) {
    records[i * RECORD] = (char)(i + 5);
    records[i * RECORD + RECORD - 1] = (char)(100 + i);
  }
  assert_true(
      file_write(c->u, in_folder(arena, "cifar/data_batch_2.bin"), records + RECORD, 2 * RECORD));
  assert_true(file_write(c->u, in_folder(arena, "cifar/data_batch_1.bin"), records, RECORD));
  Dataset d;
  assert_true(dataset_read(c->u, &(DataRequest){.folder = here, .part = DATA_TRAIN}, &d));
  assert_int_equal(d.n, 3);
  float sample[3072];
  for (int i = 0; i < 3; i++) {
    scaled_sample(&d, i, &(Scaling){.scale = 1}, sample);
    assert_int_equal(d.label[i], i + 5);
    assert_true(sample[3071] == (float)(100 + i));
  }
  assert_true(file_write(c->u, in_folder(arena, "cifar/test_batch.bin"), records, RECORD - 1));
  assert_false(dataset_read(c->u, &(DataRequest){.folder = here, .part = DATA_TEST}, &d));

  const char *there = in_folder(arena, "numpy");
  mkdir(there, 0777);
  static const float x[] = {1, 2, 3, 4, 5, 6};
  static const int64_t y[] = {3, 1};
  Tensor samples = {"x", ELEMENT_F32, 3, {2, 1, 3}, x}, labels = {"y", ELEMENT_I64, 1, {2}, y};
  assert_true(npy_write(c->u, in_folder(arena, "numpy/x.npy"), &samples));
  assert_false(dataset_read(c->u, &(DataRequest){.folder = there, .part = DATA_TEST}, &d));
  assert_true(npy_write(c->u, in_folder(arena, "numpy/y.npy"), &labels));
  assert_true(dataset_read(c->u, &(DataRequest){.folder = there, .part = DATA_TEST}, &d));
  assert_int_equal(d.rank, 2);
  assert_int_equal(d.label[0], 3);
  scaled_sample(&d, 1, &(Scaling){.scale = 2}, sample);
  assert_true(sample[0] == 8 && sample[2] == 12);
  labels.dim[0] = 1;
  assert_true(npy_write(c->u, in_folder(arena, "numpy/y.npy"), &labels));
  assert_false(dataset_read(c->u, &(DataRequest){.folder = there, .part = DATA_TEST}, &d));
  assert_non_null(strstr(messages(c), "1 labels for 2 samples"));
  captured_free(c);
}

/* ---- pictures ---- */

static void reads_pictures(void **state) {
  (void)state;
  Captured *c = captured_new("", NULL);
  Arena *arena = c->u->arena;
  const char *file = in_folder(arena, "p.pgm");
  static const char grey[] = "P5 # made by hand\n4 2\n255\n\x00\x0a\x14\x1e\x28\x32\x3c\x46";
  Tensor t;
  assert_true(file_write(c->u, file, grey, sizeof grey - 1));
  assert_true(picture_read(c->u, file, 1, 2, 4, &t));
  for (int i = 0; i < 8; i++) assert_true(tensor_value(&t, i) == 10 * i);
  assert_true(picture_read(c->u, file, 3, 2, 2, &t)); /* the middle, three times */
  static const double middle[] = {10, 20, 50, 60};
  for (int i = 0; i < 12; i++) assert_true(tensor_value(&t, i) == middle[i % 4]);
  assert_true(picture_read(c->u, file, 1, 7, 5, &t));
  for (int i = 0; i < 35; i++) assert_true(tensor_value(&t, i) >= 0 && tensor_value(&t, i) <= 70);
  assert_true(picture_read(c->u, file, 1, 1, 1, &t)); /* reduced by averaging */
  assert_true(fabs(tensor_value(&t, 0) - 35) < 1e-4);
  for (size_t n = 0; n < sizeof grey - 1; n++) {
    assert_true(file_write(c->u, file, grey, n));
    assert_false(picture_read(c->u, file, 1, 2, 4, &t));
  }
  static const char colour[] = "P6\n1 1\n65535\n\xff\xff\x00\x00\x80\x00";
  assert_true(file_write(c->u, file, colour, sizeof colour - 1));
  assert_true(picture_read(c->u, file, 3, 1, 1, &t));
  assert_true(tensor_value(&t, 0) == 255 && tensor_value(&t, 1) == 0);
  assert_true(picture_read(c->u, file, 1, 1, 1, &t));
  assert_true(fabs(tensor_value(&t, 0) - (0.299 * 255 + 0.114 * 127.5)) < 0.01);
  static const char huge[] = "P5 99999999999999999999 99999999999999999 255\n";
  assert_true(file_write(c->u, file, huge, sizeof huge - 1));
  assert_false(picture_read(c->u, file, 1, 1, 1, &t));
  captured_free(c);
}

/* ---- real files ---- */

static void reads_real_files(void **state) {
  (void)state;
  const char *data = getenv("CNNC_DATA");
  if (!data) {
    print_message("skipped: CNNC_DATA is not set\n");
    skip();
  }
  Captured *c = captured_new("", NULL);
  Arena *arena = c->u->arena;
  Tensors weights;
  assert_true(
      weights_read(c->u, arena_printf(arena, "%s/nets/lenet5.safetensors", data), &weights));
  int64_t parameters = 0;
  for (int i = 0; i < weights.n; i++) parameters += tensor_size(&weights.at[i]);
  assert_int_equal(parameters, 61706);
  Dataset d;
  assert_true(dataset_read(
      c->u, &(DataRequest){.folder = arena_printf(arena, "%s/mnist", data), .part = DATA_TEST},
      &d));
  assert_int_equal(d.n, 10000);
  assert_int_equal(d.sample_size, 784);
  assert_int_equal(d.label[0], 7);
  assert_true(dataset_read(
      c->u,
      &(DataRequest){.folder = arena_printf(arena, "%s/cifar10_subset", data), .part = DATA_TRAIN},
      &d));
  assert_int_equal(d.n, 4000);
  assert_true(dataset_read(
      c->u,
      &(DataRequest){.folder = arena_printf(arena, "%s/cifar10_subset", data), .part = DATA_TEST},
      &d));
  assert_int_equal(d.n, 1000);
  assert_int_equal(c->u->errors, 0);
  captured_free(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_mnist_packed_and_plain),
      cmocka_unit_test(cut_off_gzip_is_an_error),
      cmocka_unit_test(reads_cifar_and_numpy),
      cmocka_unit_test(reads_pictures),
      cmocka_unit_test(reads_real_files),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
