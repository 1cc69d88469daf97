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

extern const Language language_cuda; /* file.c */

#endif
