/* train.c - the part of NAME.cu and NAME.h that trains: the entries train_forward, backward and
 * step of the Plan as functions, around runtime/cuda/train.c. Everything lies on the device, with
 * the run-time scalars behind the optimiser's state. */
#include "file.h"

#include <inttypes.h>

/* Run-time scalars and the learning rate before its schedule. */
enum {
  NUMBERS = SCALARS + 1,
  NUMBERS_BYTES = (NUMBERS * 8 + LIBRARY_ALIGN - 1) / LIBRARY_ALIGN * LIBRARY_ALIGN
};

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

void cuda_train_memory(Text *out, const Library *l) {
  text_add(out,
           "  /* For training (all three or, for a context that only infers, none): */\n"
           "  void *grads; /* device */\n"
           "  size_t grads_bytes; /* at least %s_GRADS_BYTES */\n"
           "  void *state; /* device */\n"
           "  size_t state_bytes; /* at least %s_STATE_BYTES */\n",
           l->o->prefix, l->o->prefix);
}

void cuda_train_members(Text *out, const Library *l) {
  text_add(out,
           "  unsigned char *grads, *state, *kept, *sum; /* device */\n"
           "  double *scalar; /* device: what every call is told */\n"
           "  double begin[%d]; /* how the scalars begin */\n"
           "  double least, waited; /* of what was reported */\n"
           "  int fresh; /* parameters that training begins with */\n"
           "  int samples; /* of the last forward pass for training */\n"
           "  int passes;  /* backward, since the last step */\n",
           NUMBERS);
  library_train_members(out, l);
}

static bool accumulates(const Library *l) {
  return graph_rule(l->plan->graph)->accumulate > 1;
}

void cuda_train_functions(Text *out, const Library *l) {
  const char *p = l->o->prefix;
  text_add(out, "\n");
  library_template(out, l, "cuda/train.h");
  library_train_note(out, l);
  text_add(out,
           "\n/* The loss of n samples, as training sees them; keeps what %s_backward needs. */\n"
           "int %s_train_forward(%s *ctx, int n%s, float *loss, void *stream);\n"
           "/* All of it: forward, backward, step%s. */\n"
           "int %s_train_step(%s *ctx, int n%s, float *loss, void *stream);\n",
           p, p, p, library_train_parameters(l),
           accumulates(l) ? " after as many as the optimiser accumulates" : "", p, p,
           library_train_parameters(l));
}

/* ---- NAME.cu ---- */

/* static int NAME_run_backward(NAME *ctx, int n, void *stream) */
static void add_entry(Emit *e, const Library *l, PlanEntry entry, const char *name,
                      const Text *calls) {
  const char *p = l->o->prefix;
  const bool step = entry == PLAN_STEP;
  BLOCK(e, "static int %s_run_%s(%s *ctx%s, void *stream)", p, name, p, step ? "" : ", int n") {
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
  add_entry(e, l, PLAN_BACKWARD, "backward", &calls[PLAN_BACKWARD]);
  add_entry(e, l, PLAN_STEP, "step", &calls[PLAN_STEP]);
  library_template(e->out, l, "cuda/train.c");
  emit_line(e);
}

static void add_train_forward(Emit *e, const Library *l, const Text *calls) {
  const char *p = l->o->prefix;
  emit_wrapped(e, arena_printf(l->arena,
                               "int %s_train_forward(%s *ctx, int n%s, float *loss, "
                               "void *stream) {",
                               p, p, library_train_parameters(l)));
  e->indent++;
  emit(e, "if (!ctx%s || !loss) return %s_E_NULL;", library_train_null_tests(l), p);
  emit(e, "if (!ctx->grads) return %s_E_MEMORY;", p);
  emit(e, "if (n < 1 || n > %s_MAX_BATCH) return %s_E_BATCH;", p, p);
  emit(e, "if (!ctx->uploaded) return %s_E_WEIGHTS;", p);
  emit(e, "if (CNNC_START(%s_device_pass, 1, 1, stream, ctx->scalar, n)) return %s_E_DEVICE;", p,
       p);
  if (calls->n) emit_text(e, calls->at);
  library_keep_inputs(e, l);
  emit(e, "ctx->samples = n;");
  if (l->plan->graph->entry[ENTRY_TRAIN_FORWARD].update.n)
    emit(e, "return %s_derive(ctx, stream);", p);
  else
    emit(e, "return %s_OK;", p);
  emit_close(e);
  emit_line(e);
}

static void add_train_step(Emit *e, const Library *l) {
  const char *p = l->o->prefix;
  emit_wrapped(e, arena_printf(l->arena,
                               "int %s_train_step(%s *ctx, int n%s, float *loss, "
                               "void *stream) {",
                               p, p, library_train_parameters(l)));
  e->indent++;
  emit(e, "int status = %s_train_forward(ctx, n%s, loss, stream);", p, library_train_names(l));
  emit(e, "if (!status) status = %s_backward(ctx, n, %s, stream);", p,
       accumulates(l) ? "ctx->passes > 0" : "0");
  if (accumulates(l)) emit(e, "if (!status && ctx->passes < %s_ACCUMULATE) return %s_OK;", p, p);
  emit(e, "return status ? status : %s_step(ctx, stream);", p);
  emit_close(e);
}

void cuda_train_entries(Emit *e, const Library *l, const Text calls[]) {
  emit_line(e);
  add_train_forward(e, l, &calls[PLAN_TRAIN_FORWARD]);
  add_train_step(e, l);
}

/* ---- facts ---- */

void cuda_train_facts(Emit *e, const Library *l) {
  static const char *const kernels[] = {"pass", "step", "seed", "lr"};
  const Plan *plan = l->plan;
  const int64_t grads = library_at_least(plan->grad_bytes) / (int64_t)sizeof(float);
  const char *add = arena_printf(l->arena, "%s_device_add", l->o->prefix);
  library_train_facts(e, l);
  for (int i = 0; i < COUNT(kernels); i++)
    emit_fact(e, arena_printf(l->arena, "%s_device_%s", l->o->prefix, kernels[i]), "scalar", 0,
              NUMBERS - 1);
  emit_fact(e, add, "grads", 0, grads - 1);
  emit_fact(e, add, "sum", 0, grads - 1);
  emit_fact(e, NULL, "scalar", 0, NUMBERS - 1);
  emit_fact(e, NULL, "state", 0, library_at_least(plan->state_bytes) + NUMBERS_BYTES - 1);
}
