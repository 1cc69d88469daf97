#ifndef NAME_NO_STDIO
/* Writes a table of all kernels, or their last calls as a trace in JSON for chrome://tracing and
 * Perfetto. */
int NAME_profile_table(const NAME_profile *profile, const char *path);
int NAME_profile_trace(const NAME_profile *profile, const char *path);
#endif
