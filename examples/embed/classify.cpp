// classify.cpp - the same in C++: the library's memory in a class, errors as exceptions.
//   classify_cpp PICTURE.pgm      28 x 28 grey, white on black
#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>

#include "lenet5.h"

class Digits {
public:
  explicit Digits(int threads) : work(allocate(lenet5_WORK_BYTES(threads))) {
    lenet5_memory memory{};
    memory.hash = lenet5_HASH;
    memory.work = work.get();
    memory.work_bytes = lenet5_WORK_BYTES(threads);
    check(lenet5_init(&net, &memory, threads));
  }

  int operator()(const std::array<float, 28 * 28> &x) {
    std::array<float, 10> scores{};
    check(lenet5_forward(&net, 1, x.data(), scores.data()));
    return static_cast<int>(std::max_element(scores.begin(), scores.end()) - scores.begin());
  }

private:
  struct Release {
    void operator()(void *memory) const {
      ::operator delete(memory, std::align_val_t{lenet5_ALIGN});
    }
  };
  static void *allocate(std::size_t size) {
    return ::operator new(size, std::align_val_t{lenet5_ALIGN});
  }
  static void check(int status) {
    if (status != lenet5_OK) throw std::runtime_error(lenet5_strerror(status));
  }

  std::unique_ptr<void, Release> work;
  lenet5 net{};
};

static std::array<float, 28 * 28> read_picture(const char *path) {
  std::array<float, 28 * 28> x{};
  std::ifstream file(path, std::ios::binary);
  std::string magic;
  int width = 0, height = 0, most = 0;
  file >> magic >> width >> height >> most;
  if (magic != "P5" || width != 28 || height != 28 || most != 255)
    throw std::runtime_error(std::string(path) + " is no 28 x 28 pgm picture");
  file.get();
  for (float &value : x) value = static_cast<float>(file.get()) / 255;
  if (!file) throw std::runtime_error(std::string(path) + " is cut off");
  return x;
}

int main(int argc, char **argv) {
  try {
    Digits digits(1);
    for (int i = 1; i < argc; i++)
      std::cout << argv[i] << " shows a " << digits(read_picture(argv[i])) << '\n';
  } catch (const std::exception &error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
