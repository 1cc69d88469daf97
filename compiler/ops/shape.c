/* shape.c - moving data: flatten, reshape, concat, slice, pad.
 *
 * An "axis" counts from 0 behind the batch: 0 is the channels. What moves data has one kernel whose
 * views do all the work, and so its gradient is the same with the views turned round. */
#include "axes.h"

/* An axis of a document as an axis of the type; 0 after an error. */
static int type_axis(Graph *g, const Node *node, int64_t axis) {
  const Type *type = &g->node.at[node->arg[0]].type;
  return axis_exists(g->u, node->where, "axis", axis, type) ? (int)axis + 1 : 0;
}

/* ---- reshape: the same elements in row-major order ---- */

static const Field reshape_fields[] = {
    {.name = "shape",
     .kind = FIELD_SHAPE,
     .offset = offsetof(ReshapeAttr, shape),
     .required = true,
     .min = -1,
     .max = 0x7fffffff,
     .example = "[32, -1]",
     .doc = "extents without the batch; -1 for one that follows from the others"},
};

static bool reshape_infer(Graph *g, Node *node) {
  const ReshapeAttr *attr = node->attr;
  const Type *in = &g->node.at[node->arg[0]].type;
  int64_t size = type_size(in, 1), known = 1;
  int open = 0;
  bool zero = false;
  node->type = (Type){.dtype = in->dtype, .rank = (int8_t)(1 + attr->shape.n), .dim = {in->dim[0]}};
  for (int i = 0; i < attr->shape.n; i++) {
    int64_t extent = attr->shape.at[i];
    node->type.dim[1 + i] = fixed(extent);
    zero |= extent == 0;
    if (extent < 0)
      open++;
    else
      known = size_mul(known, extent);
  }
  for (int i = 1; open == 1 && !zero && size % known == 0 && i < node->type.rank; i++)
    if (node->type.dim[i].plus < 0) node->type.dim[i] = fixed(size / known);
  if (open <= 1 && !zero && (open ? size % known == 0 : size == known)) return true;
  diag_error(g->u, path_key(g->u->arena, node->where.path, "shape"),
             "%s has %lld elements for each sample, which do not fill this shape",
             type_text(g->u->arena, in), (long long)size);
  return false;
}

/* Axes are taken together in the smallest groups that hold equally many elements in both shapes;
 * inside a group a coordinate is (linear index / stride) mod extent. */
static void reshape_kernel(const Graph *g, const Node *node, Kernel *k) {
  const Type *in = &g->node.at[node->arg[0]].type, *out = &node->type;
  kernel_start(k, node->where.layer, -1, out);
  View *x = kernel_in(k, node->arg[0], in);
  x->at[0] = coord_loop(0, 1, 0);
  for (int i = 1, o = 1; i < in->rank;) {
    int i_end = i + 1, o_end = o;
    int64_t i_size = in->dim[i].plus, o_size = 1;
    while (i_size != o_size || (i_end == in->rank && o_end < out->rank) ||
           (o_end == out->rank && i_end < in->rank)) {
      if (o_end < out->rank && (o_size < i_size || i_end == in->rank))
        o_size *= out->dim[o_end++].plus;
      else
        i_size *= in->dim[i_end++].plus;
    }
    Coord linear = {.div = 1};
    int64_t step = 1;
    for (int a = o_end - 1; a >= o; a--) {
      linear.coef[a] = (int32_t)step;
      step *= out->dim[a].plus;
    }
    step = 1;
    for (int a = i_end - 1; a >= i; a--) {
      x->at[a] = linear;
      x->at[a].div = (int32_t)step;
      if (a > i) x->at[a].mod = (int32_t)in->dim[a].plus;
      step *= in->dim[a].plus;
    }
    i = i_end;
    o = o_end;
  }
  k->out[0].value = expr_in(g->u, 0);
}

/* The gradient in the shape that was before: inverting the index maps asks more of the shapes. */
static Id reshape_grad(Graph *g, Id node, int which, Id dout) {
  const Node *of = &g->node.at[node];
  const Type *before = &g->node.at[of->arg[which]].type;
  ReshapeAttr attr = {.shape = {.n = before->rank - 1}};
  for (int a = 1; a < before->rank; a++) attr.shape.at[a - 1] = before->dim[a].plus;
  return graph_add(g, OP_reshape, &dout, 1, &attr, of->where);
}

const Op op_reshape = {
    .name = "reshape",
    .class = CLASS_VIEW,
    .in_json = true,
    .min_args = 1,
    .max_args = 1,
    .doc = "the same elements in another shape, row-major",
    .source = "PyTorch reshape",
    .field = reshape_fields,
    .nfield = COUNT(reshape_fields),
    .attr_size = sizeof(ReshapeAttr),
    .infer = reshape_infer,
    .kernel = reshape_kernel,
    .grad = reshape_grad,
};

static Id flatten_build(Build *b, const void *attr, const Id *arg, int nargs) {
  (void)attr, (void)nargs;
  if (build_type(b, arg[0])->rank == 2) return arg[0];
  return build_add1(b, OP_reshape, &(ReshapeAttr){.shape = {.n = 1, .at = {-1}}}, arg[0]);
}

