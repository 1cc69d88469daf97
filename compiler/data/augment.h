/* augment.h - samples that are changed at random each time they are trained on.
 *
 * What a sample becomes depends on the random stream that it is given, and on nothing else:
 * training that is resumed sees the same samples. */
#ifndef AUGMENT_H
#define AUGMENT_H

#include "random.h"
#include "tensors.h"

typedef struct Augment Augment;

/* From words such as "shift=2", "flip", "elastic=34:4", "border=edge"; NULL after messages about
 * each mistake. Without words nothing is changed. */
Augment *augment_new(Unit *, const char *const *word, int n);
/* How far pictures of a folder reach beyond what the network reads: crop=N. */
int64_t augment_margin(const Augment *);
/* Learns what it must know about a data set; false after messages. NULL in both: no changes. */
bool augment_prepare(Unit *, Augment *, const Dataset *);
/* From a sample as dataset_values gives it, with its margin, to the sample without margin. */
void augment_sample(Augment *, Random, const float *sample, float *out);
/* The table of all changes, for --help. */
void augment_help(Text *);

#endif
