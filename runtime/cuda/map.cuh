/* What the device wants to know of a tensor that it copies in boxes (tma.cuh): a map, which the
 * driver makes. */
#ifndef CNNC_MAP
#define CNNC_MAP

/* How a tensor lies in memory, and what a box has of it: elements along each axis, the nearest one
 * first, and the bytes from one to the next along all but that. Elements have 8 bytes; of a turned
 * box 2, and row r of it 128 bytes, of which 16 from 16 * k on stand in place k ^ r % 8. */
typedef struct cnnc_tensor {
  const void *at;
  unsigned axes;
  int turned;
  cuuint64_t size[4], stride[3];
  cuuint32_t box[4];
} cnnc_tensor;

/* The driver's function is looked for, so that nothing has to be linked. cudaSuccess, or why there
 * is no map. */
static inline __attribute__((unused)) cudaError_t cnnc_encode(void *to, const cnnc_tensor *t) {
  const cuuint32_t steps[4] = {1, 1, 1, 1};
  __typeof__(cuTensorMapEncodeTiled) *encode = NULL;
  cudaDriverEntryPointQueryResult found = cudaDriverEntryPointSymbolNotFound;
  CUtensorMap map;
  const cudaError_t error = cudaGetDriverEntryPointByVersion(
      "cuTensorMapEncodeTiled", (void **)&encode, 12000, cudaEnableDefault, &found);
  if (error != cudaSuccess) return error;
  if (found != cudaDriverEntryPointSuccess) return cudaErrorNotSupported;
  if (encode(&map, t->turned ? CU_TENSOR_MAP_DATA_TYPE_UINT16 : CU_TENSOR_MAP_DATA_TYPE_INT64,
             t->axes, (void *)t->at, t->size, t->stride, t->box, steps,
             CU_TENSOR_MAP_INTERLEAVE_NONE,
             t->turned ? CU_TENSOR_MAP_SWIZZLE_128B : CU_TENSOR_MAP_SWIZZLE_NONE,
             CU_TENSOR_MAP_L2_PROMOTION_L2_128B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE) != CUDA_SUCCESS)
    return cudaErrorInvalidValue;
  memcpy(to, &map, sizeof map);
  return cudaSuccess;
}

/* A map as kernels take it. */
static inline __attribute__((unused)) CUtensorMap cnnc_map(const void *from) {
  CUtensorMap map;
  memcpy(&map, from, sizeof map);
  return map;
}

#endif