const Op op_flatten = {
    .name = "flatten",
    .class = CLASS_LAYER,
    .in_json = true,
    .min_args = 1,
    .max_args = 1,
    .doc = "all elements of a sample in one axis: [c,h,w] -> [c*h*w]",
    .source = "PyTorch Flatten",
    .build = flatten_build,
};

/* ---- concat ---- */

typedef struct AxisAttr {
  int64_t axis;
} AxisAttr;

static const Field concat_fields[] = {
    {.name = "axis",
     .kind = FIELD_INT,
     .offset = offsetof(AxisAttr, axis),
     .min = 0,
     .max = MAX_RANK - 2,
     .doc = "axis along which the tensors are joined; 0: channels"},
};

/* A kernel has MAX_IN inputs: more tensors are joined in several nodes. */
static Id concat_build(Build *b, const void *attr, const Id *arg, int nargs) {
  if (nargs == 1) return arg[0];
  if (nargs <= MAX_IN) return build_add(b, OP_concat, attr, nargs, arg);
  int groups = (nargs + MAX_IN - 1) / MAX_IN;
  Id *part = NEW_ARRAY(build_graph(b)->u->arena, Id, groups);
  for (int i = 0; i < groups; i++) {
    int n = nargs - i * MAX_IN < MAX_IN ? nargs - i * MAX_IN : MAX_IN;
    part[i] = concat_build(b, attr, arg + i * MAX_IN, n);
  }
  return concat_build(b, attr, part, groups);
}

static bool concat_infer(Graph *g, Node *node) {
  int axis = type_axis(g, node, ((const AxisAttr *)node->attr)->axis);
  if (!axis) return false;
  node->type = g->node.at[node->arg[0]].type;
  for (int i = 1; i < node->nargs; i++) {
    const Type *other = &g->node.at[node->arg[i]].type;
    bool fits = other->rank == node->type.rank && other->dtype == node->type.dtype;
    for (int a = 0; fits && a < other->rank; a++)
      fits = a == axis || extent_same(other->dim[a], node->type.dim[a]);
    if (!fits) {
      const Type *first = &g->node.at[node->arg[0]].type;
      diag_error(g->u, node->where.path, "%s and %s cannot be joined along axis %d",
                 type_text(g->u->arena, first), type_text(g->u->arena, other), axis - 1);
      return false;
    }
    node->type.dim[axis].plus += other->dim[axis].plus;
  }
  return true;
}

/* Sum of the members, each of which is 0 outside its part. */
static void concat_kernel(const Graph *g, const Node *node, Kernel *k) {
  int axis = (int)((const AxisAttr *)node->attr)->axis + 1;
  int64_t before = 0;
  kernel_start(k, node->where.layer, -1, &node->type);
  for (int i = 0; i < node->nargs; i++) {
    const Type *in = &g->node.at[node->arg[i]].type;
    View *x = kernel_in_whole(k, node->arg[i], in);
    x->at[axis].plus = -before;
    x->outside = FILL;
    before += in->dim[axis].plus;
    const Expr *value = expr_in(g->u, i);
    k->out[0].value = i ? expr2(g->u, E_add, k->out[0].value, value) : value;
  }
}

const Op op_concat = {
    .name = "concat",
    .class = CLASS_VIEW,
    .in_json = true,
    .min_args = 1,
    .max_args = -1,
    .doc = "tensors joined along an axis",
    .source = "PyTorch cat",
    .field = concat_fields,
    .nfield = COUNT(concat_fields),
    .attr_size = sizeof(AxisAttr),
    .build = concat_build,
    .infer = concat_infer,
    .kernel = concat_kernel,
};

/* ---- slice ---- */

static const Field slice_fields[] = {
    {.name = "axis",
     .kind = FIELD_INT,
     .offset = offsetof(SliceAttr, axis),
     .min = 0,
     .max = MAX_RANK - 2,
     .doc = "axis that is cut; 0: channels"},
    {.name = "start",
     .kind = FIELD_INT,
     .offset = offsetof(SliceAttr, start),
     .example = "2",
     .doc = "first index; below 0: counted from the end"},
    {.name = "stop",
     .kind = FIELD_INT,
     .offset = offsetof(SliceAttr, stop),
     .otherwise = 0x7fffffff,
     .example = "6",
     .doc = "index behind the last; below 0: counted from the end; default: the end"},
    {.name = "step",
     .kind = FIELD_INT,
     .offset = offsetof(SliceAttr, step),
     .otherwise = 1,
     .min = 1,
     .max = 0x7fffffff,
     .doc = "distance between indices"},
};

static int64_t clamp_index(int64_t index, int64_t extent) {
  if (index < 0) index += extent;
  return index < 0 ? 0 : index > extent ? extent : index;
}

