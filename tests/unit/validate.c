/* The validator: sources of every shape that the generators print are proved; one planted defect of
 * each kind is caught, with its message. */
#include "validating.h"

/* What generated files begin with: vector helpers, the argument of jobs, the context. */
#define HEAD                                                                                       \
  "#include <math.h>\n#include <stddef.h>\n#include <stdint.h>\n#include <string.h>\n"             \
  "#define UNUSED static inline __attribute__((unused))\n"                                         \
  "typedef float avx512_v __attribute__((vector_size(64)));\n"                                     \
  "UNUSED avx512_v avx512_load(const float *p) { avx512_v v; memcpy(&v, p, 64); return v; }\n"     \
  "UNUSED void avx512_store(float *p, avx512_v v) { memcpy(p, &v, 64); }\n"                        \
  "UNUSED avx512_v avx512_load_part(const float *p, int count) {\n"                                \
  "  avx512_v v = {0}; for (int i = 0; i < count; i++) v[i] = p[i]; return v; }\n"                 \
  "UNUSED void avx512_store_part(float *p, avx512_v v, int count) {\n"                             \
  "  for (int i = 0; i < count; i++) p[i] = v[i]; }\n"                                             \
  "typedef void net_job(void *arg, int job, int worker);\n"                                        \
  "typedef struct net_args { const float *in0, *in1; float *out0; int n; } net_args;\n"            \
  "typedef struct net { void (*parallel)(void *, int, net_job *, void *); void *user;\n"           \
  "  float *work; const float *params; int threads; } net;\n"

/* ---- what must be proved ---- */

/* A convolution with clipped taps, called by its job. */
#define CONV                                                                                       \
  "static inline void net_conv2(const float *x, const float *w, float *y, int n0, int kb) {\n"     \
  "  enum { C = 64, H = 28, W = 28 };\n"                                                           \
  "  for (int oh = 0; oh < H; oh++)\n"                                                             \
  "    for (int ow = 0; ow < W; ow += 7) {\n"                                                      \
  "      avx512_v acc[7];\n"                                                                       \
  "      for (int r = 0; r < 7; r++) acc[r] = avx512_load(x) * 0.0f;\n"                            \
  "      for (int kh = oh < 1 ? 1 - oh : 0; kh < (oh > H - 2 ? H - oh + 1 : 3); kh++)\n"           \
  "        for (int kw = 0; kw < 3; kw++)\n"                                                       \
  "          for (int c = 0; c < C; c++) {\n"                                                      \
  "            const avx512_v k = avx512_load(w + (size_t)((kb * 9 + kh * 3 + kw) * C + c) * "     \
  "16);\n"                                                                                         \
  "            for (int r = 0; r < 7; r++) {\n"                                                    \
  "              const int h = oh + kh - 1, iw = ow + r + kw - 1;\n"                               \
  "              if (iw >= 0 && iw < W)\n"                                                         \
  "                acc[r] += x[((size_t)(n0 * C + c) * H + (size_t)h) * W + (size_t)iw] * k;\n"    \
  "            }\n          }\n"                                                                   \
  "      for (int r = 0; r < 7; r++)\n"                                                            \
  "        avx512_store(y + (((n0 * 8 + kb) * H + oh) * W + ow + r) * 16, acc[r]);\n"              \
  "    }\n}\n"                                                                                     \
  "static void net_job_conv2(void *arg, int job, int worker) {\n"                                  \
  "  const net_args *a = (const net_args *)arg;\n"                                                 \
  "  const int kb = job % 8, n0 = job / 8;\n"                                                      \
  "  (void)worker;\n"                                                                              \
  "  net_conv2(a->in0, a->in1, a->out0, n0, kb);\n}\n"
