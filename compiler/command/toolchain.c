/* toolchain.c - other programs: the C compiler, ar, and what was built with them. */
#include "driver.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

void toolchain_words(Unit *u, TextList *words, const char *text) {
  for (const char *end; *text; text = *end ? end + 1 : end) {
    end = text + strcspn(text, " ");
    if (end > text) vec_push(u->arena, words, arena_copy(u->arena, text, (size_t)(end - text)));
  }
}

/* ---- interruptions ---- */

/* While there is a folder for temporary files, what would end this process ends its tools; it
 * follows them when the folder is removed. */
static const int deadly[] = {SIGINT, SIGTERM, SIGHUP};
static struct sigaction before[COUNT(deadly)];
static int folders;
static volatile sig_atomic_t interruption; /* the signal that came, or 0 */

static void on_signal(int number) {
  interruption = number;
}

static void hold_signals(void) {
  const struct sigaction action = {.sa_handler = on_signal};
  if (folders++ > 0) return;
  for (int i = 0; i < COUNT(deadly); i++) sigaction(deadly[i], &action, &before[i]);
}

static void release_signals(void) {
  if (--folders > 0) return;
  for (int i = 0; i < COUNT(deadly); i++) sigaction(deadly[i], &before[i], NULL);
  if (interruption) raise(interruption);
}

/* ---- starting programs ---- */

/* Does a call go on that a signal has stopped? Then the tool has heard of the signal. */
static bool goes_on(pid_t pid) {
  if (errno != EINTR) return false;
  if (interruption) kill(pid, interruption);
  return true;
}

static void read_all(pid_t pid, int fd, Text *output) {
  char piece[4096];
  ssize_t n;
  while ((n = read(fd, piece, sizeof piece)) > 0 || (n < 0 && goes_on(pid)))
    if (n > 0) text_append(output, piece, (size_t)n);
}

int toolchain_wait(int pid) {
  int status;
  while (waitpid(pid, &status, 0) < 0)
    if (!goes_on(pid)) return 127;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

const char *toolchain_ending(Unit *u, int status) {
  return status > 128 ? arena_printf(u->arena, "was ended by signal %d (%s)", status - 128,
                                     strsignal(status - 128))
                      : arena_printf(u->arena, "ended with status %d", status);
}

int toolchain_run(Unit *u, const char *const *argv, Text *output) {
  int ends[2] = {-1, -1};
  pid_t pid;
  posix_spawn_file_actions_t actions;
  if (interruption) return 128 + interruption;
  if (output && pipe(ends) != 0) return 127;
  posix_spawn_file_actions_init(&actions);
  if (output) {
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    posix_spawn_file_actions_addclose(&actions, ends[1]);
  }
  fflush(stdout);
  int error = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (output) close(ends[1]);
  if (output && !error) read_all(pid, ends[0], output);
  if (output) close(ends[0]);
  if (!error) return toolchain_wait(pid);
  if (output)
    text_add(output, "cannot start %s: %s\n", argv[0], strerror(error));
  else
    usage_error(u, "cannot start %s: %s", argv[0], strerror(error));
  return 127;
}

int toolchain_start(Unit *u, const char *const *argv, int *to, int *from) {
  int in[2] = {-1, -1}, out[2] = {-1, -1}, error = 0;
  pid_t pid = -1;
  posix_spawn_file_actions_t actions;
  if (pipe(in) != 0 || pipe(out) != 0) error = errno;
  for (int i = 0; i < 2 && !error; i++) {
    fcntl(in[i], F_SETFD, FD_CLOEXEC);
    fcntl(out[i], F_SETFD, FD_CLOEXEC);
  }
  posix_spawn_file_actions_init(&actions);
  if (!error) {
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    error = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)argv, environ);
  }
  posix_spawn_file_actions_destroy(&actions);
  if (in[0] >= 0) close(in[0]);
  if (out[1] >= 0) close(out[1]);
  *to = in[1];
  *from = out[0];
  if (!error) return pid;
  if (in[1] >= 0) close(in[1]);
  if (out[0] >= 0) close(out[0]);
  usage_error(u, "cannot start %s: %s", argv[0], strerror(error));
  return -1;
}

