/* pictures.c - PNG and JPEG pictures and wave files: what their values become, and that nothing but
 * a message comes of damaged ones. */
#include "unit.h"
#include "picture.h"
#include "sound.h"

#include <math.h>
#include <string.h>

#include <jpeglib.h>
#include <png.h>

enum { H = 6, W = 9, ROOM = 1 << 16 };

static unsigned char pixel(int64_t y, int64_t x, int64_t c) {
  return (unsigned char)(20 * y + 9 * x + 40 * c);
}

/* ---- PNG ---- */

/* A picture in one of libpng's formats; alpha is 100. */
static size_t png_of(png_uint_32 format, char *file) {
  png_image image = {.version = PNG_IMAGE_VERSION, .width = W, .height = H, .format = format};
  unsigned char pixels[H * W * 4];
  int channels = PNG_IMAGE_SAMPLE_CHANNELS(format),
      colours = format & PNG_FORMAT_FLAG_COLOR ? 3 : 1;
  png_alloc_size_t size = ROOM;
  for (int i = 0; i < H * W * channels; i++)
    pixels[i] =
        i % channels < colours ? pixel(i / channels / W, i / channels % W, i % channels) : 100;
  assert_true(png_image_write_to_memory(&image, file, &size, 0, pixels, 0, NULL));
  return size;
}

static void reads_png(void **state) {
  (void)state;
  static const png_uint_32 formats[] = {PNG_FORMAT_GRAY, PNG_FORMAT_GA, PNG_FORMAT_RGB,
                                        PNG_FORMAT_RGBA};
  static char file[ROOM];
  for (int f = 0; f < COUNT(formats); f++) {
    Captured *c = captured_new("none", NULL);
    Picture p;
    size_t size = png_of(formats[f], file);
    assert_true(picture_parse_png(c->u, "p.png", file, size, &p));
    assert_int_equal(p.c, f < 2 ? 1 : 3);
    assert_int_equal(p.h, H);
    assert_int_equal(p.w, W);
    for (int64_t i = 0; i < p.c * H * W; i++)
      assert_true(p.at[i] == pixel(i / W % H, i % W, i / (H * W)));
    for (size_t n = 0; n < size; n++) assert_false(picture_parse_png(c->u, "p.png", file, n, &p));
    captured_free(c);
  }
}

/* Any byte that is changed gives a message or a picture. */
static void survives_damage(bool (*parse)(Unit *, const char *, const char *, size_t, Picture *),
                            const char *file, size_t size) {
  for (size_t i = 0; i < size; i++) {
    Captured *c = captured_new("none", NULL);
    char *copy = arena_copy(c->u->arena, file, size);
    Picture p;
    copy[i] = (char)(copy[i] ^ (1 << i % 8));
    bool fine = parse(c->u, "p", copy, size, &p);
    assert_true(fine || c->u->errors > 0);
    captured_free(c);
  }
}

static void damaged_png_is_an_error(void **state) {
  (void)state;
  static char file[ROOM];
  survives_damage(picture_parse_png, file, png_of(PNG_FORMAT_RGB, file));
}

/* ---- JPEG ---- */

