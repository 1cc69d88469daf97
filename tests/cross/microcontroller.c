/* microcontroller.c - LeNet-5 as a microcontroller has it: weights in flash, memory in static
 * arrays, no files and no heap. Prints what it needs and the class of one image, black but for a
 * vertical stroke. */
#include "lenet5.h"

#include <stdio.h>

static _Alignas(lenet5_ALIGN) unsigned char work[lenet5_WORK_BYTES(1)];

int main(void) {
  static float image[28 * 28], logits[10];
  lenet5 net;
  lenet5_memory memory = {.hash = lenet5_HASH, .work = work, .work_bytes = sizeof work};
  int best = 0;
  for (int row = 4; row < 24; row++) image[row * 28 + 13] = image[row * 28 + 14] = 1.0f;
  int status = lenet5_init(&net, &memory, 1);
  if (!status) status = lenet5_forward(&net, 1, image, logits);
  for (int i = 1; i < 10; i++)
    if (logits[i] > logits[best]) best = i;
  printf("work %lu bytes, context %lu bytes\n", (unsigned long)sizeof work,
         (unsigned long)sizeof net);
  printf("%s, class %d\n", lenet5_strerror(status), best);
  return status != 0 || best != 1;
}
