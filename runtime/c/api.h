/* ---- errors ----
 * Every function that returns int returns 0 or one of these. On an error nothing was changed. */
enum {
  NAME_OK = 0,
  NAME_E_NULL = -1,    /* a pointer is NULL */
  NAME_E_BATCH = -2,   /* n is not in 1 ... NAME_MAX_BATCH */
  NAME_E_ALIGN = -3,   /* memory is not aligned to NAME_ALIGN bytes */
  NAME_E_MEMORY = -4,  /* memory is too small */
  NAME_E_CPU = -5,     /* this processor lacks the instructions the library was made for */
  NAME_E_WEIGHTS = -6, /* no parameters were loaded, or they are not those of this network */
  NAME_E_HASH = -7,    /* header and source come from different runs of cnnc */
  NAME_E_DEVICE = -8,  /* a device reported an error (never in C) */
  NAME_E_RANGE = -9,   /* an index or a number of threads is out of range */
  NAME_E_FILE = -10    /* a file cannot be opened, read or written */
};
const char *NAME_strerror(int code); /* a sentence about any of them, never NULL */

/* Version of cnnc, network, target and the hashes of network and plan, as one line. */
const char *NAME_info(void);

/* ---- memory and contexts ----
 * The library allocates nothing. A context is a plain struct of the caller's; it may be copied
 * while no call runs on it. Any number of contexts may be used at the same time, each in one thread
 * at a time and each with a work memory of its own. */

/* One piece of parallel work, and a loop over pieces: run job(arg, i, worker) for all 0 <= i <
 * jobs, in any order and in any thread; worker is in 0 ... threads - 1 and no two jobs that run at
 * the same time have the same one. Returns when all are done. */
typedef void NAME_job(void *arg, int index, int worker);
typedef void NAME_parallel_for(void *user, int jobs, NAME_job *job, void *arg);

typedef struct NAME {
  /* The caller's loop over jobs and its first argument; NAME_init sets both to NULL (OpenMP if the
   * library was compiled with it, otherwise one thread). May be set at any time between calls. */
  NAME_parallel_for *parallel;
  void *user;
  /* private */
  int threads;
  NAME_params_memory *header, *params, *derived;
  unsigned char *work;
} NAME;