#define CONV_FACTS                                                                                 \
  "net_conv2 x 0 200703;net_conv2 w 0 73727;net_conv2 y 0 401407;net_conv2 n0 0 3;net_conv2 kb 0 " \
  "7;"                                                                                             \
  "net_job_conv2 job 0 31;net_job_conv2 in0 0 200703;net_job_conv2 in1 0 73727;net_job_conv2 "     \
  "out0 0 401407;"
#define RUN_JOBS                                                                                   \
  "static void net_run(net *ctx, int jobs, net_job *job, void *arg) {\n"                           \
  "  if (ctx->parallel) { ctx->parallel(ctx->user, jobs, job, arg); return; }\n"                   \
  "  for (int i = 0; i < jobs; i++) job(arg, i, 0);\n}\n"
#define FORWARD                                                                                    \
  "int net_forward(net *ctx, int n, const float *x, float *y);\n"                                  \
  "int net_forward(net *ctx, int n, const float *x, float *y) {\n"                                 \
  "  if (n < 1 || n > 4) return -1;\n"                                                             \
  "  for (int i = 0; i < n; i++)\n"                                                                \
  "    for (int j = 0; j < 10; j++) y[i * 10 + j] = x[i * 10 + j];\n"

static const Case good[] = {
    /* vector blocks and a remainder */
    {HEAD "void net_f(const float *x, float *y, int n);\n"
          "void net_f(const float *x, float *y, int n) {\n"
          "  for (int i = 0; i < n; i++) {\n    int j = 0;\n"
          "    for (; j + 16 <= 100; j += 16) avx512_store(y + i * 100 + j, avx512_load(x + i * "
          "100 + j));\n"
          "    avx512_store_part(y + i * 100 + j, avx512_load_part(x + i * 100 + j, 100 - j), 100 "
          "- j);\n  }\n}\n",
     "net_f x 0 399;net_f y 0 399;net_f n 1 4"},
    /* local arrays of two dimensions, their rows, and all of one as one row; masks and quotients;
       tables of indices */
    {HEAD
     "static const int net_offset[4] = {0, 3, 7, 12};\nvoid net_f(float *y);\n"
     "void net_f(float *y) {\n  float t[16][8];\n"
     "  for (int i = 0; i < 16; i++)\n    for (int j = 0; j < 8; ++j) t[i][j] = 0;\n"
     "  float *row = &t[0][0];\n"
     "  for (int j = 0; j < 128; j++) y[j % 16] += row[j] + t[j / 8][j & 7] + t[j >> 3][j % 8];\n"
     "  for (int i = 0; i < 4; i++) y[net_offset[i]] = 0;\n"
     "  for (int i = 15; i >= 0; i--) y[i] = t[15 - i][7];\n}\n",
     "net_f y 0 15"},
    /* pointers that walk */
    {HEAD "void net_f(const float *p, const float *q, float *y);\n"
          "void net_f(const float *p, const float *q, float *y) {\n  const float *e = p;\n"
          "  for (int k = 0; k < 10; k++, e += 16) {\n    avx512_store(y, avx512_load(e));\n"
          "    avx512_store(y, avx512_load(q));\n    q += 16;\n  }\n}\n",
     "net_f p 0 159;net_f q 0 159;net_f y 0 15"},
    /* chunks: the end is the lesser of two */
    {HEAD "void net_f(const float *p, float *y);\nvoid net_f(const float *p, float *y) {\n"
          "  for (int i0 = 0; i0 < 100; i0 += 24) {\n"
          "    const int i1 = i0 + 24 < 100 ? i0 + 24 : 100;\n    float part[24];\n"
          "    for (int i = i0; i < i1; i++) part[i - i0] = p[i];\n"
          "    for (int i = i0; i < (i0 + 24 < 100 ? i0 + 24 : 100); i++) part[i - i0] += p[i];\n"
          "    memcpy(y, part, sizeof(float) * (size_t)(i1 - i0));\n  }\n}\n",
     "net_f p 0 99;net_f y 0 23"},
    /* clipped windows, by ifs and by conditional values, with stride and dilation */
    {HEAD
     "void net_f(const float *x, float *y);\nvoid net_f(const float *x, float *y) {\n"
     "  for (int oh = 0; oh < 14; oh++) {\n    float s = 0;\n"
     "    const int lo = oh * 2 - 3 < 0 ? 0 : oh * 2 - 3, hi = oh * 2 + 4 < 28 ? oh * 2 + 4 : 28;\n"
     "    for (int h = lo; h < hi; h++) s += x[h];\n"
     "    for (int kh = 0; kh < 7; kh++) {\n      const int h = oh * 2 + kh * 2 - 6;\n"
     "      if (h < 0 || h >= 28) continue;\n      s += x[h];\n    }\n"
     "    for (int h = lo; h < hi; h += 3) s += x[h] * y[(h - lo) * 2];\n"
     "    y[oh] = s;\n  }\n}\n",
     "net_f x 0 27;net_f y 0 13"},
    /* sums in which the same number stands twice */
    {HEAD
     "void net_f(const float *x, float *y, int k);\nvoid net_f(const float *x, float *y, int k) {\n"
     "  for (int i = 0; i < 8; i++) {\n    y[i * 16 - i * 15] = x[(i + 1) * 4 - i * 4 - 1];\n"
     "    y[(i * k - k * i) + i] = 0;\n    y[(i * 8 + 5) / 8] = y[7 - (i + 3 - (3 + 0 * i)) % "
     "8];\n  }\n}\n",
     "net_f x 0 3;net_f y 0 7;net_f k 0 1000"},
    /* a job, the leaf it calls, and who starts the jobs */
    {HEAD CONV RUN_JOBS FORWARD "  net_args a = {.in0 = ctx->work, .in1 = ctx->params};\n"
                                "  a.out0 = ctx->work + 200704;\n"
                                "  net_run(ctx, n * 8, net_job_conv2, &a);\n  return 0;\n}\n",
     CONV_FACTS "* work 0 602111;* params 0 73727;net_forward x 0 39;net_forward y 0 39"},
    /* sizes known by name; loops over bytes; a length read from the bytes themselves */
    {HEAD "size_t net_f(const unsigned char *bytes, size_t size);\n"
          "static size_t net_blank(const unsigned char *text, size_t n, size_t i) {\n"
          "  while (i < n && text[i] == ' ') i++;\n  return i;\n}\n"
          "size_t net_f(const unsigned char *bytes, size_t size) {\n"
          "  size_t i = net_blank(bytes, size, 0);\n  if (i >= size) return 0;\n"
          "  for (size_t j = i; j < size; j++) {\n    if (bytes[j] == '\"') return j;\n"
          "    if (bytes[j] == 92 && j + 1 < size) {\n      j++;\n      if (bytes[j] == 'u') "
          "break;\n    }\n  }\n"
          "  if (size - i >= 8) {\n    uint64_t v;\n    memcpy(&v, bytes + i, 8);\n"
          "    if (v <= size - i - 8 && v > 0) return bytes[i + 8 + (size_t)v - 1];\n  }\n  return "
          "i;\n}\n",
     "net_f bytes 0 0 size"},
    /* results of small functions, values set in branches, do and switch */
    {HEAD "static int net_min(int a, int b) { return a < b ? a : b; }\n"
          "void net_f(float *y, int n);\nvoid net_f(float *y, int n) {\n"
          "  int last = n;\n  if (last > 7) last = 7;\n  if (n > 3) { last = 3; } else { last = "
          "last < 2 ? last : 2; }\n"
          "  y[last] = y[net_min(n, 7)];\n  int i = 0;\n  do { y[i] = 0; i++; } while (i < 8);\n"
          "  switch (n) {\n  case 1: last = 5; break;\n  case 2: last = 6; break;\n  default: last "
          "= 7; break;\n  }\n"
          "  if (last >= 0 && last < 8) y[last] = 1;\n}\n",
     "net_f y 0 7;net_f n 0 100"},
    /* functions whose names macros make */
    {HEAD "#define NET_V(name) avx512_##name\n"
          "UNUSED avx512_v NET_V(twice)(avx512_v a) {\n  static const float net_two[1] = {2};\n  "
          "return a * net_two[0];\n}\n"
          "void net_f(float *y);\nvoid net_f(float *y) { avx512_store(y, "
          "avx512_twice(avx512_load(y))); }\n",
     "net_f y 0 15"},
    /* a table's row: places and sizes belong together; strings end; a number that is found again */
    {HEAD
     "typedef struct net_param { const char *name; int rank; size_t dim[4]; size_t size; } "
     "net_param;\n"
     "static const net_param net_params[3] = {{\"a.weight\", 2, {2, 3}, 6}, {\"b\", 1, {4}, "
     "4}, {\"c\", 1, {1}, 1}};\n"
     "static const struct { size_t offset; int first; } net_places[] = {{0, 1}, {6, 2}, {10, "
     "-3}};\n"
     "static int net_find(const char *name, int start) {\n"
     "  for (int i = 0; i < 3; i++) {\n    const int index = (start + i) % 3;\n"
     "    if (strcmp(net_params[index].name, name) == 0) return index;\n  }\n  return -1;\n}\n"
     "static float *net_at(const net *ctx, int index) { return ctx->work + "
     "net_places[index].offset; }\n"
     "size_t net_f(const net *ctx, const char *name, int count);\n"
     "size_t net_f(const net *ctx, const char *name, int count) {\n  int index = -1;\n  "
     "size_t sum = 0;\n"
     "  for (int i = 0; i < 3; i++) {\n    float *at = net_at(ctx, i);\n"
     "    for (size_t k = 0; k < net_params[i].size; k++) at[k] = 0;\n"
     "    for (int d = 0; d < net_params[i].rank; d++) sum += net_params[i].dim[d];\n"
     "    const char *const text = net_params[i].name;\n    const size_t length = strlen(text);\n"
     "    for (size_t k = 0; k < length; k++) sum += (size_t)text[k];\n  }\n"
     "  while (count-- > 0) {\n    if (count == 7) continue;\n    index = net_find(name, "
     "index + 1);\n"
     "    if (index < 0) return 0;\n    net_at(ctx, index)[0] = 1;\n  }\n  return sum;\n}\n",
     "* work 0 10"},
    /* pieces: a quotient times its divisor; what is done and what is left */
    {HEAD
     "void net_f(float *y, size_t size, int kind);\nvoid net_f(float *y, size_t size, int kind) {\n"
     "  unsigned char piece[4096];\n"
     "  const size_t width = kind == 1 ? 2 : kind == 2 ? 4 : 8, most = sizeof piece / width;\n"
     "  memset(piece, 0, sizeof piece);\n"
     "  for (size_t done = 0, n; done < size; done += n) {\n    n = size - done < most ? size - "
     "done : most;\n"
     "    for (size_t i = 0; i < n; i++) y[done + i] = (float)piece[i * width + width - 1];\n  "
     "}\n}\n",
     "net_f y 0 0 size"},
    /* the last block is smaller: equal ends say which one it is */
    {HEAD "void net_f(float *y, int part);\nvoid net_f(float *y, int part) {\n"
          "  const int end = 48 * part + 48 < 2048 ? 48 * part + 48 : 2048;\n"
          "  for (int tile = part; tile < end / 48; tile++) y[48 * tile - 48 * part + 47] = 0;\n"
          "  if ((end + 47) / 48 == 43) y[2063 - 48 * part] = 0;\n"
          "  if (end == 2048) y[2016 - 48 * part] = 0;\n}\n",
     "net_f y 0 47;net_f part 0 42"},
    /* a record that is passed on; what is not named in it is zero; a byte at a time */
    {HEAD "typedef struct net_source { const unsigned char *bytes; size_t size, next; int peek; } "
          "net_source;\n"
          "static void net_advance(net_source *s) {\n"
          "  s->peek = s->next < s->size ? s->bytes[s->next] : -1;\n  s->next++;\n}\n"
          "static int net_token(net_source *s) {\n  while (s->peek == ' ' || s->peek == 9) "
          "net_advance(s);\n  return s->peek;\n}\n"
          "static int net_accept(net_source *s, int byte) {\n  if (net_token(s) != byte) return "
          "0;\n  net_advance(s);\n  return 1;\n}\n"
          "static int net_numbers(net_source *s, size_t *value, int capacity) {\n  int n = 0;\n"
          "  do {\n    if (n >= capacity || net_token(s) < 0) return -1;\n    value[n] = "
          "(size_t)s->peek;\n    n++;\n"
          "    net_advance(s);\n  } while (net_accept(s, ','));\n  return n;\n}\n"
          "int net_f(const unsigned char *bytes, size_t size);\n"
          "int net_f(const unsigned char *bytes, size_t size) {\n  net_source source = {0}, none = "
          "{0};\n  size_t dim[8];\n"
          "  source.bytes = bytes;\n  source.size = size;\n  net_advance(&source);\n"
          "  if (none.bytes) return none.bytes[0];\n"
          "  return net_accept(&source, '[') && net_numbers(&source, dim, 8) > 0;\n}\n",
     "net_f bytes 0 0 size"},
};

