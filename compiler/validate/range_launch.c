/* range_launch.c - CUDA: what host code says about the grids it starts, and what threads know of
 * where they are. Of a kernel that is launched several times the union of all extents is known. */
#include "range.h"

#include <string.h>

/* Of any grid, any block; a block has no more threads than its first extent may have. */
static const Interval most_grid[3] = {{1, INT32_MAX}, {1, 65535}, {1, 65535}};
static const Interval most_block[3] = {{1, 1024}, {1, 1024}, {1, 64}};

/* ---- host ---- */

/* What is passed as a grid or a block: dim3(x, y, z), where extents that are left out are 1. False:
 * something else. */
static bool find_extents(Checker *c, CNode *n, Value extent[3]) {
  n = ctree_strip(n);
  if (n->kind != NODE_CONSTRUCTED) return false;
  CNode *argument = n->first;
  if (argument && ctree_strip(argument)->kind == NODE_CONSTRUCTED) /* a copy of one */
    return find_extents(c, argument, extent);
  for (int i = 0; i < 3; i++, argument = argument ? argument->next : NULL)
    extent[i] = argument ? range_eval(c, argument) : value_int(affine_constant(1));
  return true;
}

static void check_extents(Checker *c, CNode *call, const char *what, CNode *n,
                          const Interval most[3], Interval found[3]) {
  Value extent[3];
  const bool known = find_extents(c, n, extent);
  for (int i = 0; i < 3; i++) {
    found[i] = most[i];
    if (known && extent[i].kind == VALUE_INT && prove_within(c->known, &extent[i].at, most[i])) {
      found[i] = affine_bounds(c->known, &extent[i].at);
      continue;
    }
    access_report(c, n, ACCESS_UNPROVED, "not proved in range: extent %c of the %s of %s", "xyz"[i],
                  what, call -> symbol -> name);
  }
}

static Launch *launch_of(const Checker *c, const char *kernel) {
  for (int i = 0; i < c->launches->n; i++)
    if (!strcmp(c->launches->at[i].kernel, kernel)) return &c->launches->at[i];
  return NULL;
}

void range_launch(Checker *c, const CFunction *kernel, CNode *call) {
  CNode *grid = ctree_child(call->launch, 1), *block = ctree_child(call->launch, 2);
  Launch now = {.kernel = kernel->symbol->name};
  if (!grid || !block) return;
  check_extents(c, call, "grid", grid, most_grid, now.grid);
  check_extents(c, call, "block", block, most_block, now.block);
  if (now.block[0].hi * now.block[1].hi * now.block[2].hi > most_block[0].hi)
    access_report(c, block, ACCESS_UNPROVED,
                  "not proved in range: a block of %s may have more than 1024 threads", now.kernel);
  Launch *all = launch_of(c, now.kernel);
  if (!all)
    vec_push(c->arena, c->launches, now);
  else
    for (int i = 0; i < 3; i++) {
      interval_widen(&all->grid[i], now.grid[i]);
      interval_widen(&all->block[i], now.block[i]);
    }
}

/* ---- device ---- */

static Affine extent(Checker *c, Interval is) {
  return is.lo == is.hi ? affine_constant(is.lo) : know_atom(c->known, is, false);
}

static Affine index_below(Checker *c, const Affine *end, Interval is) {
  if (is.hi == 1) return affine_constant(0);
  Affine index = know_atom(c->known, (Interval){0, is.hi - 1}, is.lo == is.hi), next = index;
  next.constant += 1;
  know_at_most(c->known, &next, end);
  return index;
}

void range_begin_threads(Checker *c, const CFunction *f) {
  const Launch *launch = launch_of(c, f->symbol->name);
  if (f->is_kernel && !launch)
    access_report(c, f->body, ACCESS_UNPROVED,
                  "not proved in range: %s is never launched: nothing is known about its threads",
                  f->symbol->name);
  for (int i = 0; i < 3; i++) {
    const Interval grid = launch ? launch->grid[i] : most_grid[i],
                   block = launch ? launch->block[i] : most_block[i];
    c->thread[GRID_EXTENT][i] = extent(c, grid);
    c->thread[BLOCK_EXTENT][i] = extent(c, block);
    c->thread[BLOCK_INDEX][i] = index_below(c, &c->thread[GRID_EXTENT][i], grid);
    c->thread[THREAD_INDEX][i] = index_below(c, &c->thread[BLOCK_EXTENT][i], block);
  }
}

bool range_thread_read(const Checker *c, Value address, const CSymbol *field, Value *value) {
  static const char *const names[THREAD_VALUES] = {[THREAD_INDEX] = "threadIdx",
                                                   [BLOCK_INDEX] = "blockIdx",
                                                   [BLOCK_EXTENT] = "blockDim",
                                                   [GRID_EXTENT] = "gridDim"};
  const CSymbol *variable = c->bases.at[address.base].variable;
  if (!variable || !variable->is_file || !field) return false;
  for (int i = 0; i < THREAD_VALUES; i++) {
    if (strcmp(variable->name, names[i])) continue;
    *value = value_int(c->thread[i][field->name[0] - 'x']);
    return true;
  }
  return false;
}
