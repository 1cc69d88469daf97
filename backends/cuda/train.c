/* train.c - the part of NAME.cu and NAME.h that trains: the entries train_forward, backward and
 * step of the Plan as functions, around runtime/cuda/train.c. Everything lies on the device, with
 * the run-time scalars behind the optimiser's state. */
#include "file.h"

#include <inttypes.h>

/* Run-time scalars and the learning rate before its schedule. */
enum { NUMBERS = SCALARS + 1, NUMBERS_BYTES = BUFFER_ALIGNED(NUMBERS * 8) };

/* ---- NAME.h ---- */

void cuda_train_sizes(Text *out, const Library *l) {
  const Plan *plan = l->plan;
  const struct {
    const char *name, *note;
    int64_t bytes;
  } size[] = {
      {"GRADS_BYTES", "device", library_at_least(plan->grad_bytes)},
      {"STATE_BYTES", "device: the optimiser's",
       library_at_least(plan->state_bytes) + NUMBERS_BYTES},
      {"TRAIN_WORK_BYTES", "device: activations, kept ones too", library_work(l)},
      {"CHECKPOINT_BYTES", "host", library_checkpoint_bytes(plan)},
  };
  text_add(out, "\n/* For training. */\n");
  for (int i = 0; i < COUNT(size); i++)
    text_add(out, "#define %s_%s ((size_t)%" PRId64 ") /* %s */\n", l->o->prefix, size[i].name,
             size[i].bytes, size[i].note);
}

void cuda_train_members(Text *out, const Library *l) {
  text_add(out,
           "  unsigned char *grads, *state, *kept, *sum; /* device */\n"
           "  double *scalar; /* device: what every call is told */\n"
           "  double begin[%d]; /* how the scalars begin */\n"
           "  int fresh; /* parameters that training begins with */\n",
           NUMBERS);
  library_train_members(out, l);
}

/* ---- NAME.cu ---- */

/* static int NAME_run_backward(NAME *ctx, int n, void *stream) */
static void add_entry(Emit *e, const Library *l, PlanEntry entry, const char *name,
                      const Text *calls) {
  const char *p = l->o->prefix;
  const bool step = entry == PLAN_STEP;
  const char *more = step ? "" : arena_printf(l->arena, ", int n%s", library_gradients(l, true));
  BLOCK(e, "static int %s_run_%s(%s *ctx%s, void *stream)", p, name, p, more) {
    if (step && calls->n) emit(e, "enum { n = 1 };");
    if (!calls->n) emit(e, "(void)ctx, (void)stream%s;", step ? "" : ", (void)n");
    library_kept_inputs(e, l, entry);
    if (calls->n) emit_text(e, calls->at);
    emit(e, "return %s_OK;", p);
  }
  emit_line(e);
}

void cuda_train_body(Emit *e, const Library *l, const Text calls[]) {
  const char *p = e->prefix;
  emit(e, "#define %s_KEPT_BYTES ((size_t)%" PRId64 ")", p, library_at_least(l->plan->kept_bytes));
  emit(e, "#define %s_STATE_RAW_BYTES ((size_t)%" PRId64 ")", p,
       library_at_least(l->plan->state_bytes));
  library_train_tables(e->out, l);
  emit_line(e);
  library_train_code(e->out, l);
  library_template(e->out, l, "cuda/train.c");
  emit_line(e);
  add_entry(e, l, PLAN_BACKWARD, "backward", &calls[PLAN_BACKWARD]);
  add_entry(e, l, PLAN_STEP, "step", &calls[PLAN_STEP]);
}

static void add_train_forward(Emit *e, const Library *l, const Text *calls) {
  const char *p = l->o->prefix;
  library_open_train_forward(e, l);
  emit(e, "if (!ctx->uploaded) return %s_E_WEIGHTS;", p);
  emit(e, "if (CNNC_START(%s_device_pass, 1, 1, stream, ctx->scalar, n)) return %s_E_DEVICE;", p,
       p);
  if (calls->n) emit_text(e, calls->at);
  library_end_train_forward(e, l);
  if (l->plan->graph->entry[ENTRY_TRAIN_FORWARD].update.n)
    emit(e, "return %s_derive(ctx, stream);", p);
  else
    emit(e, "return %s_OK;", p);
  emit_close(e);
  emit_line(e);
}

void cuda_train_entries(Emit *e, const Library *l, const Text calls[]) {
  emit_line(e);
  add_train_forward(e, l, &calls[PLAN_TRAIN_FORWARD]);
  library_train_step(e, l);
}

/* ---- facts ---- */

void cuda_train_facts(Emit *e, const Library *l) {
  static const char *const kernels[] = {"pass", "step", "seed", "lr"};
  const Plan *plan = l->plan;
  library_train_facts(e, l);
  for (int i = 0; i < COUNT(kernels); i++)
    emit_fact(e, arena_printf(l->arena, "%s_device_%s", l->o->prefix, kernels[i]), "scalar", 0,
              NUMBERS - 1);
  if (l->bucket.n > 0) {
    library_sized_fact(e, "device_add", "grads", "count");
    library_sized_fact(e, "device_add", "sum", "count");
  }
  emit_fact(e, NULL, "scalar", 0, NUMBERS - 1);
  emit_fact(e, NULL, "state", 0, library_at_least(plan->state_bytes) + NUMBERS_BYTES - 1);
}
