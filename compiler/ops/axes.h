/* axes.h - what operators share that speak of axes of their input: an axis by its number, channels
 * cut into groups. */
#ifndef AXES_H
#define AXES_H

#include "graph.h"

/* These report at the layer's key and return false. */
/* Does the input have the axis? Documents count from 0 behind the batch. */
bool axis_exists(Unit *, Where, const char *key, int64_t axis, const Type *in);
/* All of several, each once? */
bool axes_exist(Unit *, Where, const char *key, const IntList *, const Type *in);
/* "4 groups do not divide the 6 channels": `key`, and what there are `whole` of. */
bool parts_divide(Unit *, Where, const char *key, int64_t parts, int64_t whole, const char *what);

int64_t channels_of(const Type *); /* 0: it has none */
/* Shapes of [n,c,...] as [n,groups,c/groups,...] and back; reports and returns false. */
bool channels_in_groups(Build *, const Type *in, int64_t groups, ReshapeAttr *apart,
                        ReshapeAttr *together);

#endif
