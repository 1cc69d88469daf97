/* mnist.h - what the examples of training share besides networks: MNIST as it is distributed (idx
 * files, gzipped or not), memory, and how a context is opened. */
#ifndef MNIST_H
#define MNIST_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIXELS = 28 * 28 };

typedef struct Digits {
  int n;
  float *x; /* [n][28][28], 0 to 1 */
  int *label;
} Digits;

static inline void must(int status, const char *what) {
  if (status == 0) return;
  fprintf(stderr, "%s (%d)\n", what, status);
  exit(1);
}

static inline void *memory_of(size_t bytes) {
  void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64 + 64);
  must(!memory, "out of memory");
  return memory;
}

/* Makes a context that trains, with memory of its own. */
#define OPEN(net, context, threads)                                                                \
  do {                                                                                             \
    net##_memory memory = {.hash = net##_HASH,                                                     \
                           .params = memory_of(net##_PARAMS_BYTES),                                \
                           .params_bytes = net##_PARAMS_BYTES,                                     \
                           .work = memory_of(net##_TRAIN_WORK_BYTES(threads)),                     \
                           .work_bytes = net##_TRAIN_WORK_BYTES(threads),                          \
                           .grads = memory_of(net##_GRADS_BYTES),                                  \
                           .grads_bytes = net##_GRADS_BYTES,                                       \
                           .state = memory_of(net##_STATE_BYTES),                                  \
                           .state_bytes = net##_STATE_BYTES};                                      \
    must(net##_init(context, &memory, threads), "init");                                           \
  } while (0)

static inline uint32_t big_endian(FILE *file) {
  unsigned char b[4] = {0};
  must(fread(b, 1, 4, file) != 4, "an idx file is too short");
  return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* FOLDER/PART-NAME, or that with .gz, unpacked by gzip. */
static inline FILE *open_idx(const char *folder, const char *part, const char *name) {
  char command[1000];
  snprintf(command, sizeof command, "cd '%s' && cat '%s-%s' 2>/dev/null || gzip -dc '%s/%s-%s.gz'",
           folder, part, name, folder, part, name);
  FILE *file = popen(command, "r");
  must(!file, command);
  return file;
}

/* part: "train" or "t10k"; at most `most` digits. */
static inline Digits digits_read(const char *folder, const char *part, int most) {
  FILE *images = open_idx(folder, part, "images-idx3-ubyte");
  FILE *labels = open_idx(folder, part, "labels-idx1-ubyte");
  must(big_endian(images) != 0x803 || big_endian(labels) != 0x801, "these are no idx files");
  int n = (int)big_endian(images);
  must((int)big_endian(labels) != n || big_endian(images) != 28 || big_endian(images) != 28,
       "sizes differ");
  Digits d = {n < most ? n : most, NULL, NULL};
  d.x = memory_of((size_t)d.n * PIXELS * sizeof *d.x);
  d.label = memory_of((size_t)d.n * sizeof *d.label);
  unsigned char pixel[PIXELS];
  for (int i = 0; i < d.n; i++) {
    must(fread(pixel, 1, PIXELS, images) != PIXELS, "too few images");
    d.label[i] = fgetc(labels);
    for (int p = 0; p < PIXELS; p++) d.x[i * PIXELS + p] = (float)pixel[p] / 255.0f;
  }
  pclose(images);
  pclose(labels);
  return d;
}

/* Those with labels from lo to hi - 1, renumbered from 0. */
static inline Digits digits_between(const Digits *all, int lo, int hi) {
  Digits d = {0, memory_of((size_t)all->n * PIXELS * sizeof *d.x),
              memory_of((size_t)all->n * sizeof *d.label)};
  for (int i = 0; i < all->n; i++) {
    if (all->label[i] < lo || all->label[i] >= hi) continue;
    memcpy(d.x + d.n * PIXELS, all->x + i * PIXELS, PIXELS * sizeof *d.x);
    d.label[d.n++] = all->label[i] - lo;
  }
  return d;
}

/* Another order, by a generator of random numbers of its own. */
static inline void digits_shuffle(Digits *d, uint64_t seed) {
  float x[PIXELS];
  for (int i = d->n - 1; i > 0; i--) {
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    int j = (int)((seed >> 33) % (uint64_t)(i + 1)), label = d->label[i];
    memcpy(x, d->x + i * PIXELS, sizeof x);
    memcpy(d->x + i * PIXELS, d->x + j * PIXELS, sizeof x);
    memcpy(d->x + j * PIXELS, x, sizeof x);
    d->label[i] = d->label[j];
    d->label[j] = label;
  }
}

static inline int largest(const float *y, int n) {
  int best = 0;
  for (int i = 1; i < n; i++)
    if (y[i] > y[best]) best = i;
  return best;
}

#endif
