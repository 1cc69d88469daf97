/* optim.c - optimisers: what a training step does to a parameter, given its gradient.
 *
 * An update is nodes like everything else: maps over the parameter, its gradient and the state that
 * the optimiser keeps for it. What all elements share (learning rate, bias corrections) are scalars
 * of the step (runtime/c/schedule.c). The formulas are PyTorch's. */
#include "graph.h"

/* ---- what every optimiser has: struct Rule ---- */

static const char *const schedules[] = {[SCHEDULE_CONSTANT] = "constant",
                                        [SCHEDULE_STEP] = "step",
                                        [SCHEDULE_COSINE] = "cosine",
                                        [SCHEDULE_PLATEAU] = "plateau",
                                        [SCHEDULE_PLATEAU + 1] = NULL};

#define RULE_REAL(member, least, most, ...)                                                        \
  {                                                                                                \
    .name = #member, .kind = FIELD_REAL, .offset = offsetof(Rule, member), .min = least,           \
    .max = most, __VA_ARGS__                                                                       \
  }
#define RULE_COUNT(member, least, ...)                                                             \
  {                                                                                                \
    .name = #member, .kind = FIELD_INT, .offset = offsetof(Rule, member), .min = least,            \
    .max = 1e9, __VA_ARGS__                                                                        \
  }

#define RULE_FIELDS(rate, decay)                                                                   \
  RULE_REAL(lr, 0, 1e30, .otherwise = rate, .example = "0.01", .doc = "learning rate"),            \
      RULE_REAL(weight_decay, 0, 1e30, .otherwise = decay,                                         \
                .doc = "how strongly parameters are drawn to 0"),                                  \
      {.name = "decay_bias_norm",                                                                  \
       .kind = FIELD_BOOL,                                                                         \
       .offset = offsetof(Rule, decay_bias_norm),                                                  \
       .otherwise = 1,                                                                             \
       .doc = "biases and normalisations decay too"},                                              \
      RULE_REAL(clip_norm, 0, 1e30,                                                                \
                .doc = "longer gradients, all parameters' taken together, are shortened to this "  \
                       "norm; 0: never"),                                                          \
      RULE_COUNT(accumulate, 1, .otherwise = 1,                                                    \
                 .doc = "backward passes for one step, which takes their mean"),                   \
      {.name = "schedule",                                                                         \
       .kind = FIELD_ENUM,                                                                         \
       .offset = offsetof(Rule, schedule),                                                         \
       .names = schedules,                                                                         \
       .doc = "of the learning rate: step multiplies it by gamma after each period; cosine goes "  \
              "down to floor within one; plateau multiplies it by gamma when what is reported "    \
              "does not fall"},                                                                    \
      RULE_COUNT(warm_up, 0, .doc = "steps in which the learning rate grows from 0"),              \
      RULE_COUNT(period, 1, .otherwise = 1000, .doc = "steps, of the schedule"),                   \
      RULE_REAL(gamma, 0, 1, .otherwise = 0.1, .doc = "factor of step and plateau"),               \
      RULE_REAL(floor, 0, 1, .doc = "part of the learning rate below which no schedule goes"),     \
      RULE_COUNT(patience, 0, .otherwise = 10,                                                     \
                 .doc = "reports without a smaller value before a plateau is one")

static bool optimizer_infer(Graph *g, Node *node) {
  (void)g;
  node->type = (Type){.dtype = F32};
  return true;
}

/* ---- building updates ---- */

/* What a formula is over: IN(0) the parameter, IN(1) its gradient, then states. */
typedef struct Updating {
  Graph *g;
  Unit *u;
  Param p;
  const Rule *rule;
  Id in[MAX_IN];
  int n;
  const Expr *param, *gradient, *lr;
} Updating;

static const Expr *number(const Updating *s, double value) {
  return expr_const(s->u, value);
}

static const Expr *times(const Updating *s, const Expr *a, double factor) {
  return expr2(s->u, E_mul, a, number(s, factor));
}

