/* validating.h - what the unit tests of the validator share: a source and facts about it as text go
 * in, the verdict and the messages come out. */
#ifndef VALIDATING_H
#define VALIDATING_H

#include "validate.h"

#include "unit.h"

typedef struct Case { /* must be proved */
  const char *source, *facts;
} Case;

typedef struct Defect { /* must be reported so */
  const char *source, *facts, *message;
} Defect;

typedef struct Outcome {
  Verdict verdict;
  char *messages;
} Outcome;

enum { MAX_FACTS = 32 };

/* Facts as text: "function name lo hi [size_of]; ..."; * as a function: a member wherever it is
 * read. */
static inline int read_facts(char *text, Fact *fact) {
  int n = 0;
  char *rest = NULL, *word = NULL;
  for (char *row = strtok_r(text, ";", &rest); row; row = strtok_r(NULL, ";", &rest)) {
    char *field[5] = {NULL};
    int fields = 0;
    for (char *w = strtok_r(row, " ", &word); w && fields < 5; w = strtok_r(NULL, " ", &word))
      field[fields++] = w;
    if (fields < 4) continue;
    fact[n++] = (Fact){.function = strcmp(field[0], "*") ? field[0] : NULL,
                       .name = field[1],
                       .lo = atoll(field[2]),
                       .hi = atoll(field[3]),
                       .size_of = field[4]};
  }
  return n;
}

/* `capability`: of a CUDA device; 0: the source is C. */
static inline Outcome validated_for(int capability, const char *source, const char *facts,
                                    const OtherFile *other) {
  Outcome out = {.messages = NULL};
  size_t size;
  char copy[1024];
  Fact fact[MAX_FACTS];
  snprintf(copy, sizeof copy, "%s", facts);
  Unit *u = unit_new();
  u->messages = open_memstream(&out.messages, &size);
  Validation v = {.file = capability ? "net.cu" : "net.c",
                  .capability = capability,
                  .text = source,
                  .size = strlen(source),
                  .prefix = "net",
                  .selftest = strstr(source, "net_SELFTEST") != NULL,
                  .fact = fact,
                  .other = other,
                  .nother = other ? 1 : 0};
  v.nfact = read_facts(copy, fact);
  out.verdict = validate(u, &v);
  fclose(u->messages);
  unit_free(u);
  return out;
}

static inline Outcome validated(const char *source, const char *facts, const OtherFile *other) {
  return validated_for(0, source, facts, other);
}

static inline void check_proved(Outcome out, const char *source) {
  if (out.verdict.problems) fprintf(stderr, "%s\n%s", source, out.messages);
  assert_int_equal(out.verdict.problems, 0);
  assert_int_equal(out.verdict.unproved, 0);
  assert_true(out.verdict.proved > 0);
  free(out.messages);
}

static inline void check_message(Outcome out, const char *source, const char *message) {
  if (!out.verdict.problems || !strstr(out.messages, message))
    fprintf(stderr, "%s\nmissing: %s\ngot: %s", source, message, out.messages);
  assert_true(out.verdict.problems > 0);
  assert_non_null(strstr(out.messages, message));
  free(out.messages);
}

static inline void expect_proved(const char *source, const char *facts) {
  check_proved(validated(source, facts, NULL), source);
}

static inline void expect_message(const char *source, const char *facts, const char *message) {
  check_message(validated(source, facts, NULL), source, message);
}

#endif
