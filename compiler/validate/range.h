/* range.h - proves that the loads and stores of an emitted file stay in range.
 *
 * Functions are run on values that are linear forms over unknowns (affine.h): once on what the
 * Plan's facts say about their parameters, or, if no fact speaks of them, at each call on what the
 * call passes. Branches and loops add what their conditions say; a loop's variables become begin +
 * step * turn where that is their rule, and are forgotten otherwise. Every pointer is an object and
 * a distance in bytes. */
#ifndef RANGE_H
#define RANGE_H

#include "affine.h"
#include "backend.h"
#include "ctree.h"

typedef struct RangeCount {
  int proved, unproved, out_of_range, overflows;
} RangeCount;

/* How host code starts a kernel: the extents of its grids and blocks, all launches together. */
typedef struct Launch {
  const char *kernel;
  Interval grid[3], block[3];
} Launch;
typedef VEC(Launch) Launches;

/* Functions of the host, and the launches that they make; or, with these, those of the device. */
RangeCount range_check_host(Unit *, const CTree *, const Fact *, int nfact, Launches *);
RangeCount range_check_device(Unit *, const CTree *, const Fact *, int nfact, Launches *);

/* ---- what the files range_*.c share ---- */

typedef enum ValueKind { VALUE_UNKNOWN, VALUE_INT, VALUE_POINTER } ValueKind;
typedef struct Value {
  ValueKind kind;
  int base;  /* of a pointer: number of the object */
  Affine at; /* the integer, or the distance from the object's begin in bytes */
} Value;

typedef struct Base { /* an object that pointers point into */
  const char *name;
  const CSymbol *variable; /* NULL: not a variable of the file */
  bool is_known;           /* its bytes are lo..hi; else its size is not known */
  bool is_null;
  Affine lo, hi;
} Base;

typedef struct Cell { /* an integer or pointer in memory whose value is known */
  int base;
  int64_t offset, size;
  const CSymbol *field; /* NULL: no member */
  Value value;
} Cell;

/* A value that outlives a branch: exact if it speaks only of older atoms, else by its bounds. */
typedef struct Carried {
  Value value;
  Interval bounds;
  bool exact;
  Recipe *recipe; /* how to make it again; NULL: only the bounds are left */
} Carried;

typedef struct Frame Frame;
typedef struct LoopWatch LoopWatch;
struct Frame { /* a function that is being run */
  CFunction *function;
  Frame *caller;
  const CNode *call;
  Value *variable;        /* by slot */
  const LoopWatch *watch; /* of the innermost loop */
  bool ended;             /* the code that follows is not reached */
  bool returned;
  Carried result; /* of all returns so far */
  Mark begin;     /* what is known and the objects there are when it begins */
  int bases;
};

enum { THREAD_INDEX, BLOCK_INDEX, BLOCK_EXTENT, GRID_EXTENT, THREAD_VALUES };

typedef struct Checker {
  Unit *unit;
  Arena *arena;
  const CTree *tree;
  Knowledge *known;
  Frame *frame;
  const Fact *fact;
  int nfact, *fact_bucket, *fact_next, nbucket;
  VEC(Base) bases;
  VEC(Cell) cells;
  VEC(Value) value_stack; /* saved variables */
  VEC(Cell) cell_stack;
  VEC(struct Column *) columns;    /* of constant tables that were read */
  Launches *launches;              /* made so far; on the device: all that there are */
  Affine thread[THREAD_VALUES][3]; /* threadIdx and the like of the kernel that is run */
  int quiet;                       /* runs that only try something report nothing */
  RangeCount count;
  int reported;
} Checker;

/* range_memory.c: objects, cells, facts, accesses */
enum { NULL_BASE = 1 };
Interval range_of_type(const CType *);
Value value_int(Affine);
Value value_pointer(int base, Affine at);
Value value_any(Checker *, const CType *, const char *name); /* whatever the type can hold */
Value value_unknown(Checker *, const CType *);               /* value_any of an unnamed object */
int base_new(Checker *, Base);
int base_of_variable(Checker *, const CSymbol *);
void fact_index(Checker *);
const Fact *fact_find(const Checker *, const char *function, const char *name);
bool fact_speaks_of(const Checker *, const CFunction *);
Value value_by_fact(Checker *, const Fact *, const CType *, const char *name, const Value *count);
Value memory_read(Checker *, Value address, const CType *, const CSymbol *field);
void memory_write(Checker *, Value address, const CType *, const CSymbol *field, Value);
void memory_forget_base(Checker *, int base);
void memory_forget_field(Checker *, const CSymbol *);
bool memory_is_local(const Checker *, int base);
void memory_forget(Checker *, bool locals); /* all that others may change */
/* The bytes address .. address + length - 1 are read or written at `n`; a length <= 0 touches
 * nothing. */
void access_check(Checker *, CNode *n, Value address, Affine length, int64_t element,
                  const char *what);
