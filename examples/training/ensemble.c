/* ensemble.c - several instances of one library in one program: each starts from parameters of its
 * own and learns in a thread of its own; together, by the mean of their probabilities, they err
 * less.
 *
 *   ensemble DATA */
#include <math.h>
#include <pthread.h>

#include "lenet5.h"
#include "mnist.h"

enum { MEMBERS = 3, BATCH = lenet5_MAX_BATCH, TRAINED = 20000, TESTED = 4000 };

typedef struct Member {
  lenet5 net;
  Digits digits;
  int number;
} Member;

static void *learn(void *data) {
  Member *m = data;
  float loss;
  must(lenet5_init_params(&m->net, (uint64_t)m->number + 1), "init_params");
  must(lenet5_set_lr(&m->net, 0.02f), "set_lr");
  for (int epoch = 0; epoch < 2; epoch++) {
    digits_shuffle(&m->digits, (uint64_t)(10 * m->number + epoch));
    for (int i = 0; i + BATCH <= m->digits.n; i += BATCH)
      must(lenet5_train_step(&m->net, BATCH, m->digits.x + i * PIXELS, m->digits.label + i, &loss),
           "train_step");
  }
  return NULL;
}

static void softmax(const float *y, double *p) {
  double sum = 0;
  for (int c = 0; c < 10; c++) sum += exp((double)(y[c] - y[largest(y, 10)]));
  for (int c = 0; c < 10; c++) p[c] = exp((double)(y[c] - y[largest(y, 10)])) / sum;
}

int main(int argc, char **argv) {
  static Member member[MEMBERS];
  pthread_t thread[MEMBERS];
  must(argc != 2, "ensemble DATA");
  Digits test = digits_read(argv[1], "t10k", TESTED);
  for (int m = 0; m < MEMBERS; m++) {
    member[m].number = m;
    member[m].digits = digits_read(argv[1], "train", TRAINED);
    OPEN(lenet5, &member[m].net, 1);
    must(pthread_create(&thread[m], NULL, learn, &member[m]), "pthread_create");
  }
  for (int m = 0; m < MEMBERS; m++) pthread_join(thread[m], NULL);
  int right[MEMBERS + 1] = {0};
  for (int i = 0; i < test.n; i++) {
    float y[10], mean[10] = {0};
    for (int m = 0; m < MEMBERS; m++) {
      double p[10];
      must(lenet5_forward(&member[m].net, 1, test.x + i * PIXELS, y), "forward");
      right[m] += largest(y, 10) == test.label[i];
      softmax(y, p);
      for (int c = 0; c < 10; c++) mean[c] += (float)p[c] / MEMBERS;
    }
    right[MEMBERS] += largest(mean, 10) == test.label[i];
  }
  for (int m = 0; m < MEMBERS; m++)
    printf("member %d: %.2f %% right\n", m + 1, 100.0 * right[m] / test.n);
  printf("ensemble: %.2f %% right\n", 100.0 * right[MEMBERS] / test.n);
  return 0;
}
