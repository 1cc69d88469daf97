/* file.h - the two emitted files around the kernels for CUDA: NAME.cu (file.c), NAME.h (header.c).
 *
 * Parameters lie in two places. In host memory, `params` is what the C backend has too: a header,
 * then the values as loaded, so that loading, saving and setting them is the same code; packed
 * weights in a file or in the source as well. NAME_upload copies the values to `device_params` and
 * computes there what the kernels derive from them. Everything else is device memory. */
#ifndef CUDA_FILE_H
#define CUDA_FILE_H

#include "library.h"

void cuda_header(Text *, const Library *); /* all of NAME.h */
int cuda_maps(const Plan *);               /* of tensors, that a context holds (file.c) */

/* What a library that trains has in addition (train.c), in the order of the files. */
void cuda_train_sizes(Text *, const Library *);
void cuda_train_members(Text *, const Library *);                     /* of the context */
void cuda_train_body(Emit *, const Library *, const Text calls[]);    /* before NAME_init */
void cuda_train_entries(Emit *, const Library *, const Text calls[]); /* after NAME_forward */
void cuda_train_facts(Emit *, const Library *);

extern const Language language_cuda; /* file.c */

#endif
