/* network.c - the reader of network documents: JSON -> Graph, for inference and for training. */
#include "fuzz.h"
#include "graph.h"

static bool read(const uint8_t *bytes, size_t size, bool training) {
  Unit *u = fuzz_unit();
  const char *text = fuzz_text(u, bytes, size);
  const Graph *g = read_text(u, "fuzz.json", text, size, &(ReadOptions){.training = training});
  if (!g != (u->errors > 0)) abort();
  if (g) graph_verify(g);
  unit_free(u);
  return g != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  if (read(bytes, size, false)) read(bytes, size, true);
  return 0;
}