static bool decays(const Updating *s) {
  return s->rule->weight_decay != 0 && s->p.decay &&
         (s->rule->decay_bias_norm || s->p.role == PARAM_WEIGHT);
}

static Updating updating(Graph *g, const void *attributes, int param, Id gradient) {
  Updating s = {.g = g, .u = g->u, .p = g->param.at[param], .rule = attributes, .n = 2};
  s.in[0] = s.p.node;
  s.in[1] = gradient;
  s.param = expr_in(s.u, 0);
  s.gradient = expr_in(s.u, 1);
  s.lr = times(&s, expr_scalar(s.u, SCALAR_LR), s.p.lr_scale);
  return s;
}

/* Decay as part of the gradient. */
static void decay_gradient(Updating *s) {
  if (decays(s))
    s->gradient = expr2(s->u, E_add, s->gradient, times(s, s->param, s->rule->weight_decay));
}

/* The state "PARAM.name", 0 at first. */
static const Expr *state(Updating *s, const char *name) {
  s->in[s->n] = graph_state(s->g, arena_printf(s->u->arena, "%s.%s", s->p.name, name), &s->p.type);
  return expr_in(s->u, s->n++);
}

/* `to` becomes `value` at the end of the step. */
static void set(Updating *s, Id to, const Expr *value) {
  Kernel k;
  const Type *type = &s->p.type;
  kernel_start(&k, s->p.name, -1, type);
  for (int i = 0; i < s->n; i++) kernel_in_whole(&k, s->in[i], type);
  k.out[0].value = value;
  Id id = graph_kernel(s->g, &k, type, (Where){.layer = s->p.name});
  vec_push(s->u->arena, &s->g->entry[ENTRY_STEP].update, ((Update){to, id}));
}

static void set_state(Updating *s, const Expr *which, const Expr *value) {
  set(s, s->in[which->index], value);
}

/* p -= lr * direction */
static void move(Updating *s, const Expr *direction) {
  set(s, s->in[0], expr2(s->u, E_sub, s->param, expr2(s->u, E_mul, direction, s->lr)));
}

/* beta * old + (1 - beta) * now */
static const Expr *blend(const Updating *s, const Expr *old, const Expr *now, double beta) {
  return expr2(s->u, E_add, times(s, old, beta), times(s, now, 1 - beta));
}

static const Expr *square(const Updating *s, const Expr *a) {
  return expr2(s->u, E_mul, a, a);
}

/* a / (sqrt(b) + eps) */
static const Expr *over_root(const Updating *s, const Expr *a, const Expr *b, double eps) {
  return expr2(s->u, E_div, a, expr2(s->u, E_add, expr1(s->u, E_sqrt, b), number(s, eps)));
}

/* ---- sgd ---- */

typedef struct SgdAttr {
  Rule rule;
  double momentum;
  bool nesterov;
} SgdAttr;

static const Field sgd_fields[] = {
    RULE_FIELDS(1e-3, 0),
    {.name = "momentum",
     .kind = FIELD_REAL,
     .offset = offsetof(SgdAttr, momentum),
     .min = 0,
     .max = 1,
     .doc = "part of the last step that is taken again"},
    {.name = "nesterov",
     .kind = FIELD_BOOL,
     .offset = offsetof(SgdAttr, nesterov),
     .doc = "looks ahead along the momentum"},
};

/* v = momentum * v + g;  p -= lr * v  (Nesterov: lr * (g + momentum * v)) */
static void sgd_update(Graph *g, const void *attributes, int param, Id gradient) {
  const SgdAttr *attr = attributes;
  Updating s = updating(g, attributes, param, gradient);
  decay_gradient(&s);
  const Expr *direction = s.gradient;
  if (attr->momentum != 0) {
    const Expr *old = state(&s, "momentum");
    const Expr *v = expr2(s.u, E_add, times(&s, old, attr->momentum), s.gradient);
    set_state(&s, old, v);
    direction = attr->nesterov ? expr2(s.u, E_add, s.gradient, times(&s, v, attr->momentum)) : v;
  }
  move(&s, direction);
}

