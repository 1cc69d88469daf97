/* interp.c - kernel_run against the meaning of kernels, point by point. */
#include "interp.h"
#include "kernels.h"

static void compare(Unit *u, const Kernel *k, Array *array, int out, int64_t n, const char *what) {
  int64_t size = type_size(&array[out].type, n);
  for (int64_t i = 0; i < size; i++) array[out].at[i] = 77;
  naive_run(k, array, n);
  double *expected = NEW_ARRAY(u->arena, double, size);
  memcpy(expected, array[out].at, (size_t)size * sizeof *expected);
  for (int64_t i = 0; i < size; i++) array[out].at[i] = 77;
  kernel_run(k, array, NULL, NULL, n);
  assert_near(array[out].at, expected, size, 1e-13, what);
}

static void run_convolutions(void **state) {
  (void)state;
  Unit *u = unit_new();
  Random r = {1};
  for (int i = 0; i < 200; i++) {
    Window w = random_window(&r);
    Type x = window_type(&w, w.groups * w.c, w.size), f = weight_type(&w),
         y = window_type(&w, w.groups * w.k, w.out);
    int64_t n = random_int(&r, 1, 3);
    Array array[3] = {random_array(u, &r, &x, n), random_array(u, &r, &f, n),
                      random_array(u, &r, &y, n)};
    Kernel k;
    conv_kernel(u, &w, &k);
    if (i % 3 == 0) k.in[0].fill = 0.5;
    if (i % 5 == 0) k.in[0].outside = SKIP;
    if (i % 2) kernel_simplify(u, &k);
    compare(u, &k, array, 2, n, "convolution");
  }
  unit_free(u);
}

static void run_pools(void **state) {
  (void)state;
  Unit *u = unit_new();
  Random r = {2};
  for (int i = 0; i < 200; i++) {
    Window w = random_window(&r);
    Type x = window_type(&w, w.c, w.size), y = window_type(&w, w.c, w.out);
    int64_t n = random_int(&r, 1, 2);
    Array array[3] = {random_array(u, &r, &x, n), {0}, random_array(u, &r, &y, n)};
    for (int64_t j = 0; j < type_size(&x, n); j++) {
      array[0].at[j] = floor(array[0].at[j] * 3);
      if (random_int(&r, 0, 9) == 0) array[0].at[j] = NAN;
      if (random_int(&r, 0, 9) == 0) array[0].at[j] = -INFINITY;
    }
    Kernel k;
    pool_kernel(u, &w, (Combine)(i % 3), &k);
    compare(u, &k, array, 2, n, "pool");
  }
  unit_free(u);
}

/* Any coordinates, with divisions, remainders and exactness; sums over free loops. */
static void run_random_kernels(void **state) {
  (void)state;
  Unit *u = unit_new();
  Random r = {3};
  for (int i = 0; i < 500; i++) {
    Kernel k = {.name = "random", .nfold = 1, .nout = 1};
    Type x = TYPE(fixed(random_int(&r, 1, 6)), fixed(random_int(&r, 1, 9)));
    Type y = TYPE(fixed(4), fixed(random_int(&r, 1, 20)));
    kernel_loop(&k, "a", y.dim[0], false);
    kernel_loop(&k, "b", y.dim[1], false);
    kernel_loop(&k, "c", fixed(random_int(&r, 1, 4)), true);
    kernel_loop(&k, "d", fixed(random_int(&r, 1, 4)), true);
    for (int v = 0; v < 2; v++) {
      View *in = kernel_in(&k, 0, &x);
      in->outside = random_int(&r, 0, 1) ? FILL : SKIP;
      in->fill = random_int(&r, -1, 1);
      for (int a = 0; a < 2; a++) {
        for (int l = 0; l < 4; l++) in->at[a].coef[l] = random_int(&r, -2, 2);
        in->at[a].plus = random_int(&r, -3, 6);
        in->at[a].div = random_int(&r, 1, 3);
        in->at[a].exact = in->at[a].div > 1 && random_int(&r, 0, 1);
        in->at[a].mod = random_int(&r, 0, 3) == 0 ? random_int(&r, 1, 7) : 0;
      }
    }
    k.fold[0] = (Fold){(Combine)(i % 3), expr2(u, E_mul, expr_in(u, 0), expr_in(u, 1)), F32};
    k.out[0].to = (View){.tensor = 1, .rank = 2, .at = {coord_loop(0, 1, 0), coord_loop(1, 1, 0)}};
    k.out[0].value = expr2(u, E_add, expr_acc(u, 0), expr_index(u, 1));
    k.out[0].combine = random_int(&r, 0, 2) == 0;
    if (k.out[0].combine) k.out[0].to.at[random_int(&r, 0, 1)] = (Coord){.div = 1};
    Array array[2] = {random_array(u, &r, &x, 1), random_array(u, &r, &y, 1)};
    compare(u, &k, array, 1, 1, "random kernel");
    kernel_simplify(u, &k);
    compare(u, &k, array, 1, 1, "random kernel, simplified");
  }
  unit_free(u);
}

