/* kernel.c - kernels as data: types, ranges, kinds, canonical form, and the text form read back. */
#include "kernels.h"
#include "text.h"

static void name_tensor(const void *context, int tensor, Text *out) {
  (void)context;
  text_add(out, "%%t%d", tensor);
}

static bool find_tensor(void *context, const char *name, int *tensor) {
  (void)context;
  *tensor = name[0] && name[1] ? atoi(name + 2) : -1;
  return *tensor >= 0 && *tensor < 3;
}

static const char *print(Unit *u, const Kernel *k) {
  Text text = {.arena = u->arena};
  kernel_print(&text, k, name_tensor, NULL);
  return text.at;
}

static void conv_text(void **state) {
  (void)state;
  Unit *u = unit_new();
  Window w = {.rank = 2,
              .groups = 1,
              .c = 3,
              .k = 64,
              .size = {224, 224},
              .kernel = {7, 7},
              .stride = {2, 2},
              .dilation = {1, 1},
              .pad = {3, 3},
              .out = {112, 112}};
  Kernel k;
  conv_kernel(u, &w, &k);
  assert_int_equal(kernel_kind(&k), KIND_CONTRACT);
  kernel_simplify(u, &k); /* one group: no loop g */
  k.out[0].value = expr2(u, E_max, expr_const(u, 0), k.out[0].value);
  assert_string_equal(print(u, &k), "conv: n<n k<64 oh<112 ow<112 | c<3 kh<7 kw<7\n"
                                    "  in0 = %t0[n, c, 2*oh + kh - 3, 2*ow + kw - 3] fill 0\n"
                                    "  in1 = %t1[k, c, kh, kw]\n"
                                    "  acc0 = sum in0*in1\n"
                                    "  %t2[n, k, oh, ow] = max(0, acc0)\n");
  unit_free(u);
}

static Coord random_coord(Random *r, int loops) {
  Coord c = {.plus = random_int(r, -5, 5), .div = random_int(r, 1, 3)};
  for (int l = 0; l < loops; l++) c.coef[l] = random_int(r, -3, 3);
  c.exact = c.div > 1 && random_int(r, 0, 1);
  c.mod = random_int(r, 0, 1) ? random_int(r, 1, 9) : 0;
  return c;
}

static void texts_read_back(void **state) {
  (void)state;
  Random r = {5};
  for (int i = 0; i < 2000; i++) {
    Unit *u = unit_new();
    Kernel k = {.name = i % 2 ? "k.1" : NULL, .nout = 1}, again;
    int rank = random_int(&r, 0, 3);
    Type type = {.rank = (int8_t)random_int(&r, 0, 4)};
    static const char *const names[] = {"n", "a", "b", "c", "d", "e"};
    for (int l = 0; l < 2 + rank; l++)
      kernel_loop(&k, names[l], l ? (Extent){l == 2 ? 2 : 0, 3} : per_n(), l > rank);
    for (int j = random_int(&r, 0, 2); j > 0; j--) {
      View *in = kernel_in(&k, random_int(&r, 0, 2), &type);
      for (int a = 0; a < type.rank; a++) in->at[a] = random_coord(&r, k.nloop);
      in->outside = (Outside)random_int(&r, 0, 2);
      if (in->outside == FILL) in->fill = random_real(&r);
    }
    const Expr *e = expr_const(u, random_real(&r));
    for (int j = 0; j < k.nin; j++) e = expr2(u, j ? E_sub : E_mul, expr_in(u, j), e);
    k.nfold = 1 + random_int(&r, 0, 1);
    for (int f = 0; f < k.nfold; f++)
      k.fold[f] = (Fold){(Combine)random_int(&r, 0, 2), expr2(u, E_div, e, expr_index(u, f)),
                         random_int(&r, 0, 1) ? F64 : F32};
    k.out[0].to = (View){.tensor = 2, .rank = 1, .at = {coord_loop(0, 1, 0)}};
    k.out[0].value = expr2(u, E_pow, expr_acc(u, 0), expr_scalar(u, SCALAR_LR));
    k.out[0].combine = random_int(&r, 0, 1);
    const char *text = print(u, &k);
    u->source = (Source){"kernel", text, strlen(text)};
    Scan s = scan_begin(u);
    if (!kernel_parse(&s, find_tensor, NULL, &again)) fail_msg("cannot read\n%s", text);
    assert_true(scan_end(&s));
    if (!kernel_same(&k, &again)) fail_msg("%s\nbecame\n%s", text, print(u, &again));
    assert_string_equal(text, print(u, &again));
    unit_free(u);
  }
}

