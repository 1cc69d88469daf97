/* fuse.h - the parts of pass fuse: kernels join (fuse.c, fuse_concat.c, fuse_sums.c,
 * fuse_moments.c, fuse_updates.c), then become a Plan (fuse_plan.c). */
#ifndef FUSE_H
#define FUSE_H

#include "passes.h"

typedef struct Group { /* a kernel over node ids */
  Kernel k;
  Id node; /* whose value it computes, or part of it (concat); of several outs the last one's */
  PlanEntry entry;
  int position; /* in the order of running */
  bool dead;
} Group;

typedef VEC(Group *) Groups;

typedef struct Fuse {
  Unit *u;
  const Graph *g;
  const Phase *phase;       /* per node: when its value can be computed */
  const char *const *title; /* per node: what comments call it */
  bool *given;              /* per node: an earlier family's kernel of PLAN_PREPARE computes it */
  const struct Language *language; /* what its kernels can be */
  /* of one family of entries: */
  Groups group;
  PlanEntry *entry; /* per node: where it is computed; PLAN_ENTRIES: nowhere */
  int *uses;        /* per node: live groups that read it, outputs and updates */
  Groups *made;     /* per node: the groups that write it */
} Fuse;

static inline PlanEntry fuse_entry(EntryKind kind) {
  return (PlanEntry)(PLAN_FORWARD + (int)kind);
}

/* The one live group that computes a node, or NULL. */
Group *fuse_producer(const Fuse *, Id);
/* A new group that computes a node, or a part of it. */
void fuse_add_group(Fuse *, const Kernel *, Id node);

/* fuse_concat.c */
/* If k, the kernel of a node, is a concatenation: one group for each member, which copies it. */
bool fuse_split_concat(Fuse *, const Kernel *k, Id node);
/* If a group only copies what nobody else reads, its producers write where it would. */
void fuse_write_in_place(Fuse *, Group *);

/* fuse_sums.c */
/* Sums that read one tensor at the same points become one kernel. */
void fuse_join_sums(Fuse *);
/* Have two kernels the same loops, and room for the inputs, folds and outs of both? */
bool fuse_same_points(const Kernel *, const Kernel *);
/* `group` computes what `first` computes as well: before its own. */
void fuse_take_over(Fuse *, Group *first, Group *group);

/* fuse_moments.c */
/* A mean and the mean of squares around it become one kernel, which reads once. */
void fuse_join_moments(Fuse *);

/* fuse_updates.c */
/* Updates that read what others replace become one kernel with them. */
void fuse_join_updates(Fuse *);

/* fuse_plan.c */
typedef struct FusePlan FusePlan;
FusePlan *fuse_plan_begin(Fuse *, const PlanOptions *);
void fuse_plan_family(FusePlan *, const EntryKind *, int n);
Plan *fuse_plan_end(FusePlan *);

#endif