/* Sums over runs of points, whole rows or not, of loops beside each other or not; points beyond the
 * last run, and runs that samples do not reach. */
static void sums_over_runs(void **state) {
  (void)state;
  Unit *u = unit_new();
  Random r = {9};
  for (int i = 0; i < 500; i++) {
    Kernel k = {.name = "runs", .nout = 2};
    const int64_t n = random_int(&r, 1, 3), c = random_int(&r, 1, 3), h = random_int(&r, 1, 5),
                  w = random_int(&r, 1, 7), run = random_int(&r, 1, 40), most = 4;
    Type x = TYPE(per_n(), fixed(c), fixed(h), fixed(w)),
         sums = TYPE(fixed((most * h * w + run - 1) / run), fixed(c));
    const int channel = random_int(&r, 0, 3); /* where its loop stands */
    for (int l = 0, a = 0; l < 4; l++)
      if (l == channel)
        kernel_loop(&k, "c", fixed(c), false);
      else
        kernel_loop(&k, a == 0 ? "n" : a == 1 ? "h" : "w", x.dim[a ? a + 1 : 0], false), a++;
    View *in = kernel_in(&k, 0, &x);
    Coord *part = &k.out[1].to.at[0];
    for (int l = 0, a = 0; l < 4; l++) {
      in->at[l == channel ? 1 : a ? a + 1 : 0] = coord_loop(l, 1, 0);
      if (l != channel) part->coef[l] = (int32_t[]){(int32_t)(h * w), (int32_t)w, 1}[a++];
    }
    k.out[0] = (Out){.to = *in, .value = expr_in(u, 0)};
    k.out[0].to.tensor = 1;
    part->div = (int32_t)run;
    k.out[1].to.at[1] = coord_loop(channel, 1, 0);
    k.out[1].to.tensor = 2;
    k.out[1].to.rank = 2;
    k.out[1].value = expr2(u, E_mul, expr_in(u, 0), expr_in(u, 0));
    k.out[1].combine = true;
    assert_true(kernel_runs(&k, &k.out[1]));
    Array array[3] = {random_array(u, &r, &x, n), array_new(u->arena, &x, n),
                      array_new(u->arena, &sums, n)};
    compare(u, &k, array, 2, n, "sums over runs");
    kernel_simplify(u, &k);
    assert_true(kernel_runs(&k, &k.out[1]));
    compare(u, &k, array, 2, n, "sums over runs, simplified");
  }
  unit_free(u);
}

/* Margins are memory to a FILL view; lanes cut an axis into blocks. */
static void run_formats(void **state) {
  (void)state;
  Unit *u = unit_new();
  Random r = {4};
  for (int i = 0; i < 50; i++) {
    Window w = random_window(&r);
    w.rank = 1;
    w.groups = 1;
    w.c = random_int(&r, 1, 6);
    w.k = random_int(&r, 1, 6);
    Type x = window_type(&w, w.c, w.size), f = weight_type(&w), y = window_type(&w, w.k, w.out);
    Array plain[3] = {random_array(u, &r, &x, 2), random_array(u, &r, &f, 2),
                      random_array(u, &r, &y, 2)};
    Array array[3] = {plain[0], plain[1], plain[2]};
    /* x as [n, c/4, w + margins, 4], y as [n, k/2, w, 2] */
    int64_t pad = 8, row = (x.dim[2].plus + 2 * pad) * 4, plane = (x.dim[1].plus + 3) / 4 * row;
    array[0] = (Array){.at = NEW_ARRAY(u->arena, double, 2 * plane),
                       .type = x,
                       .origin = pad * 4,
                       .stride = {plane, row, 4},
                       .lo = {0, 0, pad},
                       .hi = {0, 0, pad},
                       .lane_axis = 1,
                       .lanes = 4};
    for (int64_t j = 0; j < 2 * plane; j++) array[0].at[j] = 3;
    for (int64_t n = 0; n < 2; n++)
      for (int64_t c = 0; c < x.dim[1].plus; c++)
        for (int64_t j = 0; j < x.dim[2].plus; j++)
          array[0].at[array_offset(&array[0], (int64_t[]){n, c, j})] =
              plain[0].at[array_offset(&plain[0], (int64_t[]){n, c, j})];
    int64_t size = 2 * y.dim[2].plus * ((y.dim[1].plus + 1) / 2) * 2;
    array[2] = (Array){.at = NEW_ARRAY(u->arena, double, size),
                       .type = y,
                       .stride = {size / 2, y.dim[2].plus * 2, 2},
                       .lane_axis = 1,
                       .lanes = 2};
    Kernel k;
    conv_kernel(u, &w, &k);
    k.in[0].fill = 3; /* what the margin holds */
    naive_run(&k, plain, 2);
    k.in[0].fill = 0;
    kernel_run(&k, array, NULL, NULL, 2);
    for (int64_t n = 0; n < 2; n++)
      for (int64_t c = 0; c < y.dim[1].plus; c++)
        for (int64_t j = 0; j < y.dim[2].plus; j++)
          assert_near(&array[2].at[array_offset(&array[2], (int64_t[]){n, c, j})],
                      &plain[2].at[array_offset(&plain[2], (int64_t[]){n, c, j})], 1, 1e-12,
                      "formatted");
  }
  unit_free(u);
}

