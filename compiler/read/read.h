/* read.h - what the files that read a network document share.
 *
 *   values.c    numbers, integer expressions, lists, choices
 *   fields.c    an operator's attributes by its field table
 *   layers.c    a layer: what it reads, its name, whose parameters it uses; the result is a Draft
 *   blocks.c    lists of layers, in which blocks are expanded
 *   settings.c  what layers say about their parameters
 *   names.c     what a name may look like, and which layer it means
 *   inputs.c    "input" and "inputs"
 *   words.c     "did you mean"
 *   syntax.c    text as JSON, and messages where it is none
 *   read.c      the document as a whole: outputs, losses, optimiser
 *   build.c     Drafts -> Graph
 *   ask.c       what an operator's `build` may ask for
 *
 * Everything that is wrong is reported where it is found, and reading goes on with something
 * harmless: a broken Draft, whose readers keep quiet. */
#ifndef READ_H
#define READ_H

#include <jansson.h>

#include "graph.h"

/* What a layer (or the block around it) says about its parameters. */
typedef struct Settings {
  int owner; /* draft whose parameters are used instead of own ones; -1: none */
  bool freeze, decay;
  double lr_scale;
  InitKind init;
  double init_value;
} Settings;

/* A layer, or an input, before any node is built. */
typedef struct Draft {
  const char *name; /* full */
  OpKind op;        /* OP_input: an input */
  const void *attr;
  VEC(int) from; /* drafts */
  const Path *path;
  Settings settings;
  bool broken; /* an error was reported: build nothing, say nothing */
} Draft;

/* The inside of a block while one instance of it is expanded; the document itself is the outermost
 * scope. */
typedef struct Scope {
  const struct Scope *outer;
  const char *block;  /* NULL: the document */
  const char *prefix; /* of the names inside: "" or "layer1.0." */
  json_t *layers;     /* the list being expanded */
  VEC(int) in;        /* drafts that @in.0, @in.1 ... mean */
  Settings settings;
  const char *share; /* prefix of the instance whose parameters are used, or NULL */
  int depth;
  struct {
    const char *name;
    int64_t value;
    bool known; /* false: an error was reported for its value */
  } * param;
  int nparam;
} Scope;

/* A list of layers while it is expanded: the chain, and the counters of made-up names. */
typedef struct Counter {
  const char *kind;
  int n;
} Counter;

typedef struct Chain {
  int last; /* draft that a layer without "from" reads, -1: none */
  VEC(Counter) made;
  VEC(const char *) given; /* names that this list gives */
} Chain;

typedef struct Name {
  const char *name; /* full */
  int draft;
  bool alias; /* of the last instance of a repeated block */
  int next;   /* in the same bucket, -1: none */
} Name;

enum { NAME_BUCKETS = 1024 };

typedef struct Loss {
  OpKind op;
  const void *attr;
  int from, target; /* drafts; target -1: implied */
  double weight;
  const Path *path;
} Loss;

typedef struct Reader {
  Unit *u;
  const ReadOptions *options;
  json_t *root;
  VEC(Draft) draft; /* inputs, then layers */
  int ninput;
  Input *input; /* of the first ninput drafts */
  const char *network;
  VEC(Name) name;
  int bucket[NAME_BUCKETS];    /* first name + 1 */
  VEC(const char *) bad_block; /* its errors have been reported: not expanded again */
  VEC(Loss) loss;
  VEC(int) output; /* drafts */
  VEC(const char *) output_name;
  OpKind optimizer;
  const void *optimizer_attr; /* NULL: none */
  const Path *optimizer_path;
  bool full; /* too many layers: expansion stops */
} Reader;

struct Build {
  Reader *r;
  Graph *g;
  const Draft *draft; /* NULL: a loss */
  int first_param;    /* where the draft's own parameters begin */
  Where where;
  bool training, checking;
};

/* ---- values.c, fields.c ---- */

