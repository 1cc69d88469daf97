/* describe.h - the network language as documents, out of the tables that parse it. */
#ifndef DESCRIBE_H
#define DESCRIBE_H

#include "graph.h"

/* What values a key takes, ", 0 to 1"; and what it is when it is absent, nothing where only its
 * meaning tells. */
void describe_range(Text *, const Field *);
void describe_default(Text *, const Field *);
/* The reference of all operators, losses and optimisers in Markdown. */
void describe_markdown(Text *);
/* A line of it: an operator in use, with the shapes it makes. */
void describe_example(Text *, const Op *);
/* A JSON Schema of network documents, for editors. */
void describe_schema(Text *);

#endif
