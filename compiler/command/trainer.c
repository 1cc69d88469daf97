/* trainer.c - builds, starts and asks the process that trains. See trainer.h. */
#include "trainer.h"
#include "library.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* As in runtime/program/trainer.c. */
typedef struct Request {
  int32_t what, n, slot, index;
  int64_t number;
  double value;
} Request;

typedef struct Answer {
  int32_t status, unused;
  int64_t size;
  double value;
} Answer;

/* ---- the area ---- */

static int64_t place(Trainer *t, int64_t bytes) {
  int64_t at = t->area_size;
  t->area_size += BUFFER_ALIGNED(bytes);
  return at;
}

/* What a safetensors header may take for each parameter, besides the values. */
enum { ROOM_FOR_A_NAME = 512 };

/* Samples of each slot, results, and room for what is sent as a whole: the largest is a checkpoint
 * that holds gradients too. */
static void plan_area(Trainer *t, const Plan *plan) {
  const Graph *g = t->g;
  Arena *arena = t->u->arena;
  int outputs = g->entry[ENTRY_FORWARD].want.n;
  t->in = NEW_ARRAY(arena, int64_t, TRAINER_SLOTS * (g->input.n + 1));
  t->out = NEW_ARRAY(arena, int64_t, outputs + 1);
  for (int s = 0; s < TRAINER_SLOTS; s++)
    for (int i = 0; i < g->input.n; i++) {
      const Type *type = &g->input.at[i].type;
      t->in[s * g->input.n + i] = place(t, type_size(type, t->batch) * dtype_size(type->dtype));
    }
  for (int i = 0; i < outputs; i++) {
    const Type *type = graph_output_type(g, i);
    t->out[i] = place(t, type_size(type, t->batch) * dtype_size(type->dtype));
  }
  t->losses = place(t, g->term.n * (int64_t)sizeof(float));
  t->extra_size =
      plan->param_bytes + plan->state_bytes + plan->grad_bytes + (g->param.n + 8) * ROOM_FOR_A_NAME;
  t->extra = place(t, t->extra_size);
}

