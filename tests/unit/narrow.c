/* Numbers of 16 bits: what memory makes of numbers, and its bits. */
#include "unit.h"

#include <math.h>

#include "narrow.h"

static const struct {
  DType dtype;
  double from, to;
  unsigned bits;
} rows[] = {
    {BF16, 1, 1, 0x3f80},
    {BF16, -2, -2, 0xc000},
    {BF16, 1 + 0x1p-8, 1, 0x3f80},          /* halves to even */
    {BF16, 1 + 0x3p-8, 1 + 0x1p-6, 0x3f82}, /* upwards as well */
    {BF16, 0x1.fep127, 0x1.fep127, 0x7f7f}, /* the largest */
    {BF16, 0x1.ffp127, INFINITY, 0x7f80},   /* rounds beyond it */
    {BF16, 0x1p-133, 0x1p-133, 0x0001},     /* the smallest */
    {BF16, 0x1p-134, 0, 0x0000},
    {F16, 1, 1, 0x3c00},
    {F16, -0.333251953125, -0.333251953125, 0xb555},
    {F16, 1 + 0x1p-11, 1, 0x3c00},
    {F16, 65504, 65504, 0x7bff},
    {F16, 65519, 65504, 0x7bff},
    {F16, -65520, -INFINITY, 0xfc00},
    {F16, 0x1p-14, 0x1p-14, 0x0400},
    {F16, 0x1p-24, 0x1p-24, 0x0001},
    {F16, 0x3p-25, 0x1p-23, 0x0002},
    {F16, 0x1p-26, 0, 0x0000},
};

static void numbers_are_rounded(void **state) {
  (void)state;
  for (int i = 0; i < COUNT(rows); i++) {
    const double rounded = narrow_round(rows[i].dtype, rows[i].from);
    if (rounded != rows[i].to || narrow_bits(rows[i].dtype, rounded) != rows[i].bits)
      fail_msg("%s %a: %a, bits %04x", dtype_name(rows[i].dtype), rows[i].from, rounded,
               (unsigned)narrow_bits(rows[i].dtype, rounded));
  }
  assert_true(isnan(narrow_round(BF16, NAN)) && isnan(narrow_round(F16, NAN)));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(numbers_are_rounded)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
