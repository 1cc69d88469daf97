
#ifdef NAME_SELFTEST
/* ---- self-test: there if source and program are compiled with NAME_SELFTEST defined ----
 * Runs every entry on a few samples that are drawn by chance, and compares elements of
 * what each kernel writes with the same formula in double, one element at a time, over what the
 * kernel read. Where the context trains, the gradients are compared with differences of the loss
 * along several directions. The parameters stay as they are; training begins anew. Returns the
 * number of comparisons that failed, or an error; `tell` (may be NULL) hears of each: what it is
 * about, what was computed, what was expected, how much may lie between them. */
typedef void NAME_tell(void *user, const char *what, double got, double expected, double allowed);
int NAME_selftest(NAME *ctx, void *memory, size_t bytes, NAME_tell *tell, void *user);
#endif
