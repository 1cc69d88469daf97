/* npy.c - the reader of NumPy's arrays. All numbers of what it accepts can be read. */
#include "fuzz.h"
#include "tensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  Unit *u = fuzz_unit();
  Tensor t;
  if (npy_parse(u, "fuzz.npy", (const char *)bytes, size, &t))
    tensor_f64(u->arena, &t);
  else if (!u->errors)
    abort();
  unit_free(u);
  return 0;
}
