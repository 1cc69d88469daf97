/* The validator on CUDA: host and device side are examined without a toolkit, kernels are proved on
 * what the launches leave of threadIdx and the like,
 * and one planted defect of each kind is caught. */
#include "validating.h"

enum { CAPABILITY = 80 };

#define HEAD                                                                                       \
  "#include <cuda_runtime.h>\n#include <math.h>\n#include <stdint.h>\n#include <string.h>\n"       \
  "static inline __attribute__((unused)) unsigned net_blocks(long long points) {\n"                \
  "  const long long blocks = (points + 255) / 256, most = 1 << 20;\n"                             \
  "  return (unsigned)(blocks < most ? blocks : most);\n}\n"                                       \
  "#define LAUNCH(kernel, points, stream, ...) (kernel<<<net_blocks(points), 256, 0, "             \
  "(cudaStream_t)(stream)>>>(__VA_ARGS__), cudaGetLastError())\n"                                  \
  "typedef struct net { unsigned char *work, *device_params, *params; } net;\n"

/* A kernel that strides over 12 * batch points, and the function that starts it. */
#define KERNEL(body)                                                                               \
  "static __global__ void net_kernel(const float *in0, float *out0, int batch) {\n"                \
  "  const int points = 12 * batch;\n  const int stride = (int)gridDim.x * (int)blockDim.x;\n"     \
  "  int point = (int)blockIdx.x * (int)blockDim.x + (int)threadIdx.x;\n"                          \
  "  for (; point < points; point += stride) {\n" body "  }\n}\n"
#define FORWARD(launch)                                                                            \
  "extern \"C\" int net_forward(net *ctx, int n, const float *x, void *stream);\n"                 \
  "extern \"C\" int net_forward(net *ctx, int n, const float *x, void *stream) {\n"                \
  "  if (n < 1 || n > 4) return -1;\n" launch "  return 0;\n}\n"
#define START                                                                                      \
  "  if (LAUNCH(net_kernel, 12LL * n, stream, x, (float *)(ctx->work + 64), n)) return 1;\n"
#define FACTS                                                                                      \
  "net_kernel in0 0 47;net_kernel out0 0 47;net_kernel batch 1 4;net_forward x 0 47;* work 0 255;" \
  "* device_params 0 99;* params 0 99"

/* One thread for each element, without a loop: 8 blocks of 32 threads. */
#define GUARDED(guard, launch)                                                                     \
  HEAD                                                                                             \
      "static __global__ void net_kernel(float *out0) {\n"                                         \
      "  const int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);\n" guard                      \
      "    out0[i] = 1.0f;\n}\n"                                                                   \
      "extern \"C\" int net_forward(float *y);\nextern \"C\" int net_forward(float *y) {\n" launch \
      "  return cudaGetLastError();\n}\n"

static const Case good[] = {
    /* a grid of any size, tests that have names, math of the device */
    {HEAD KERNEL("    const int n = point / 12;\n    const int k = point / 4 % 3;\n"
                 "    const int w = point % 4;\n    float acc0 = -INFINITY;\n"
                 "    for (int kw = 0; kw < 3; kw++) {\n      const int in0_2 = w + kw - 1;\n"
                 "      const bool inside = in0_2 >= 0 && in0_2 < 4;\n"
                 "      const float x0 = inside ? in0[12 * n + 4 * k + in0_2] : 0.0f;\n"
                 "      acc0 = x0 > acc0 ? sqrtf(x0) : acc0;\n    }\n    out0[point] = acc0;\n")
         FORWARD(START),
     FACTS},
    /* copies, constants, doubles that are rounded one by one */
    {HEAD "static __device__ const float net_const[2][3] = {{1, 2, 3}, {4, 5, 6}};\n" KERNEL(
         "    const double sum = __dadd_rn((double)in0[point], pow(2.0, 3.0));\n"
         "    out0[point] = (float)sum * net_const[point % 2][point % 3];\n")
         FORWARD("  if (cudaMemcpyAsync(ctx->device_params, ctx->params, 100, "
                 "cudaMemcpyHostToDevice, (cudaStream_t)stream) != cudaSuccess)\n    return "
                 "1;\n" START),
     FACTS},
    /* a grid that fits, and one that needs a guard; shared memory; two launches */
    {GUARDED("", "  net_kernel<<<8, 32>>>(y);\n"), "net_kernel out0 0 255;net_forward y 0 255"},
    {GUARDED("  if (i < 250)\n", "  net_kernel<<<8, 32>>>(y);\n"),
     "net_kernel out0 0 249;net_forward y 0 249"},
    {GUARDED("  __shared__ float tile[32];\n  tile[threadIdx.x] = 0.0f;\n  if (i < 8 * 32)\n",
             "  net_kernel<<<8, 32>>>(y);\n  net_kernel<<<dim3(3), dim3(16)>>>(y);\n"),
     "net_kernel out0 0 255;net_forward y 0 255"},
    /* grids and blocks of two extents */
    {HEAD "static __global__ void net_kernel(float *out0) {\n"
          "  out0[(blockIdx.y * 3 + blockIdx.x) * 32 + threadIdx.y * 8 + threadIdx.x] = 1.0f;\n}\n"
          "extern \"C\" int net_forward(float *y);\nextern \"C\" int net_forward(float *y) {\n"
          "  net_kernel<<<dim3(3, 2), dim3(8, 4)>>>(y);\n  return cudaGetLastError();\n}\n",
     "net_kernel out0 0 191;net_forward y 0 191"},
    /* what only the device sees */
    {HEAD "static __device__ __forceinline__ int net_row(void) {\n"
          "#if __CUDA_ARCH__ >= 800\n  return (int)threadIdx.x;\n#else\n  return 1000;\n#endif\n}\n"
          "static __global__ void net_kernel(float *out0) { out0[net_row()] = 1.0f; }\n"
          "extern \"C\" int net_forward(float *y);\nextern \"C\" int net_forward(float *y) {\n"
          "  net_kernel<<<1, 64>>>(y);\n  return cudaGetLastError();\n}\n",
     "net_kernel out0 0 63;net_forward y 0 63"},
};

