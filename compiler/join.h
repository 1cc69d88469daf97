/* join.h - kernels that follow one another element by element: the algebra under fold and fuse. */
#ifndef JOIN_H
#define JOIN_H

#include "kernel.h"

/* Does view v of kernel m read a tensor of this type element by element, every loop of m moving one
 * axis? Then axis[loop] is that axis. */
bool view_is_whole(const Kernel *m, const View *v, const Type *type, int *axis);
/* v of a kernel whose loop l runs over axis[l] of what `to` writes, in the loops of that writer. */
View view_through(const View *v, const int *axis, const View *to);
/* A kernel that computes tensor `id`, a fold as a rule, then the map m of it: one kernel. False
 * where m does not read it element by element, or where an expression would grow beyond EXPR_MOST.
 */
bool kernel_join(Unit *, const Kernel *fold, int id, const Type *, const Kernel *m, Kernel *joined);

#endif
