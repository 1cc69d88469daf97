/* weights.c - the reader of safetensors. All numbers of what it accepts can be read. */
#include "fuzz.h"
#include "tensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  Unit *u = fuzz_unit();
  Tensors tensors;
  if (weights_parse(u, "fuzz.safetensors", (const char *)bytes, size, &tensors))
    for (int i = 0; i < tensors.n; i++) tensor_f32(u->arena, &tensors.at[i]);
  else if (!u->errors)
    abort();
  unit_free(u);
  return 0;
}
