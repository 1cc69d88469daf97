/* file.c - NAME.cu: everything around the kernels. Order of the file: what it is; helpers;
 * constants; kernels; parameters on the host, the same text as in C; upload; the entries; init. */
#include "file.h"
#include "gemm.h"
#include "narrow.h"
#include "reduce.h"
#include "vectors.h"

#include <inttypes.h>

/* ---- what the generator asks for ---- */

const char *cuda_constant(Emit *e, int buffer) {
  return arena_printf(e->arena, "%s_const%d", e->prefix, buffer);
}

static const char *place(Emit *e, const Buffer *b, const char *member, int64_t offset) {
  return arena_printf(e->arena, "(%s *)(ctx->%s + %" PRId64 ")", c_type(b->format.dtype), member,
                      offset);
}

const char *cuda_buffer(Emit *e, const Plan *plan, int buffer) {
  const Buffer *b = &plan->buffer.at[buffer];
  switch (b->home) {
  case HOME_INPUT: return e->input[b->index];
  case HOME_OUTPUT: return library_output(e, plan, buffer);
  case HOME_PARAM: return place(e, b, "device_params", b->offset);
  case HOME_DERIVED: return place(e, b, "device_params", plan->param_bytes + b->offset);
  case HOME_STATE: return place(e, b, "state", b->offset);
  case HOME_GRAD: return place(e, b, "grads", b->offset);
  case HOME_KEPT: return place(e, b, "kept", b->offset);
  case HOME_WORK: return place(e, b, "work", b->offset);
  default: BUG("buffer %s is a constant, which has a name", b->name);
  }
}

/* ---- kernels and entries ---- */

typedef struct Printing {
  Emit *functions;
  Emit *calls[PLAN_ENTRIES];
  const Library *l;
  Maps maps;
  int step[PLAN_ENTRIES]; /* that comes next */
} Printing;

static void print_if(Printing *p, PlanEntry entry, const Kernel *k, const char *condition) {
  if (condition) emit_open(p->calls[entry], "if (%s)", condition);
  cuda_kernel(p->functions, p->calls[entry], &p->maps, p->l->plan, k);
  if (condition) emit_close(p->calls[entry]);
}

static void print_leaf(void *context, PlanEntry entry, Kernel *k, Step *const *outer, int depth) {
  Printing *p = context;
  (void)outer, (void)depth;
  if (!p->calls[entry]) return;
  const int i = p->step[entry]++;
  const bool back = entry == PLAN_BACKWARD;
  const Step *updating = back ? plan_own_step(p->l->plan, PLAN_TRAIN_STEP, i) : NULL;
  if (updating) print_if(p, entry, updating->run, LIBRARY_UPDATING);
  print_if(p, entry, k, back || entry == PLAN_STEP ? library_wanted(p->l, entry, i) : NULL);
  if (back) library_hand_over(p->calls[entry], p->l, i);
}

/* How many bytes of host memory the device gets:
 * what was derived as well, where the host did it. */
static int64_t upload_bytes(const Library *l) {
  bool loaded = l->o->weights_as == WEIGHTS_LOADED;
  return l->plan->param_bytes + (loaded ? 0 : l->plan->derived_bytes);
}

/* What the kernels want of parameters that lie on the device. */
static void add_derive(Emit *e, const Text *calls) {
  const char *p = e->prefix;
  BLOCK(e, "static int %s_derive(const %s *ctx, void *stream)", p, p) {
    if (calls->n) emit(e, "enum { n = 1 };");
    if (calls->n) emit_text(e, calls->at);
    if (!calls->n) emit(e, "(void)ctx, (void)stream;");
    emit(e, "return %s_OK;", p);
  }
  emit_line(e);
}

/* Maps of the tensors that kernels copy in boxes. */
static void add_encode(Emit *e, const Maps *maps) {
  const char *p = e->prefix;
  if (maps->n == 0) return;
  emit_comment(e, "Tells the device how tensors lie in memory that kernels copy in boxes.");
  BLOCK(e, "static int %s_encode(%s *ctx)", p, p) {
    emit(e, "const cnnc_tensor tensor[%d] = {", maps->n);
    emit_text(e, maps->rows.at);
    emit(e, "};");
    emit(e, "for (int i = 0; i < %d; i++)", maps->n);
    emit(e, "  if (cnnc_encode(ctx->map[i], &tensor[i]) != cudaSuccess) return %s_E_DEVICE;", p);
    emit(e, "return %s_OK;", p);
  }
  emit_line(e);
}

