/* classify.c - an emitted network inside a C program: names the digit on a picture.
 *
 *   classify PICTURE.pgm      28 x 28 grey, white on black */
#include <stdio.h>

#include "lenet5.h"

enum { SIDE = 28, CLASSES = 10, THREADS = 1 };

/* The library allocates nothing; its header says how much it works in. */
static _Alignas(lenet5_ALIGN) unsigned char work[lenet5_WORK_BYTES(THREADS)];

static int read_picture(const char *path, float *x) {
  FILE *file = fopen(path, "rb");
  int width, height, most, fine;
  if (!file) return 0;
  fine = fscanf(file, "P5 %d %d %d", &width, &height, &most) == 3 && fgetc(file) != EOF &&
         width == SIDE && height == SIDE && most == 255;
  for (int i = 0; fine && i < SIDE * SIDE; i++) {
    int byte = fgetc(file);
    fine = byte != EOF;
    x[i] = (float)byte / 255; /* lenet5.h says what the network expects */
  }
  fclose(file);
  return fine;
}

int main(int argc, char **argv) {
  float x[SIDE * SIDE], scores[CLASSES];
  if (argc != 2 || !read_picture(argv[1], x)) {
    fprintf(stderr, "usage: classify PICTURE.pgm (28 x 28)\n");
    return 1;
  }
  lenet5 net;
  const lenet5_memory memory = {.hash = lenet5_HASH, .work = work, .work_bytes = sizeof work};
  int status = lenet5_init(&net, &memory, THREADS);
  if (!status) status = lenet5_forward(&net, 1, x, scores);
  if (status) {
    fprintf(stderr, "lenet5: %s\n", lenet5_strerror(status));
    return 1;
  }
  int best = 0;
  for (int i = 1; i < CLASSES; i++)
    if (scores[i] > scores[best]) best = i;
  printf("%s shows a %d\n", argv[1], best);
  return 0;
}
