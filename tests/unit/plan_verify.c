/* plan_verify.c - plan_verify stops at every kind of planted defect and says what is wrong, and at
 * nothing in plans without one. Plans are written in their text form. */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"
#include "plan.h"
#include "backend.h"

#define HEAD                                                                                       \
  "plan p target generic batch 4\nbytes param 64 derived 0 state 64 grad 64 kept 0\n"              \
  "buffer %x: f32[n,8] input 0 call\nbuffer %y: f32[n,8] output 0 call\n"                          \
  "buffer %t: f32[n,8] work 0 call\nbuffer %w: f32[8] param 0 load\n"                              \
  "buffer %g: f32[8] grad 0 call\nbuffer %m: f32[8] state 0 call\n"
#define FORWARD "entry forward work 0 worker 0 live 0\n"
#define STEP    "entry step work 0 worker 0 live 0\n"
/* A kernel over n and c, one over c. */
#define RUN(name, in, out)  "run plain f32\n " name ": n<n c<8\n in0 = " in "\n " out " = in0\n"
#define RUN1(name, in, out) "run plain f32\n " name ": c<8\n in0 = " in "\n " out " = in0\n"
/* The same, cut by the outermost step: its own blocks, or one element more of each. */
#define BLOCK(name, in, out)                                                                       \
  "run plain f32 bind n=0:1,0,1\n " name ": n<n c<8\n in0 = " in "\n " out " = in0\n"
#define WIDE(name, in, out)                                                                        \
  "run plain f32 bind n=0:1,0,2\n " name ": n<n c<8\n in0 = " in "\n " out " = in0\n"
#define RUN2(name, a, b, out)                                                                      \
  "run plain f32\n " name ": c<8\n in0 = " a "\n in1 = " b "\n " out " = in0 + in1\n"

#define SUMS(to)                                                                                   \
  "buffer %s: f64[4,8] work 0 call\n" FORWARD                                                      \
  "run plain f32\n a: n<n c<8\n in0 = %x[n, c]\n %t[n, c] = in0\n %s" to " += in0*in0\n"

typedef struct Row {
  const char *text, *fault; /* NULL: there is none */
} Row;

