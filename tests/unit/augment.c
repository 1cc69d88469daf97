/* augment.c - random changes of samples: what each may do, that it follows from its random stream
 * alone, and what the words that name it are answered with. */
#include "unit.h"
#include "augment.h"

#include <math.h>
#include <string.h>

enum { MOST = 4096 };

/* A data set of one sample. */
typedef struct Sample {
  Dataset set;
  float value[MOST];
} Sample;

static Sample *sample_new(Captured *c, int rank, const int64_t *dim, Element element) {
  Sample *s = NEW(c->u->arena, Sample);
  s->set = (Dataset){.n = 1, .rank = rank, .sample_size = 1, .element = element};
  for (int a = 0; a < rank; a++) s->set.sample_size *= s->set.dim[a] = dim[a];
  const void *data = s->value;
  if (element == ELEMENT_U8) data = arena_alloc(c->u->arena, MOST);
  vec_push(c->u->arena, &s->set.part, data);
  vec_push(c->u->arena, &s->set.first, 0);
  vec_push(c->u->arena, &s->set.first, 1);
  return s;
}

static Augment *augment(Captured *c, const char *words, const Sample *s) {
  const char *list[8];
  char *text = arena_copy(c->u->arena, words, strlen(words));
  int n = 0;
  for (char *word = strtok(text, ","); word; word = strtok(NULL, ",")) list[n++] = word;
  Augment *a = augment_new(c->u, list, n);
  assert_non_null(a);
  assert_true(augment_prepare(c->u, a, &s->set));
  return a;
}

static void change(Augment *a, const Sample *s, int64_t stream, float *out) {
  augment_sample(a, random_start(1, RANDOM_AUGMENT, 0, stream), s->value, out);
}

/* How often each offset of -N to N is drawn, found from the one bright place. */
static void shifts_reach_every_place(void **state) {
  (void)state;
  enum { SIDE = 9, REACH = 2, TRIES = 500 };
  Captured *c = captured_new("none", NULL);
  Sample *s = sample_new(c, 3, (const int64_t[]){1, SIDE, SIDE}, ELEMENT_F32);
  float out[SIDE * SIDE];
  int seen[2 * REACH + 1][2 * REACH + 1] = {{0}};
  s->value[4 * SIDE + 4] = 1;
  Augment *a = augment(c, "shift=2,fill=-1", s);
  for (int t = 0; t < TRIES; t++) {
    float sum = 0;
    change(a, s, t, out);
    for (int i = 0; i < SIDE * SIDE; i++) {
      sum += out[i];
      if (out[i] > 0) seen[i / SIDE - 4 + REACH][i % SIDE - 4 + REACH]++;
    }
    assert_true(sum <= 1);
  }
  for (int i = 0; i < (2 * REACH + 1) * (2 * REACH + 1); i++) assert_true((&seen[0][0])[i] > 5);
  captured_free(c);
}

static void borders_continue_a_line(void **state) {
  (void)state;
  static const struct {
    const char *words;
    float left[3], right[3]; /* beyond 1 2 3 4 */
  } cases[] = {
      {"shift=3", {0, 0, 0}, {0, 0, 0}},
      {"shift=3,fill=9", {9, 9, 9}, {9, 9, 9}},
      {"border=edge,shift=3", {1, 1, 1}, {4, 4, 4}},
      {"border=reflect,shift=3", {4, 3, 2}, {3, 2, 1}},
      {"border=symmetric,shift=3", {3, 2, 1}, {4, 3, 2}},
      {"border=wrap,shift=3", {2, 3, 4}, {1, 2, 3}},
  };
  for (int k = 0; k < COUNT(cases); k++) {
    Captured *c = captured_new("none", NULL);
    Sample *s = sample_new(c, 2, (const int64_t[]){1, 4}, ELEMENT_F32);
    float line[10], out[4];
    memcpy(line, cases[k].left, sizeof cases[k].left);
    memcpy(line + 7, cases[k].right, sizeof cases[k].right);
    for (int i = 0; i < 4; i++) line[3 + i] = s->value[i] = (float)(i + 1);
    Augment *a = augment(c, cases[k].words, s);
    bool seen[7] = {false};
    for (int t = 0; t < 100; t++) {
      int found = -1;
      change(a, s, t, out);
      for (int at = 0; at < 7; at++)
        if (memcmp(line + at, out, sizeof out) == 0) seen[found = at] = true;
      assert_true(found >= 0);
    }
    for (int at = 0; at < 7; at++) assert_true(seen[at] || k == 5); /* wrap: 4 are all */
    captured_free(c);
  }
}

