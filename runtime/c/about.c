size_t NAME_context_size(void) {
  return sizeof(NAME);
}

static int NAME_aligned(const void *memory) {
  return (uintptr_t)memory % NAME_ALIGN == 0;
}
