/* choose.h - the parts of pass choose: candidates and their solution (choose.c), layouts of buffers
 * (choose_formats.c), what --algo asks for (choose_force.c), what plan files ask for and say
 * (choose_decisions.c), margins (choose_margins.c). */
#ifndef CHOOSE_H
#define CHOOSE_H

#include "pbqp.h"
#include "algos.h"
#include "passes.h"

enum { MAX_CANDIDATES = ALGO_KINDS + LAYOUT_END };

typedef struct Candidate {
  const Algo *algo; /* NULL: not a contraction */
  Layouts wants, gives;
} Candidate;

typedef struct Item { /* a kernel of a call's entries */
  Step *leaf;
  PlanEntry entry;
  int n;
  Candidate at[MAX_CANDIDATES];
  double cost[MAX_CANDIDATES];
  int taken;
  int choice;       /* a contraction's rows of Plan.choice, one for each algorithm, begin here */
  const char *name; /* in plan files */
  Decision *asked;  /* NULL: nothing */
  TileLog tiles;
} Item;

typedef struct Choose {
  Plan *p;
  const PlanOptions *options;
  VEC(Item) item;
  int *node;       /* per buffer: its node, -1: its format is given */
  int *writer;     /* per buffer: the first item that writes it */
  Layouts *layout; /* per buffer: what was chosen */
  Layouts *asked;  /* per buffer: by a plan file; ANY: nothing */
} Choose;

/* ---- layouts (choose_formats.c) ---- */

/* Buffers that hold narrow numbers between kernels do so from now on. */
void choose_stored_types(Plan *);
Format choose_format(const Plan *, const Buffer *, Layouts);
double choose_format_bytes(const Plan *, int buffer, Layouts);
/* Is there such a layout of the buffer? */
bool choose_may_lie(const Plan *, int buffer, Layouts);
/* May an activation lie in several ways: is it worth a decision, or a wish that can be
 * disappointed?
 */
bool choose_has_layouts(const Plan *, int buffer);
/* Is it the pass that decides among them? */
bool choose_is_open(const Plan *, int buffer);
/* What becomes of the wish that a buffer lie so; does a layout fulfil it; and if not, the layout
 * that the buffer is moved to, and how long that takes. */
Layouts choose_possible(const Plan *, int buffer, Layouts want);
bool choose_serves(Layouts, Layouts want);
Layouts choose_moved_to(Layouts want);
double choose_move_time(const Plan *, int buffer, Layouts, Layouts want);
/* The part of a buffer that k writes gets a buffer of its own; at[] is its place in the whole. */
int choose_own_buffer(Plan *, const Kernel *k, View *to, Layouts, int64_t *at);
/* Vectors of channels can only be stored at multiples of lanes: what is computed for another place
 * in a concatenation is copied there. */
void choose_separate_parts(Plan *, Steps *);

/* ---- sums (choose_sums.c) ---- */

/* Is the kernel better two, of which the first sums each sample? */
bool choose_sums_by_sample(Plan *, const Kernel *, Kernel *each, Kernel *all);

/* ---- what is asked for, and margins ---- */

/* Which names of an option of --algo are none (layers are not looked at where there is no graph);
 * why the plan has nothing to do as it asks. NULL: nothing is wrong. */
const char *choose_misnamed(Arena *, const Graph *, const char *option);
const char *choose_complaint(const Plan *, const char *option);
/* The algorithm that --algo asks for, NULL if none. */
const Algo *choose_forced(Arena *, const PlanOptions *, const Kernel *);
/* Gives the item, which comes after all others, its name in plan files, and finds what is asked for
 * it. */
void decision_find(Choose *, Item *);
/* Leave an item's candidates, and the buffers that item i is the first to write, only what is asked
 * for; or mark that as impossible. */
void decision_ask_algorithm(Choose *, Item *, const Contraction *);
void decision_ask_layout(Item *);
void decision_ask_results(Choose *, int i);
/* The tiles that are asked for with a candidate; NULL: none. */
const Tiles *decision_tiles(const Item *, const Candidate *);
void decision_check_tiles(Choose *, const Item *);
/* Adds the line of a plan file that asks for what was decided. */
void decision_record(Choose *, const Item *);
/* What contractions read outside of a tensor becomes its buffer's margin; memory that is not the
 * plan's is copied into a buffer with margins first. Steps are still flat. */
void choose_margins(Plan *);

#endif
