/* clean.c - Graph -> Graph without what no entry needs: what folding and the reader left behind.
 *
 *   %2 = conv %0 %1        %2 = conv %0 %1
 *   %3 = relu %2       ->  %3 = relu %2
 *   %4 = tanh %2                              (nobody wants %4) */
#include "passes.h"

Graph *pass_clean(Graph *g) {
  return graph_rewrite(g, NULL, NULL);
}
