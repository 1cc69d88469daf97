/* fuse_updates.c - part of fuse: what a step does to one parameter becomes one kernel.
 *
 * An update replaces a parameter or a state that other updates of the same step read: apart, each
 * would have to wait in a copy for the others. Together every element is read once and all that
 * becomes of it is written where it belongs.
 *
 *   v: i<9: %v2 = in1 + 0.9*in2                        i<9: %v2 = in1 + 0.9*in2
 *   p: i<9: %p2 = in0 - scalar1*(in1 + 0.9*in2)   ->        %p2 = in0 - scalar1*(in1 + 0.9*in2) */
#include "fuse.h"

/* By node: the parameter or state that it is the new value of, NO_ID: none. */
static Id *find_replaced(const Fuse *f) {
  Id *replaced = NEW_ARRAY(f->u->arena, Id, f->g->node.n);
  for (Id id = 0; id < f->g->node.n; id++) replaced[id] = NO_ID;
  for (int kind = 0; kind < ENTRIES; kind++) {
    const Entry *entry = &f->g->entry[kind];
    for (int i = 0; i < entry->update.n; i++)
      replaced[entry->update.at[i].value] = entry->update.at[i].to;
  }
  return replaced;
}

/* Is it a map whose results nobody needs but as new values? */
static bool only_updates(const Fuse *f, const Id *replaced, const Group *group) {
  const Kernel *k = &group->k;
  if (group->dead || k->nfold) return false;
  for (int o = 0; o < k->nout; o++) {
    const Id node = k->out[o].to.tensor;
    if (k->out[o].combine || replaced[node] == NO_ID || f->uses[node] != 1) return false;
  }
  return true;
}

/* Does b read what a replaces? */
static bool reads_replaced(const Id *replaced, const Group *a, const Group *b) {
  for (int o = 0; o < a->k.nout; o++)
    if (kernel_reads(&b->k, replaced[a->k.out[o].to.tensor])) return true;
  return false;
}

void fuse_join_updates(Fuse *f) {
  const Id *replaced = find_replaced(f);
  for (int i = 0; i < f->group.n; i++) {
    Group *group = f->group.at[i];
    for (int j = 0; j < i && only_updates(f, replaced, group); j++) {
      Group *first = f->group.at[j];
      if (!only_updates(f, replaced, first) || first->entry != group->entry) continue;
      if (!reads_replaced(replaced, first, group) && !reads_replaced(replaced, group, first))
        continue;
      if (fuse_same_points(&first->k, &group->k)) fuse_take_over(f, first, group);
    }
  }
}