static void add_upload(Emit *e, const Library *l, const Maps *maps) {
  const char *p = e->prefix;
  BLOCK(e, "int %s_upload(%s *ctx, void *stream)", p, p) {
    emit(e, "if (!ctx) return %s_E_NULL;", p);
    if (l->o->weights_as == WEIGHTS_LOADED)
      emit(e, "if (!%s_is_loaded(ctx->header)) return %s_E_WEIGHTS;", p, p);
    if (maps->n) emit(e, "if (%s_encode(ctx)) return %s_E_DEVICE;", p, p);
    if (upload_bytes(l) > 0) {
      emit(e, "if (cudaMemcpyAsync(ctx->device_params, ctx->params, %" PRId64 ",", upload_bytes(l));
      emit(e, "                    cudaMemcpyHostToDevice, (cudaStream_t)stream) != cudaSuccess)");
      emit(e, "  return %s_E_DEVICE;", p);
    }
    if (library_trains(l)) {
      emit(e, "int status = %s_upload_training(ctx, stream);", p);
      emit(e, "if (status) return status;");
    }
    emit(e, "ctx->uploaded = 1;");
    emit(e, "return %s_derive(ctx, stream);", p);
  }
}

static void add_forward(Emit *e, const Library *l, const Text *calls) {
  const char *p = e->prefix;
  emit_wrapped(e, arena_printf(e->arena, "int %s_forward(%s *ctx, int n%s, void *stream) {", p, p,
                               library_arguments(l, true)));
  e->indent++;
  emit(e, "if (!ctx%s) return %s_E_NULL;", library_null_tests(l), p);
  emit(e, "if (n < 1 || n > %s_MAX_BATCH) return %s_E_BATCH;", p, p);
  emit(e, "if (!ctx->uploaded) return %s_E_WEIGHTS;", p);
  if (calls->n) emit_text(e, calls->at);
  if (!calls->n) emit(e, "(void)stream;");
  emit(e, "return %s_OK;", p);
  emit_close(e);
}

/* Parameters on the host. Deriving is the device's part, so nothing is left to prepare here. */
static void add_params(Emit *e, const Library *l) {
  if (l->o->weights_as == WEIGHTS_LOADED) {
    library_param_tables(e->out, l);
    emit_comment(e, "Derived weights are computed on the device, by %s_derive.", e->prefix);
    BLOCK(e, "static void %s_prepare(const %s *ctx)", e->prefix, e->prefix)
    emit(e, "(void)ctx;");
    emit_line(e);
  }
  library_param_code(e->out, l);
}

static void add_facts(Emit *e, const Library *l) {
  const Plan *plan = l->plan;
  library_facts(e, l, upload_bytes(l), l->work_bytes);
  emit_fact(e, NULL, "device_params", 0, plan->param_bytes + plan->derived_bytes - 1);
  emit_fact(e, arena_printf(e->arena, "%s_graph_end", e->prefix), "graph", 0, 0);
  if (library_trains(l)) cuda_train_facts(e, l);
}

/* ---- NAME.cu ---- */

typedef struct Products { /* in blocks of threads: are there any? */
  const Plan *plan;
  bool any, together; /* by warps together */
  bool summed;        /* by columns; or sums of channels in lanes */
  int maps;           /* of operands that come in boxes */
} Products;

static void find_product(void *context, PlanEntry entry, Kernel *k, Step *const *outer, int depth) {
  Products *found = context;
  const GemmTile tile = gemm_tile(k);
  (void)entry, (void)outer, (void)depth;
  found->any |= tile.rows > 0;
  found->together |= tile.warps > 0;
  found->summed |=
      tile.rows > 0 ? k->nout > 1 : reduce_threads(k) > 0 && vectors_sum(found->plan, k);
  if (tile.wide > 0) found->maps += 2;
}

static Products products_of(const Plan *plan) {
  Products found = {.plan = plan};
  plan_leaves(plan, find_product, &found);
  return found;
}

int cuda_maps(const Plan *plan) {
  return products_of(plan).maps;
}

/* What functions of cuda/tensor.cuh reach of memory, in elements. */
static void add_product_facts(Emit *e) {
  static const struct {
    const char *function, *pointer;
    int last;
  } reach[] = {
      {"cnnc_ldmatrix_x4", "word", 3}, {"cnnc_ldmatrix_x4", "at", 3},
      {"cnnc_store_x4", "to", 3},      {"cnnc_store_x4", "word", 3},
      {"cnnc_cp_async_16", "to", 15},  {"cnnc_cp_async_16", "from", 15},
      {"cnnc_cp_async_4", "to", 3},    {"cnnc_cp_async_4", "from", 3},
      {"cnnc_store_x2", "to", 1},      {"cnnc_load_x2", "to", 1},
      {"cnnc_load_x2", "from", 1},
  };
  for (int i = 0; i < COUNT(reach); i++)
    emit_fact(e, reach[i].function, reach[i].pointer, 0, reach[i].last);
}

