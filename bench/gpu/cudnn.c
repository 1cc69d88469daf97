/* cudnn.c - one convolution by cuDNN, for Python: the algorithm that it finds fastest itself, on
 * memory of the caller's.
 *
 *   gcc -shared -fPIC cudnn.c -lcudnn -lcudart -o cudnn.so */
#include <cuda_runtime_api.h>
#include <cudnn.h>

enum { ALGORITHMS = 16 };

/* As Python has them. */
enum { BF16, TF32, F32 };
enum { NHWC, NCHW };

static cudnnHandle_t handle;
static cudnnTensorDescriptor_t x_type, y_type;
static cudnnFilterDescriptor_t w_type;
static cudnnConvolutionDescriptor_t convolution;
static cudnnConvolutionFwdAlgoPerf_t taken;
static const void *x, *w;
static void *y, *workspace;

#define TRY(call)                                                                                  \
  do {                                                                                             \
    const cudnnStatus_t status_ = (call);                                                          \
    if (status_ != CUDNN_STATUS_SUCCESS) return (int)status_;                                      \
  } while (0)

const char *cudnn_error(int status) {
  return cudnnGetErrorString((cudnnStatus_t)status);
}

long cudnn_version(void) {
  return (long)cudnnGetVersion();
}

int cudnn_open(void *stream) {
  TRY(cudnnCreate(&handle));
  TRY(cudnnSetStream(handle, (cudaStream_t)stream));
  TRY(cudnnCreateTensorDescriptor(&x_type));
  TRY(cudnnCreateTensorDescriptor(&y_type));
  TRY(cudnnCreateFilterDescriptor(&w_type));
  TRY(cudnnCreateConvolutionDescriptor(&convolution));
  return 0;
}

/* shape: n c h w, filters, kernel, stride, pad, height and width of the result. */
static int describe(const int shape[10], int dtype, int layout) {
  const cudnnDataType_t type = dtype == BF16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
  const cudnnTensorFormat_t format = layout == NHWC ? CUDNN_TENSOR_NHWC : CUDNN_TENSOR_NCHW;
  const int kernel = shape[5], stride = shape[6], pad = shape[7];
  TRY(cudnnSetTensor4dDescriptor(x_type, format, type, shape[0], shape[1], shape[2], shape[3]));
  TRY(cudnnSetTensor4dDescriptor(y_type, format, type, shape[0], shape[4], shape[8], shape[9]));
  TRY(cudnnSetFilter4dDescriptor(w_type, type, format, shape[4], shape[1], kernel, kernel));
  TRY(cudnnSetConvolution2dDescriptor(convolution, pad, pad, stride, stride, 1, 1,
                                      CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT));
  TRY(cudnnSetConvolutionMathType(convolution,
                                  dtype == F32 ? CUDNN_FMA_MATH : CUDNN_TENSOR_OP_MATH));
  return 0;
}

/* Describes the convolution and tries all algorithms; 0, or what is wrong. */
int cudnn_prepare(const int shape[10], int dtype, int layout, const void *x_, const void *w_,
                  void *y_, void *workspace_, size_t bytes) {
  cudnnConvolutionFwdAlgoPerf_t found[ALGORITHMS];
  int count = 0;
  const int status = describe(shape, dtype, layout);
  if (status) return status;
  x = x_, w = w_, y = y_, workspace = workspace_;
  TRY(cudnnFindConvolutionForwardAlgorithmEx(handle, x_type, x, w_type, w, convolution, y_type, y,
                                             ALGORITHMS, &count, found, workspace, bytes));
  for (int i = 0; i < count; i++) {
    if (found[i].status != CUDNN_STATUS_SUCCESS || found[i].memory > bytes) continue;
    if (dtype == F32 && found[i].mathType != CUDNN_FMA_MATH) continue;
    taken = found[i];
    TRY(cudnnSetConvolutionMathType(convolution, taken.mathType));
    return 0;
  }
  return (int)CUDNN_STATUS_NOT_SUPPORTED;
}

int cudnn_algorithm(void) {
  return (int)taken.algo;
}

int cudnn_forward(void) {
  const float one = 1, zero = 0;
  return (int)cudnnConvolutionForward(handle, &one, x_type, x, w_type, w, convolution, taken.algo,
                                      workspace, taken.memory, &zero, y_type, y);
}
