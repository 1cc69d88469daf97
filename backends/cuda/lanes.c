/* lanes.c - see lanes.h; the functions of memory are those of runtime/cuda/lanes.cuh. */
#include "lanes.h"

#include "narrow.h"

void lanes_count_blocks(Kernel *k, int loop, int lanes) {
  k->loop[loop].extent.plus /= lanes;
  for (int i = 0; i < k->nin + k->nout; i++) {
    View *v = i < k->nin ? &k->in[i] : &k->out[i - k->nin].to;
    for (int a = 0; a < v->rank; a++) v->at[a].coef[loop] *= lanes;
  }
}

void lanes_open(Emit *e, int lanes) {
  emit(e, "CNNC_UNROLL");
  emit_open(e, "for (int lane = 0; lane < %d; lane++)", lanes);
}

void lanes_each(Emit *e, int lanes, const char *body) {
  emit(e, "CNNC_UNROLL");
  emit(e, "for (int lane = 0; lane < %d; lane++) %s", lanes, body);
}

static const char *stored_name(const Writer *w, const View *v) {
  return dtype_name(w->p->buffer.at[v->tensor].format.dtype);
}

void lanes_load(Writer *w, const char *array, int input) {
  const View *v = &w->k->in[input];
  const char *pointer = writer_in(w, input);
  emit(w->e, "cnnc_load_lanes_%s(%s, &%s[%s]);", stored_name(w, v), array, pointer,
       writer_subscript(w, v, pointer));
}

void lanes_read(Writer *w, const char *array, int lanes, int input) {
  const View *v = &w->k->in[input];
  const char *pointer = writer_in(w, input);
  if (v->outside != SKIP) writer_coordinates(w, v, pointer, ALL_LEVELS);
  const char *inside = v->outside == FILL ? writer_inside(w, v, pointer, ALL_LEVELS) : NULL;
  emit(w->e, "float %s[%d];", array, lanes);
  if (inside) {
    const char *fill = emit_number(w->e->arena, v->fill, F32);
    lanes_each(w->e, lanes, arena_printf(w->e->arena, "%s[lane] = %s;", array, fill));
    emit(w->e, "if (%s)", inside);
    w->e->indent++;
  }
  lanes_load(w, array, input);
  if (inside) w->e->indent--;
}

void lanes_store(Writer *w, const char *array) {
  const View *to = &w->k->out[0].to;
  const char *pointer = writer_out(w, 0);
  writer_coordinates(w, to, pointer, PROLOGUE);
  emit(w->e, "cnnc_store_lanes_%s(&%s[%s], %s);", stored_name(w, to), pointer,
       writer_subscript(w, to, pointer), array);
}