static const int wgmma_columns[] = {32, 64, 128, 256}; /* of the products that there are */

static void add_wgmma_fact(Emit *e, const char *name, int columns) {
  enum { ROWS = 16 * GEMM_TOGETHER, LAST_CHUNK = GEMM_TURNED / GEMM_CHUNK - 2 };
  emit_fact(e, name, "d", 0, columns / 8 - 1);
  emit_fact(e, name, "rows", 0, ROWS * GEMM_TURNED - 1);
  emit_fact(e, name, "columns", 0, columns * GEMM_TURNED - 1);
  emit_fact(e, name, "k", 0, LAST_CHUNK);
}

/* What functions of cuda/wgmma.cuh reach. */
static void add_wgmma_facts(Emit *e) {
  static const char *const types[] = {"bf16", "f16"};
  for (int t = 0; t < COUNT(types); t++)
    for (int i = 0; i < COUNT(wgmma_columns); i++)
      add_wgmma_fact(e, arena_printf(e->arena, "cnnc_wgmma_%s_%d", types[t], wgmma_columns[i]),
                     wgmma_columns[i]);
}

/* Lines of w have GEMM_LINE columns, so narrower products take it as it is. */
static void add_lines_helpers(Emit *e, bool together) {
  static const char *const suffixes[] = {"x", "w", "xw"};
  emit_text(e, runtime_file("cuda/lines.cuh"));
  emit_fact(e, "cnnc_ldmatrix_trans_x4", "word", 0, 3);
  emit_fact(e, "cnnc_ldmatrix_trans_x4", "at", 0, 3);
  if (!together) return;
  emit_text(e, runtime_file("cuda/wgmma_lines.cuh"));
  for (int c = 0; c < COUNT(wgmma_columns); c++) {
    const int columns = wgmma_columns[c], forms = columns % GEMM_LINE ? 1 : COUNT(suffixes);
    for (int i = 0; i < forms; i++)
      add_wgmma_fact(e, arena_printf(e->arena, "cnnc_wgmma_bf16_%d_%s", columns, suffixes[i]),
                     columns);
  }
}

static void add_product_helpers(Emit *e, const Plan *plan, const Products *products) {
  emit_text(e, runtime_file("cuda/gemm.cuh"));
  emit_text(e, runtime_file("cuda/tensor.cuh"));
  if (products->together) emit_text(e, runtime_file("cuda/wgmma.cuh"));
  if (products->together) add_wgmma_facts(e);
  if (stage_has_lines(plan)) add_lines_helpers(e, products->together);
  if (products->summed) emit_text(e, runtime_file("cuda/sums.cuh"));
  if (products->maps) emit_text(e, runtime_file("cuda/map.cuh"));
  if (products->maps) emit_text(e, runtime_file("cuda/tma.cuh"));
  if (gemm_arithmetic[plan->precision].late) emit_text(e, runtime_file("cuda/split.cuh"));
  if (dtype_narrow(plan_stored(plan))) emit_text(e, runtime_file("cuda/narrow.cuh"));
  add_product_facts(e);
}

static void add_lane_facts(Emit *e, DType dtype) {
  static const char *const functions[] = {"load", "store"};
  for (int i = 0; i < COUNT(functions); i++) {
    const char *name = arena_printf(e->arena, "cnnc_%s_lanes_%s", functions[i], dtype_name(dtype));
    emit_fact(e, name, "to", 0, PLAN_CHUNK - 1);
    emit_fact(e, name, "from", 0, PLAN_CHUNK - 1);
  }
}

static void add_lane_helpers(Emit *e, const Plan *p) {
  emit_text(e, runtime_file("cuda/lanes.cuh"));
  add_lane_facts(e, F32);
  if (!dtype_narrow(plan_stored(p))) return;
  emit_text(e, runtime_file("cuda/lanes_narrow.cuh"));
  add_lane_facts(e, BF16);
  add_lane_facts(e, F16);
}

static void add_includes(Emit *e, const Library *l) {
  const Products products = products_of(l->plan);
  emit_line(e);
  if (products.maps) emit(e, "#include <cuda.h>");
  emit(e, "#include <cuda_runtime.h>");
  if (library_trains(l)) emit(e, "#include <float.h>");
  emit(e, "#include <math.h>");
  emit(e, "#include <string.h>");
  if (l->o->weights_as == WEIGHTS_LOADED)
    emit(e, "#ifndef %s_NO_STDIO\n#include <stdio.h>\n#endif", e->prefix);
  emit_line(e);
  emit_text(e, runtime_file("cuda/loops.cuh"));
  if (products.any || products.summed || dtype_narrow(plan_stored(l->plan)))
    add_product_helpers(e, l->plan, &products);
  if (plan_lanes(l->plan) > 1) add_lane_helpers(e, l->plan);
  if (library_draws(l->plan)) {
    emit_text(e, runtime_file("c/philox.h"));
    emit_text(e, runtime_file("c/uniform.h"));
  }
  if (l->o->weights_as == WEIGHTS_EMBED) emit(e, "#include \"%s_weights.h\"", l->name);
  emit_line(e);
}