#define PLAIN "    out0[point] = in0[point];\n"

static const Defect defects[] = {
    /* stores and loads in kernels */
    {HEAD KERNEL("    out0[point + 1] = in0[point];\n") FORWARD(START), FACTS,
     "store to \"out0[point + 1]\": elements 1 to 48 of \"out0\", which has 0 to 47"},
    {HEAD KERNEL("    out0[point] = in0[2 * point];\n") FORWARD(START), FACTS,
     "load of \"in0[2 * point]\": elements 0 to 94 of \"in0\""},
    {HEAD KERNEL("    const int w = point % 4 - 1;\n    const bool inside = w < 4;\n"
                 "    out0[point] = inside ? in0[w] : 0.0f;\n") FORWARD(START),
     FACTS, "load of \"in0[w]\": elements -1 to 2"},
    {HEAD KERNEL("    int w = point % 4 - 1;\n    const bool inside = w >= 0;\n    w -= 1;\n"
                 "    out0[point] = inside ? in0[w] : 0.0f;\n") FORWARD(START),
     FACTS, "load of \"in0[w]\": elements -2 to 1"},
    /* a guard that is missing, or too wide; a grid or a block that is too large */
    {GUARDED("", "  net_kernel<<<8, 32>>>(y);\n"), "net_kernel out0 0 249;net_forward y 0 249",
     "store to \"out0[i]\": elements 0 to 255 of \"out0\", which has 0 to 249"},
    {GUARDED("  if (i <= 250)\n", "  net_kernel<<<8, 32>>>(y);\n"),
     "net_kernel out0 0 249;net_forward y 0 249", "elements 0 to 250 of \"out0\""},
    {GUARDED("", "  net_kernel<<<4, 32>>>(y);\n  net_kernel<<<9, 32>>>(y);\n"),
     "net_kernel out0 0 255;net_forward y 0 255", "elements 0 to 287 of \"out0\""},
    {GUARDED("  if (i < 9)\n", "  net_kernel<<<1, 2048>>>(y);\n"),
     "net_kernel out0 0 255;net_forward y 0 255", "extent x of the block of net_kernel"},
    {GUARDED("  if (i < 9)\n", "  net_kernel<<<1, dim3(64, 32)>>>(y);\n"),
     "net_kernel out0 0 255;net_forward y 0 255", "may have more than 1024 threads"},
    {GUARDED("  __shared__ float tile[31];\n  tile[threadIdx.x] = 0.0f;\n  if (i < 9)\n",
             "  net_kernel<<<8, 32>>>(y);\n"),
     "net_kernel out0 0 255;net_forward y 0 255",
     "index in \"tile[threadIdx.x]\": elements 0 to 31"},
    {GUARDED(
         "  __shared__ int at[32];\n  at[threadIdx.x] = 0;\n  if (i < 9)\n    out0[at[0]] = 0.0f;\n"
         "  if (i < 9)\n",
         "  net_kernel<<<8, 32>>>(y);\n"),
     "net_kernel out0 0 255;net_forward y 0 255", "not proved in range: store to \"out0[at[0]]\""},
    {HEAD
     "static __attribute__((unused)) __global__ void net_kernel(float *out0) { out0[0] = 1.0f; }\n",
     "net_kernel out0 0 255", "net_kernel is never launched"},
    /* what the host hands over */
    {HEAD KERNEL(PLAIN) FORWARD("  if (LAUNCH(net_kernel, 12LL * n, stream, x, (float *)(ctx->work "
                                "+ 65), n)) return 1;\n"),
     FACTS, "\"out0\" of net_kernel"},
    {HEAD KERNEL(PLAIN) FORWARD("  if (LAUNCH(net_kernel, 12LL * n, stream, x, (float *)(ctx->work "
                                "+ 64), n + 1)) return 1;\n"),
     FACTS, "\"n + 1\" is between 2 and 5, but \"batch\" of net_kernel takes 1 to 4"},
    {HEAD KERNEL(PLAIN) FORWARD("  if (cudaMemcpyAsync(ctx->device_params, ctx->params, 101, "
                                "cudaMemcpyHostToDevice, (cudaStream_t)stream)) return 1;\n" START),
     FACTS, "store to \"ctx->device_params\": elements 0 to 100"},
    /* names, state, calls, recursion, arrays */
    {HEAD KERNEL(PLAIN) FORWARD("  cudaMalloc(&ctx->work, 16);\n" START), FACTS,
     "use of undeclared identifier 'cudaMalloc'"},
    {HEAD "extern \"C\" int puts(const char *);\n" KERNEL(PLAIN)
         FORWARD("  puts(\"started\");\n" START),
     FACTS, "call of \"puts\", which emitted code may not use"},
    {HEAD "extern \"C\" __device__ unsigned __nvvm_clock(void);\n" KERNEL(
         "    out0[point] = in0[point] + (float)__nvvm_clock();\n") FORWARD(START),
     FACTS, "call of \"__nvvm_clock\", which emitted code may not use"},
    {HEAD KERNEL("    out0[point] = in0[point] + (float)net_blocks(point);\n") FORWARD(START),
     FACTS, "no matching function for call to 'net_blocks'"},
    {HEAD "static __device__ float net_state[4];\n" KERNEL("    net_state[0] = in0[point];\n"
                                                           "    out0[point] = net_state[0];\n")
         FORWARD(START),
     FACTS, "variable \"net_state\" can change"},
    {HEAD "static int net_calls;\n" KERNEL(PLAIN) FORWARD("  net_calls++;\n" START), FACTS,
     "variable \"net_calls\" can change"},
    {HEAD
     "static __device__ int net_depth(int n) { return n > 0 ? net_depth(n - 1) : 0; }\n" KERNEL(
         "    out0[point] = in0[point] + (float)net_depth(point);\n") FORWARD(START),
     FACTS, "recursion: net_depth calls net_depth"},
    {HEAD KERNEL("    float row[batch];\n    row[0] = in0[point];\n    out0[point] = row[0];\n")
         FORWARD(START),
     FACTS, "variable length"},
    {HEAD KERNEL("    int unused;\n" PLAIN) FORWARD(START), FACTS,
     "unused variable 'unused' [-Wunused-variable]"},
    {HEAD "extern \"C\" int other(void);\nextern \"C\" int other(void) { return 0; }\n" KERNEL(
         PLAIN) FORWARD(START),
     FACTS, "external symbol \"other\" lacks the prefix \"net\""},
    {HEAD "__global__ void kernel(float *out0) { out0[threadIdx.x] = 1.0f; }\n" KERNEL(PLAIN)
         FORWARD("  kernel<<<1, 16>>>((float *)ctx->work);\n" START),
     FACTS, "external symbol \"kernel\" lacks the prefix \"net\""},
    /* each side only sees its own */
    {HEAD KERNEL("#ifdef __CUDA_ARCH__\n    out0[point + 1] = in0[point];\n#else\n" PLAIN
                 "#endif\n") FORWARD(START),
     FACTS, "store to \"out0[point + 1]\""},
    {HEAD KERNEL(PLAIN)
         FORWARD("#ifndef __CUDA_ARCH__\n  if (x[48] > 0) return 2;\n#endif\n" START),
     FACTS, "load of \"x[48]\""},
};

