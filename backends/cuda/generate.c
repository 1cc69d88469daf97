/* generate.c - the functions that a Kernel becomes, and their launches. See generate.h.
 *
 * All outs with an element of their own per point are one function; outs that combine are another
 * one for each set of loops that they sum over. Products in blocks of threads sum as they store. */
#include "depthwise.h"
#include "function.h"
#include "gemm.h"
#include "library.h"
#include "reduce.h"
#include "vectors.h"

#include <string.h>

/* ---- one function ---- */

/* c1: f32[n,1,32,32], f32[6,1,5,5], f32[6] -> f32[n,6,28,28], 117600 multiply-adds per sample */
const char *writer_title(Writer *w) {
  Text text = {.arena = w->e->arena};
  text_add(&text, "%s: ", kernel_title(w->k));
  for (int i = 0, first = 1; i < w->k->nin; i++) {
    if (!writer_reads(w, i)) continue;
    if (!first) text_add(&text, ", ");
    first = 0;
    type_print(&text, &w->p->buffer.at[w->k->in[i].tensor].type);
  }
  text_add(&text, " ->");
  for (int o = 0; o < w->k->nout; o++) {
    if (!w->out[o]) continue;
    text_add(&text, " ");
    type_print(&text, &w->p->buffer.at[w->k->out[o].to.tensor].type);
  }
  if (w->k->macs) text_add(&text, ", %lld multiply-adds", (long long)w->k->macs);
  return text.at;
}

/* The function of what the writer computes, and its launch. */
static void print_part(Writer *w, Emit *calls) {
  Function f = {0};
  Body body;
  function_begin_points(w, &f, writer_title(w), &body);
  writer_body(w);
  function_launch_points(w, &f, &body, w->k, calls);
}

/* ---- which outs go together ---- */

/* Names of loops that mean something else in the text end in a line. */
static const char *loop_name(Arena *arena, const char *name) {
  static const char *const others[] = {
      "batch", "point", "points", "stride", "in",    "out",    "x",     "acc",  "first",
      "term",  "sum",   "inside", "t",      "row",   "column", "group", "part", "thread",
      "line",  "step",  "place",  "lane",   "lanes", "filter", "value"};
  const size_t length = strcspn(name, "0123456789");
  bool taken = library_keyword(name);
  for (int i = 0; i < COUNT(others); i++)
    taken |= strlen(others[i]) == length && strncmp(name, others[i], length) == 0;
  return taken ? arena_printf(arena, "%s_", name) : name;
}

/* Do subscripts and points fit an int, with a whole grid added? */
static bool small(const Plan *p, const Kernel *k) {
  const double most = INT32_MAX - (1 << 29);
  double points[2] = {1, 1}; /* free, reduced */
  bool fits = true;
  for (int l = 0; l < k->nloop; l++)
    points[k->loop[l].reduced] *= (double)extent_at(k->loop[l].extent, p->max_batch);
  for (int i = 0; i < k->nin + k->nout; i++) {
    const View *v = kernel_view(k, i);
    fits &= (double)buffer_layout(&p->buffer.at[v->tensor], p->max_batch).size < most;
    for (int a = 0; a < v->rank; a++) {
      const Coord linear = coord_linear(&v->at[a]);
      int64_t lo, hi;
      coord_range(k, &linear, p->max_batch, &lo, &hi);
      fits &= (double)-lo < most && (double)hi < most;
    }
  }
  return fits && points[0] < most && points[1] < most;
}

static void start(Writer *w, Emit *e, const Plan *p, const Kernel *k) {
  *w = (Writer){.e = e, .p = p, .k = k, .n = "batch"};
  w->math = k->math == F64 ? cuda_double() : scalar_float;
  w->index = small(p, k) ? "int" : "long long";
  for (int l = 0; l < k->nloop; l++) w->loop[l] = loop_name(e->arena, k->loop[l].name);
}

/* Where channels lie in lanes, neighbours in memory are channels: their loop becomes the last of
 * the free ones, so that threads beside each other have them. */
static Kernel channels_last(const Plan *p, const Kernel *from) {
  Kernel k = *from;
  const View *to = &k.out[0].to;
  const int axis = p->buffer.at[to->tensor].format.lane_axis;
  const int channel = axis >= 0 ? coord_forward_loop(&to->at[axis]) : -1;
  int last[MAX_LOOPS], to_loop = 0;
  if (channel < 0 || gemm_tile(&k).rows > 0) return k;
  if (vectors_serve(p, &k)) return k;
  if (depthwise_points(&k) > 0 && depthwise_of(p, &k).lane >= 0) return k;
  for (int l = 0; l < k.nloop; l++)
    if (l != channel && !k.loop[l].reduced) last[l] = to_loop++;
  last[channel] = to_loop++;
  for (int l = 0; l < k.nloop; l++)
    if (k.loop[l].reduced) last[l] = to_loop++;
  kernel_move_loops(p->u, &k, last);
  return k;
}

static bool same_loops(const Kernel *k, const View *a, const View *b) {
  for (int l = 0; l < k->nloop; l++)
    if (view_uses(a, l) != view_uses(b, l)) return false;
  return true;
}

/* Products in blocks of threads store all outs. False: the kernel is none. */
static bool print_blocks(Emit *e, Emit *calls, Maps *maps, const Plan *p, const Kernel *k) {
  Writer w;
  start(&w, e, p, k);
  if (!gemm_serves(&w)) return false;
  for (int o = 0; o < k->nout; o++) w.out[o] = true;
  gemm_print(&w, calls, maps);
  return true;
}

/* All outs that have an element of their own per point. */
static void print_plain_outs(Emit *e, Emit *calls, const Plan *p, const Kernel *k) {
  Writer w;
  bool any = false;
  start(&w, e, p, k);
  writer_take_loops(&w, false);
  for (int o = 0; o < k->nout; o++) any |= w.out[o] = !k->out[o].combine;
  if (!any) return;
  if (depthwise_points(k) > 0)
    depthwise_print(&w, calls);
  else if (writer_transforms(p, k))
    writer_transform(&w, calls);
  else if (reduce_threads(k) > 0 && vectors_sum(p, k))
    vectors_print_sum(&w, calls);
  else if (reduce_threads(k) > 0)
    reduce_print(&w, calls);
  else if (vectors_serve(p, k))
    vectors_print(&w, calls);
  else
    print_part(&w, calls);
}

void cuda_kernel(Emit *functions, Emit *calls, Maps *maps, const Plan *p, const Kernel *given) {
  const Kernel moved = channels_last(p, given), *k = &moved;
  bool done[MAX_OUT] = {false};
  if (print_blocks(functions, calls, maps, p, k)) return;
  print_plain_outs(functions, calls, p, k);
  for (int o = 0; o < k->nout; o++) {
    if (!k->out[o].combine || done[o]) continue;
    Writer w;
    start(&w, functions, p, k);
    w.combine = true;
    for (int l = 0; l < k->nloop; l++) w.thread[l] = view_uses(&k->out[o].to, l);
    for (int other = o; other < k->nout; other++)
      if (k->out[other].combine && same_loops(k, &k->out[o].to, &k->out[other].to))
        w.out[other] = done[other] = true;
    print_part(&w, calls);
  }
}
