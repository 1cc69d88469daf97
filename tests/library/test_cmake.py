"""cnnc_add_network of an installed cnnc: a program links the library, which follows the network and the weights."""
import os
import shutil
import unittest

from support import CNNC, MODELS, Case, main

PROJECT = """cmake_minimum_required(VERSION 3.20)
project(digits C)
find_package(cnnc REQUIRED)
cnnc_add_network(lenet5 nets/lenet5.json OPTIONS --batch 2 --weights nets/lenet5.safetensors --weights-as embed)
add_executable(digits digits.c)
target_link_libraries(digits lenet5)
"""

PROGRAM = """#include "lenet5.h"
#include <stdio.h>
static _Alignas(64) unsigned char work[lenet5_WORK_BYTES(1)];
int main(void) {
  static float x[2 * 784], y[2 * 10];
  lenet5 net;
  lenet5_memory memory = {.hash = lenet5_HASH, .work = work, .work_bytes = sizeof work};
  int status = lenet5_init(&net, &memory, 1);
  if (!status) status = lenet5_forward(&net, 2, x, y);
  printf("%s %d\\n", lenet5_strerror(status), lenet5_MAX_BATCH);
  return status;
}
"""


@unittest.skipUnless(shutil.which("cmake"), "no cmake")
class CMake(Case):
    def setUp(self):
        super().setUp()
        nets = self.folder / "nets"
        nets.mkdir()
        for file in ("lenet5.json", "lenet5.safetensors"):
            shutil.copy(MODELS / file, nets)
        (self.folder / "CMakeLists.txt").write_text(PROJECT)
        (self.folder / "digits.c").write_text(PROGRAM)
        prefix = self.folder / "prefix"
        self.run_command("cmake", "--install", CNNC.parent, "--prefix", prefix)
        self.run_command("cmake", "-S", ".", "-B", "build", f"-DCMAKE_PREFIX_PATH={prefix}")

    def make(self):
        return self.run_command("cmake", "--build", "build")

    def made_again(self, file):
        """Does a change of a file make the library anew?"""
        later = (self.folder / "build" / "cnnc-lenet5" / "lenet5.c").stat().st_mtime + 10
        os.utime(self.folder / "nets" / file, (later, later))
        return "cnnc lenet5" in self.make()

    def test_network_in_a_program(self):
        self.make()
        self.assertEqual(self.run_command(self.folder / "build" / "digits"), "no error 2\n")
        self.assertNotIn("cnnc lenet5", self.make())
        for file in ("lenet5.safetensors", "lenet5.json"):
            self.assertTrue(self.made_again(file), file)

    def test_weights_as_an_object(self):
        (self.folder / "CMakeLists.txt").write_text(PROJECT.replace("embed", "object"))
        self.make()
        self.assertEqual(self.run_command(self.folder / "build" / "digits"), "no error 2\n")


if __name__ == "__main__":
    main()
