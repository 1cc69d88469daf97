static int NAME_check_params(const NAME_memory *memory) {
  if (!memory->params) return NAME_E_NULL;
  if (!NAME_aligned(memory->params)) return NAME_E_ALIGN;
  if (memory->params_bytes < NAME_PARAMS_BYTES) return NAME_E_WEIGHTS;
  return NAME_is_loaded(memory->params) ? NAME_OK : NAME_E_WEIGHTS;
}

static NAME_params_memory *NAME_take_params(const NAME_memory *memory) {
  return (NAME_params_memory *)memory->params;
}
