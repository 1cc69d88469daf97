/* tensors.c - what is common to all tensors from files: the kinds of elements and their
 * conversion. */
#include "tensors.h"

#include <math.h>
#include <string.h>

const ElementInfo elements[ELEMENTS] = {
    [ELEMENT_F32] = {"F32", "<f4", 4}, [ELEMENT_F64] = {"F64", "<f8", 8},
    [ELEMENT_F16] = {"F16", "<f2", 2}, [ELEMENT_BF16] = {"BF16", NULL, 2},
    [ELEMENT_U8] = {"U8", "|u1", 1},   [ELEMENT_I8] = {"I8", "|i1", 1},
    [ELEMENT_I16] = {"I16", "<i2", 2}, [ELEMENT_I32] = {"I32", "<i4", 4},
    [ELEMENT_I64] = {"I64", "<i8", 8}, [ELEMENT_BOOL] = {"BOOL", "|b1", 1},
};

int64_t shape_size(const int64_t *dim, int rank, int bytes_each) {
  int64_t size = bytes_each;
  bool empty = false;
  for (int i = 0; i < rank; i++) {
    if (dim[i] < 0) return -1;
    if (dim[i] == 0)
      empty = true;
    else if (size > INT64_MAX / dim[i])
      return -1;
    else
      size *= dim[i];
  }
  return empty ? 0 : size / bytes_each;
}

int64_t tensor_size(const Tensor *t) {
  return shape_size(t->dim, t->rank, 1);
}

size_t tensor_bytes(const Tensor *t) {
  return (size_t)tensor_size(t) * (size_t)elements[t->element].size;
}

bool tensor_is_integer(const Tensor *t) {
  return t->element >= ELEMENT_U8;
}

static double from_f16(uint16_t bits) {
  int exponent = bits >> 10 & 31, fraction = bits & 1023;
  double sign = bits >> 15 ? -1 : 1;
  if (exponent == 31) return fraction ? (double)NAN : sign * (double)INFINITY;
  return sign * (exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24));
}

static float from_bf16(uint16_t bits) {
  uint32_t wide = (uint32_t)bits << 16;
  float value;
  memcpy(&value, &wide, sizeof value);
  return value;
}

double tensor_value(const Tensor *t, int64_t i) {
  switch (t->element) {
  case ELEMENT_F32: return ((const float *)t->data)[i];
  case ELEMENT_F64: return ((const double *)t->data)[i];
  case ELEMENT_F16: return from_f16(((const uint16_t *)t->data)[i]);
  case ELEMENT_BF16: return from_bf16(((const uint16_t *)t->data)[i]);
  case ELEMENT_U8: return ((const uint8_t *)t->data)[i];
  case ELEMENT_I8: return ((const int8_t *)t->data)[i];
  case ELEMENT_I16: return ((const int16_t *)t->data)[i];
  case ELEMENT_I32: return ((const int32_t *)t->data)[i];
  case ELEMENT_I64: return (double)((const int64_t *)t->data)[i];
  case ELEMENT_BOOL: return ((const uint8_t *)t->data)[i] != 0;
  case ELEMENTS: break;
  }
  BUG("element %d of tensor %s", t->element, t->name);
}

#define CONVERT(Type)                                                                              \
  if (step == 1) /* compilers make vectors of this one */                                          \
    for (int64_t i = 0; i < n; i++) out[i] = (float)((const Type *)t->data)[from + i];             \
  else                                                                                             \
    for (int64_t i = 0; i < n; i++) out[i] = (float)((const Type *)t->data)[from + i * step]

void tensor_floats(const Tensor *t, int64_t from, int64_t step, int64_t n, float *out) {
  switch (t->element) {
  case ELEMENT_F32: CONVERT(float); return;
  case ELEMENT_F64: CONVERT(double); return;
  case ELEMENT_U8: CONVERT(uint8_t); return;
  case ELEMENT_I16: CONVERT(int16_t); return;
  default: break;
  }
  for (int64_t i = 0; i < n; i++) out[i] = (float)tensor_value(t, from + i * step);
}

const float *tensor_f32(Arena *arena, const Tensor *t) {
  if (t->element == ELEMENT_F32) return t->data;
  int64_t size = tensor_size(t);
  float *out = NEW_ARRAY(arena, float, size);
  tensor_floats(t, 0, 1, size, out);
  return out;
}

const double *tensor_f64(Arena *arena, const Tensor *t) {
  if (t->element == ELEMENT_F64) return t->data;
  int64_t size = tensor_size(t);
  double *out = NEW_ARRAY(arena, double, size);
  for (int64_t i = 0; i < size; i++) out[i] = tensor_value(t, i);
  return out;
}

void tensor_print_shape(Text *out, const Tensor *t) {
  text_add(out, "[");
  for (int i = 0; i < t->rank; i++) text_add(out, "%s%lld", i ? "," : "", (long long)t->dim[i]);
  text_add(out, "]");
}
