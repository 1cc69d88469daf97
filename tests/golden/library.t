# The emitted library as its users see it: what it refuses, that results depend on nothing but inputs and parameters,
# that saved, loaded and baked parameters are the same, and that the code does not change when only weights do.
@ test.c
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lenet5.h"
enum { N = 5, IN = 28 * 28, OUT = 10 };
static void *memory_of(size_t bytes) { return aligned_alloc(lenet5_ALIGN, (bytes + 63) / 64 * 64); }
static void backwards(void *user, int jobs, lenet5_job *job, void *arg) {
  ++*(int *)user;
  for (int i = jobs; i-- > 0;) job(arg, i, 0);
}
static void check(int fine, const char *what) { printf("%s: %s\n", what, fine ? "yes" : "NO"); }
int main(int argc, char **argv) {
  static float x[N * IN], y[N * OUT], z[N * OUT];
  lenet5 net, other;
  unsigned random = 1;
  for (int i = 0; i < N * IN; i++) x[i] = (float)((random = random * 1103515245u + 12345u) >> 16 & 255) / 255;
  lenet5_memory m = {.hash = lenet5_HASH, .params = memory_of(lenet5_PARAMS_BYTES), .params_bytes = lenet5_PARAMS_BYTES,
                     .work = memory_of(lenet5_WORK_BYTES(3)), .work_bytes = lenet5_WORK_BYTES(3)};
  lenet5_memory wrong = m;
  wrong.hash ^= 1;
  check(lenet5_init(&net, &wrong, 1) == lenet5_E_HASH, "another hash is refused");
  check(lenet5_init(&net, &m, 4) == lenet5_E_MEMORY, "too little memory is refused");
  check(lenet5_init(&net, &m, 3) == lenet5_OK, "init");
  memset(m.params, 0, 64);
  check(lenet5_forward(&net, 1, x, y) == lenet5_E_WEIGHTS, "without parameters no inference");
  check(lenet5_load_file(&net, "none") == lenet5_E_FILE, "a missing file is reported");
  check(lenet5_init_params(&net, 7) == lenet5_OK && lenet5_save_file(&net, "saved.safetensors") == lenet5_OK, "saved");
  check(lenet5_forward(&net, 0, x, y) == lenet5_E_BATCH && lenet5_forward(&net, N + 1, x, y) == lenet5_E_BATCH, "wrong n");
  check(lenet5_forward(&net, 1, NULL, y) == lenet5_E_NULL && lenet5_forward(NULL, 1, x, y) == lenet5_E_NULL, "NULL");
  check(lenet5_forward(&net, N, x, y) == lenet5_OK, "forward");
  int same = 1, calls = 0;
  for (int i = 0; i < N; i++) same &= !lenet5_forward(&net, 1, x + i * IN, z + i * OUT);
  check(same && !memcmp(y, z, sizeof y), "n does not matter");
  net.parallel = backwards;
  net.user = &calls;
  check(!lenet5_forward(&net, N, x, z) && calls > 0 && !memcmp(y, z, sizeof y), "the caller's loop does not matter");
  lenet5_memory shared = m;
  shared.work = memory_of(lenet5_WORK_BYTES(1));
  shared.work_bytes = lenet5_WORK_BYTES(1);
  check(!lenet5_init(&other, &shared, 1) && !lenet5_forward(&other, N, x, z) && !memcmp(y, z, sizeof y), "shared parameters");
  static float w[120 * 400], w2[120 * 400];
  int last = lenet5_PARAM_COUNT - 1;
  check(!lenet5_get_param(&net, last, w) && lenet5_params[last].size == 10, "get_param");
  float before = w[0];
  w[0] += 1;
  check(!lenet5_set_param(&net, last, w) && !lenet5_forward(&net, 1, x, z) && z[0] - y[0] > 0.99f && z[0] - y[0] < 1.01f, "set_param");
  check(!lenet5_load_file(&net, "saved.safetensors") && !lenet5_forward(&net, N, x, z) && !memcmp(y, z, sizeof y), "loaded");
  check(!lenet5_get_param(&net, last, w2) && w2[0] == before, "loaded parameters are back");
  FILE *file = fopen(argv[1], argc > 2 ? "wb" : "rb");
  if (argc > 2) return fwrite(y, 1, sizeof y, file) != sizeof y || fclose(file);
  fread(z, 1, sizeof z, file);
  check(!memcmp(y, z, sizeof y), "another build gives the same");
  return fclose(file);
}
@ baked.c
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lenet5.h"
enum { N = 5, IN = 28 * 28, OUT = 10 };
int main(void) {
  static float x[N * IN], y[N * OUT], z[N * OUT];
  lenet5 net;
  unsigned random = 1;
  for (int i = 0; i < N * IN; i++) x[i] = (float)((random = random * 1103515245u + 12345u) >> 16 & 255) / 255;
  lenet5_memory m = {.hash = lenet5_HASH, .work = aligned_alloc(64, lenet5_WORK_BYTES(1)), .work_bytes = lenet5_WORK_BYTES(1)};
#ifdef lenet5_PARAMS_BYTES
  FILE *weights = fopen("file/lenet5.weights", "rb");
  char *bytes = aligned_alloc(64, lenet5_PARAMS_BYTES);
  size_t size = fread(bytes, 1, lenet5_PARAMS_BYTES, weights);
  m.params = bytes;
  m.params_bytes = size;
  bytes[16] ^= 1;
  printf("damaged: %s\n", lenet5_strerror(lenet5_init(&net, &m, 1)));
  bytes[16] ^= 1;
#endif
  int status = lenet5_init(&net, &m, 1);
  if (!status) status = lenet5_forward(&net, N, x, y);
  FILE *file = fopen("y.raw", "rb");
  fread(z, 1, sizeof z, file);
  printf("status %d, same bits: %s\n", status, memcmp(y, z, sizeof y) ? "NO" : "yes");
  return 0;
}
$ mkdir one two embed file && cnnc $MODELS/lenet5.json --batch 5 --target generic -o one/lenet5.c && ls one
lenet5.c
lenet5.h
= 0
$ cnnc $MODELS/lenet5.json --batch 5 --target generic -o two/lenet5.c && cmp one/lenet5.c two/lenet5.c && cmp one/lenet5.h two/lenet5.h
= 0
$ cc -std=c11 -O1 -Wall -Wextra -pedantic -Wshadow -Wconversion -Werror -c one/lenet5.c -o one/lenet5.o
= 0
$ cc -std=c11 -Wall -Wextra -pedantic -Werror -fsyntax-only one/lenet5.h && c++ -x c++ -Wall -Wextra -Werror -fsyntax-only one/lenet5.h
= 0
$ cc -std=c11 -Ione test.c one/lenet5.o -o test -lm && ./test y.raw write
another hash is refused: yes
too little memory is refused: yes
init: yes
without parameters no inference: yes
a missing file is reported: yes
saved: yes
wrong n: yes
NULL: yes
forward: yes
n does not matter: yes
the caller's loop does not matter: yes
shared parameters: yes
get_param: yes
set_param: yes
loaded: yes
loaded parameters are back: yes
= 0
$ cc -std=c11 -O2 -fopenmp -Ione test.c one/lenet5.c -o test -lm && ./test y.raw
forward: yes
n does not matter: yes
another build gives the same: yes
= 0
$ for f in embed file; do cnnc $MODELS/lenet5.json --batch 5 --target generic --weights saved.safetensors --weights-as $f -o $f/lenet5.c; done; ls embed file
embed:
lenet5.c
lenet5.h
lenet5_weights.h
file:
lenet5.c
lenet5.h
lenet5.weights
= 0
$ for f in embed file; do cc -std=c11 -O1 -Wall -Wextra -pedantic -Wshadow -Wconversion -Werror -I$f -c $f/lenet5.c -o lenet5.o && cc -std=c11 -I$f baked.c lenet5.o -o baked -lm && ./baked; done
status 0, same bits: yes
damaged: parameters are missing or are not those of this network
status 0, same bits: yes
= 0
$ for f in embed file; do cp $f/lenet5.c $f.c; cnnc $MODELS/lenet5.json --batch 5 --target generic --weights $MODELS/lenet5.safetensors --weights-as $f -o $f/lenet5.c && cmp $f.c $f/lenet5.c; done
= 0
$ cmp embed/lenet5.c file/lenet5.c > /dev/null || echo they differ in how they take weights
they differ in how they take weights
= 0
