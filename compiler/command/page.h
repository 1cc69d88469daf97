/* page.h - pages that need nothing but themselves:
 * a file of runtime/pages/ with its data inside. */
#ifndef PAGE_H
#define PAGE_H

#include <jansson.h>

#include "cnnc.h"

/* Takes `data`. */
void page_print(Text *, const char *name, json_t *data);

#endif