static void ranges_hold(void **state) {
  (void)state;
  Random r = {6};
  for (int i = 0; i < 2000; i++) {
    Kernel k = {.nloop = 0};
    int64_t lo, hi, least = INT64_MAX, most = INT64_MIN;
    kernel_loop(&k, "a", fixed(random_int(&r, 1, 5)), false);
    kernel_loop(&k, "b", (Extent){1, 0}, false);
    Coord c = random_coord(&r, 2);
    coord_range(&k, &c, 3, &lo, &hi);
    for (int a = 0; a < k.loop[0].extent.plus; a++)
      for (int b = 0; b < 3; b++) {
        int64_t v = floor_div(c.coef[0] * a + c.coef[1] * b + c.plus, c.div);
        if (c.mod) v -= floor_div(v, c.mod) * c.mod;
        if (v < least) least = v;
        if (v > most) most = v;
      }
    if (lo > least || hi < most) fail_msg("case %d", i);
    if (!c.mod) assert_true(lo == least && hi == most);
  }
}

static void canonical_form(void **state) {
  (void)state;
  Unit *u = unit_new();
  Type x = TYPE(per_n(), fixed(4));
  Kernel k;
  kernel_start(&k, "twice", 2, &x);
  for (int i = 0; i < 3; i++) memcpy(kernel_in(&k, 0, &x)->at, k.out[0].to.at, sizeof k.in[0].at);
  k.in[1].at[1] = coord_loop(1, 4, 0); /* (4*c)/4 is c */
  k.in[1].at[1].div = 4;
  kernel_in(&k, 1, &x); /* nobody reads it */
  k.out[0].value = expr2(u, E_add, expr2(u, E_mul, expr_in(u, 0), expr_in(u, 1)), expr_in(u, 2));
  kernel_simplify(u, &k);
  assert_int_equal(k.nin, 1);
  assert_string_equal(print(u, &k), "twice: n<n c<4\n"
                                    "  in0 = %t0[n, c]\n"
                                    "  %t2[n, c] = in0 + in0*in0\n");
  assert_int_equal(kernel_kind(&k), KIND_MAP);
  kernel_start(&k, "zeros", 2, &x); /* a sum of zeros is none */
  kernel_loop(&k, "i", fixed(3), true);
  k.fold[k.nfold++] = (Fold){.op = FOLD_SUM, .term = expr_const(u, 0)};
  k.out[0].value = expr2(u, E_add, expr_acc(u, 0), expr_const(u, 1));
  kernel_simplify(u, &k);
  assert_string_equal(print(u, &k), "zeros: n<n c<4\n"
                                    "  %t2[n, c] = 1\n");
  unit_free(u);
}

static void types_and_tiles(void **state) {
  (void)state;
  Unit *u = unit_new();
  Text text = {.arena = u->arena};
  Type type = TYPE(per_n(), fixed(64), ((Extent){2, 1}), ((Extent){1, -1}));
  type_print(&text, &type);
  assert_string_equal(text.at, "f32[n,64,2n+1,n-1]");
  assert_int_equal(type_size(&type, 3), 3 * 64 * 7 * 2);
  u->source = (Source){"type", text.at, text.n};
  Scan s = scan_begin(u);
  Type again;
  assert_true(scan_type(&s, &again));
  assert_true(type_same(&type, &again));
  Tile tile = {.n = 0};
  tile_set(&tile, "r", 14);
  tile_set(&tile, "k", 2);
  tile_set(&tile, "r", 6);
  assert_int_equal(tile_get(&tile, "r", 1), 6);
  assert_int_equal(tile_get(&tile, "unroll", 1), 1);
  unit_free(u);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(conv_text),       cmocka_unit_test(texts_read_back),
      cmocka_unit_test(ranges_hold),     cmocka_unit_test(canonical_form),
      cmocka_unit_test(types_and_tiles),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