static void good_sources_are_proved(void **state) {
  (void)state;
  for (int i = 0; i < COUNT(good); i++) expect_proved(good[i].source, good[i].facts);
}

/* ---- what must be caught ---- */

#define F(parameters, body)                                                                        \
  HEAD "void net_f(" parameters ");\nvoid net_f(" parameters ") {\n" body "}\n"

static const Defect defects[] = {
    {F("float *y", "  int unused;\n  y[0] = 0;\n"), "net_f y 0 0",
     "unused variable 'unused' [-Wunused-variable]"},
    {F("float *y, int n", "  y[0] = n;\n"), "net_f y 0 0", "[-Wimplicit-int-float-conversion]"},
    {F("float *y", "  y[0] = missing;\n"), "net_f y 0 0", "use of undeclared identifier 'missing'"},
    {"#include <stdlib.h>\n" F("float *y", "  y = malloc(4);\n  (void)y;\n"), "",
     "call of \"malloc\", which emitted code may not use"},
    {F("float *y", "  float *p = __builtin_alloca(16);\n  y[0] = p[0];\n"), "",
     "call of \"__builtin_alloca\""},
    {"#include <stdlib.h>\n" F("float *y", "  y[0] = 1;\n  abort();\n"), "", "call of \"abort\""},
    {HEAD "static int counter;\nint net_f(void);\nint net_f(void) { return counter++; }\n", "",
     "variable \"counter\" can change"},
    {HEAD "int net_f(void);\nint net_f(void) { static int calls; return calls++; }\n", "",
     "static variable \"calls\" can change"},
    {HEAD "static int net_g(int n) { return n > 0 ? net_g(n - 1) : 0; }\nint net_f(void);\nint "
          "net_f(void) { return net_g(3); }\n",
     "", "recursion: net_g calls net_g"},
    {F("int n", "  float t[n];\n  t[0] = 0;\n  (void)t;\n"), "", "variable length"},
    {F("float *y, void (*done)(float *)", "  done(y);\n"), "", "call through the pointer \"done\""},
    {HEAD "int other(void);\nint other(void) { return 0; }\n", "",
     "external symbol \"other\" lacks the prefix \"net\" and is not static"},
    {F("float *y", "again:\n  y[0] += 1;\n  if (y[0] < 3) goto again;\n"), "net_f y 0 0", "goto"},
    {F("float *y", "  float t[8];\n  for (int i = 0; i <= 8; i++) t[i] = 0;\n  y[0] = t[3];\n"),
     "net_f y 0 0", "out of range: index in \"t[i]\": elements 0 to 8 of \"t\", which has 0 to 7"},
    {F("const float *x, float *y", "  for (int i = 0; i < 8; i++) y[i] = x[i + 1];\n"),
     "net_f x 0 7;net_f y 0 7",
     "out of range: load of \"x[i + 1]\": elements 1 to 8 of \"x\", which has 0 to 7"},
    {F("float *y",
       "  float t[4][8];\n  for (int i = 0; i < 9; i++) t[1][i] = 0;\n  y[0] = t[0][0];\n"),
     "net_f y 0 0", "out of range: index in \"t[1][i]\": elements 0 to 8"},
    {F("const float *x, float *y",
       "  for (int i = 0; i < 8; i++) avx512_store(y + i * 16, avx512_load(x + i * 16 + 1));\n"),
     "net_f x 0 127;net_f y 0 127", "out of range: load of \"x + i * 16 + 1\": elements 1 to 128"},
    {F("const float *x, float *y", "  for (int i = 0; i < 100; i += 16) avx512_store_part(y + i, "
                                   "avx512_load_part(x + i, 100 - i), 16);\n"),
     "net_f x 0 99;net_f y 0 99", "out of range: store to \"y + i\": elements 0 to 111"},
    {HEAD CONV RUN_JOBS FORWARD "  (void)ctx;\n  net_args a = {.in0 = x, .in1 = x, .out0 = y};\n  "
                                "net_job_conv2(&a, n * 8, 0);\n"
                                "  (void)net_run;\n  return 0;\n}\n",
     CONV_FACTS "net_forward x 0 39;net_forward y 0 39",
     "\"n * 8\" is between 8 and 32, but \"job\" of net_job_conv2 takes 0 to 31"},
    {HEAD CONV RUN_JOBS FORWARD
     "  net_args a = {.in0 = ctx->work, .in1 = ctx->params};\n  a.out0 = ctx->work + 200705;\n"
     "  net_run(ctx, n * 8, net_job_conv2, &a);\n  return 0;\n}\n",
     CONV_FACTS "* work 0 602111;* params 0 73727;net_forward x 0 39;net_forward y 0 39",
     "out of range: \"out0\" of net_job_conv2"},
    {HEAD CONV RUN_JOBS FORWARD
     "  net_args a = {.in0 = ctx->work, .in1 = ctx->params, .out0 = ctx->work + 200704};\n"
     "  net_run(ctx, n * 9, net_job_conv2, &a);\n  return 0;\n}\n",
     CONV_FACTS "* work 0 602111;* params 0 73727;net_forward x 0 39;net_forward y 0 39",
     "\"job\" of net_job_conv2 takes"},
    {F("const float *x, float *y", "  for (int o = 0; o < 14; o++)\n    for (int k = 0; k < 3; "
                                   "k++) y[o] += x[o * 2 + k - 1];\n"),
     "net_f x 0 27;net_f y 0 13", "out of range: load of \"x[o * 2 + k - 1]\": elements -1 to 27"},
    {F("const float *x, float *y, int n",
       "  if (n > 8) return;\n  for (int i = 0; i < n; i++) y[i] = x[i];\n"),
     "net_f x 0 6;net_f y 0 7",
     "out of range: load of \"x[i]\": elements 0 to 7 of \"x\", which has 0 to 6"},
    {F("const float *x, float *y", "  y[0] = x[0];\n"), "net_f y 0 0",
     "nothing is known about the size behind the pointer"},
    {F("float *y, int a", "  y[(a * 65536 * 65536) % 2 == 0 ? 0 : 1] = 0;\n"),
     "net_f y 0 1;net_f a 0 10", "may overflow"},
    {F("const unsigned char *b, size_t size, uint64_t n",
       "  if (8 + n <= size && n > 0) (void)(b[8 + (size_t)n - 1] == 0);\n"),
     "net_f b 0 0 size", "not proved in range: load of"},
    {HEAD "static const int net_offset[3] = {0, 4, 8}, net_size[3] = {4, 4, 5};\nvoid net_f(float "
          "*y);\nvoid net_f(float *y) {\n"
          "  for (int i = 0; i < 3; i++)\n    for (int k = 0; k < net_size[i]; k++) "
          "y[net_offset[i] + k] = 0;\n}\n",
     "net_f y 0 11", "elements 0 to 12 of \"y\""},
    {F("float *y, int part", "  const int end = 48 * part + 48 < 2048 ? 48 * part + 48 : 2048;\n  "
                             "if (end == 2048) y[2017 - 48 * part] = 0;\n"),
     "net_f y 0 0;net_f part 0 42", "elements 1 to 1 of \"y\""},
    {F("float *y", "  int index = 0;\n  for (int i = 0; i < 9; i++) {\n    y[index] = 0;\n    if "
                   "(y[0] > 1) index += 2;\n    if (index > 8) index = 1;\n  }\n"),
     "net_f y 0 7", "8 of \"y\", which has 0 to 7"},
    {F("float *y", "  y[0] = 0;\n"), "net_g y 0 0",
     "the plan knows \"y\" of net_g, but there is no such function"},
};