void access_report(Checker *, CNode *n, uint8_t verdict, const char *format, ...) PRINTF_LIKE(4, 5);
const char *wide_text(Checker *, Wide);
enum { ACCESS_PROVED = 1, ACCESS_UNPROVED = 2, ACCESS_OUTSIDE = 4, ARITHMETIC_OVERFLOW = 8 };

/* Of what variables and memory hold; the last one taken is the first to end (range_walk.c). */
typedef struct Snapshot {
  int values, cells, ncells;
} Snapshot;
Snapshot range_save(Checker *);
void range_restore(Checker *, Snapshot, bool for_good);

/* range_eval.c: expressions */
typedef struct Place { /* what an lvalue stands for */
  CSymbol *slot;       /* a followed variable, or NULL: memory: */
  Value address;
  const CType *type;
  const CSymbol *field;
} Place;
Value range_eval(Checker *, CNode *);
Place range_place(Checker *, CNode *);
void range_store(Checker *, CNode *, const Place *, Value);
Value range_convert(Checker *, Value, const CType *to);
/* A binary operator applied to values; t: type of the result. */
Value range_combine(Checker *, CNode *, COperator, const CType *t, Value a, Value b);

/* range_condition.c: conditions */
bool range_is_comparison(COperator);
Value range_truth(Checker *);                /* 0 or 1 */
Value range_logic(Checker *, CNode *);       /* && and || */
Value range_conditional(Checker *, CNode *); /* a ? b : c */
/* Adds what the condition says when it is `truth`; false: it cannot be. */
bool range_assume(Checker *, CNode *condition, bool truth);
bool range_is_slot(const CSymbol *);
/* Runs the calls of a condition once, however often it is looked at until it is unsettled. */
bool range_settle_calls(Checker *, CNode *); /* false: they are settled already */
void range_unsettle_calls(CNode *);

Carried range_carry(Checker *, Value, Mark, int bases);
Value range_settle(Checker *, const Carried *, const CType *);
/* The value after two branches of `condition` that ended with a and b; `before`: another bound to
 * try, or NULL. */
Value range_join(Checker *, CNode *condition, const Carried *a, const Carried *b,
                 const Value *before, const CType *);

/* range_call.c: calls */
Value range_call(Checker *, CNode *);
bool range_stores_through(const char *name, int argument); /* of functions outside the file */
bool range_is_helper(const char *name); /* a vector helper whose calls are checked by a table */
bool range_is_inlined(const Checker *, const CFunction *);

/* range_launch.c: CUDA's launches and what threads know */
void range_launch(Checker *, const CFunction *kernel, CNode *call);
/* Gives threadIdx, blockIdx, blockDim and gridDim the ranges that launches of
 * the function leave. */
void range_begin_threads(Checker *, const CFunction *);
bool range_thread_read(const Checker *, Value address, const CSymbol *field, Value *);

/* range_effects.c: what code may change, found without running it */
typedef struct Change { /* of one followed variable */
  const CSymbol *variable;
  CNode *how; /* the only assignment, or the last one seen */
  int times;
  bool grows, shrinks;   /* every assignment adds or subtracts something not negative */
  bool inside;           /* declared by the code itself */
  bool is_bounded;       /* at the beginning of each turn of a loop it is within: */
  Interval within, left; /* left: where the loop is left in the middle */
} Change;
typedef VEC(const CSymbol *) CSymbols;
typedef struct Effects {
  VEC(Change) change;
  CSymbols field;               /* members, of whatever record */
  CSymbols object;              /* variables in memory */
  CSymbols through;             /* what these pointers point to */
  CSymbols reset;               /* pointers that are set to something else */
  bool anything;                /* all memory */
  bool others;                  /* memory that is not this function's own */
  bool has_break, has_continue; /* of the loop whose body the code is */
} Effects;
void effects_find(Checker *, CNode *, Effects *, bool is_body); /* adds to the effects */
void effects_forget_memory(Checker *, const Effects *);
/* The constant that an assignment adds to its variable, in elements;
 * false: it does something else. */
bool effects_step(CNode *assignment, Wide *step);

/* range_loop.c: loops */
void range_loop(Checker *, CNode *); /* for, while, do */
/* At break and continue. */
void range_leave_turn(Checker *, bool goes_on);
/* Forgets what the code below `n` may change. */
void range_forget_changes(Checker *, CNode *n);

/* range_table.c: constant tables */
bool range_table_read(Checker *, Value address, const CType *, Value *);

/* range_walk.c: statements */
void range_statement(Checker *, CNode *);
void range_declare(Checker *, CNode *variable);
void range_store_list(Checker *, CNode *list, Value address, const CType *);
/* Runs a function on the values of its parameters. */
Value range_run(Checker *, CFunction *, const CNode *call, const Value *argument, int n);

#endif