static const Row rows[] = {
    /* values */
    {HEAD FORWARD RUN("a", "%x[n, c]", "%t[n, c]") RUN("b", "%t[n, c]", "%y[n, c]"), NULL},
    {HEAD FORWARD RUN("b", "%t[n, c]", "%y[n, c]") RUN("a", "%x[n, c]", "%t[n, c]"),
     "b reads t before it is written"},
    {HEAD FORWARD RUN("a", "%x[n, c]", "%y[n, c]") RUN("b", "%x[n, c]", "%y[n, c]"),
     "a and b write the same part of y"},
    {HEAD FORWARD RUN("a", "%x[n, c]", "%x[n, c]"), "a writes x"},
    {HEAD FORWARD RUN("a", "%x[n, c + 1]", "%y[n, c]"), "a: axis 1 of x leaves it"},
    {HEAD FORWARD RUN("a", "%x[n, c + 1] fill 0", "%y[n, c]"), NULL},
    {HEAD FORWARD "run plain f32\n a: n<n\n in0 = %x[n, 0]\n %y[n, 0] = in0\n"
                  "run plain f32\n b: n<n c<7\n in0 = %x[n, c]\n %y[n, c + 1] = in0\n",
     NULL},
    {HEAD FORWARD "run plain f32\n a: n<n c<4\n in0 = %x[n, c]\n %y[n, 2*c] = in0\n"
                  "run plain f32\n b: n<n c<4\n in0 = %x[n, c]\n %y[n, 2*c + 1] = in0\n",
     NULL},
    {HEAD FORWARD "run plain f32\n a: n<n c<2\n in0 = %x[n, c]\n %y[n, 4*c] = in0\n"
                  "run plain f32\n b: n<n c<2 d<3\n in0 = %x[n, c]\n %y[n, 4*c + d] = in0\n",
     "a and b write the same part of y"},
    {HEAD "buffer %u: f32[8] param 1 load nowhere\n" FORWARD RUN1("a", "%u[c]", "%y[0, c]"),
     "a reads u, which has no place"},
    /* sums over points of one element */
    {HEAD SUMS("[n/2, c]"), NULL},
    {HEAD SUMS("[0, (8*n + c)/16]"), NULL},
    {HEAD SUMS("[0, (8*n + c + 1)/16]"), "a: points that sum to s are no runs"},
    {HEAD SUMS("[0, (7*n + c)/16]"), "a: points that sum to s are no runs"},
    {HEAD SUMS("[0, (n + 8*c)/16]"), "a: points that sum to s are no runs"},
    {HEAD SUMS("[(8*n + c)/16, c]"), "a: points that sum to s are no runs"},
    {HEAD SUMS("[n, c/2%2]"), "a: points that sum to s are no runs"},
    {HEAD SUMS("[(8*n + c)/7, 0]"), "a: axis 0 of s leaves it"},
    /* state */
    {HEAD STEP RUN2("s", "%m[c]", "%g[c]", "%m[c]") RUN2("p", "%w[c]", "%g[c]", "%w[c]"), NULL},
    {HEAD STEP RUN1("r", "%m[c]", "%y[0, c]") RUN2("s", "%m[c]", "%g[c]", "%m[c]"), NULL},
    {HEAD STEP RUN2("s", "%m[c]", "%g[c]", "%m[c]") RUN2("p", "%w[c]", "%m[c]", "%w[c]"),
     "p reads m after its update by s"},
    {HEAD STEP RUN2("p", "%w[c]", "%g[c]", "%w[c]") RUN1("r", "%w[c]", "%y[0, c]"),
     "r reads w after its update by p"},
    {HEAD STEP RUN2("s", "%m[c]", "%g[c]", "%m[c]") RUN1("again", "%g[c]", "%m[c]"),
     "s and again write the same part of m"},
    {HEAD STEP RUN1("p", "%m[c]", "%w[c]") RUN1("q", "%g[c]", "%w[c]"),
     "p and q write the same part of w"},
    {HEAD "entry backward work 0 worker 0 live 0\n" RUN1("d", "%w[c]", "%g[c]")
         RUN1("e", "%w[c]", "%g[c]"),
     "d and e write the same part of g"},
    {HEAD STEP RUN1("s", "%m[-c + 7]", "%m[c]"), "s reads other elements of m than it writes"},
    {HEAD STEP "parallel c<8 by 2 {\n" RUN1("r", "%m[c]", "%y[0, c]")
         RUN1("s", "%g[c]", "%m[c]") "}\n",
     "s updates m block by block beside r, which reads it"},
    {HEAD FORWARD RUN1("f", "%m[c]", "%y[0, c]") STEP RUN1("s", "%g[c]", "%m[c]"), NULL},
    /* blocks that run at the same time */
    {HEAD FORWARD "parallel n<n by 1 {\n" BLOCK("a", "%x[n, c]", "%t[n, c]")
         BLOCK("b", "%t[n, c]", "%y[n, c]") "}\n",
     NULL},
    {HEAD FORWARD "parallel n<n by 1 {\n" BLOCK("a", "%x[n, c]", "%t[n, c]")
         BLOCK("b", "%t[n - 1, c] fill 0", "%y[n, c]") "}\n",
     "b reads of t what another block over n writes"},
    {HEAD FORWARD "parallel n<n by 1 {\n" BLOCK("a", "%x[n, c]", "%t[n, c]")
         RUN("b", "%t[n, c]", "%y[n, c]") "}\n",
     "b reads of t what another block over n writes"},
    {HEAD FORWARD "parallel n<n by 1 {\n" WIDE("a", "%x[n, c]", "%t[n, c]")
         WIDE("b", "%t[n, c]", "%y[n, c]") "}\n",
     "b reads of t what another block over n writes"},
    {HEAD FORWARD "loop n<n by 1 {\n" BLOCK("a", "%x[n, c]", "%t[n, c]")
         BLOCK("b", "%t[n - 1, c] fill 0", "%y[n, c]") "}\n",
     NULL},
    {HEAD FORWARD "parallel n<n by 1 {\n" BLOCK(
         "a", "%x[n, c]", "%t[n, c]") "}\n"
                                      "parallel n<n by 1 {\n" BLOCK("b", "%t[n - 1, c] fill 0",
                                                                    "%y[n, c]") "}\n",
     NULL},
    {HEAD FORWARD "parallel n<n by 1 {\n"
                  "run plain f32 bind n=0:1,0,1\n a: n<n c<4\n in0 = %x[n, c]\n"
                  " %t[n, c] = in0\n"
                  "run plain f32 bind n=0:1,0,1\n b: n<n c<4\n in0 = %t[n - 1, c + 4] fill 0\n"
                  " %y[n, c] = in0\n}\n",
     NULL},
    /* formats */
    {HEAD "buffer %z: f32[n,8] input 1 call margin 0:0,1:0\n",
     "z: the caller's memory has a margin"},
    {HEAD "buffer %z: f32[n,8] input 1 call lanes 1:4\n", "z: the caller's memory in lanes"},
    {HEAD "buffer %z: f32[n,8] work 0 call lanes 1:4 margin 0:0,2:0\n", "z: margin splits lanes"},
    /* places */
    {HEAD "buffer %u: f32[n,8] work 0 call at 64\n"
          "entry forward work 128 worker 0 live 0\n" RUN("a", "%x[n, c]", "%t[n, c]")
              RUN("b", "%t[n, c]", "%u[n, c]"),
     "u lies outside"},
    {HEAD "buffer %u: f32[n,8] work 0 call at 64\n"
          "entry forward work 256 worker 0 live 0\n" RUN("a", "%x[n, c]", "%t[n, c]")
              RUN("b", "%x[n, c]", "%u[n, c]") RUN("c", "%t[n, c]", "%y[n, c]"),
     "u and t overlap"},
    {HEAD "buffer %u: f32[n,8] work 0 call at 64\n"
          "entry forward work 256 worker 0 live 0\n" RUN("a", "%x[n, c]", "%t[n, c]"),
     NULL},
};

/* What plan_verify says of a plan before it aborts; "" where it returns. */
static void verified(Plan *p, char *said, size_t size) {
  int ends[2], status;
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], 2);
    signal(SIGABRT, SIG_DFL);
    plan_verify(p);
    _exit(0);
  }
  close(ends[1]);
  size_t n = 0;
  for (ssize_t more; n < size - 1 && (more = read(ends[0], said + n, size - 1 - n)) > 0;)
    n += (size_t)more;
  said[n] = '\0';
  close(ends[0]);
  waitpid(child, &status, 0);
  assert_true(WIFEXITED(status) || (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT));
}

static void defects(void **state) {
  (void)state;
  for (int i = 0; i < COUNT(rows); i++) {
    Captured *c = captured_new(NULL, NULL);
    static const Graph graph = {.name = "p"};
    char said[512];
    Plan *p = plan_parse(c->u, &graph, target_find("generic"), rows[i].text);
    if (!p) fail_msg("%s\n%s", rows[i].text, messages(c));
    verified(p, said, sizeof said);
    if (rows[i].fault ? !strstr(said, rows[i].fault) : *said)
      fail_msg("%s\nsays \"%s\", not \"%s\"", rows[i].text, said,
               rows[i].fault ? rows[i].fault : "");
    captured_free(c);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(defects)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
