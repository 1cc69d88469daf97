/* library_names.c - names in emitted files that come from the user: the prefix of all symbols and
 * the arguments of forward. (Layers and parameters need no care: their names are parts of longer
 * ones, or strings.)
 *
 * A prefix is the name of a type, so it may be no word of the languages, no name of a header and no
 * word of the file itself, where it would hide or be hidden; and no helper may begin with it. What
 * runtime/ has for the languages is read off those files; what generators print besides is a table
 * here, and tests/library/test_names.py looks whether it is complete. */
#include "library.h"

#include <ctype.h>
#include <string.h>

/* ---- words of others ---- */

/* Of C up to C23 and of C++ up to C++20, and what compilers define without a line in front. */
static const char keywords[] =
    "alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t "
    "char32_t class co_await co_return co_yield compl concept const const_cast consteval constexpr "
    "constinit continue decltype default delete do double dynamic_cast else enum explicit export "
    "extern false float for friend goto if inline int long mutable namespace new noexcept not "
    "not_eq nullptr operator or or_eq private protected public register reinterpret_cast requires "
    "restrict return short signed sizeof static static_assert static_cast struct switch template "
    "this thread_local throw true try typedef typeid typename typeof typeof_unqual union unsigned "
    "using virtual void volatile wchar_t while xor xor_eq main std linux unix i386";

/* Functions of <math.h>, as they are and with an f or l behind. */
static const char mathematics[] =
    "acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh drem erf erfc exp exp10 "
    "exp2 expm1 fabs fdim finite floor fma fmax fmin fmod frexp gamma hypot ilogb isinf isnan j0 "
    "j1 jn ldexp lgamma llrint llround log log10 log1p log2 logb lrint lround modf nan nearbyint "
    "nextafter nexttoward pow pow10 remainder remquo rint round scalb scalbln scalbn significand "
    "sin sincos sinh sqrt tan tanh tgamma trunc y0 y1 yn";

/* Other functions, variables and macros of the headers that emitted files include, and those of
 * <stdlib.h>, <time.h> and <unistd.h> that programs around them meet most. */
static const char headers[] =
    "FILE NULL offsetof INFINITY NAN HUGE_VAL HUGE_VALF HUGE_VALL MATH_ERRNO MATH_ERREXCEPT "
    "MAXFLOAT DOMAIN SING OVERFLOW UNDERFLOW PLOSS TLOSS X_TLOSS BUFSIZ EOF L_ctermid L_cuserid "
    "L_tmpnam P_tmpdir SEEK_CUR SEEK_DATA SEEK_END SEEK_HOLE SEEK_SET RENAME_EXCHANGE "
    "RENAME_NOREPLACE RENAME_WHITEOUT INT8_C INT16_C INT32_C INT64_C INTMAX_C UINT8_C UINT16_C "
    "UINT32_C UINT64_C UINTMAX_C va_list math_errhandling fpclassify isfinite isgreater "
    "isgreaterequal isless islessequal islessgreater isnormal isunordered signbit signgam "
    "lgamma_r lgammaf_r lgammal_r bcmp bcopy bzero explicit_bzero ffs ffsl ffsll index memccpy "
    "memchr memcmp memcpy memfrob memmem memmove mempcpy memrchr memset rawmemchr rindex stpcpy "
    "stpncpy strcasecmp strcasecmp_l strcasestr strcat strchr strchrnul strcmp strcoll strcoll_l "
    "strcpy strcspn strdup strerror strerror_l strerror_r strfry strlen strncasecmp strncasecmp_l "
    "strncat strncmp strncpy strndup strnlen strpbrk strrchr strsep strsignal strspn strstr strtok "
    "strtok_r strverscmp strxfrm strxfrm_l swab asprintf clearerr clearerr_unlocked ctermid "
    "cuserid dprintf fclose fcloseall fdopen feof feof_unlocked ferror ferror_unlocked fflush "
    "fflush_unlocked fgetc fgetc_unlocked fgetpos fgets fgets_unlocked fileno fileno_unlocked "
    "flockfile fmemopen fopen fopencookie fprintf fputc fputc_unlocked fputs fputs_unlocked fread "
    "fread_unlocked freopen fscanf fseek fseeko fsetpos ftell ftello ftrylockfile funlockfile "
    "fwrite fwrite_unlocked getc getc_unlocked getchar getchar_unlocked getdelim getline gets getw "
    "open_memstream pclose perror popen printf putc putc_unlocked putchar putchar_unlocked puts "
    "putw remove rename renameat renameat2 rewind scanf setbuf setbuffer setlinebuf setvbuf "
    "snprintf sprintf sscanf stderr stdin stdout tempnam tmpfile tmpnam tmpnam_r ungetc vasprintf "
    "vdprintf vfprintf vfscanf vprintf vscanf vsnprintf vsprintf vsscanf abort abs assert atexit "
    "atof atoi atol atoll bsearch calloc div errno exit free getenv labs ldiv llabs lldiv malloc "
    "mkdtemp mkstemp qsort rand random realloc setenv signal srand srandom strtod strtof strtol "
    "strtold strtoll strtoul strtoull system unsetenv asctime clock clock_gettime ctime difftime "
    "gmtime localtime mktime nanosleep strftime time timespec access alarm brk chdir chown close "
    "dup execv execve fork getpid kill link lseek nice open pause pipe poll posix_memalign read "
    "select sleep stat sync truncate unlink wait write max min dim3 warpSize gridDim blockIdx "
    "blockDim threadIdx";

