/* ---- profile ----
 * Where the time goes: set ctx->profile, which NAME_init makes NULL, to a NAME_profile that is zero
 * but for its clock. Every call adds to it; contexts in different threads have one each. */

typedef struct NAME_timed { /* a kernel, or several that run block by block */
  const char *entry, *layers, *algorithm;
  double operations; /* multiplications and additions of contractions, for one sample */
} NAME_timed;
extern const NAME_timed NAME_kernels[NAME_KERNELS];

typedef struct NAME_timer {
  double calls, total, least; /* seconds */
  double begin, end;          /* of the last call, on the clock */
} NAME_timer;

typedef struct NAME_profile {
  double (*clock)(void); /* seconds since some moment */
  NAME_timer timer[NAME_KERNELS];
} NAME_profile;