static void defects_are_caught(void **state) {
  (void)state;
  for (int i = 0; i < COUNT(defects); i++)
    expect_message(defects[i].source, defects[i].facts, defects[i].message);
}

static void places_are_told(void **state) {
  (void)state;
  expect_message("void net_f(float *y);\nvoid net_f(float *y) {\n  y[1] = 0;\n}\n", "net_f y 0 0",
                 "net.c:3:3: error: out of range");
}

static void headers_come_from_memory(void **state) {
  (void)state;
  const OtherFile header = {"net.h", "enum { NET_SIZE = 4 };\nvoid net_f(float y[NET_SIZE]);\n"};
  const OtherFile stray = {"net.h", "enum { SIZE = 4 };\nvoid net_f(float y[SIZE]);\n"};
  Outcome out =
      validated("#include \"net.h\"\nvoid net_f(float y[NET_SIZE]) {\n  y[NET_SIZE - 1] = 0;\n}\n",
                "", &header);
  if (out.verdict.problems) fprintf(stderr, "%s", out.messages);
  assert_int_equal(out.verdict.problems, 0);
  assert_int_equal(out.verdict.proved, 1);
  free(out.messages);
  out = validated("#include \"net.h\"\nvoid net_f(float y[SIZE]) {\n  y[SIZE - 1] = 0;\n}\n", "",
                  &stray);
  assert_non_null(strstr(out.messages, "net.h:1:8: error: \"SIZE\" lacks the prefix \"net\""));
  free(out.messages);
}

/* Only its text: what it calls and reads is not looked at. */
static void selftests_are_read(void **state) {
  (void)state;
  const char *fine = "void net_g(void);\n#ifdef net_SELFTEST\n"
                     "void net_f(void (*tell)(int), const int *s);\n"
                     "void net_f(void (*tell)(int), const int *s) {\n  tell(s[9]);\n}\n#endif\n";
  Outcome out = validated(fine, "", NULL);
  if (out.verdict.problems) fprintf(stderr, "%s", out.messages);
  assert_int_equal(out.verdict.problems, 0);
  free(out.messages);
  expect_message("void net_g(void);\n#ifdef net_SELFTEST\nvoid net_f(int s);\n"
                 "void net_f(int s) {\n  int s = 1;\n}\n#endif\n",
                 "", "net.c:5:7: error: redefinition of 's'");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(good_sources_are_proved), cmocka_unit_test(defects_are_caught),
      cmocka_unit_test(places_are_told),         cmocka_unit_test(headers_come_from_memory),
      cmocka_unit_test(selftests_are_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
