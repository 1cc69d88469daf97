/* report.c - --report: one page about a network and its plan. This file gathers what there is to
 * show; runtime/pages/report.html draws it: the graph, what was considered for each kernel and why
 * it was taken, memory over time, the filters of the first layer as pictures. */
#include "driver.h"
#include "page.h"

#include <string.h>

enum { MOST_PICTURES = 96, MOST_PIXELS = 1 << 18 };

/* ---- the graph ---- */

/* What the layer reads as `id`: of layers that leave a value as it is (dropout, inferring) the last
 * one before it. */
static const char *name_of_node(const Graph *g, const Layer *reader, Id id) {
  for (int i = (int)(reader - g->layer.at); i-- > 0;)
    if (g->layer.at[i].result == id) return g->layer.at[i].name;
  for (int i = 0; i < g->input.n; i++)
    if (g->input.at[i].node == id) return g->input.at[i].name;
  return NULL;
}

static json_t *layer_json(const Graph *g, const Layer *layer) {
  json_t *from = json_array();
  int64_t parameters = 0;
  for (int i = 0; i < layer->arg.n; i++) {
    const char *name = name_of_node(g, layer, layer->arg.at[i]);
    if (name) json_array_append_new(from, json_string(name));
  }
  for (int i = 0; i < layer->nparams; i++)
    parameters += param_count(&g->param.at[layer->first_param + i]);
  return json_pack("{s:s, s:s, s:s, s:I, s:o}", "name", layer->name, "op", ops[layer->op]->name,
                   "output", sample_text(g->u->arena, &g->node.at[layer->result].type),
                   "parameters", (json_int_t)parameters, "from", from);
}

static json_t *graph_json(const Graph *g) {
  json_t *layers = json_array(), *inputs = json_array();
  for (int i = 0; i < g->input.n; i++)
    if (g->input.at[i].kind == INPUT_DATA)
      json_array_append_new(inputs, json_pack("{s:s, s:s}", "name", g->input.at[i].name, "output",
                                              sample_text(g->u->arena, &g->input.at[i].type)));
  for (int i = 0; i < g->layer.n; i++)
    if (g->layer.at[i].result != NO_ID)
      json_array_append_new(layers, layer_json(g, &g->layer.at[i]));
  return json_pack("{s:o, s:o}", "inputs", inputs, "layers", layers);
}

/* ---- the choices ---- */

static bool same_kernel(const Choice *a, const Choice *b) {
  return a->entry == b->entry && a->role == b->role && strcmp(a->layer, b->layer) == 0;
}

static json_t *choices_json(const Plan *p) {
  json_t *kernels = json_array(), *candidates = NULL;
  for (int i = 0; i < p->choice.n; i++) {
    const Choice *c = &p->choice.at[i];
    if (i == 0 || !same_kernel(c, c - 1)) {
      const Decision *d = plan_decision(p, c);
      candidates = json_array();
      json_array_append_new(kernels,
                            json_pack("{s:s, s:s, s:s, s:f, s:f, s:o}", "layer", c->layer, "pass",
                                      role_names[c->role], "entry", plan_entry_names[c->entry],
                                      "measured_ms", d ? 1e3 * d->seconds : 0.0, "error",
                                      d ? d->error : 0.0, "candidates", candidates));
    }
    json_array_append_new(candidates, json_pack("{s:s, s:f, s:s, s:b}", "algorithm", c->algo, "ms",
                                                1e3 * c->predicted, "reason",
                                                c->reason ? c->reason : "", "taken", c->taken));
  }
  return kernels;
}

/* ---- steps and memory ---- */

typedef struct Lifetime {
  int first, last; /* steps; first -1: not in this entry */
} Lifetime;

typedef struct StepFacts {
  const char *algorithm;
  double seconds;
} StepFacts;

static void touch(Lifetime *life, int buffer, int step) {
  if (life[buffer].first < 0) life[buffer].first = step;
  life[buffer].last = step;
}

static void visit_step(const Plan *p, const Step *s, int index, StepFacts *facts, Lifetime *life) {
  for (int i = 0; i < s->body.n; i++) visit_step(p, s->body.at[i], index, facts, life);
  const Kernel *k = s->run;
  if (!k) return;
  if (k->algo) facts->algorithm = k->algo;
  facts->seconds += p->target->time(p, k);
  for (int i = 0; i < k->nin; i++) touch(life, k->in[i].tensor, index);
  for (int o = 0; o < k->nout; o++) touch(life, k->out[o].to.tensor, index);
}