static bool map_area(Trainer *t, const char *path) {
  int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  void *area = MAP_FAILED;
  if (file >= 0 && ftruncate(file, t->area_size) == 0)
    area = mmap(NULL, (size_t)t->area_size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (file >= 0) close(file);
  if (area != MAP_FAILED) {
    t->area = area;
    return true;
  }
  usage_error(t->u, "cannot map %s: %s", path, strerror(errno));
  return false;
}

void *trainer_input(const Trainer *t, int slot, int input) {
  return t->area + t->in[slot * t->g->input.n + input];
}

const float *trainer_output(const Trainer *t, int output) {
  return (const float *)(const void *)(t->area + t->out[output]);
}

/* ---- requests ---- */

/* Reads or writes all of it; the other side's end is an error. */
static bool transfer(int file, void *bytes, size_t size, bool out) {
  for (char *at = bytes; size > 0;) {
    ssize_t n = out ? write(file, at, size) : read(file, at, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += n;
    size -= (size_t)n;
  }
  return true;
}

static bool ended(Trainer *t) {
  close(t->to);
  close(t->from);
  int status = toolchain_wait(t->process);
  t->process = -1;
  usage_error(t->u, "the program that trains %s", toolchain_ending(t->u, status));
  return false;
}

/* A program that has ended is an error to report, not a signal to die of. */
static bool ask(Trainer *t, Request request) {
  const struct sigaction ignore = {.sa_handler = SIG_IGN};
  struct sigaction before;
  sigaction(SIGPIPE, &ignore, &before);
  bool asked = transfer(t->to, &request, sizeof request, true);
  sigaction(SIGPIPE, &before, NULL);
  return asked || ended(t);
}

static bool hear(Trainer *t, Answer *answer) {
  if (!transfer(t->from, answer, sizeof *answer, false)) return ended(t);
  if (answer->status == 0) return true;
  usage_error(t->u, "the library that trains answered %d", (int)answer->status);
  return false;
}

static bool request(Trainer *t, Request r, Answer *answer) {
  return ask(t, r) && hear(t, answer);
}

/* ---- the program ---- */

static const char *program_text(Trainer *t, const Options *o, const Plan *plan) {
  const Graph *g = t->g;
  Arena *arena = t->u->arena;
  EmitOptions options = {.prefix = "net", .base = "net"};
  Library l = library_new(plan, &options);
  Text out = {.arena = arena}, in = {.arena = arena}, step = {.arena = arena},
       result = {.arena = arena}, forward = {.arena = arena};
  for (int i = 0; i < TRAINER_SLOTS * g->input.n; i++)
    text_add(&in, "%s%" PRId64, i % g->input.n ? ", " : i ? "}, {" : "", t->in[i]);
  for (int i = 0; i < g->input.n; i++) {
    text_add(&step, ", (const void *)(area + at[%d])", i);
    if (g->input.at[i].kind == INPUT_DATA) text_add(&forward, ", (const void *)(area + at[%d])", i);
  }
  for (int i = 0; i < g->entry[ENTRY_FORWARD].want.n; i++)
    text_add(&forward, ", (void *)(area + %" PRId64 ")", t->out[i]);
  for (int i = 1; i < g->entry[ENTRY_TRAIN_FORWARD].want.n; i++)
    text_add(&result, ", (void *)(area + %" PRId64 ")",
             i == 1 ? t->out[0] : t->losses + (i - 2) * (int64_t)sizeof(float));
  text_add(&out,
           "#define _XOPEN_SOURCE 700\n#include \"net.h\"\n#include <fcntl.h>\n#include <math.h>\n"
           "#include <signal.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <sys/mman.h>\n"
           "#include <unistd.h>\n"
           "enum { net_extra_at = %" PRId64 ", net_AREA = %" PRId64 ", net_EXTRA = %" PRId64
           " };\nstatic const size_t net_in_at[%d][%d] = {{%s}};\n",
           t->extra, t->area_size, t->extra_size, TRAINER_SLOTS, g->input.n, in.at);
  if (o->gradient_norms) /* train_step leaves gradients if somebody is told of them */
    text_add(&out, "static void net_keep(void *user, size_t first, size_t count) {\n"
                   "  (void)user, (void)first, (void)count;\n}\n");
  text_add(&out,
           "static int net_call_step(net *ctx, int n, unsigned char *area, const size_t *at, "
           "float *loss) {\n%s  return net_train_step(ctx, n%s, loss%s);\n}\n"
           "static int net_call_forward(net *ctx, int n, unsigned char *area, const size_t *at) "
           "{\n  return net_forward(ctx, n%s);\n}\n",
           o->gradient_norms ? "  ctx->bucket = net_keep;\n" : "", step.at,
           result.n ? result.at : "", forward.at);
  library_program(&out, "net", "program/host.c");
  library_program(&out, "net", "program/trainer.c");
  t->param = l.param.at;
  t->nparam = l.param.n;
  return out.at;
}

/* Once it runs nothing of the folder is needed: it goes even if this process is killed. */
static bool greet(Trainer *t) {
  Answer a;
  bool runs = request(t, (Request){.what = 'h'}, &a);
  toolchain_remove(t->u, t->folder);
  t->folder = NULL;
  return runs;
}

/* Batches are prepared in this process while the program computes: those of its threads (GCC's
 * OpenMP) that wait for others spin for microseconds only, and then make room. */
static void wait_briefly(void) {
  setenv("GOMP_SPINCOUNT", "2000", 0);
}

static bool start(Trainer *t, const Options *o) {
  Unit *u = t->u;
  wait_briefly();
  const char *area = arena_printf(u->arena, "%s/area", t->folder);
  TextList words = program_words(u, o, t->folder);
  if (!map_area(t, area)) return false;
  vec_push(u->arena, &words, area);
  vec_push(u->arena, &words, arena_printf(u->arena, "%d", program_threads(o)));
  vec_push(u->arena, &words, NULL);
  t->process = toolchain_start(u, words.at, &t->to, &t->from);
  return t->process >= 0;
}

Status trainer_start(Unit *u, const Options *o, const Graph *g, Trainer *t) {
  const Target *target = pipeline_target(u, o, program_language());
  *t = (Trainer){.u = u, .g = g, .process = -1};
  Plan *plan = pipeline_plan(u, o, g, target, false);
  if (!plan) return STATUS_USAGE;
  t->batch = plan->max_batch;
  plan_area(t, plan);
  t->folder = toolchain_folder(u);
  if (!t->folder || !program_build(u, o, plan, t->folder, program_text(t, o, plan)) || !start(t, o))
    return STATUS_TOOL;
  return greet(t) ? STATUS_DONE : STATUS_TOOL;
}

void trainer_stop(Trainer *t) {
  if (t->process >= 0) {
    close(t->to);
    close(t->from);
    toolchain_wait(t->process);
  }
  if (t->area) munmap(t->area, (size_t)t->area_size);
  if (t->folder) toolchain_remove(t->u, t->folder);
  t->process = -1;
}

/* ---- what can be asked ---- */

bool trainer_ask_step(Trainer *t, int slot, int64_t n) {
  return ask(t, (Request){.what = 't', .n = (int32_t)n, .slot = slot});
}

bool trainer_wait_step(Trainer *t, double *loss) {
  Answer a;
  if (!hear(t, &a)) return false;
  const float *each = (const float *)(const void *)(t->area + t->losses);
  for (int i = 0; i < t->g->term.n; i++) loss[i] = t->g->term.n > 1 ? (double)each[i] : a.value;
  return true;
}

bool trainer_forward(Trainer *t, int slot, int64_t n) {
  Answer a;
  return request(t, (Request){.what = 'f', .n = (int32_t)n, .slot = slot}, &a);
}

bool trainer_init_params(Trainer *t, int64_t seed) {
  Answer a;
  return request(t, (Request){.what = 'i', .number = seed}, &a);
}

bool trainer_set_params(Trainer *t, double *const *values) {
  float *room = (float *)(void *)(t->area + t->extra);
  for (int i = 0; i < t->nparam; i++) {
    const Param *p = &t->g->param.at[t->param[i]];
    Answer a;
    if (!values[t->param[i]]) continue;
    for (int64_t k = 0; k < type_size(&p->type, 1); k++) room[k] = (float)values[t->param[i]][k];
    if (!request(t, (Request){.what = 'p', .index = i}, &a)) return false;
  }
  return true;
}

bool trainer_lr(Trainer *t, double *lr) {
  Answer a;
  if (!request(t, (Request){.what = 'l'}, &a)) return false;
  *lr = a.value;
  return true;
}

bool trainer_report(Trainer *t, double metric) {
  Answer a;
  return request(t, (Request){.what = 'm', .value = metric}, &a);
}

bool trainer_gradient_norm(Trainer *t, int index, double *norm) {
  Answer a;
  if (!request(t, (Request){.what = 'd', .index = index}, &a)) return false;
  *norm = a.value;
  return true;
}

static bool fetch(Trainer *t, int32_t what, const void **bytes, size_t *size) {
  Answer a;
  if (!request(t, (Request){.what = what}, &a)) return false;
  *bytes = t->area + t->extra;
  *size = (size_t)a.size;
  return true;
}

bool trainer_save(Trainer *t, const void **bytes, size_t *size) {
  return fetch(t, 's', bytes, size);
}

bool trainer_checkpoint(Trainer *t, const void **bytes, size_t *size) {
  return fetch(t, 'c', bytes, size);
}

bool trainer_restore(Trainer *t, const void *bytes, size_t size) {
  Answer a;
  if (size > (size_t)t->extra_size) return false;
  memcpy(t->area + t->extra, bytes, size);
  return request(t, (Request){.what = 'r', .number = (int64_t)size}, &a);
}
