/* bench.c - the command bench: every algorithm of every contraction, by running what is emitted. */
#include "bench.h"
#include "algos.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- measuring ---- */

static void show_progress(int done, int all, const Subject *s, const Algo *algo) {
  if (!isatty(STDERR_FILENO)) return;
  if (algo)
    fprintf(stderr, "\r\033[K%d of %d: %s %s by %s", done + 1, all, s->layer, role_names[s->role],
            algo->name);
  else
    fprintf(stderr, "\r\033[K");
}

static int count_candidates(const Bench *b) {
  int n = 0;
  for (int i = 0; i < b->subjects.n; i++)
    for (int a = 0; a < ALGO_KINDS && b->subjects.at[i].first == i; a++)
      n += b->subjects.at[i].serves[a];
  return n;
}

static double best_estimate(const Bench *b, const Subject *s, double *estimate) {
  double best = INFINITY;
  for (int a = 0; a < ALGO_KINDS; a++) {
    estimate[a] = s->allowed[a] ? measure_estimate(b->u, b->target, s, algos[a]) : INFINITY;
    if (estimate[a] < best) best = estimate[a];
  }
  return best;
}

/* The fastest of the rows from `from` on whose error is allowed. */
static void find_winner(Bench *b, int from) {
  BenchRow *best = NULL;
  const double most = b->o->max_error > 0 ? b->o->max_error : PLAN_MAX_ERROR;
  for (int i = from; i < b->row.n; i++) {
    BenchRow *row = &b->row.at[i];
    if (!row->allowed || !(row->m.error <= most)) continue;
    if (!best || row->m.least < best->m.least) best = row;
  }
  if (best) best->wins = true;
}

static void copy_rows(Bench *b, int subject) {
  const int first = b->subjects.at[subject].first, rows = b->row.n;
  for (int i = 0; i < rows; i++) {
    BenchRow row = b->row.at[i];
    if (row.subject != first) continue;
    row.subject = subject;
    vec_push(b->u->arena, &b->row, row);
  }
}

bool bench_measure(Bench *b, double within) {
  const int all = count_candidates(b);
  int done = 0;
  for (int i = 0; i < b->subjects.n; i++) {
    const Subject *s = &b->subjects.at[i];
    const int from = b->row.n;
    double estimate[ALGO_KINDS];
    if (s->first != i) {
      copy_rows(b, i);
      continue;
    }
    const double best = within > 0 ? best_estimate(b, s, estimate) : 0;
    for (int a = 0; a < ALGO_KINDS; a++) {
      BenchRow row = {.subject = i, .allowed = s->allowed[a]};
      if (!s->serves[a]) continue;
      show_progress(done++, all, s, algos[a]);
      if (within > 0 && (!row.allowed || estimate[a] > within * best)) continue;
      if (!measure(b->u, b->o, b->target, s, algos[a], &row.m)) return false;
      vec_push(b->u->arena, &b->row, row);
      b->measured++;
    }
    find_winner(b, from);
  }
  show_progress(all, all, NULL, NULL);
  return true;
}

double bench_speed(const Bench *b, const BenchRow *row) {
  const double seconds = row->m.least;
  return seconds > 0 ? b->subjects.at[row->subject].operations / seconds : 0;
}

double bench_share(const Bench *b, const BenchRow *row) {
  return b->peak.flops > 0 ? bench_speed(b, row) / b->peak.flops : 0;
}

/* ---- the plan of the winners ---- */

static const Measurement *winner_of(const Bench *b, const Decision *d) {
  for (int i = 0; i < b->row.n; i++) {
    const BenchRow *row = &b->row.at[i];
    const Subject *s = &b->subjects.at[row->subject];
    if (row->wins && row->m.algo == d->algo && strcmp(subject_name(b->u, s), d->kernel) == 0)
      return &row->m;
  }
  return NULL;
}

