/* ---- memory and contexts ----
 * The library allocates nothing and never waits for the device. A context is a plain struct of the
 * caller's; it may be copied while no call runs on it. Any number of contexts may be used at the
 * same time, each in one thread at a time and each with a work memory of its own.
 *
 * `stream` is a cudaStream_t, or NULL. Calls that take one only put work into it, so they can be
 * captured into a CUDA graph. NAME_E_DEVICE: cudaGetLastError() reported something when the work
 * was put in; what goes wrong later the stream reports. */