static size_t jpeg_of(int channels, unsigned char **file) {
  struct jpeg_compress_struct jpeg;
  struct jpeg_error_mgr errors;
  unsigned long size = 0;
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  jpeg_mem_dest(&jpeg, file, &size);
  jpeg.image_width = W;
  jpeg.image_height = H;
  jpeg.input_components = channels;
  jpeg.in_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, 100, TRUE);
  jpeg_start_compress(&jpeg, TRUE);
  for (int y = 0; y < H; y++) {
    unsigned char row[3 * W], *rows[] = {row};
    for (int i = 0; i < W * channels; i++) row[i] = pixel(y, i / channels, i % channels);
    jpeg_write_scanlines(&jpeg, rows, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  return size;
}

static void reads_jpeg(void **state) {
  (void)state;
  for (int channels = 1; channels <= 3; channels += 2) {
    Captured *c = captured_new("none", NULL);
    unsigned char *file = NULL;
    size_t size = jpeg_of(channels, &file);
    const char *bytes = (const char *)file;
    Picture p;
    assert_true(picture_parse_jpeg(c->u, "p.jpg", bytes, size, &p));
    assert_int_equal(p.c, channels);
    assert_int_equal(p.h * 1000 + p.w, H * 1000 + W);
    for (int64_t i = 0; i < p.c * H * W; i++)
      assert_true(fabsf(p.at[i] - pixel(i / W % H, i % W, i / (H * W))) <= 12); /* it is lossy */
    for (size_t n = 0; n + 2 < size; n++) assert_false(picture_parse_jpeg(c->u, "p.jpg", bytes, n, &p));
    survives_damage(picture_parse_jpeg, bytes, size);
    captured_free(c);
    free(file);
  }
}

/* ---- wave files ---- */

static void put(char *at, uint32_t value, int bytes) {
  for (int i = 0; i < bytes; i++) at[i] = (char)(value >> 8 * i & 255);
}

/* Two frames of two channels: -1, 0.5, 0.25, -0.5, behind a chunk of odd size. */
static size_t wave_of(int kind, int bits, char *file) {
  static const double values[] = {-1, 0.5, 0.25, -0.5};
  int each = bits / 8;
  size_t at = 12;
  memcpy(file, "RIFF....WAVE", 12);
  memcpy(file + at, "LIST\3\0\0\0abc", 12);
  at += 12;
  memcpy(file + at, "fmt \20\0\0\0", 8);
  put(file + at + 8, (uint32_t)kind, 2);
  put(file + at + 10, 2, 2);
  put(file + at + 12, 8000, 4);
  put(file + at + 16, (uint32_t)(8000 * 2 * each), 4);
  put(file + at + 20, (uint32_t)(2 * each), 2);
  put(file + at + 22, (uint32_t)bits, 2);
  at += 24;
  memcpy(file + at, "data", 4);
  put(file + at + 4, (uint32_t)(4 * each), 4);
  at += 8;
  for (int i = 0; i < 4; i++, at += (size_t)each) {
    float narrow = (float)values[i];
    if (kind == 3 && bits == 32) memcpy(file + at, &narrow, 4);
    if (kind == 3 && bits == 64) memcpy(file + at, &values[i], 8);
    if (kind == 3) continue;
    double whole = values[i] * ldexp(1, bits - 1);
    put(file + at, bits == 8 ? (uint32_t)(whole + 128) : (uint32_t)(int64_t)whole, each);
  }
  return at;
}

static void reads_waves(void **state) {
  (void)state;
  static const int formats[][2] = {{1, 8}, {1, 16}, {1, 24}, {1, 32}, {3, 32}, {3, 64}};
  static const float expected[] = {-1, 0.25f, 0.5f, -0.5f};
  for (int f = 0; f < COUNT(formats); f++) {
    Captured *c = captured_new("none", NULL);
    char file[256];
    Sound s;
    size_t size = wave_of(formats[f][0], formats[f][1], file);
    assert_true(sound_parse(c->u, "s.wav", file, size, &s));
    assert_int_equal(s.channels, 2);
    assert_int_equal(s.frames, 2);
    assert_int_equal(s.rate, 8000);
    for (int i = 0; i < 4; i++) assert_true(s.at[i] == expected[i]);
    for (size_t n = 0; n < size; n++) assert_false(sound_parse(c->u, "s.wav", file, n, &s));
    captured_free(c);
  }
}

static void damaged_waves_are_errors(void **state) {
  (void)state;
  char good[256];
  size_t size = wave_of(1, 16, good);
  for (size_t i = 0; i < size; i++)
    for (int bit = 0; bit < 8; bit++) {
      Captured *c = captured_new("none", NULL);
      char *file = arena_copy(c->u->arena, good, size);
      Sound s;
      file[i] = (char)(file[i] ^ 1 << bit);
      bool fine = sound_parse(c->u, "s.wav", file, size, &s);
      assert_true(fine || c->u->errors > 0);
      captured_free(c);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_png),
      cmocka_unit_test(damaged_png_is_an_error),
      cmocka_unit_test(reads_jpeg),
      cmocka_unit_test(reads_waves),
      cmocka_unit_test(damaged_waves_are_errors),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