/* Winners are asked for as --algo asks; the user's own --algo come behind and count more. */
Plan *bench_plan(const Bench *b, const Graph *g) {
  Arena *arena = b->u->arena;
  Options options = *b->o;
  TextList asked = {0};
  for (int i = 0; i < b->row.n; i++) {
    const BenchRow *row = &b->row.at[i];
    const Subject *s = &b->subjects.at[row->subject];
    if (row->wins)
      vec_push(arena, &asked,
               arena_printf(arena, "%s:%s=%s", s->layer, role_names[s->role], row->m.algo->name));
  }
  for (int i = 0; i < options.algo.n; i++) vec_push(arena, &asked, options.algo.at[i]);
  options.algo = asked;
  options.save_plan = NULL;
  Plan *plan = pipeline_plan(b->u, &options, g, b->target, false);
  for (int i = 0; plan && i < plan->decision.n; i++) {
    Decision *d = &plan->decision.at[i];
    const Measurement *m = d->algo ? winner_of(b, d) : NULL;
    if (!m) continue;
    d->seconds = m->least;
    d->error = m->error;
  }
  return plan;
}

/* ---- what the estimate would have taken ---- */

static BenchRow *least_estimate(Bench *b, int subject) {
  BenchRow *least = NULL;
  for (int i = 0; i < b->row.n; i++) {
    BenchRow *row = &b->row.at[i];
    if (row->subject == subject && row->allowed &&
        (!least || row->m.predicted < least->m.predicted))
      least = row;
  }
  return least;
}

static bool is_taken(const Plan *p, const Subject *s, const Algo *algo) {
  for (int i = 0; i < p->choice.n; i++) {
    const Choice *c = &p->choice.at[i];
    if (c->taken && c->entry == s->entry && c->role == s->role && strcmp(c->layer, s->layer) == 0)
      return strcmp(c->algo, algo->name) == 0;
  }
  return false;
}

/* False after a message. */
static bool mark_chosen(Bench *b, const Graph *g) {
  Options options = *b->o;
  options.save_plan = NULL;
  const Plan *plan = g ? pipeline_plan(b->u, &options, g, b->target, false) : NULL;
  for (int i = 0; i < b->subjects.n && !plan; i++) {
    BenchRow *row = least_estimate(b, i);
    if (row) row->chosen = true;
  }
  for (int i = 0; i < b->row.n && plan; i++) {
    BenchRow *row = &b->row.at[i];
    row->chosen = is_taken(plan, &b->subjects.at[row->subject], row->m.algo);
  }
  return !g || plan;
}

static const BenchRow *winner(const Bench *b, int subject) {
  for (int i = 0; i < b->row.n; i++)
    if (b->row.at[i].subject == subject && b->row.at[i].wins) return &b->row.at[i];
  return NULL;
}

void bench_count_near(const Bench *b, int *near, int *all) {
  *near = *all = 0;
  for (int i = 0; i < b->row.n; i++) {
    const BenchRow *row = &b->row.at[i], *best = winner(b, row->subject);
    if (!row->chosen || !best) continue;
    ++*all;
    *near += row->m.least <= NEAR * best->m.least;
  }
}

/* ---- the table ---- */

static const char *bytes_text(Unit *u, int64_t bytes) {
  return bytes < 10000 ? arena_printf(u->arena, "%" PRId64 " B", bytes)
                       : arena_printf(u->arena, "%.1f kB", 1e-3 * (double)bytes);
}

static int layer_width(const Bench *b) {
  int width = 5;
  for (int i = 0; i < b->subjects.n; i++)
    if ((int)strlen(b->subjects.at[i].layer) > width) width = (int)strlen(b->subjects.at[i].layer);
  return width;
}

/* How good choosing without measuring is. */
static void print_estimate(const Bench *b) {
  int near, all;
  bench_count_near(b, &near, &all);
  if (all)
    printf("estimate (e where it is not the fastest): within 10 %% of the fastest for %d of %d "
           "kernels "
           "(%.0f %%)\n",
           near, all, 100.0 * near / all);
}