/* Parts of variables' names that generators print: x0, c_part_end, oh_ow, in0_2, axis and all. */
static const char variables[] =
    "a acc across ahead arg args at axis b batch blk block c class code column d down end even "
    "first from g group h half i id ih ij in input inside iw j jd jh job jw k kd kh kw last loss m "
    "memory minus most n next od odd oh ot out ow p part pd ph piece plus point points pw px py "
    "qd qh qw r rd rh row rows rw s sample scalar slot stage status stream stride sum t td term th "
    "thread tile to total tw used w worker x y z";

static bool contains(const char *words, const char *word, size_t length) {
  for (const char *at = words; *at; at += *at == ' ') {
    const size_t n = strcspn(at, " ");
    if (n == length && strncmp(at, word, n) == 0) return true;
    at += n;
  }
  return false;
}

static bool ends_with(const char *word, const char *tail) {
  const size_t n = strlen(word), m = strlen(tail);
  return n > m && strcmp(word + n - m, tail) == 0;
}

static bool is_word_of_others(const char *word) {
  static const char *const ends[] = {"_t", "_MAX", "_MIN", "_WIDTH"};
  static const char *const begins[] = {"_", "omp_", "cuda", "CUDA", "FP_", "M_"};
  const size_t length = strlen(word);
  for (int i = 0; i < COUNT(ends); i++)
    if (ends_with(word, ends[i])) return true;
  for (int i = 0; i < COUNT(begins); i++)
    if (strncmp(word, begins[i], strlen(begins[i])) == 0) return true;
  const bool typed = length > 1 && strchr("fl", word[length - 1]);
  return contains(keywords, word, length) || contains(headers, word, length) ||
         contains(mathematics, word, length) || (typed && contains(mathematics, word, length - 1));
}

/* ---- words of the emitted file itself ---- */

bool library_in_word(char c) {
  return isalnum((unsigned char)c) || c == '_';
}

/* Behind the comment, string or character that begins here, or `at`. */
static const char *skip_text(const char *at) {
  if (at[0] == '/' && at[1] == '*') {
    const char *end = strstr(at, "*/");
    return end ? end + 2 : at + strlen(at);
  }
  const char quote = *at;
  if (quote != '"' && quote != '\'') return at;
  for (at++; *at && *at != quote; at++) at += *at == '\\' && at[1];
  return at + (*at != '\0');
}

/* Is the word, or a word that begins with it and a line, in this text outside of comments? */
static bool mentions(const char *text, const char *word) {
  const size_t length = strlen(word);
  for (const char *at = text; *at;) {
    const char *behind = skip_text(at);
    if (behind > at) {
      at = behind;
      continue;
    }
    size_t n = 0;
    while (library_in_word(at[n])) n++;
    if (n >= length && strncmp(at, word, length) == 0 && (n == length || at[length] == '_'))
      return true;
    at += n ? n : 1;
  }
  return false;
}