static json_t *buffers_json(const Plan *p, const Lifetime *life) {
  json_t *buffers = json_array();
  for (int b = 0; b < p->buffer.n; b++) {
    const Buffer *buffer = &p->buffer.at[b];
    if (buffer->home != HOME_WORK || buffer->depth > 0 || life[b].first < 0) continue;
    json_array_append_new(buffers, json_pack("{s:s, s:I, s:I, s:i, s:i}", "name", buffer->name,
                                             "offset", (json_int_t)buffer->offset, "bytes",
                                             (json_int_t)buffer_bytes(buffer, p->max_batch),
                                             "first", life[b].first, "last", life[b].last));
  }
  return buffers;
}

static json_t *entry_json(const Plan *p, PlanEntry e) {
  const Steps *steps = &p->entry[e].step;
  json_t *list = json_array();
  Lifetime *life = NEW_ARRAY(p->u->arena, Lifetime, p->buffer.n);
  for (int b = 0; b < p->buffer.n; b++) life[b].first = -1;
  for (int i = 0; i < steps->n; i++) {
    StepFacts facts = {.algorithm = ""};
    Text title = {.arena = p->u->arena};
    step_titles(&title, steps->at[i]);
    visit_step(p, steps->at[i], i, &facts, life);
    json_array_append_new(list, json_pack("{s:s, s:s, s:f}", "title", title.n ? title.at : "",
                                          "algorithm", facts.algorithm, "ms", 1e3 * facts.seconds));
  }
  return json_pack("{s:s, s:I, s:I, s:I, s:o, s:o}", "name", plan_entry_names[e], "work_bytes",
                   (json_int_t)p->work_bytes[e], "live_bytes", (json_int_t)p->live_bytes[e],
                   "worker_bytes", (json_int_t)p->worker_bytes[e], "steps", list, "buffers",
                   buffers_json(p, life));
}

static json_t *memory_json(const Plan *p) {
  return json_pack("{s:I, s:I, s:I, s:I, s:I}", "parameters", (json_int_t)p->param_bytes,
                   "packed weights", (json_int_t)p->derived_bytes, "optimiser's state",
                   (json_int_t)p->state_bytes, "gradients", (json_int_t)p->grad_bytes,
                   "kept activations", (json_int_t)p->kept_bytes);
}

/* ---- filters ---- */

/* The first weights that slide over a picture: [filters, channels, height, width]. */
static int picture_param(const Graph *g) {
  for (int i = 0; i < g->param.n; i++) {
    const Type *type = &g->param.at[i].type;
    if (g->param.at[i].role == PARAM_WEIGHT && type->rank == 4 && type->dim[2].plus > 1 &&
        type->dim[3].plus > 1)
      return i;
  }
  return -1;
}

/* Three channels are a picture in colour; otherwise each channel is one in grey. */
static json_t *filters_json(const Graph *g, double *const *param, bool trained) {
  const int index = picture_param(g);
  if (index < 0) return json_null();
  const Type *type = &g->param.at[index].type;
  const int64_t channels = type->dim[1].plus, colours = channels == 3 ? 3 : 1;
  const int64_t height = type->dim[2].plus, width = type->dim[3].plus;
  const int64_t all = type->dim[0].plus * channels / colours;
  int64_t pictures = all;
  if (pictures > MOST_PICTURES) pictures = MOST_PICTURES;
  while (pictures > 1 && pictures * colours * height * width > MOST_PIXELS) pictures--;
  json_t *values = json_array();
  for (int64_t i = 0; i < pictures * colours * height * width; i++)
    json_array_append_new(values, json_real(param[index][i]));
  return json_pack("{s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "name", g->param.at[index].name,
                   "trained", trained, "pictures", (json_int_t)pictures, "all", (json_int_t)all,
                   "channels", (json_int_t)channels, "colours", (json_int_t)colours, "height",
                   (json_int_t)height, "width", (json_int_t)width, "values", values);
}

/* ---- the page ---- */

bool report_write(Unit *u, const Options *o, const Graph *g, const Plan *p, double *const *param) {
  Text text = {.arena = u->arena};
  json_t *entries = json_array();
  for (int e = PLAN_FORWARD; e < PLAN_ENTRIES; e++)
    if (p->entry[e].exists) json_array_append_new(entries, entry_json(p, (PlanEntry)e));
  double *const *shown = param ? param : params_seeded(g, 1);
  page_print(&text, "pages/report.html",
             json_pack("{s:s, s:s, s:I, s:b, s:o, s:o, s:o, s:o, s:o}", "network", g->name,
                       "target", p->target->name, "batch", (json_int_t)p->max_batch, "train",
                       o->train, "graph", graph_json(g), "kernels", choices_json(p), "entries",
                       entries, "memory", memory_json(p), "filters",
                       filters_json(g, shown, param != NULL)));
  return file_write(u, o->report, text.at, text.n);
}
