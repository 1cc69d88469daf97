/* plan.c - the reader of plans as text. What it accepts prints, and reads back the same. */
#include "fuzz.h"
#include "backend.h"
#include "plan.h"

static const Target target = {.name = "any"};

static const char *print(const Plan *p) {
  Text text = {.arena = p->u->arena};
  plan_print(&text, p);
  return text.at;
}

static const Plan *parse(Unit *u, const char *text) {
  Graph *g = graph_new(u);
  g->name = "net";
  return plan_parse(u, g, &target, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  Unit *u = fuzz_unit(), *again = fuzz_unit();
  const Plan *p = parse(u, fuzz_text(u, bytes, size));
  if (p) {
    const char *text = print(p);
    p = parse(again, text);
    if (!p) fprintf(stderr, "is not read back:\n%s\n", text), abort();
    fuzz_expect_same(text, print(p));
  }
  unit_free(u);
  unit_free(again);
  return 0;
}
