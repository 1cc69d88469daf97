/* bench_report.c - measurements as a table for programs, as JSON, and as a page that needs nothing
 * but itself: the JSON inside runtime/pages/bench.html. */
#include "bench.h"
#include "algos.h"
#include "page.h"

#include <inttypes.h>
#include <stdlib.h>

void bench_csv(Text *out, const Bench *b) {
  text_add(out, "layer,pass,algorithm,min_ms,median_ms,gflops,share,workspace_bytes,error\n");
  for (int i = 0; i < b->row.n; i++) {
    const BenchRow *r = &b->row.at[i];
    const Subject *s = &b->subjects.at[r->subject];
    text_add(out, "%s,%s,%s,%.6g,%.6g,%.6g,%.4g,%" PRId64 ",%.3g\n", s->layer, role_names[s->role],
             r->m.algo->name, 1e3 * r->m.least, 1e3 * r->m.median, 1e-9 * bench_speed(b, r),
             bench_share(b, r), r->m.workspace, r->m.error);
  }
}

static json_t *row_json(const Bench *b, const BenchRow *r) {
  const Subject *s = &b->subjects.at[r->subject];
  return json_pack("{s:s, s:s, s:s, s:f, s:f, s:f, s:f, s:I, s:f, s:f, s:f, s:f, s:b, s:b}",
                   "layer", s->layer, "pass", role_names[s->role], "algorithm", r->m.algo->name,
                   "min_ms", 1e3 * r->m.least, "median_ms", 1e3 * r->m.median, "gflops",
                   1e-9 * bench_speed(b, r), "share", bench_share(b, r), "workspace_bytes",
                   (json_int_t)r->m.workspace, "error", r->m.error, "estimated_ms",
                   1e3 * r->m.predicted, "operations", s->operations, "bytes", s->bytes, "wins",
                   r->wins, "chosen", r->chosen);
}

static json_t *whole_json(const Bench *b) {
  json_t *rows = json_array();
  for (int i = 0; i < b->row.n; i++) json_array_append_new(rows, row_json(b, &b->row.at[i]));
  const int64_t batch = b->subjects.n ? b->subjects.at[0].batch : 1;
  json_t *error = b->output_error < 0 ? json_null() : json_real(b->output_error);
  return json_pack("{s:s, s:s, s:I, s:i, s:f, s:f, s:o, s:o}", "network", b->name, "target",
                   b->target->name, "batch", (json_int_t)batch, "threads", program_threads(b->o),
                   "peak_gflops", 1e-9 * b->peak.flops, "memory_gb_s", 1e-9 * b->peak.bandwidth,
                   "output_error", error, "rows", rows);
}

void bench_json(Text *out, const Bench *b) {
  json_t *whole = whole_json(b);
  char *text = json_dumps(whole, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
  text_add(out, "%s\n", text);
  free(text);
  json_decref(whole);
}

void bench_page(Text *out, const Bench *b) {
  page_print(out, "pages/bench.html", whole_json(b));
}
