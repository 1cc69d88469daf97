/* training_program.h - program.h for libraries that train. */
#include "program.h"

/* Memory of a context that trains. */
static inline NAME(_memory) training_memory(int threads) {
  NAME(_memory) m = {.hash = NAME(_HASH)};
  m.params = memory_of(m.params_bytes = NAME(_PARAMS_BYTES));
  m.work = memory_of(m.work_bytes = NAME(_TRAIN_WORK_BYTES)(threads));
  m.grads = memory_of(m.grads_bytes = NAME(_GRADS_BYTES));
  m.state = memory_of(m.state_bytes = NAME(_STATE_BYTES));
  return m;
}
