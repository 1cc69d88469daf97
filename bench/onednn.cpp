/* onednn.cpp - forward convolutions by oneDNN (2 or 3), for layers.py.
 *
 *   onednn SECONDS < shapes      a line for each: "nd N C K D H W kd kh kw sd sh sw pd ph pw
 *                                pd_end ph_end pw_end dd dh dw groups OD OH OW"
 *
 * Answers a line for each: the least and the median time of a call in ms, and what oneDNN took. f32, algorithm auto, layouts
 * of oneDNN's choice, operands filled with noise; only the convolution is timed, caches warm. Threads: OMP_NUM_THREADS. */
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>

#include <oneapi/dnnl/dnnl.hpp>

using dnnl::memory;
using Tag = memory::format_tag;

enum { AXES = 3, LEAST_CALLS = 5 };

struct Shape {
  long nd, n, c, k, size[AXES], kernel[AXES], stride[AXES], pad[AXES], pad_end[AXES], dilation[AXES], groups, out[AXES];
};

static void read_axes(std::istream &line, long *at) {
  for (int a = 0; a < AXES; a++) line >> at[a];
}

static bool read_shape(const std::string &text, Shape &s) {
  std::istringstream line(text);
  line >> s.nd >> s.n >> s.c >> s.k;
  for (long *at : {s.size, s.kernel, s.stride, s.pad, s.pad_end, s.dilation}) read_axes(line, at);
  line >> s.groups;
  read_axes(line, s.out);
  return !line.fail();
}

/* The last nd of d, h, w behind what stands in front of them. */
static memory::dims with_axes(const Shape &s, memory::dims front, const long *axes) {
  front.insert(front.end(), axes + AXES - s.nd, axes + AXES);
  return front;
}

static memory::desc any_layout(const memory::dims &dims) {
  return memory::desc(dims, memory::data_type::f32, Tag::any);
}

static dnnl::convolution_forward::primitive_desc describe(const Shape &s, const dnnl::engine &engine) {
  memory::dims weights{s.k / s.groups, s.c / s.groups}, dilation = with_axes(s, {}, s.dilation);
  if (s.groups > 1) weights.insert(weights.begin(), s.groups);
  for (auto &d : dilation) d = std::max<memory::dim>(d, 1) - 1;
  const auto x = any_layout(with_axes(s, {s.n, s.c}, s.size)), w = any_layout(with_axes(s, weights, s.kernel)),
             y = any_layout(with_axes(s, {s.n, s.k}, s.out));
  const auto stride = with_axes(s, {}, s.stride), lo = with_axes(s, {}, s.pad), hi = with_axes(s, {}, s.pad_end);
  const auto kind = dnnl::prop_kind::forward_inference;
  const auto algorithm = dnnl::algorithm::convolution_auto;
#if DNNL_VERSION_MAJOR < 3
  return {{kind, algorithm, x, w, y, stride, dilation, lo, hi}, engine};
#else
  return {engine, kind, algorithm, x, w, y, stride, dilation, lo, hi};
#endif
}

static memory noise(const memory::desc &desc, const dnnl::engine &engine) {
  memory m(desc, engine);
  float *at = static_cast<float *>(m.get_data_handle());
  unsigned state = 1;
  for (size_t i = 0; i < desc.get_size() / sizeof *at; i++) {
    state = state * 1664525u + 1013904223u;
    at[i] = static_cast<float>(state >> 8) / (1 << 23) - 1;
  }
  return m;
}

static std::string implementation(const dnnl::convolution_forward::primitive_desc &about) {
  std::string name = about.impl_info_str();
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
}

static void measure(const Shape &s, double seconds) {
  using Clock = std::chrono::steady_clock;
  dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream(engine);
  const auto about = describe(s, engine);
  dnnl::convolution_forward convolution(about);
  std::unordered_map<int, memory> arguments{{DNNL_ARG_SRC, noise(about.src_desc(), engine)},
                                            {DNNL_ARG_WEIGHTS, noise(about.weights_desc(), engine)},
                                            {DNNL_ARG_DST, memory(about.dst_desc(), engine)}};
  std::vector<double> times;
  for (double all = 0; all < seconds || times.size() < LEAST_CALLS;) {
    const auto begin = Clock::now();
    convolution.execute(stream, arguments);
    stream.wait();
    times.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
    all += times.back();
  }
  std::sort(times.begin(), times.end());
  std::printf("%.6f %.6f %s\n", 1e3 * times.front(), 1e3 * times[times.size() / 2], implementation(about).c_str());
}

int main(int argc, char **argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 0.2;
  for (std::string line; std::getline(std::cin, line); std::fflush(stdout)) {
    Shape s;
    if (!read_shape(line, s)) {
      std::fprintf(stderr, "not a shape: %s\n", line.c_str());
      return 2;
    }
    try {
      measure(s, seconds);
    } catch (const dnnl::error &e) {
      std::printf("nan nan %d:_%s\n", e.status, "refused");
    }
  }
  return 0;
}
