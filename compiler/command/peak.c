/* peak.c - what the machine can do at most: a program of multiply-adds and of reading memory. */
#include "measure.h"

#include <stdlib.h>

static const char *peak_text(Unit *u, const Target *t) {
  Text out = {.arena = u->arena};
  const char *isa = t->lanes > 1 ? t->name : NULL;
  char *upper = arena_printf(u->arena, "%s", t->name);
  for (char *c = upper; *c; c++)
    if (*c >= 'a' && *c <= 'z') *c = (char)(*c - 'a' + 'A');
  text_add(&out, "#define _XOPEN_SOURCE 700\n#include <math.h>\n#include <stdio.h>\n"
                 "#include <stdlib.h>\n#include <string.h>\n#include <time.h>\n");
  if (isa) text_add(&out, "%s%s", runtime_file("c/scalar.h"), runtime_file(t->simd));
  text_add(&out, "#define LANES %d\n", t->lanes);
  if (isa)
    text_add(&out,
             "#define ATTRIBUTE CNNC_%s_TARGET\n#define VECTOR %s_v\n#define SET %s_set1\n"
             "#define FMA %s_fma\n#define LOAD %s_load\n#define STORE %s_store\n",
             upper, isa, isa, isa, isa, isa);
  else
    text_add(&out, "#define ATTRIBUTE\n#define VECTOR float\n#define SET(x) ((float)(x))\n"
                   "#define FMA(a, b, c) ((a) * (b) + (c))\n#define LOAD(p) (*(p))\n"
                   "#define STORE(p, v) (*(p) = (v))\n");
  text_add(&out, "%s", runtime_file("program/peak.c"));
  return out.at;
}

bool measure_speeds(Unit *u, const Options *o, const Target *target, int threads, double *flops,
                    int n, const double *bytes, double *speed) {
  const char *folder = toolchain_folder(u), *text = peak_text(u, target);
  if (!folder) return false;
  bool done = program_compile(u, o, folder, text, "-ftree-vectorize");
  Text output = {.arena = u->arena};
  if (done) {
    TextList words = program_words(u, o, folder);
    vec_push(u->arena, &words, arena_printf(u->arena, "%d", threads));
    for (int i = 0; i < n; i++)
      vec_push(u->arena, &words, arena_printf(u->arena, "%.0f", bytes[i]));
    vec_push(u->arena, &words, NULL);
    const int status = toolchain_run(u, words.at, &output);
    char *end = NULL;
    *flops = status ? 0 : strtod(output.at, &end);
    for (int i = 0; i < n && !status; i++) speed[i] = strtod(end, &end);
    done = *flops > 0;
    if (!done)
      usage_error(u, "the program that measures the machine %s", toolchain_ending(u, status));
  }
  toolchain_remove(u, folder);
  return done;
}

bool measure_peak(Unit *u, const Options *o, const Target *target, Peak *peak) {
  const double bytes = MEASURE_MEMORY;
  return measure_speeds(u, o, target, program_threads(o), &peak->flops, 1, &bytes,
                        &peak->bandwidth);
}
