/* ---- parameters ----
 * NAME_params[] lists them; values are NAME_real, in PyTorch's shapes and order. What loads or
 * changes them must not run at the same time as any other call on the same parameter memory. */

typedef struct NAME_param {
  char name[NAME_PARAM_NAME]; /* "conv1.weight" */
  int rank;
  size_t dim[8];
  size_t size; /* number of values: the product of dim */
} NAME_param;
extern const NAME_param NAME_params[];

/* Draws all parameters as the network's initialisers say; equal seeds give equal bits everywhere. */
int NAME_init_params(NAME *ctx, uint64_t seed);

/* Reads all parameters from safetensors in memory; f16, bf16 and f64 are converted. Wants every
 * parameter in its shape and nothing else (num_batches_tracked is ignored, and so are parameters of
 * layers of the network that are left out here), otherwise NAME_E_WEIGHTS. */
int NAME_load(NAME *ctx, const void *bytes, size_t size);
/* Writes all parameters as safetensors, NAME_save_size(ctx) bytes; NAME_E_MEMORY if `size` is less,
 * NAME_E_WEIGHTS if there are none. */
int NAME_save(const NAME *ctx, void *bytes, size_t size);
size_t NAME_save_size(const NAME *ctx);

/* For transfer learning: takes those tensors that have the name and the shape of a parameter; the
 * others stay as NAME_init_params or NAME_load left them (NAME_E_WEIGHTS if none did), and training
 * begins anew. found[i] becomes what was found of parameter i; it has NAME_PARAM_COUNT elements. */
enum { NAME_ABSENT, NAME_TAKEN, NAME_MISSHAPEN };
int NAME_load_part(NAME *ctx, const void *bytes, size_t size, unsigned char *found);

/* Copies one parameter, NAME_params[index].size values, out or in, 0 <= index < NAME_PARAM_COUNT
 * (NAME_E_RANGE). Both want loaded or initialised parameters (NAME_E_WEIGHTS). */
int NAME_get_param(const NAME *ctx, int index, NAME_real *values);
int NAME_set_param(NAME *ctx, int index, const NAME_real *values);

#ifndef NAME_NO_STDIO
/* The same with files. If reading stops half-way (NAME_E_FILE), no parameters are loaded; if writing
 * does, the file is cut off, and NAME_load_file refuses it. */
int NAME_load_file(NAME *ctx, const char *path);
int NAME_save_file(const NAME *ctx, const char *path);
int NAME_load_part_file(NAME *ctx, const char *path, unsigned char *found);
#endif
