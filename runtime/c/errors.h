/* ---- errors ----
 * Every function that returns int returns 0 or one of these. On an error nothing was changed, but for
 * what is said of NAME_E_DEVICE here and of NAME_E_FILE at the functions of files. */
enum {
  NAME_OK = 0,
  NAME_E_NULL = -1,    /* a pointer is NULL */
  NAME_E_BATCH = -2,   /* n is not in 1 ... NAME_MAX_BATCH; training: no pass of n samples before */
  NAME_E_ALIGN = -3,   /* memory is not aligned to NAME_ALIGN bytes */
  NAME_E_MEMORY = -4,  /* memory is too small, or none was given for training */
  NAME_E_CPU = -5,     /* this processor lacks the instructions the library was made for */
  NAME_E_WEIGHTS = -6, /* no parameters were loaded, or they are not those of this network */
  NAME_E_HASH = -7,    /* header and source come from different runs of cnnc */
  NAME_E_DEVICE = -8,  /* a device reported an error: the work is in the stream in part (never in C) */
  NAME_E_RANGE = -9,   /* an index or a number of threads is out of range */
  NAME_E_FILE = -10    /* a file cannot be opened, read or written */
};
const char *NAME_strerror(int code); /* a sentence about any of them, never NULL */

/* Bytes of a context, sizeof(NAME), for languages that do not read this file. */
size_t NAME_context_size(void);
/* Version of cnnc, network, target and the hashes of network and plan, as one line. */
const char *NAME_info(void);
