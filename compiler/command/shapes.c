/* shapes.c - bench --shapes: a table of convolutions, a network of one layer for each of its rows.
 *
 * Columns by name, in any order: layer, N C D H W K kd kh kw sd sh sw pd ph pw pd_end ph_end pw_end dd dh
 * dw groups, nd (how many of d, h, w there are; 2 if it is missing). OD OH OW, where they are given,
 * must be what the rest says. Others are not read. Rows whose `source` ends in "deconv" are transposed
 * convolutions. --batch counts in place of N. */
#include "bench.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

bool shapes_read(Bench *b, const char *file) {
  size_t size;
  char *text = file_read(b->u, file, &size);
  (void)text;
  return false;
}
