/* generate.h - random valid networks. */
#ifndef GENERATE_H
#define GENERATE_H

#include <jansson.h>

#include "../unit/kernels.h"
#include "graph.h"

/* The members of a document that hold one or more networks; the names of network `seed` begin with
 * "s<seed>_". */
typedef struct Document {
  json_t *inputs, *blocks, *layers, *outputs, *losses;
} Document;

Document document_new(void);
void document_free(Document *);
/* The document as text, for free(). */
char *document_text(const Document *);

/* What computing does to a value: relative rounding, and how many times as large the noise is whose
 * effect on results is allowed, since sums have roundings besides. */
typedef struct Rounding {
  double relative, times;
} Rounding;

/* What a network is wanted for. */
typedef struct Wanted Wanted;
struct Wanted {
  bool training; /* with a loss on its last layer, by a target of its own */
  int samples;   /* of a call */
  Rounding rounding;
  /* Is it worth having? Called for every layer that is added. */
  bool (*accepts)(const Wanted *, Graph *);
};

/* Adds the network of a seed. It is made from the operators' field tables: any operator on any
 * layers, any value for any of its keys. What the reader refuses is thrown away, so this file knows
 * nothing of what operators demand. */
void generate(Document *, int64_t seed, const Wanted *);

#endif