const char *read_kind(json_t *); /* "a string", "an object" ... */
/* `value` as a number in [min, max]; a string that begins with "=" is evaluated. Reports and
 * returns false. */
bool read_integer(Reader *, const Scope *, json_t *value, const Path *, double min, double max,
                  int64_t *);
bool read_real(Reader *, const Scope *, json_t *value, const Path *, double min, double max,
               double *);
bool read_bool(Reader *, json_t *value, const Path *, bool *);
/* A list of numbers (a number alone counts as a list of one); at most `most`. */
bool read_reals(Reader *, const Scope *, json_t *value, const Path *, int most, double *, int *n);
/* An index into NULL-terminated names. */
bool read_choice(Reader *, json_t *value, const Path *, const char *const *names, int32_t *);
/* A list of strings (or one string): NULL after an error. */
const char **read_strings(Reader *, json_t *value, const Path *, int *n);
/* A member's path, with a copy of its key. */
const Path *read_path(const Reader *, const Path *, const char *key);
/* The attributes of an operator from the members of `object`; keys that are neither fields nor
 * among `common` (NULL-terminated) are errors. NULL after errors. */
const void *read_fields(Reader *, const Scope *, const Op *, json_t *object, const Path *,
                        const char *const *common);
/* Reports members of `object` that are not among `known`. */
void read_check_keys(Reader *, json_t *object, const Path *, const char *const *known);
/* The key that was meant by an unknown one, rather one that the object has not; NULL: no idea. */
const char *read_meant_key(Reader *, json_t *object, const char *key, const char *const *known);
/* The operator that `object` names under "op", for that part; OP_KINDS after errors. */
OpKind read_op(Reader *, json_t *object, const Path *, OpPart);

/* ---- words.c, syntax.c ---- */

/* The candidate that somebody meant who wrote `word`, or NULL. */
const char *read_meant(const char *word, const char *const *candidates, int n);
/* The JSON in u->source; NULL after a message. */
json_t *read_json(Unit *);

/* ---- inputs.c ---- */

/* The inputs as the first drafts, with --input-shape applied. */
void read_inputs(Reader *);
/* Does the input take another size with those that --input-shape names? */
bool input_shape_follows(const Reader *, const Input *);

/* ---- settings.c ---- */

Settings read_settings(Reader *, const Scope *, json_t *layer, const Path *);

/* ---- layers.c: of a layer or of the use of a block ---- */

/* Names that the list of the scope gives, which made-up ones avoid. */
void read_collect_names(Reader *, const Scope *, Chain *);
/* The drafts that it reads: those of "from", or the one above it. */
bool read_layer_from(Reader *, const Scope *, const Chain *, json_t *layer, const Path *,
                     Draft *to);
/* As it is given, or made up from `kind`. */
const char *read_layer_name(Reader *, const Scope *, Chain *, json_t *layer, const Path *,
                            const char *kind);
int read_push_draft(Reader *, const Draft *); /* its index */
/* Appends the layer's draft, after which the chain goes on. */
void read_layer(Reader *, Scope *, Chain *, json_t *layer, const Path *);

/* ---- names.c, blocks.c ---- */

/* Checks "blocks": the definitions alone. */
void read_check_blocks(Reader *, json_t *blocks);
/* Expands the layers of the document into r->draft. */
void read_layers(Reader *, Scope *document);
/* The draft that `name` means inside a scope; -1 after an error at `where`. */
int read_find_layer(Reader *, const Scope *, const char *name, const Path *where);
bool read_is_identifier(const char *name);
/* Reports a name that is not made of identifiers and numbers joined by dots. */
bool name_check(Reader *, const char *name, const Path *where);
/* False after an error: the name is taken. */
bool name_define(Reader *, const char *full, int draft, bool alias, const Path *where);
int name_lookup(const Reader *, const char *full); /* its draft, -1: none */

/* ---- build.c ---- */

/* The graph of all drafts and losses that are needed (`checking`: of all there are). */
Graph *build_network(Reader *, bool checking);

#endif