/* Does a file of runtime/ become part of emitted ones: is it in the folder of their language? */
static bool is_emitted(const char *file) {
  const size_t folder = strcspn(file, "/");
  for (int i = 0; targets[i]; i++) {
    const char *language = targets[i]->language->name;
    if (strlen(language) == folder && strncmp(file, language, folder) == 0) return true;
  }
  return false;
}

static bool in_runtime(const char *word) {
  const char *file;
  for (int i = 0; (file = runtime_name(i)); i++)
    if (is_emitted(file) && mentions(runtime_file(file), word)) return true;
  return false;
}

/* Do all parts between lines, numbers at their ends aside, belong to variables? */
static bool is_variable(const char *word) {
  for (const char *at = word; *at; at += *at == '_') {
    size_t n = strcspn(at, "_"), letters = n;
    while (letters > 0 && isdigit((unsigned char)at[letters - 1])) letters--;
    if (letters > 0 && !contains(variables, at, letters)) return false;
    at += n;
  }
  return true;
}

bool library_keyword(const char *word) {
  return contains(keywords, word, strlen(word));
}

bool library_reserved(const char *word) {
  return is_word_of_others(word) || is_variable(word) || in_runtime(word);
}

const char *library_prefix(Arena *arena, const char *name) {
  return library_reserved(name) ? arena_printf(arena, "net_%s", name) : name;
}

/* ---- arguments of forward ---- */

/* What stands in the functions that have these arguments, and members that proofs know by name. */
static const char entry_words[] = "args batch bytes ctx derived grads header kept loss memory n "
                                  "params scalar state status stream "
                                  "sum work";

/* Capitals alone are a macro's, of one header or another. */
static bool is_macro(const char *word) {
  size_t n = 0;
  while (isupper((unsigned char)word[n]) || isdigit((unsigned char)word[n]) || word[n] == '_') n++;
  return n > 1 && !word[n];
}

static bool begins_with(const char *word, const char *prefix) {
  const size_t n = strlen(prefix);
  return strncmp(word, prefix, n) == 0 && (word[n] == '_' || !word[n]);
}

/* A name may begin with a number: "0.conv". */
static const char *argument_name(Arena *arena, const char *prefix, const char *name) {
  char *result = arena_printf(arena, "%s%s", isdigit((unsigned char)*name) ? "x" : "", name);
  for (char *c = result; *c; c++)
    if (!library_in_word(*c)) *c = '_';
  const bool taken = is_word_of_others(result) || is_macro(result) ||
                     contains(entry_words, result, strlen(result)) || begins_with(result, prefix) ||
                     (strchr(result, '_') && in_runtime(result));
  return taken ? arena_printf(arena, "%s_", result + strspn(result, "_")) : result;
}

static const char *free_name(Arena *arena, const char *wish, const char *const *taken, int n) {
  const char *name = wish;
  for (int i = 0, next = 2; i < n; i++)
    if (strcmp(taken[i], name) == 0) {
      name = arena_printf(arena, "%s_%d", wish, next++);
      i = -1;
    }
  return name;
}

/* What train_forward writes besides the loss and the first output. */
static int more_results(const Graph *g) {
  const int n = g->entry[ENTRY_TRAIN_FORWARD].want.n;
  return n > 2 ? n - 2 : 0;
}

/* The graph's name of argument i: inputs, outputs, gradients by inputs, more results. */
static const char *given_name(Arena *arena, const Graph *g, int i) {
  const Entry *forward = &g->entry[ENTRY_FORWARD];
  if (i < g->input.n) return g->input.at[i].name;
  i -= g->input.n;
  if (i < forward->want.n) return forward->want_name.at[i];
  i -= forward->want.n;
  if (i < g->input.n) return arena_printf(arena, "%s_grad", g->input.at[i].name);
  return g->entry[ENTRY_TRAIN_FORWARD].want_name.at[i - g->input.n + 2];
}

const char *const *library_arguments_named(Arena *arena, const char *prefix, const Graph *g) {
  const int n = 2 * g->input.n + g->entry[ENTRY_FORWARD].want.n + more_results(g);
  const char **name = NEW_ARRAY(arena, const char *, n);
  for (int i = 0; i < n; i++)
    name[i] = free_name(arena, argument_name(arena, prefix, given_name(arena, g, i)), name, i);
  return name;
}