static void fill_random(Sample *s, float most) {
  Random r = random_start(7, RANDOM_ORDER, 0, 0);
  for (int64_t i = 0; i < s->set.sample_size; i++)
    s->value[i] = (float)random_between(&r, 0, (double)most);
}

static void mirrors(void **state) {
  (void)state;
  Captured *c = captured_new("none", NULL);
  Sample *s = sample_new(c, 3, (const int64_t[]){2, 3, 5}, ELEMENT_F32);
  float out[30];
  int mirrored = 0;
  fill_random(s, 1);
  Augment *a = augment(c, "flip", s), *v = augment(c, "vflip", s);
  for (int t = 0; t < 100; t++) {
    change(a, s, t, out);
    bool turned = out[0] == s->value[4];
    mirrored += turned;
    for (int i = 0; i < 30; i++)
      assert_true(out[i] == s->value[turned ? i / 5 * 5 + 4 - i % 5 : i]);
    change(v, s, t, out);
    turned = out[0] == s->value[10];
    for (int i = 0; i < 30; i++)
      assert_true(out[i] == s->value[turned ? i / 15 * 15 + (2 - i / 5 % 3) * 5 + i % 5 : i]);
  }
  assert_true(mirrored > 30 && mirrored < 70);
  captured_free(c);
}

/* With a strength of 0 nothing moves, in one, two and three dimensions. */
static void nothing_changes_nothing(void **state) {
  (void)state;
  static const int64_t dim[][4] = {{2, 24}, {2, 6, 7}, {2, 3, 4, 5}};
  static const char *const words[] = {"scale=0",    "stretch=0",   "rotate=0",
                                      "shear=0",    "elastic=0:3", "brightness=0",
                                      "contrast=0", "noise=0",     "scale=0,rotate=0,elastic=0:3"};
  for (int k = 0; k < 3; k++)
    for (int w = 0; w < COUNT(words); w++) {
      Captured *c = captured_new("none", NULL);
      Sample *s = sample_new(c, k + 2, dim[k], ELEMENT_F32);
      float out[MOST];
      fill_random(s, 255);
      change(augment(c, words[w], s), s, 3, out);
      for (int64_t i = 0; i < s->set.sample_size; i++)
        assert_true(fabsf(out[i] - s->value[i]) < 1e-3f);
      captured_free(c);
    }
}

/* A slope stays one: interpolation between places is exact for it. */
static void maps_are_affine(void **state) {
  (void)state;
  enum { SIDE = 21 };
  static const char *const words[] = {"scale=0.2", "rotate=20", "shear=0.3",
                                      "stretch=0.2,rotate=9"};
  for (int w = 0; w < COUNT(words); w++) {
    Captured *c = captured_new("none", NULL);
    Sample *s = sample_new(c, 3, (const int64_t[]){1, SIDE, SIDE}, ELEMENT_F32);
    float out[SIDE * SIDE];
    bool changed = false;
    for (int i = 0; i < SIDE * SIDE; i++) s->value[i] = (float)(3 * (i / SIDE) + i % SIDE);
    Augment *a = augment(c, words[w], s);
    for (int t = 0; t < 10; t++) {
      change(a, s, t, out);
      assert_true(fabsf(out[10 * SIDE + 10] - 40) < 1e-3f); /* the middle stays */
      for (int y = 7; y < 14; y++)
        for (int x = 7; x < 14; x++) {
          const float *at = out + y * SIDE + x;
          assert_true(fabsf(at[-1] + at[1] - 2 * *at) < 1e-3f);
          assert_true(fabsf(at[-SIDE] + at[SIDE] - 2 * *at) < 1e-3f);
        }
      changed |= fabsf(out[0] - s->value[0]) > 0.5f;
    }
    assert_true(changed);
    captured_free(c);
  }
}

/* Fields of uniform numbers, smoothed:
 * of the deviation that follows from the Gaussian's weights. */