/* ---- adam, adamw ---- */

typedef struct AdamAttr {
  Rule rule;
  double beta1, beta2, eps;
} AdamAttr;

#define PART(Attr, member, value, ...)                                                             \
  {                                                                                                \
    .name = #member, .kind = FIELD_REAL, .offset = offsetof(Attr, member), .otherwise = value,     \
    .min = 0, .max = 1, .doc = __VA_ARGS__                                                         \
  }
#define ADAM_FIELDS(decay)                                                                         \
  RULE_FIELDS(1e-3, decay),                                                                        \
      PART(AdamAttr, beta1, 0.9, "memory of the mean of gradients", .below_max = true),            \
      PART(AdamAttr, beta2, 0.999, "memory of the mean of their squares", .below_max = true),      \
      PART(AdamAttr, eps, 1e-8, "added to the divisor")

static const Field adam_fields[] = {ADAM_FIELDS(0)};
static const Field adamw_fields[] = {ADAM_FIELDS(0.01)};

/* m = blend(m, g);  v = blend(v, g^2);
 * p -= lr * (m / (1 - beta1^t)) / (sqrt(v) / sqrt(1 - beta2^t) + eps) */
static void adam_step(Updating *s) {
  const AdamAttr *attr = (const AdamAttr *)(const void *)s->rule;
  const Expr *old_mean = state(s, "mean"), *old_square = state(s, "square");
  const Expr *mean = blend(s, old_mean, s->gradient, attr->beta1);
  const Expr *squares = blend(s, old_square, square(s, s->gradient), attr->beta2);
  const Expr *root =
      expr2(s->u, E_div, expr1(s->u, E_sqrt, squares), expr_scalar(s->u, SCALAR_UNBIAS2));
  set_state(s, old_mean, mean);
  set_state(s, old_square, squares);
  move(s, expr2(s->u, E_div, expr2(s->u, E_div, mean, expr_scalar(s->u, SCALAR_UNBIAS1)),
                expr2(s->u, E_add, root, number(s, attr->eps))));
}

static void adam_update(Graph *g, const void *attributes, int param, Id gradient) {
  Updating s = updating(g, attributes, param, gradient);
  decay_gradient(&s);
  adam_step(&s);
}

/* Decay apart from the gradient: p -= lr * decay * p first. */
static void adamw_update(Graph *g, const void *attributes, int param, Id gradient) {
  Updating s = updating(g, attributes, param, gradient);
  if (decays(&s))
    s.param = expr2(s.u, E_sub, s.param,
                    expr2(s.u, E_mul, s.param, times(&s, s.lr, s.rule->weight_decay)));
  adam_step(&s);
}

/* ---- rmsprop ---- */

typedef struct RmspropAttr {
  Rule rule;
  double alpha, eps, momentum;
  bool centered;
} RmspropAttr;

static const Field rmsprop_fields[] = {
    RULE_FIELDS(1e-2, 0),
    PART(RmspropAttr, alpha, 0.99, "memory of the mean of squared gradients"),
    PART(RmspropAttr, eps, 1e-8, "added to the divisor"),
    PART(RmspropAttr, momentum, 0, "part of the last step that is taken again"),
    {.name = "centered",
     .kind = FIELD_BOOL,
     .offset = offsetof(RmspropAttr, centered),
     .doc = "divides by the standard deviation: the squared mean is taken off"},
};

