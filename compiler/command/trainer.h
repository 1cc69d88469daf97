/* trainer.h - the emitted training library as a process of its own (runtime/program/trainer.c),
 * asked through two pipes and an area of memory that both sides map. */
#ifndef TRAINER_H
#define TRAINER_H

#include "driver.h"

enum { TRAINER_SLOTS = 2 }; /* samples can be put into one while the other is being used */

typedef struct Trainer {
  Unit *u;
  const Graph *g;
  const char *folder;
  int process, to, from; /* process -1: none */
  unsigned char *area;
  int64_t area_size, extra, extra_size; /* extra: where whatever is no sample lies */
  int64_t *in, *out;                    /* by slot and input, by output: where it begins */
  int64_t losses;                       /* of several losses: where those of the last step begin */
  int64_t batch;
  const int *param; /* by index of the library's: index of Graph.param */
  int nparam;
} Trainer;

/* Builds and starts it; STATUS_DONE, or a message. In any case trainer_stop ends it and removes
 * what was built. */
Status trainer_start(Unit *, const Options *, const Graph *, Trainer *);
void trainer_stop(Trainer *);

void *trainer_input(const Trainer *, int slot, int input);
/* Of the last forward pass; the first one of the last step too, as training computes it. */
const float *trainer_output(const Trainer *, int output);

/* A step with n samples of a slot: asked for, and waited for. False after a message. */
bool trainer_ask_step(Trainer *, int slot, int64_t n);
bool trainer_wait_step(Trainer *, double *loss); /* by Graph.term */
bool trainer_forward(Trainer *, int slot, int64_t n);

/* Parameters by the library's initialisers, or values[i] for parameter i of the graph, where they
 * are not NULL. */
bool trainer_init_params(Trainer *, int64_t seed);
bool trainer_set_params(Trainer *, double *const *values);
bool trainer_lr(Trainer *, double *lr); /* of the next step */
/* Something that should fall, for the schedule. */
bool trainer_report(Trainer *, double metric);
/* The norm of the gradient of each parameter of the library; < 0: it has none. */
bool trainer_gradient_norm(Trainer *, int index, double *norm);

/* safetensors / a checkpoint: bytes that stay valid until the next request. */
bool trainer_save(Trainer *, const void **bytes, size_t *size);
bool trainer_checkpoint(Trainer *, const void **bytes, size_t *size);
bool trainer_restore(Trainer *, const void *bytes, size_t size);

#endif
