/* tensors.h - numbers that come from files and go to files: weights, arrays, data sets, pictures.
 *
 * Files hold more kinds of numbers than networks compute with. A Tensor keeps the numbers as its
 * file has them; they are converted when somebody asks for floats or doubles. Every fault of a file
 * is a diagnostic that names the file; nothing here trusts a size that a file states. Multi-byte
 * numbers in memory are little-endian, as in all the formats but MNIST's. */
#ifndef TENSORS_H
#define TENSORS_H

#include "kernel.h"

typedef enum Element {
  ELEMENT_F32,
  ELEMENT_F64,
  ELEMENT_F16,
  ELEMENT_BF16,
  ELEMENT_U8,
  ELEMENT_I8,
  ELEMENT_I16,
  ELEMENT_I32,
  ELEMENT_I64,
  ELEMENT_BOOL,
  ELEMENTS
} Element;

typedef struct Tensor {
  const char *name;
  Element element;
  int rank;
  int64_t dim[MAX_RANK];
  const void *data; /* row-major, aligned for its elements */
} Tensor;

typedef struct Tensors {
  Tensor *at;
  int n, cap;
} Tensors;

/* ---- any tensor (tensors.c) ---- */

typedef struct ElementInfo {
  const char *safetensors, *npy; /* how the two formats spell it; NULL: the format lacks it */
  int size;
} ElementInfo;
extern const ElementInfo elements[ELEMENTS];

int64_t tensor_size(const Tensor *); /* elements */
size_t tensor_bytes(const Tensor *);
double tensor_value(const Tensor *, int64_t i);
/* n elements from `from` on, each `step` after the one before, as floats. */
void tensor_floats(const Tensor *, int64_t from, int64_t step, int64_t n, float *out);
bool tensor_is_integer(const Tensor *);
/* All elements as float or double; the tensor's own memory where it holds that already. */
const float *tensor_f32(Arena *, const Tensor *);
const double *tensor_f64(Arena *, const Tensor *);
void tensor_print_shape(Text *, const Tensor *); /* [6,1,5,5] */
/* The product of the extents, or -1 if an extent is negative or `bytes_each` times the product
 * leaves int64. */
int64_t shape_size(const int64_t *dim, int rank, int bytes_each);

/* ---- safetensors (weights.c) ---- */

/* All tensors of a file, in its order; false after diagnostics. `weights_parse` works on bytes in
 * memory, which must live as long as the tensors. */
bool weights_read(Unit *, const char *file, Tensors *);
bool weights_parse(Unit *, const char *file, const char *bytes, size_t size, Tensors *);
bool weights_write(Unit *, const char *file, const Tensors *);
const Tensor *weights_find(const Tensors *, const char *name); /* NULL: not there */

/* ---- NumPy arrays (npy.c) ---- */

/* `npy_parse` works on bytes in memory, which must live as long as the tensor. */
bool npy_read(Unit *, const char *file, Tensor *);
bool npy_parse(Unit *, const char *file, const char *bytes, size_t size, Tensor *);
bool npy_write(Unit *, const char *file, const Tensor *);

/* ---- what a network reads (dataset.c, picture.c) ---- */

/* (x * scale - mean[c]) / std[c], as an input of the network asks. */
typedef struct Scaling {
  double scale;
  const double *mean, *std;
  int nmean;     /* channels of mean and std; 0: neither */
  int64_t inner; /* numbers of one channel: h * w */
} Scaling;

typedef enum DataPart { DATA_TRAIN, DATA_TEST } DataPart;

/* What is read: a part of a folder. Pictures and sounds are fitted to what the network reads. */
typedef struct DataRequest {
  const char *folder;
  DataPart part;
  int rank;              /* of a sample that the network reads, */
  int64_t dim[MAX_RANK]; /* and its extents: [c,h,w] */
  int64_t margin;        /* pictures and sounds shall reach so much beyond it on each side */
} DataRequest;

/* Samples keep the numbers of their files (bytes 0 to 255 for pictures); they are converted one by
 * one. */
typedef struct Dataset {
  int64_t n;
  int rank;              /* of one sample, */
  int64_t dim[MAX_RANK]; /* its extents: [c,h,w], */
  int64_t sample_size;   /* and their product */
  int64_t margin;        /* how far it reaches beyond what the network reads */
  Element element;
  const char *source;     /* the file or folder that it is from */
  bool array;             /* from a NumPy file, with any axes */
  bool channels_last;     /* samples are [h,w,c]; set by who knows */
  VEC(const void *) part; /* the files' samples: part i holds samples [first i, first i+1) */
  VEC(int64_t) first;
  int32_t *label; /* label_size numbers per sample: 1, or one per pixel */
  int64_t label_size;
} Dataset;

/* Reads the training or the test part of a folder;
 * which formats there are, dataset.c's table says. */
bool dataset_read(Unit *, const DataRequest *, Dataset *);
/* Sample i as floats, channels first, with its margin. */
void dataset_values(const Dataset *, int64_t i, float *out);
/* The sample without its margin. */
void dataset_middle(const Dataset *, const float *sample, float *out);
/* Values of one sample as the network takes them, in place. */
void scale_values(const Scaling *, int64_t n, float *values);

/* Reads a PNG, JPEG, PGM or PPM picture as [c,h,w], values 0 to 255: enlarged or reduced so that it
 * just covers h x w, the middle cut out; grey from colour and colour from grey as needed. */
bool picture_read(Unit *, const char *file, int64_t c, int64_t h, int64_t w, Tensor *);
/* Any tensor as floats, scaled. */
float *tensor_scaled(Arena *, const Tensor *, const Scaling *);

#endif
