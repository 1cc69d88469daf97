/* library_train_header.c - what NAME.h says about training: memory, members of the context, and the
 * functions in the order of use. What does not apply to a network is not said of it. */
#include "library.h"

#include <inttypes.h>

/* ---- memory and context ---- */

void library_train_memory(Text *out, const Library *l) {
  library_text(out, l,
               ",\n *        .grads = grads, .grads_bytes = NAME_GRADS_BYTES,"
               "\n *        .state = state, .state_bytes = NAME_STATE_BYTES");
}

void library_train_example(Text *out, const Library *l, const char *more) {
  const char *p = l->o->prefix;
  text_add(out,
           " *\n * It trains from what was loaded, or from parameters drawn by chance:\n *\n"
           " *   status = %s_init_params(&net, seed);\n",
           p);
  if (*more) text_add(out, " *   status = %s_upload(&net%s);\n", p, more);
  text_add(out, " *   while (!status && ...) status = %s_train_step(&net, n", p);
  for (int i = 0; i < l->plan->graph->input.n; i++) text_add(out, ", %s", l->input[i]);
  text_add(out, ", %sloss%s);\n", *more ? "" : "&", more);
  if (*more)
    text_add(out, " *   status = %s_download(&net%s); then wait for the stream\n", p, more);
  text_add(out, " *   status = %s_save_file(&net, \"%s.safetensors\");\n", p, l->name);
}

void library_train_memory_members(Text *out, const Library *l, const char *where) {
  static const char *const member[][2] = {{"grads", "GRADS"}, {"state", "STATE"}};
  text_add(
      out,
      "  /* To train, both of these and %s_TRAIN_WORK_BYTES%s of work; to infer only, neither: "
      "*/\n",
      l->o->prefix, *where ? "" : "(threads)");
  for (int i = 0; i < COUNT(member); i++)
    text_add(out, "  void *%s;%s\n  size_t %s_bytes; /* at least %s_%s_BYTES */\n", member[i][0],
             where, member[i][0], l->o->prefix, member[i][1]);
}

void library_train_hook(Text *out, const Library *l) {
  library_text(out, l,
               "  /* For training on several machines, with `user`; NAME_init sets it to NULL. */\n"
               "  NAME_bucket *bucket;\n");
}

void library_train_members(Text *out, const Library *l) {
  const Graph *g = l->plan->graph;
  text_add(out, "  double least, waited; /* of what was reported */\n"
                "  int samples; /* of the last forward pass for training */\n"
                "  int passes;  /* backward, since the last step */\n"
                "  int adding;  /* a backward pass, to the gradients that are there */\n"
                "  int updating; /* train_step moves parameters while it goes back */\n");
  for (int i = 0; i < g->input.n; i++)
    text_add(out, "  const %s *input%d;\n", c_type(g->input.at[i].type.dtype), i);
}

/* ---- functions ---- */

/* Of how many backward passes a step takes the mean; 1: it takes their sum. */
static int64_t accumulated(const Library *l) {
  return graph_rule(l->plan->graph)->accumulate;
}

static void add_train_step(Text *out, const Library *l) {
  library_text(out, l,
               "\n/* All of it on n samples, 1 <= n <= NAME_MAX_BATCH: NAME_train_forward, "
               "NAME_backward, NAME_step");
  if (accumulated(l) > 1)
    text_add(out, ",\n * which waits for the gradients of %" PRId64 " calls, which add up",
             accumulated(l));
  library_text(out, l,
               ".\n * *loss becomes the loss before the step. For NAME_get_grad gradients are left "
               "only where `bucket`\n * is set. */\n"
               "int NAME_train_step(NAME *ctx, int n NAME_train_arguments NAME_stream);\n");
}

static void add_input_gradients(Text *out, const Library *l) {
  for (int i = 0; i < l->plan->graph->input.n; i++)
    if (library_returns(l->plan, i))
      text_add(out,
               "/* %s of %s_backward gets the gradient of the loss by %s, in its shape; NULL: it "
               "is not computed. */\n",
               l->gradient[i], l->o->prefix, l->input[i]);
}

static void add_step(Text *out, const Library *l) {
  text_add(out, "/* Moves the parameters by the optimiser's rule along the gradients, ");
  if (accumulated(l) > 1)
    text_add(out, "divided by %" PRId64 ", however\n * many backward passes they are the sum of.",
             accumulated(l));
  else
    text_add(out, "of one backward pass or\n * the sum of several that accumulated.");
  library_text(out, l,
               " NAME_E_BATCH if no NAME_backward came before, after\n * the last NAME_step. */\n"
               "int NAME_step(NAME *ctx NAME_stream);\n");
}

static void add_checkpoint(Text *out, const Library *l) {
  library_template(out, l, "c/checkpoint.h");
  library_text(out, l,
               accumulated(l) > 1
                   ? "/* It keeps the gradients of passes that a step waits for; make none between "
                     "NAME_train_forward\n * and NAME_backward. */\n"
                   : "/* It does not keep gradients: make none between NAME_train_forward and "
                     "NAME_step. */\n");
}

/* These are there in all libraries, so that programs need not ask which network they have. */
static void add_chance(Text *out, const Library *l) {
  library_text(out, l,
               library_draws(l->plan)
                   ? "\n/* Dropout begins anew with this seed (53 bits count); NAME_init_params "
                     "takes its own, NAME_load 0.\n * What is dropped depends on the seed, on how "
                     "many NAME_train_forward there were, on the layer and\n * on the element. */\n"
                   : "\n/* The seed of dropout, of which this network has none. */\n");
  library_text(out, l, "int NAME_set_seed(NAME *ctx, uint64_t seed NAME_stream);\n");
}

static void add_schedule(Text *out, const Library *l) {
  const bool plateau = graph_rule(l->plan->graph)->schedule == SCHEDULE_PLATEAU;
  text_add(out, "/* The learning rate of the steps to come, at first the network's; its schedule "
                "goes on from there. */\n");
  library_text(out, l, "int NAME_set_lr(NAME *ctx, NAME_real lr NAME_stream);\n");
  text_add(out, plateau ? "/* Tells of something that should fall, now and then: a loss, a rate of "
                          "errors. Where it stopped\n * falling, the learning rate is reduced. "
                          "What is no number has not fallen. */\n"
                        : "/* Something that should fall, for the schedule \"plateau\", which this "
                          "network does not have. */\n");
  library_text(out, l, "int NAME_report(NAME *ctx, NAME_real metric NAME_stream);\n");
}

void library_train_functions(Text *out, const Library *l, const char *own) {
  text_add(out, "\n");
  library_template(out, l, own);
  add_train_step(out, l);
  text_add(out, "\n");
  library_template(out, l, "c/training.h");
  add_input_gradients(out, l);
  add_step(out, l);
  library_template(out, l, "c/gradients.h");
  text_add(out, accumulated(l) > 1
                    ? "/* `bucket` is called in those passes only that complete a step. */\n\n"
                    : "/* Of passes that accumulate the last one counts: set it for that only. "
                      "*/\n\n");
  add_checkpoint(out, l);
  add_chance(out, l);
  add_schedule(out, l);
}