static void good_sources_are_proved(void **state) {
  (void)state;
  for (int i = 0; i < COUNT(good); i++)
    check_proved(validated_for(CAPABILITY, good[i].source, good[i].facts, NULL), good[i].source);
}

static void defects_are_caught(void **state) {
  (void)state;
  for (int i = 0; i < COUNT(defects); i++)
    check_message(validated_for(CAPABILITY, defects[i].source, defects[i].facts, NULL),
                  defects[i].source, defects[i].message);
}

/* A header is examined alone: in C, and in C++. */
static void headers_stand_alone(void **state) {
  static const struct {
    const char *header, *message;
  } cases[] = {
      {"int net_f(void);\ntypedef size_t net_size;\n",
       "net.h:2:9: error: unknown type name 'size_t'"},
      {"int net_f(void);\nbool net_g(void);\n", "net.h:2:1: error: unknown type name 'bool'"},
      {"int net_f(void);\nint net_g(int class);\n", "net.h:2:15: error:"},
      {"int net_f(void);\nint other(void);\n",
       "net.h:2:5: error: \"other\" lacks the prefix \"net\""},
  };
  const char *source = "extern \"C\" {\n#include \"net.h\"\n}\nint net_f(void) { return 0; }\n";
  (void)state;
  for (int i = 0; i < COUNT(cases); i++) {
    const OtherFile header = {"net.h", cases[i].header};
    check_message(validated_for(CAPABILITY, source, "", &header), cases[i].header,
                  cases[i].message);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(good_sources_are_proved),
      cmocka_unit_test(defects_are_caught),
      cmocka_unit_test(headers_stand_alone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
