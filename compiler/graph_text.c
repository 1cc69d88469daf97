/* graph_text.c - prints the text form of a Graph, which graph_parse reads.
 *
 *   graph lenet5
 *   %0 = input x : f32[n,1,32,32]
 *   %1 = param c1.weight : f32[6,1,5,5] weight init lecun fan 25 150 trainable decay
 *   %2 = conv(%0, %1) {filters 6 kernel [5,5] stride [1,1] dilation [1,1]} : f32[n,6,28,28] # c1
 *   %3 = kernel(%2) { any: n<n c<6 ... } : f32[n,6] # mean
 *   layer c1 conv (%0) -> %2 params 0 1 {filters 6 kernel [5]}
 *   entry forward
 *     want c1 = %2
 *     update %1 = %7                                                                             */
#include "field_text.h"

const char *const graph_role_names[PARAM_ROLES] = {"weight", "bias", "scale", "statistic"};
const char *const graph_init_names[INIT_KINDS] = {"default", "he", "xavier", "lecun", "constant"};
const char *const graph_entry_names[ENTRIES] = {"forward", "train_forward", "backward", "step"};

static void id_print(Text *out, Id id) {
  if (id == NO_ID)
    text_add(out, "-");
  else
    text_add(out, "%%%d", (int)id);
}

static void ids_print(Text *out, const Id *id, int n) {
  text_add(out, "(");
  for (int i = 0; i < n; i++) {
    if (i) text_add(out, ", ");
    id_print(out, id[i]);
  }
  text_add(out, ")");
}

static void real_print(Text *out, const char *name, double value, double otherwise) {
  if (value == otherwise) return;
  text_add(out, " %s ", name);
  number_print(out, value);
}

static void flag_print(Text *out, const char *name, bool value) {
  if (value) text_add(out, " %s", name);
}

static void typed_name_print(Text *out, const char *name, const Type *type) {
  text_add(out, " ");
  word_print(out, name);
  text_add(out, " : ");
  type_print(out, type);
}

static void param_print(Text *out, const Param *p) {
  typed_name_print(out, p->name, &p->type);
  text_add(out, " %s init %s", graph_role_names[p->role], graph_init_names[p->init]);
  real_print(out, "value", p->init_value, 0);
  text_add(out, " fan %lld %lld", (long long)p->fan_in, (long long)p->fan_out);
  flag_print(out, "trainable", p->trainable);
  flag_print(out, "decay", p->decay);
  real_print(out, "lr_scale", p->lr_scale, 1);
}

static void input_print(Text *out, const Input *in) {
  typed_name_print(out, in->name, &in->type);
  flag_print(out, "target", in->kind == INPUT_TARGET);
  flag_print(out, "hwc", in->hwc);
  flag_print(out, "gradient", in->gradient);
  real_print(out, "scale", in->scale, 1);
  if (in->nmean == 0) return;
  text_add(out, " mean %d ", in->nmean);
  reals_print(out, in->mean, in->nmean);
  reals_print(out, in->std, in->nmean);
}

static void tensor_print(const void *context, int tensor, Text *out) {
  (void)context;
  id_print(out, tensor);
}

static void kernel_node_print(Text *out, const Graph *g, Id id) {
  Kernel k;
  node_kernel(g, id, &k);
  k.name = NULL;
  text_add(out, " {\n");
  kernel_print(out, &k, tensor_print, g);
  text_add(out, "}");
}

static void node_print(Text *out, const Graph *g, Id id) {
  const Node *node = &g->node.at[id];
  const LeafAttr *leaf = node->attr;
  text_add(out, "%%%d = %s", (int)id, ops[node->op]->name);
  switch (node->op) {
  case OP_param: param_print(out, &g->param.at[leaf->index]); break;
  case OP_input: input_print(out, &g->input.at[leaf->index]); break;
  case OP_state: typed_name_print(out, g->state.at[leaf->index].name, &node->type); break;
  default:
    ids_print(out, node->arg, node->nargs);
    if (node->op == OP_kernel)
      kernel_node_print(out, g, id);
    else
      fields_print(out, ops[node->op], node->attr);
    text_add(out, " : ");
    type_print(out, &node->type);
    if (!node->where.layer) break;
    text_add(out, " # ");
    word_print(out, node->where.layer);
  }
  text_add(out, "\n");
}

static void layer_print(Text *out, const Layer *layer) {
  text_add(out, "layer ");
  word_print(out, layer->name);
  text_add(out, " %s ", ops[layer->op]->name);
  ids_print(out, layer->arg.at, layer->arg.n);
  text_add(out, " -> ");
  id_print(out, layer->result);
  text_add(out, " params %d %d", layer->first_param, layer->nparams);
  fields_print(out, ops[layer->op], layer->attr);
  text_add(out, "\n");
}

static void entry_print(Text *out, const Entry *entry, const char *name) {
  if (entry->want.n == 0 && entry->update.n == 0) return;
  text_add(out, "entry %s\n", name);
  for (int i = 0; i < entry->want.n; i++) {
    text_add(out, "  want ");
    word_print(out, entry->want_name.at[i]);
    text_add(out, " = %%%d\n", (int)entry->want.at[i]);
  }
  for (int i = 0; i < entry->update.n; i++)
    text_add(out, "  update %%%d = %%%d\n", (int)entry->update.at[i].to,
             (int)entry->update.at[i].value);
}

void graph_print(Text *out, const Graph *g) {
  text_add(out, "graph ");
  word_print(out, g->name ? g->name : "_");
  text_add(out, "\n");
  for (Id id = 0; id < g->node.n; id++) node_print(out, g, id);
  for (int i = 0; i < g->layer.n; i++) layer_print(out, &g->layer.at[i]);
  if (g->optimizer != NO_ID) text_add(out, "optimizer %%%d\n", (int)g->optimizer);
  for (int e = 0; e < ENTRIES; e++) entry_print(out, &g->entry[e], graph_entry_names[e]);
}
