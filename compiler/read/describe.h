/* describe.h - the network language as documents, out of the tables that parse it. */
#ifndef DESCRIBE_H
#define DESCRIBE_H

#include "graph.h"

/* The reference of all operators, losses and optimisers in Markdown. */
void describe_markdown(Text *);
/* A line of it: an operator in use, with the shapes it makes. */
void describe_example(Text *, const Op *);
/* A JSON Schema of network documents, for editors. */
void describe_schema(Text *);

#endif
