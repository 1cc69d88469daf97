/* A program around the library NAME that trains on request.
 *   PROGRAM AREA THREADS
 * AREA: a file of NAME_AREA bytes that both sides map; samples, results and parameters pass through
 * it. Requests come in on standard input, each is answered on standard output. */
typedef struct NAME_request {
  int32_t what, n, slot, index;
  int64_t number;
  double value;
} NAME_request;

typedef struct NAME_answer {
  int32_t status, unused;
  int64_t size;
  double value;
} NAME_answer;

static unsigned char *NAME_map(const char *path) {
  int file = open(path, O_RDWR);
  if (file < 0) NAME_fail("cannot open", path);
  void *area = mmap(NULL, NAME_AREA, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (area == MAP_FAILED) NAME_fail("cannot map", path);
  close(file);
  return (unsigned char *)area;
}

/* The square root of the sum of squares of a parameter's gradient; < 0: it has none. */
static double NAME_norm(NAME *ctx, int index, float *room) {
  double sum = 0;
  if (NAME_get_grad(ctx, index, room)) return -1;
  for (size_t i = 0; i < NAME_params[index].size; i++) sum += (double)room[i] * (double)room[i];
  return sqrt(sum);
}

static NAME_answer NAME_serve(NAME *ctx, unsigned char *area, const NAME_request *r) {
  NAME_answer a = {0, 0, 0, 0};
  unsigned char *extra = area + NAME_extra_at;
  float *values = (float *)(void *)extra, loss = 0;
  switch (r->what) {
  case 'h': break;
  case 'i': a.status = NAME_init_params(ctx, (uint64_t)r->number); break;
  case 'p': a.status = NAME_set_param(ctx, r->index, values); break;
  case 't':
    a.status = NAME_call_step(ctx, r->n, area, NAME_in_at[r->slot], &loss);
    a.value = (double)loss;
    break;
  case 'f': a.status = NAME_call_forward(ctx, r->n, area, NAME_in_at[r->slot]); break;
  case 's':
    a.size = (int64_t)NAME_save_size(ctx);
    a.status = NAME_save(ctx, extra, NAME_EXTRA);
    break;
  case 'c':
    a.size = (int64_t)NAME_CHECKPOINT_BYTES;
    a.status = NAME_checkpoint_save(ctx, extra, NAME_EXTRA);
    break;
  case 'r': a.status = NAME_checkpoint_restore(ctx, extra, (size_t)r->number); break;
  case 'm': a.status = NAME_report(ctx, (float)r->value); break;
  case 'l': a.value = (double)NAME_lr(ctx); break;
  case 'd': a.value = NAME_norm(ctx, r->index, values); break;
  default: a.status = NAME_E_RANGE;
  }
  return a;
}

int main(int argc, char **argv) {
  NAME ctx;
  NAME_request request;
  if (argc != 3) NAME_fail(argv[0], "wrong number of arguments");
  signal(SIGINT, SIG_IGN); /* who asks decides when it is over */
  unsigned char *area = NAME_map(argv[1]);
  NAME_open_library(&ctx, (int)strtol(argv[2], NULL, 10));
  while (fread(&request, sizeof request, 1, stdin) == 1) {
    NAME_answer answer = NAME_serve(&ctx, area, &request);
    if (fwrite(&answer, sizeof answer, 1, stdout) != 1 || fflush(stdout) != 0) return 1;
  }
  return 0;
}