static void print_table(const Bench *b) {
  const int width = layer_width(b);
  printf("%s, target %s, %d thread%s; peak %.1f GFLOP/s, memory %.1f GB/s\n", b->name,
         b->target->name, program_threads(b->o), program_threads(b->o) > 1 ? "s" : "",
         1e-9 * b->peak.flops, 1e-9 * b->peak.bandwidth);
  printf("  %-*s  %-5s  %-13s %10s %10s %9s %7s %12s %9s\n", width, "layer", "pass", "algorithm",
         "min ms", "median ms", "GFLOP/s", "share", "workspace", "error");
  for (int i = 0; i < b->row.n; i++) {
    const BenchRow *r = &b->row.at[i];
    const Subject *s = &b->subjects.at[r->subject];
    const bool again = i > 0 && b->row.at[i - 1].subject == r->subject;
    const char mark = r->wins ? '*' : r->chosen ? 'e' : ' ';
    printf("%c %-*s  %-5s  %-13s %10.4f %10.4f %9.1f %6.1f%% %12s %9.1e\n", mark, width,
           again ? "" : s->layer, again ? "" : role_names[s->role], r->m.algo->name,
           1e3 * r->m.least, 1e3 * r->m.median, 1e-9 * bench_speed(b, r), 100 * bench_share(b, r),
           bytes_text(b->u, r->m.workspace), r->m.error);
  }
  print_estimate(b);
  if (b->output_error >= 0)
    printf("the network as the estimate takes it: error of its output %.1e\n", b->output_error);
}

/* ---- the command ---- */

static bool write_report(const Bench *b, const char *path, void (*report)(Text *, const Bench *)) {
  Text text = {.arena = b->u->arena};
  if (!path) return true;
  report(&text, b);
  return file_write(b->u, path, text.at, text.n);
}

static void check_reports(Unit *u, const Options *o) {
  const char *const paths[] = {o->csv_file, o->json_file, o->html_file, o->save_plan};
  for (int i = 0; i < COUNT(paths); i++)
    if (paths[i]) file_writable(u, paths[i]);
}

/* False after a message, also of somebody else. */
static bool read_subjects(Bench *b, Graph **g) {
  if (b->o->shapes && b->target) return shapes_read(b, b->o->shapes) && !b->u->errors;
  *g = b->o->shapes ? NULL : pipeline_read(b->u, b->o);
  if (!*g || !b->target) return false;
  Plan *lowered = pipeline_lowered(b->u, b->o, *g, b->target);
  if (!lowered) return false;
  b->name = (*g)->name;
  b->subjects = measure_subjects(b->u, lowered);
  return true;
}

static void check_options(Unit *u, const Options *o) {
  if (o->shapes && o->network)
    usage_error(u, "--shapes %s stands in place of a network: not both", o->shapes);
  if (o->shapes && o->save_plan)
    usage_error(u, "--save-plan: a plan belongs to a network, and --shapes measures none");
  if (o->within > 0 && o->within < 1)
    usage_error(u, "--within %g: the best estimate itself is 1 times as long", o->within);
}

Status command_bench(Unit *u, const Options *given) {
  Options options = *given;
  const Options *o = &options;
  check_options(u, given);
  check_reports(u, o);
  if (o->shapes) options.network = o->shapes;
  Bench b = {.u = u, .o = o, .target = pipeline_target(u, o, program_language())};
  Graph *g = NULL;
  b.output_error = -1;
  if (!read_subjects(&b, &g)) return STATUS_INPUT;
  for (int i = 0; i < b.subjects.n; i++) b.subjects.at[i].cold &= o->cold && !o->shapes;
  if (!measure_peak(u, o, b.target, &b.peak) || !bench_measure(&b, o->within)) return STATUS_TOOL;
  if (!mark_chosen(&b, g)) return STATUS_INPUT;
  if (g && !o->train && !measure_output_error(u, o, g, b.target, &b.output_error))
    return STATUS_TOOL;
  print_table(&b);
  if (!write_report(&b, o->csv_file, bench_csv) || !write_report(&b, o->json_file, bench_json) ||
      !write_report(&b, o->html_file, bench_page))
    return STATUS_INPUT;
  if (!o->save_plan) return STATUS_DONE;
  Plan *plan = bench_plan(&b, g);
  return plan && pipeline_save_plan(u, o, o->save_plan, plan) ? STATUS_DONE : STATUS_INPUT;
}
