const char *NAME_strerror(int code) {
  switch (code) {
  case NAME_OK: return "no error";
  case NAME_E_NULL: return "a pointer is NULL";
  case NAME_E_BATCH: return "the number of samples is out of range, or there was no pass of so many before";
  case NAME_E_ALIGN: return "memory is not aligned";
  case NAME_E_MEMORY: return "memory is too small, or none was given for training";
  case NAME_E_CPU: return "this processor lacks the instructions the library was made for";
  case NAME_E_WEIGHTS: return "parameters are missing or are not those of this network";
  case NAME_E_HASH: return "header and source come from different runs of cnnc";
  case NAME_E_DEVICE: return "a device reported an error";
  case NAME_E_RANGE: return "an index or the number of threads is out of range";
  case NAME_E_FILE: return "a file cannot be opened, read or written";
  default: return "unknown error";
  }
}

size_t NAME_context_size(void) {
  return sizeof(NAME);
}

static int NAME_aligned(const void *memory) {
  return (uintptr_t)memory % NAME_ALIGN == 0;
}
