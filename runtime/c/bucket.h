/* Is told that values [first, first + count) of the gradients are complete: see "several machines". */
typedef void NAME_bucket(void *user, size_t first, size_t count);