/* What a tool printed, as it is; among JSON lines, each line is a note. */
static void show_output(Unit *u, const char *text) {
  if (!u->json_diagnostics) fputs(text, u->messages);
  for (const char *end; u->json_diagnostics && *text; text = *end ? end + 1 : end) {
    end = text + strcspn(text, "\n");
    usage_note(u, "%.*s", (int)(end - text), text);
  }
}

/* Runs a tool; when it fails, shows the command and what it said. */
static bool run_tool(Unit *u, const TextList *words) {
  Text output = {.arena = u->arena};
  TextList argv = *words;
  vec_push(u->arena, &argv, NULL);
  int status = toolchain_run(u, argv.at, &output);
  if (status == 0) return true;
  if (interruption) return false;
  Text command = {.arena = u->arena};
  for (int i = 0; i < words->n; i++) text_add(&command, " %s", words->at[i]);
  usage_error(u, "this failed:%s", command.at);
  show_output(u, output.n ? output.at : "");
  return false;
}

bool toolchain_cc(Unit *u, const Options *o, const char *const *arguments) {
  TextList words = {0};
  toolchain_words(u, &words, o->cc);
  for (int i = 0; arguments[i]; i++) vec_push(u->arena, &words, arguments[i]);
  return run_tool(u, &words);
}

bool toolchain_openmp(Unit *u, const Options *o) {
  const char *folder = toolchain_folder(u);
  if (!folder) return false;
  static const char program[] = "#include <omp.h>\nint main(void) { return omp_get_num_threads() "
                                "- 1; }\n";
  const char *source = arena_printf(u->arena, "%s/openmp.c", folder);
  const char *binary = arena_printf(u->arena, "%s/openmp", folder);
  TextList words = {0};
  toolchain_words(u, &words, o->cc);
  const char *const arguments[] = {"-fopenmp", source, "-o", binary, NULL};
  for (int i = 0; i < COUNT(arguments); i++) vec_push(u->arena, &words, arguments[i]);
  Text output = {.arena = u->arena};
  bool works = file_write(u, source, program, sizeof program - 1) &&
               toolchain_run(u, words.at, &output) == 0;
  toolchain_remove(u, folder);
  return works;
}

/* ---- folders ---- */

const char *toolchain_folder(Unit *u) {
  const char *parent = getenv("TMPDIR");
  char *path = arena_printf(u->arena, "%s/cnnc-XXXXXX", parent && *parent ? parent : "/tmp");
  hold_signals();
  if (mkdtemp(path)) return path;
  release_signals();
  usage_error(u, "cannot make a folder for temporary files: %s: %s", path, strerror(errno));
  return NULL;
}

void toolchain_remove(Unit *u, const char *folder) {
  DIR *directory = opendir(folder);
  for (struct dirent *entry; directory && (entry = readdir(directory));)
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
      unlink(arena_printf(u->arena, "%s/%s", folder, entry->d_name));
  if (directory) closedir(directory);
  rmdir(folder);
  release_signals();
}

/* ---- libraries ---- */

/* The archiver of a cross compiler: aarch64-linux-gnu-gcc -> aarch64-linux-gnu-ar. */
static const char *archiver(Unit *u, const char *cc) {
  size_t length = strcspn(cc, " ");
  return length > 4 && strncmp(cc + length - 4, "-gcc", 4) == 0
             ? arena_printf(u->arena, "%.*sar", (int)(length - 3), cc)
             : "ar";
}

static bool move(Unit *u, const char *from, const char *to) {
  if (rename(from, to) == 0) return true;
  diag_error_in(u, to, "cannot write the file: %s", strerror(errno));
  return false;
}

typedef struct Build {
  Unit *u;
  const Options *o;
  const Language *language;
  const Targets *targets;
  bool openmp;
  const char *base;   /* of the source: its path without suffix */
  const char *folder; /* for objects */
  TextList object;
} Build;