/* Numbers of transforms are part of their code. */
static bool reads_constants(const Plan *p, const Kernel *k) {
  return !writer_transforms(p, k);
}

static void add_body(Emit *e, const Library *l) {
  Text text[PLAN_ENTRIES];
  Emit calls[PLAN_ENTRIES];
  Printing p = {.functions = e, .l = l, .maps = {.rows = {.arena = l->arena}}};
  for (int i = 0; i < PLAN_ENTRIES; i++) {
    text[i] = (Text){.arena = l->arena};
    calls[i] = emit_start(l->arena, &text[i], e->prefix, NULL);
    calls[i].indent = 1;
    calls[i].input = l->input;
    calls[i].output = l->output;
    calls[i].gradient = l->gradient;
  }
  if (l->o->weights_as == WEIGHTS_LOADED) p.calls[PLAN_PREPARE] = &calls[PLAN_PREPARE];
  p.calls[PLAN_FORWARD] = &calls[PLAN_FORWARD];
  for (int i = PLAN_TRAIN_FORWARD; i <= PLAN_STEP && library_trains(l); i++) p.calls[i] = &calls[i];

  add_includes(e, l);
  library_error_texts(e->out, l);
  library_template(e->out, l, "c/about.c");
  emit_line(e);
  library_constants(e, l, "static __device__ const", reads_constants);
  plan_leaves(l->plan, print_leaf, &p);
  add_params(e, l);
  add_derive(e, &text[PLAN_PREPARE]);
  if (library_trains(l)) cuda_train_body(e, l, text);
  library_template(e->out, l, "cuda/init.c");
  emit_line(e);
  add_encode(e, &p.maps);
  add_upload(e, l, &p.maps);
  emit_line(e);
  add_forward(e, l, &text[PLAN_FORWARD]);
  if (library_trains(l)) cuda_train_entries(e, l, text);
  emit_line(e);
  library_template(e->out, l, "cuda/graph.c");
}

static const char *head(const Library *l) {
  return arena_printf(
      l->arena,
      "%s.cu - %s of the network \"%s\", emitted by cnnc %s:\n%s\nTarget %s: %s. nvcc "
      "-arch=%s -O2 -c %s.cu; with -Xcompiler -fno-exceptions,-fno-rtti,-fno-threadsafe-statics "
      "programs in C link it by themselves (and -lcudart_static -ldl -lpthread -lrt). The "
      "interface "
      "is explained in %s.h. This file belongs to whoever had it emitted.",
      l->name, library_trains(l) ? "training and inference" : "inference", l->plan->graph->name,
      CNNC_VERSION, l->o->command, l->plan->target->name, l->plan->target->doc,
      l->plan->target->name, l->name, l->name);
}

static void cuda_emit(const Plan *plan, const EmitOptions *o, Emitted *emitted) {
  Library l = library_new(plan, o);
  Text body = {.arena = l.arena};
  if (o->weights_as == WEIGHTS_LOADED) l.params_bytes = LIBRARY_HEADER + plan->param_bytes;
  Emit e = emit_start(l.arena, &body, o->prefix, emitted);
  e.input = l.input;
  e.output = l.output;
  e.gradient = l.gradient;
  add_body(&e, &l);
  add_facts(&e, &l);
  library_files(&l, emitted, head(&l), &body, cuda_header);
}

/* Built without the runtime of C++, so that programs in C link the library. */
const Language language_cuda = {
    .name = "cuda",
    .title = "CUDA",
    .suffix = ".cu",
    .target = "sm_80",
    .streams = true,
    .blocks = true,
    .rounds = true,
    .moments = true,
    /* As direct sums have; in gradients of activations like F(2, 3)'s. No device has timed more. */
    .training_growth = {[ROLE_FWD] = 1.3, [ROLE_DGRAD] = 3.3, [ROLE_WGRAD] = 13},
    .weights = {[WEIGHTS_LOADED] = true, [WEIGHTS_EMBED] = true, [WEIGHTS_FILE] = true},
    .compiler = "nvcc",
    .compile = "-O2 -Xcompiler -fPIC,-fno-exceptions,-fno-rtti,-fno-threadsafe-statics",
    .link = "-shared",
    .devices = true,
    .emit = cuda_emit,
};
