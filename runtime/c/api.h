/* ---- memory and contexts ----
 * The library allocates nothing. A context is a plain struct of the caller's; it may be copied
 * while no call runs on it. Any number of contexts may be used at the same time, each in one thread
 * at a time and each with a work memory of its own. */