/* v = blend(v, g^2);  d = g / (sqrt(v - mean^2) + eps);  b = momentum * b + d;  p -= lr * b */
static void rmsprop_update(Graph *g, const void *attributes, int param, Id gradient) {
  const RmspropAttr *attr = attributes;
  Updating s = updating(g, attributes, param, gradient);
  decay_gradient(&s);
  const Expr *old_square = state(&s, "square");
  const Expr *old_mean = attr->centered ? state(&s, "mean") : NULL;
  const Expr *old_step = attr->momentum != 0 ? state(&s, "momentum") : NULL;
  const Expr *squares = blend(&s, old_square, square(&s, s.gradient), attr->alpha),
             *under = squares;
  set_state(&s, old_square, squares);
  if (old_mean) {
    const Expr *mean = blend(&s, old_mean, s.gradient, attr->alpha);
    set_state(&s, old_mean, mean);
    under = expr2(s.u, E_sub, squares, square(&s, mean));
  }
  const Expr *direction = over_root(&s, s.gradient, under, attr->eps);
  if (old_step) {
    direction = expr2(s.u, E_add, times(&s, old_step, attr->momentum), direction);
    set_state(&s, old_step, direction);
  }
  move(&s, direction);
}

/* ---- adagrad ---- */

typedef struct AdagradAttr {
  Rule rule;
  double lr_decay, eps, initial;
} AdagradAttr;

static const Field adagrad_fields[] = {
    RULE_FIELDS(1e-2, 0),
    PART(AdagradAttr, lr_decay, 0, "the learning rate is divided by 1 + this for each past step"),
    PART(AdagradAttr, eps, 1e-10, "added to the divisor"),
    {.name = "initial",
     .kind = FIELD_REAL,
     .offset = offsetof(AdagradAttr, initial),
     .max = 1e30,
     .doc = "the sum of squares before the first step"},
};

/* sum += g^2;  p -= lr / (1 + (t - 1) * lr_decay) * g / (sqrt(sum) + eps) */
static void adagrad_update(Graph *g, const void *attributes, int param, Id gradient) {
  const AdagradAttr *attr = attributes;
  Updating s = updating(g, attributes, param, gradient);
  decay_gradient(&s);
  const Expr *old = state(&s, "square");
  const Expr *sum = expr2(s.u, E_add, old, square(&s, s.gradient));
  set_state(&s, old, sum);
  const Expr *past = expr2(s.u, E_sub, expr_scalar(s.u, SCALAR_STEP), number(&s, 1));
  if (attr->lr_decay != 0)
    s.lr =
        expr2(s.u, E_div, s.lr, expr2(s.u, E_add, times(&s, past, attr->lr_decay), number(&s, 1)));
  move(&s, over_root(&s, s.gradient, expr2(s.u, E_add, sum, number(&s, attr->initial)), attr->eps));
}

/* ---- rows ---- */

#define OPTIMIZER(Name, Attr, table, text, where)                                                  \
  const Op op_##Name = {                                                                           \
      .name = #Name,                                                                               \
      .class = CLASS_OPTIMIZER,                                                                    \
      .in_json = true,                                                                             \
      .doc = text,                                                                                 \
      .source = where,                                                                             \
      .field = table,                                                                              \
      .nfield = COUNT(table),                                                                      \
      .attr_size = sizeof(Attr),                                                                   \
      .infer = optimizer_infer,                                                                    \
      .update = Name##_update,                                                                     \
  }

OPTIMIZER(sgd, SgdAttr, sgd_fields, "stochastic gradient descent with momentum",
          "Sutskever et al. 2013; PyTorch SGD");
OPTIMIZER(adam, AdamAttr, adam_fields,
          "steps by the mean of gradients over the root of their mean square",
          "Kingma, Ba 2015; PyTorch Adam");
OPTIMIZER(adamw, AdamAttr, adamw_fields, "adam with weight decay apart from the gradient",
          "Loshchilov, Hutter 2019; PyTorch AdamW");
OPTIMIZER(rmsprop, RmspropAttr, rmsprop_fields,
          "steps by the gradient over the root of its mean square",
          "Tieleman, Hinton 2012; PyTorch RMSprop");
OPTIMIZER(adagrad, AdagradAttr, adagrad_fields,
          "steps by the gradient over the root of the sum of its squares",
          "Duchi et al. 2011; PyTorch Adagrad");
