/* interp.h - what the files of the interpreter share (interp.c, interp_array.c, interp_contract.c,
 * interp_plan.c, graph_run.c). */
#ifndef INTERP_H
#define INTERP_H

#include "kernel.h"

/* The coordinate on one axis at loop indices, before it is divided; */
int64_t interp_linear(const Coord *, const int64_t *index, int nloop);
/* after that: false outside (a division that must be exact is not). */
bool interp_divided(const Coord *, int64_t *);
/* What an axis adds to the offset of an element. */
int64_t interp_offset(const Array *, int axis, int64_t coordinate);
/* Where a view may read: a FILL view sees the margins. */
Range interp_box(const Array *, const View *, int axis, int64_t n);
/* The r in [0, length) with v + step * r in the box; none: [0, 0). */
Range interp_points(int64_t v, int64_t step, Range box, int64_t length);

/* The accumulators of a contraction over its free loops, row-major within `range`; NULL where the
 * kernel is none or its views are not affine. */
double *interp_contract(const Kernel *, const Array *, const Range *, int64_t n);

#endif