/* Blocks of a loop, one after the other, make the same result. */
static void run_ranges(void **state) {
  (void)state;
  Unit *u = unit_new();
  Random r = {5};
  for (int i = 0; i < 50; i++) {
    Window w = random_window(&r);
    Type x = window_type(&w, w.groups * w.c, w.size), f = weight_type(&w),
         y = window_type(&w, w.groups * w.k, w.out);
    Array array[3] = {random_array(u, &r, &x, 2), random_array(u, &r, &f, 2),
                      random_array(u, &r, &y, 2)};
    Kernel k;
    conv_kernel(u, &w, &k);
    naive_run(&k, array, 2);
    int64_t size = type_size(&y, 2);
    double *expected = NEW_ARRAY(u->arena, double, size);
    memcpy(expected, array[2].at, (size_t)size * sizeof *expected);
    memset(array[2].at, 0, (size_t)size * sizeof *expected);
    int loop = random_int(&r, 0, 2 + w.rank);
    int64_t extent = extent_at(k.loop[loop].extent, 2), step = random_int(&r, 1, 3);
    for (int64_t at = 0; at < extent; at += step) {
      Range range[MAX_LOOPS];
      for (int l = 0; l < k.nloop; l++) range[l] = (Range){0, extent_at(k.loop[l].extent, 2)};
      range[loop] = (Range){at, at + step < extent ? at + step : extent};
      kernel_run(&k, array, NULL, range, 2);
    }
    assert_near(array[2].at, expected, size, 1e-13, "ranges");
  }
  unit_free(u);
}

/* Rows that lie thousands of elements before, across and behind what a view reads. */
static void run_rows_far_outside(void **state) {
  (void)state;
  Unit *u = unit_new();
  Random r = {5};
  Type x = TYPE(fixed(700)), y = TYPE(fixed(6000));
  Array array[3] = {random_array(u, &r, &x, 1), {0}, random_array(u, &r, &y, 1)};
  for (int step = -3; step <= 3; step++) {
    Kernel k = {.name = "far", .nout = 1};
    kernel_loop(&k, "a", y.dim[0], false);
    View *in = kernel_in(&k, 0, &x);
    in->outside = FILL;
    in->fill = 0.5;
    in->at[0] = coord_loop(0, step, -3000 * step);
    k.out[0] = (Out){.to = {.tensor = 2, .rank = 1}, .value = expr_in(u, 0)};
    k.out[0].to.at[0] = coord_loop(0, 1, 0);
    compare(u, &k, array, 2, 1, "far rows");
  }
  unit_free(u);
}

/* A row that lies beside its box, by more than its own length. */
static void rows_beside_their_box(void **state) {
  const Range box = {0, 5};
  (void)state;
  for (int64_t step = -2; step <= 2; step++)
    for (int64_t v = -40; v <= 40; v++) {
      Range r = interp_points(v, step, box, 4);
      for (int64_t i = 0; i < 4; i++)
        assert_int_equal(r.lo <= i && i < r.hi, v + step * i >= box.lo && v + step * i < box.hi);
      assert_true(0 <= r.lo && r.lo <= r.hi && r.hi <= 4);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(run_convolutions),     cmocka_unit_test(run_pools),
      cmocka_unit_test(run_random_kernels),   cmocka_unit_test(sums_over_runs),
      cmocka_unit_test(run_formats),          cmocka_unit_test(run_ranges),
      cmocka_unit_test(run_rows_far_outside), cmocka_unit_test(rows_beside_their_box),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
