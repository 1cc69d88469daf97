/* field_text.h - attributes in text forms, by the operators' field tables. */
#ifndef FIELD_TEXT_H
#define FIELD_TEXT_H

#include "graph.h"
#include "text.h"

/* {filters 64 kernel [3,3] pad [1,1]:[1,1]}; what equals its default is left out, {} too. */
void fields_print(Text *, const Op *, const void *attr);
/* Parses that into a new struct. `node`: attributes of a node, whose lists are complete; else those
 * of a layer, whose lists may be missing. NULL after an error. */
void *fields_parse(Scan *, const Op *, bool node);
extern const char *const graph_role_names[PARAM_ROLES];
extern const char *const graph_init_names[INIT_KINDS], *const graph_entry_names[ENTRIES];
void reals_print(Text *, const double *at, int64_t n);
bool reals_parse(Scan *, double *at, int64_t n);

#endif