/* Machine code for each of several devices; later ones get what the last one's is made from. */
static void add_devices(const Build *b, TextList *words) {
  for (int i = 0; i < b->targets->n; i++) {
    const char *number = strchr(b->targets->at[i]->name, '_') + 1;
    const char *code = i + 1 < b->targets->n
                           ? arena_printf(b->u->arena, "sm_%s", number)
                           : arena_printf(b->u->arena, "[sm_%s,compute_%s]", number, number);
    vec_push(b->u->arena, words,
             arena_printf(b->u->arena, "-gencode=arch=compute_%s,code=%s", number, code));
  }
}

/* The command of a compiler, as --cc and --nvcc name it, and what the targets want of it. */
static TextList compiler(const Build *b, const char *flags) {
  const Language *language = b->language;
  TextList words = {0};
  toolchain_words(b->u, &words, options_text(b->o, language->compiler));
  if (language->devices) add_devices(b, &words);
  toolchain_words(b->u, &words, flags);
  if (b->openmp) toolchain_words(b->u, &words, language->openmp);
  return words;
}

static void add_list(const Build *b, TextList *words, const char *const *more, int n) {
  for (int i = 0; i < n; i++) vec_push(b->u->arena, words, more[i]);
}

static bool compile(Build *b, const char *flags, const char *source, const char *name) {
  const char *object = arena_printf(b->u->arena, "%s/%s.o", b->folder, name);
  TextList words = compiler(b, flags);
  add_list(b, &words, (const char *const[]){"-c", source, "-o", object}, 4);
  vec_push(b->u->arena, &b->object, object);
  return run_tool(b->u, &words);
}

/* NAME_weights.S includes NAME.weights beside it. */
static bool compile_all(Build *b) {
  Arena *arena = b->u->arena;
  const char *slash = strrchr(b->base, '/');
  const char *beside = slash ? arena_copy(arena, b->base, (size_t)(slash - b->base)) : ".";
  const char *name = slash ? slash + 1 : b->base;
  if (!compile(b, b->language->compile, arena_printf(arena, "%s%s", b->base, b->language->suffix),
               name))
    return false;
  return !b->o->weights || b->o->weights_as != WEIGHTS_OBJECT ||
         compile(b, arena_printf(arena, "-I %s", *beside ? beside : "/"),
                 arena_printf(arena, "%s_weights.S", b->base),
                 arena_printf(arena, "%s_weights", name));
}

static bool archive(const Build *b, const char *to) {
  TextList words = {0};
  add_list(b, &words, (const char *const[]){archiver(b->u, b->o->cc), "rcs", to}, 3);
  add_list(b, &words, b->object.at, b->object.n);
  return run_tool(b->u, &words);
}

static bool share(const Build *b, const char *to) {
  TextList words = compiler(b, b->language->link);
  add_list(b, &words, b->object.at, b->object.n);
  add_list(b, &words, (const char *const[]){"-o", to}, 2);
  if (b->language->libraries) toolchain_words(b->u, &words, b->language->libraries);
  return run_tool(b->u, &words);
}

bool toolchain_library(Unit *u, const Options *o, const char *base, const Targets *built) {
  const char *name = file_name(base);
  const char *beside = arena_printf(u->arena, "%.*slib%s", (int)(name - base), base, name);
  const char *static_one = arena_printf(u->arena, "%s.a.tmp", beside);
  const char *shared_one = arena_printf(u->arena, "%s.so.tmp", beside);
  const Language *language = built->at[0]->language;
  Build b = {.u = u,
             .o = o,
             .language = language,
             .targets = built,
             .base = base,
             .folder = toolchain_folder(u)};
  if (!b.folder) return false;
  b.openmp = language->openmp && o->parallel == PARALLEL_OPENMP && toolchain_openmp(u, o);
  bool done = compile_all(&b) && archive(&b, static_one) && share(&b, shared_one) &&
              move(u, static_one, arena_printf(u->arena, "%s.a", beside)) &&
              move(u, shared_one, arena_printf(u->arena, "%s.so", beside));
  toolchain_remove(u, b.folder);
  unlink(static_one);
  unlink(shared_one);
  return done;
}