static void elastic_fields_are_smooth(void **state) {
  (void)state;
  enum { SIDE = 60 };
  Captured *c = captured_new("none", NULL);
  Sample *s = sample_new(c, 3, (const int64_t[]){1, SIDE, SIDE}, ELEMENT_F32);
  float out[SIDE * SIDE];
  double sum = 0, step = 0;
  int n = 0;
  for (int i = 0; i < SIDE * SIDE; i++) s->value[i] = (float)(i % SIDE);
  Augment *a = augment(c, "elastic=34:4", s);
  for (int t = 0; t < 50; t++) {
    change(a, s, t, out);
    for (int y = 15; y < 45; y++)
      for (int x = 15; x < 45; x++, n++) {
        double moved = (double)out[y * SIDE + x] - x, next = (double)out[y * SIDE + x + 1] - x - 1;
        sum += moved * moved;
        step += (moved - next) * (moved - next);
      }
  }
  double deviation = 34 / sqrt(3) / (2 * sqrt(3.14159265) * 4);
  assert_true(fabs(sqrt(sum / n) / deviation - 1) < 0.1);
  assert_true(sqrt(step / n) < 0.25 * deviation);
  captured_free(c);
}

static void windows_are_cut_from_larger_samples(void **state) {
  (void)state;
  Captured *c = captured_new("none", NULL);
  Sample *s = sample_new(c, 3, (const int64_t[]){1, 7, 7}, ELEMENT_F32);
  float out[25], middle[25];
  bool seen[9] = {false};
  s->set.margin = 1;
  for (int i = 0; i < 49; i++) s->value[i] = (float)i;
  Augment *a = augment(c, "crop=1", s);
  assert_int_equal(augment_margin(a), 1);
  for (int t = 0; t < 200; t++) {
    change(a, s, t, out);
    int from = (int)out[0];
    assert_true(from / 7 < 3 && from % 7 < 3);
    seen[from / 7 * 3 + from % 7] = true;
    for (int i = 0; i < 25; i++) assert_true(out[i] == (float)(from + i / 5 * 7 + i % 5));
  }
  for (int i = 0; i < 9; i++) assert_true(seen[i]);
  dataset_middle(&s->set, s->value, middle);
  for (int i = 0; i < 25; i++) assert_true(middle[i] == (float)(8 + i / 5 * 7 + i % 5));
  captured_free(c);
}

static void values_follow_light_and_colour(void **state) {
  (void)state;
  Captured *c = captured_new("none", NULL);
  Sample *s = sample_new(c, 3, (const int64_t[]){3, 2, 2}, ELEMENT_U8);
  float out[12];
  for (int i = 0; i < 12; i++) s->value[i] = (float)(100 + 10 * i);
  for (int t = 0; t < 50; t++) {
    change(augment(c, "brightness=0.3", s), s, t, out);
    float factor = out[0] / 100;
    assert_true(factor >= 0.7f && factor < 1.3f);
    for (int i = 0; i < 12; i++) {
      float expected = factor * s->value[i] > 255 ? 255 : factor * s->value[i];
      assert_true(fabsf(out[i] - expected) < 1e-3f);
    }
    change(augment(c, "saturation=0.5", s), s, t, out);
    for (int i = 0; i < 4; i++) { /* grey stays */
      float before = 0.299f * s->value[i] + 0.587f * s->value[4 + i] + 0.114f * s->value[8 + i];
      float after = 0.299f * out[i] + 0.587f * out[4 + i] + 0.114f * out[8 + i];
      assert_true(fabsf(before - after) < 1e-3f);
    }
    change(augment(c, "contrast=0.5", s), s, t, out);
    assert_true(fabsf(out[0] + out[11] - 310) < 1e-3f); /* so does the mean */
  }
  captured_free(c);
}

/* Colours that vary along (1, 2, -1) only: only along it is added. */
static void principal_components(void **state) {
  (void)state;
  enum { PLACES = 64 };
  Captured *c = captured_new("none", NULL);
  Sample *s = sample_new(c, 3, (const int64_t[]){3, 8, 8}, ELEMENT_F32);
  float out[3 * PLACES];
  double sum = 0, variance = 0;
  for (int i = 0; i < PLACES; i++) {
    float x = (float)(i % 2); /* variance 1/4, times 6 along the unit vector */
    s->value[i] = x;
    s->value[PLACES + i] = 2 * x;
    s->value[2 * PLACES + i] = -x;
  }
  Augment *a = augment(c, "pca", s);
  for (int t = 0; t < 2000; t++) {
    change(a, s, t, out);
    float r = out[0] - s->value[0], g = out[PLACES] - s->value[PLACES];
    assert_true(fabsf(g - 2 * r) < 1e-5f);
    assert_true(fabsf(out[2 * PLACES] - s->value[2 * PLACES] + r) < 1e-5f);
    sum += (double)r;
    variance += (double)r * (double)r;
  }
  double expected = 0.1 * 1.5 / sqrt(6);
  assert_true(fabs(sqrt(variance / 2000) / expected - 1) < 0.1 &&
              fabs(sum / 2000) < 0.1 * expected);
  captured_free(c);
}

