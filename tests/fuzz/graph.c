/* graph.c - the reader of graphs as text. What it accepts holds every invariant, prints, and reads
 * back the same. */
#include "fuzz.h"
#include "graph.h"

static const char *print(const Graph *g) {
  Text text = {.arena = g->u->arena};
  graph_print(&text, g);
  return text.at;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  Unit *u = fuzz_unit(), *again = fuzz_unit();
  const Graph *g = graph_parse(u, fuzz_text(u, bytes, size));
  if (g) {
    const char *text = print(g);
    graph_verify(g);
    g = graph_parse(again, text);
    if (!g) fprintf(stderr, "is not read back:\n%s\n", text), abort();
    fuzz_expect_same(text, print(g));
  }
  unit_free(u);
  unit_free(again);
  return 0;
}
