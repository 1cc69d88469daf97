/* Proofs about quotients, remainders and clipped windows: what pools and their gradients index
 * with. Each shape once as it is proved, and once too large by one element. */
#include "validating.h"

#define F(parameters, body) "void net_f(" parameters ");\nvoid net_f(" parameters ") {\n" body "}\n"

/* The gradient of a window of 3, stride S, over o < 3 outputs: which of them read w. */
#define GATHER(stride, last)                                                                       \
  F("const float *dy, float *dx",                                                                  \
    "  for (int w = 0; w < 7; w++)\n    for (int kw = 0; kw < 3; kw++)\n"                          \
    "      if (w - kw >= 0 && (w - kw) % " stride " == 0 && (w - kw) / " stride " <= " last ")\n"  \
    "        dx[w] += dy[(w - kw) / " stride "];\n")

/* The same, with the quotient computed before its dividend's sign is tested, on two axes. */
#define GATHER_EARLY(width)                                                                        \
  F("const float *dy, float *dx",                                                                  \
    "  for (int h = 0; h < 5; h++)\n    for (int w = 0; w < 6; w++)\n"                             \
    "      for (int kh = 0; kh < 3; kh++) {\n        const int a = h - kh + 1, oh = a / 3;\n"      \
    "        if (a >= 0 && a % 3 == 0)\n          for (int kw = 0; kw < 5; kw++) {\n"              \
    "            const int b = w - kw + 1, ow = b / 3;\n"                                          \
    "            if (b >= 0 && b % 3 == 0 && ow < 2) dx[6 * h + w] += dy[" width " * oh + ow];\n"  \
    "          }\n      }\n")

/* A window of 3x3x3, stride 2, clipped at both ends of three axes,
 * on two samples of 33 channels. */
#define POOL(channels)                                                                             \
  F("const float *x, float *y, int n, int part",                                                   \
    "  const int end = 4 * part + 4 < 33 ? 4 * part + 4 : 33;\n"                                   \
    "  for (int c = 4 * part; c < end; c++)\n    for (int od = 0; od < 3; od++)\n"                 \
    "      for (int oh = 0; oh < 3; oh++)\n        for (int ow = 0; ow < 4; ow++) {\n"             \
    "          float sum = 0;\n"                                                                   \
    "          const int d0 = 2 * od - 1 > 0 ? 2 * od - 1 : 0, d1 = 2 * od + 2 < 5 ? 2 * od + 2 "  \
    ": 5;\n"                                                                                       \
    "          for (int d = d0; d < d1; d++) {\n"                                                  \
    "            const int h0 = 2 * oh > 0 ? 2 * oh : 0, h1 = 2 * oh + 3 < 6 ? 2 * oh + 3 : 6;\n"  \
    "            for (int h = h0; h < h1; h++) {\n"                                                \
    "              const int w0 = 2 * ow - 1 > 0 ? 2 * ow - 1 : 0, w1 = 2 * ow + 2 < 7 ? 2 * ow "  \
    "+ 2 : 7;\n"                                                                                   \
    "              for (int w = w0; w < w1; w++)\n"                                                \
    "                sum += x[(n * " channels " + c) * 210 + 42 * d + 7 * h + w];\n"               \
    "            }\n          }\n          y[36 * (33 * n + c) + 12 * od + 4 * oh + ow] = sum;\n"  \
    "        }\n")
#define POOL_FACTS "net_f x 0 13859;net_f y 0 2375;net_f n 0 1;net_f part 0 8"

static const Case good[] = {
    {GATHER("2", "2"), "net_f dy 0 2;net_f dx 0 6"},
    {GATHER("3", "1"), "net_f dy 0 1;net_f dx 0 6"},
    {GATHER_EARLY("2"), "net_f dy 0 3;net_f dx 0 29"},
    {POOL("33"), POOL_FACTS},
    /* a dividend that is known to be negative rounds upwards */
    {F("float *y, int k", "  const int q = k / 4, r = k % 4;\n  if (k > 0) return;\n"
                          "  y[-q] = 0;\n  y[-r] = 0;\n  y[4 * q - k] = 0;\n"),
     "net_f y 0 3;net_f k -15 15"},
    /* what a branch has learned about a quotient is forgotten behind it, and learned again */
    {F("float *y, int k",
       "  const int q = k / 4;\n  if (k >= 0) y[q] = 0;\n  if (k < 0) y[-q] = 0;\n"
       "  if (k >= 0 && k < 12) y[k - 4 * q] = 0;\n"),
     "net_f y 0 3;net_f k -15 15"},
    /* the remainder of a test bounds what the quotient leaves */
    {F("float *y, int k", "  if (k % 8 == 0) y[k / 8 * 8 - k] = 0;\n"
                          "  if (k % 8 == 7) y[k / 8 * 8 + 7 - k] = 0;\n"),
     "net_f y 0 0;net_f k 0 100"},
};

static const Defect defects[] = {
    {GATHER("2", "3"), "net_f dy 0 2;net_f dx 0 6", "elements 0 to 3 of \"dy\", which has 0 to 2"},
    {GATHER("3", "2"), "net_f dy 0 1;net_f dx 0 6", "elements 0 to 2 of \"dy\", which has 0 to 1"},
    {GATHER_EARLY("3"), "net_f dy 0 3;net_f dx 0 29", "elements 0 to 4 of \"dy\""},
    {POOL("34"), POOL_FACTS, "load of \"x[(n * 34 + c) * 210"},
    {F("float *y, int k", "  const int q = k / 4;\n  if (k >= 0) y[q] = 0;\n  y[-q] = 0;\n"),
     "net_f y 0 3;net_f k -15 15", "\"y[-q]\": elements -3 to 3"},
    {F("float *y, int k", "  const int q = k / 4;\n  if (k >= 0) y[k - 4 * q] = 0;\n"
                          "  y[k - 4 * q] = 0;\n"),
     "net_f y 0 3;net_f k -15 15", "\"y[k - 4 * q]\": elements -3 to 3"},
};

static void quotients_are_proved(void **state) {
  (void)state;
  for (int i = 0; i < COUNT(good); i++) expect_proved(good[i].source, good[i].facts);
}

static void wrong_quotients_are_caught(void **state) {
  (void)state;
  for (int i = 0; i < COUNT(defects); i++)
    expect_message(defects[i].source, defects[i].facts, defects[i].message);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(quotients_are_proved),
      cmocka_unit_test(wrong_quotients_are_caught),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
