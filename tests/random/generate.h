/* generate.h - random valid networks. */
#ifndef GENERATE_H
#define GENERATE_H

#include <jansson.h>

#include "../unit/kernels.h"
#include "graph.h"

/* The members of a document that hold one or more networks; the names of network `seed` begin with
 * "s<seed>_". */
typedef struct Document {
  json_t *inputs, *blocks, *layers, *outputs;
} Document;

Document document_new(void);
void document_free(Document *);
/* The document as text, for free(). */
char *document_text(const Document *);

/* Whether a network is worth having: called for every layer that is added. */
typedef bool (*Accept)(const Graph *);
/* Adds the network of a seed. It is made from the operators' field tables: any operator on any
 * layers, any value for any of its keys. What the reader refuses is thrown away, so this file knows
 * nothing of what operators demand. */
void generate(Document *, int64_t seed, Accept);

#endif
