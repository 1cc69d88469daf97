/* contexts.c - two contexts in two threads share one parameter memory; each gets the same results.
 * Made for -fsanitize=thread. */
#include "program.h"

#include <pthread.h>

enum { CALLS = 4 };

typedef struct User {
  NET net;
  const float *x;
  float *y;
} User;

static void *infer(void *data) {
  User *user = data;
  for (int i = 0; i < CALLS; i++)
    MUST(NAME(_forward)(&user->net, N, user->x, user->y) == NAME(_OK));
  return NULL;
}

int main(void) {
  User user[2];
  pthread_t thread[2];
  void *params = memory_for(1, NULL).params;
  const float *x = samples(N);
  for (int i = 0; i < 2; i++) {
    NAME(_memory) memory = memory_for(1, params);
    user[i].x = x;
    user[i].y = results(N);
    MUST(NAME(_init)(&user[i].net, &memory, 1) == NAME(_OK));
  }
  MUST(NAME(_init_params)(&user[0].net, SEED) == NAME(_OK));
  for (int i = 0; i < 2; i++) MUST(pthread_create(&thread[i], NULL, infer, &user[i]) == 0);
  for (int i = 0; i < 2; i++) MUST(pthread_join(thread[i], NULL) == 0);
  MUST(same(user[0].y, user[1].y, N));
  return 0;
}