static void squares_are_erased(void **state) {
  (void)state;
  Captured *c = captured_new("none", NULL);
  Sample *s = sample_new(c, 3, (const int64_t[]){2, 6, 6}, ELEMENT_F32);
  float out[72];
  for (int i = 0; i < 72; i++) s->value[i] = 1;
  Augment *a = augment(c, "erase=3", s);
  for (int t = 0; t < 50; t++) {
    int n = 0;
    change(a, s, t, out);
    for (int i = 0; i < 36; i++) {
      assert_true(out[i] == out[36 + i]);
      n += out[i] == 0;
    }
    assert_true(n == 4 || n == 6 || n == 9);
  }
  captured_free(c);
}

static void streams_decide(void **state) {
  (void)state;
  Captured *c = captured_new("none", NULL);
  Sample *s = sample_new(c, 3, (const int64_t[]){3, 9, 9}, ELEMENT_U8);
  float first[243], again[243];
  fill_random(s, 255);
  static const char words[] = "shift=2,flip,rotate=10,elastic=8:2,contrast=0.2,pca,noise=3";
  Augment *a = augment(c, words, s), *b = augment(c, words, s);
  for (int t = 0; t < 20; t++) {
    change(a, s, t, first);
    change(b, s, 19 - t, again);
    change(b, s, t, again);
    assert_memory_equal(first, again, sizeof first);
    change(b, s, t + 1, again);
    assert_memory_not_equal(first, again, sizeof first);
  }
  captured_free(c);
}

static void mistakes_are_named(void **state) {
  (void)state;
  static const struct {
    const char *word, *message;
  } cases[] = {
      {"shfit=2", "--augment shfit: no such change; did you mean \"shift\"?"},
      {"nonsense", "--augment nonsense: no such change; `cnnc train --help` lists them"},
      {"shift", "--augment shift: shift=N is expected, with a whole number from 1 to 16384"},
      {"shift=", "shift=N is expected"},
      {"shift=1.5", "shift=N is expected"},
      {"shift=1e9", "shift=N is expected"},
      {"shift=1:2", "shift=N is expected"},
      {"shift=nan", "shift=N is expected"},
      {"flip=1", "flip takes no value"},
      {"scale=2", "scale=F is expected, with a number from 0 to 0.9"},
      {"elastic=5:", "elastic=A:S is expected"},
      {"elastic=5:0", "elastic=A:S is expected"},
      {"elastic=5:4:3", "elastic=A:S is expected"},
      {"border=edgy", "did you mean \"edge\"?"},
      {"border", "constant, edge, reflect, symmetric or wrap is expected"},
      {"fill=x", "--augment fill=x: a number is expected"},
  };
  for (int i = 0; i < COUNT(cases); i++) {
    Captured *c = captured_new("none", NULL);
    assert_null(augment_new(c->u, &cases[i].word, 1));
    if (!strstr(messages(c), cases[i].message)) fail_msg("%s: %s", cases[i].word, messages(c));
    captured_free(c);
  }
  Captured *c = captured_new("none", NULL);
  Sample *s = sample_new(c, 2, (const int64_t[]){3, 8}, ELEMENT_F32);
  Augment *a = augment_new(c->u, (const char *const[]){"saturation=0.1"}, 1);
  assert_false(augment_prepare(c->u, a, &s->set));
  assert_non_null(strstr(messages(c), "--augment saturation: for pictures of three channels"));
  captured_free(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(shifts_reach_every_place),
      cmocka_unit_test(borders_continue_a_line),
      cmocka_unit_test(mirrors),
      cmocka_unit_test(nothing_changes_nothing),
      cmocka_unit_test(maps_are_affine),
      cmocka_unit_test(elastic_fields_are_smooth),
      cmocka_unit_test(windows_are_cut_from_larger_samples),
      cmocka_unit_test(values_follow_light_and_colour),
      cmocka_unit_test(principal_components),
      cmocka_unit_test(squares_are_erased),
      cmocka_unit_test(streams_decide),
      cmocka_unit_test(mistakes_are_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