static bool slice_infer(Graph *g, Node *node) {
  const SliceAttr *attr = node->attr;
  int axis = type_axis(g, node, attr->axis);
  if (!axis) return false;
  node->type = g->node.at[node->arg[0]].type;
  int64_t extent = node->type.dim[axis].plus;
  int64_t start = clamp_index(attr->start, extent), stop = clamp_index(attr->stop, extent);
  node->type.dim[axis] = fixed((stop - start + attr->step - 1) / attr->step);
  if (stop > start) return true;
  const char *end = attr->stop == INT32_MAX
                        ? "the end"
                        : arena_printf(g->u->arena, "%lld", (long long)attr->stop);
  diag_error(g->u, node->where.path, "the slice of an axis of %lld from %lld to %s is empty",
             (long long)extent, (long long)attr->start, end);
  return false;
}

static void slice_kernel(const Graph *g, const Node *node, Kernel *k) {
  const SliceAttr *attr = node->attr;
  const Type *in = &g->node.at[node->arg[0]].type;
  int axis = (int)attr->axis + 1;
  kernel_start(k, node->where.layer, -1, &node->type);
  View *x = kernel_in_whole(k, node->arg[0], in);
  x->at[axis] = coord_loop(axis, (int)attr->step, clamp_index(attr->start, in->dim[axis].plus));
  k->out[0].value = expr_in(g->u, 0);
}

const Op op_slice = {
    .name = "slice",
    .class = CLASS_VIEW,
    .in_json = true,
    .min_args = 1,
    .max_args = 1,
    .doc = "part of an axis: indices start, start + step ... below stop",
    .source = "NumPy basic slicing",
    .field = slice_fields,
    .nfield = COUNT(slice_fields),
    .attr_size = sizeof(SliceAttr),
    .infer = slice_infer,
    .kernel = slice_kernel,
};

/* ---- pad ---- */

typedef struct PadAttr {
  IntList axis, lo, hi;
  double value;
} PadAttr;

static const Field pad_fields[] = {
    {.name = "axis",
     .kind = FIELD_INTS,
     .offset = offsetof(PadAttr, axis),
     .min = 0,
     .max = MAX_RANK - 2,
     .example = "[1, 2]",
     .doc = "axes that grow; 0, the default: channels"},
    {.name = "lo",
     .kind = FIELD_INTS,
     .offset = offsetof(PadAttr, lo),
     .max = 0x7fffffff,
     .example = "1",
     .doc = "elements before the first, one number or one per axis that grows"},
    {.name = "hi",
     .kind = FIELD_INTS,
     .offset = offsetof(PadAttr, hi),
     .max = 0x7fffffff,
     .example = "1",
     .doc = "elements after the last, one number or one per axis that grows"},
    {.name = "value",
     .kind = FIELD_REAL,
     .offset = offsetof(PadAttr, value),
     .doc = "what they hold"},
};

static Id pad_build(Build *b, const void *attributes, const Id *arg, int nargs) {
  PadAttr attr = *(const PadAttr *)attributes;
  IntList *const list[] = {&attr.lo, &attr.hi};
  static const char *const names[] = {"lo", "hi"};
  (void)nargs;
  if (attr.axis.n == 0) attr.axis.n = 1;
  for (int i = 0; i < COUNT(list); i++) {
    IntList *l = list[i];
    if (l->n > 1 && l->n != attr.axis.n) {
      build_error(b, names[i], "%s has %d numbers for %d axes", names[i], (int)l->n,
                  (int)attr.axis.n);
      return NO_ID;
    }
    for (int a = l->n; a < attr.axis.n; a++) l->at[a] = l->n ? l->at[0] : 0;
    l->n = attr.axis.n;
  }
  return build_add1(b, OP_pad, &attr, arg[0]);
}

static bool pad_infer(Graph *g, Node *node) {
  const PadAttr *attr = node->attr;
  const Type *in = &g->node.at[node->arg[0]].type;
  node->type = *in;
  if (!axes_exist(g->u, node->where, "axis", &attr->axis, in)) return false;
  for (int i = 0; i < attr->axis.n; i++)
    node->type.dim[attr->axis.at[i] + 1].plus += attr->lo.at[i] + attr->hi.at[i];
  return true;
}

static void pad_kernel(const Graph *g, const Node *node, Kernel *k) {
  const PadAttr *attr = node->attr;
  const Type *in = &g->node.at[node->arg[0]].type;
  kernel_start(k, node->where.layer, -1, &node->type);
  View *x = kernel_in_whole(k, node->arg[0], in);
  for (int i = 0; i < attr->axis.n; i++) x->at[attr->axis.at[i] + 1].plus = -attr->lo.at[i];
  x->outside = FILL;
  x->fill = attr->value;
  k->out[0].value = expr_in(g->u, 0);
}

const Op op_pad = {
    .name = "pad",
    .class = CLASS_VIEW,
    .in_json = true,
    .min_args = 1,
    .max_args = 1,
    .doc = "axes with constant elements before and after",
    .source = "PyTorch ConstantPad",
    .field = pad_fields,
    .nfield = COUNT(pad_fields),
    .attr_size = sizeof(PadAttr),
    .build = pad_build,
    .infer = pad_infer,
    .kernel = pad_kernel,
};
