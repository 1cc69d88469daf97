"""Emitted libraries through other compilers and on other machines: C99, tcc, 64-bit Arm in an emulator, a microcontroller.

The classes of real digits must be the published ones; the digits are in the folder CNNC_DATA.
"""
import os
import pathlib
import re
import shutil
import struct
import unittest

from support import BEST, CNNC, CROSS, HERE, LONG, MODELS, ROOT, STRICT, Case, main, write_digits

DATA = os.environ.get("CNNC_DATA")
ARM_CC, ARM_RUNNER = CROSS["neon"][0][0], CROSS["neon"][1].split()
PACKAGES = {ARM_CC: "gcc-aarch64-linux-gnu libc6-dev-arm64-cross", "qemu-aarch64": "qemu-user", "tcc": "tcc",
            "arm-none-eabi-gcc": "gcc-arm-none-eabi libnewlib-arm-none-eabi"}


def needs(*tools):
    """Skips a test where one of the programs is missing, naming the packages."""
    missing = [tool for tool in tools if not shutil.which(tool)]
    packages = " ".join(PACKAGES[tool] for tool in missing)
    return unittest.skipIf(missing, f"{', '.join(missing)} missing; on Debian: apt-get install {packages}")


class Digits(Case):
    def first_digits(self, count):
        """The first test images and labels as a data set of their own."""
        folder = self.folder / "mnist"
        folder.mkdir()
        write_digits(folder, pathlib.Path(DATA) / "mnist", "t10k", count)
        return folder

    def classify(self, count, *options):
        """LeNet-5 names the first `count` digits as published."""
        if not DATA:
            self.skipTest("CNNC_DATA is not set: no digits")
        predictions = self.folder / "predictions"
        self.run_command(CNNC, "eval", MODELS / "lenet5.json", "--weights", MODELS / "lenet5.safetensors", "--data",
                         self.first_digits(count), "--predictions", predictions, "--threads", "2", *options)
        published = (pathlib.Path(DATA) / "nets" / "lenet5.mnist_t10k.predictions.u8").read_bytes()
        self.assertEqual(predictions.read_bytes(), published[:count])

    @needs(ARM_CC, ARM_RUNNER[0])
    def test_neon(self):
        self.classify(10000 if LONG else 256, "--target", "neon", "--cc", ARM_CC, "--runner", " ".join(ARM_RUNNER))

    def test_c99(self):
        compiler = self.folder / "c99"
        compiler.write_text('#!/bin/sh\nexec gcc "$@" -std=c99 -pedantic-errors -Wall -Wextra -Werror\n')
        compiler.chmod(0o755)
        self.classify(500, "--target", "generic", "--cc", compiler)

    @needs("tcc")
    def test_tcc(self):
        self.classify(500, "--target", "generic", "--cc", "tcc")


class Source(Case):
    """One source for machines of different kinds."""

    @needs(ARM_CC, ARM_RUNNER[0])
    def test_two_machines(self):
        library = self.emit(MODELS / "lenet5.json", "lenet5", "--target", "avx512,avx2,neon,generic", "--batch", "2")
        (self.folder / "say.c").write_text('#include <stdio.h>\n#include "lenet5.h"\nint main(void) { puts(lenet5_info()); }\n')
        printed = []
        for cc, runner in (("gcc", []), (ARM_CC, ARM_RUNNER)):
            for source, output in ((HERE / "outputs.c", "outputs"), ("say.c", "say")):
                self.run_command(cc, "-std=c11", "-O1", *STRICT, "-DPARAMS_IN_MEMORY", *library.definitions(), "-I", self.folder,
                                 "-I", HERE, source, self.compiled(library, cc, ()), "-o", output, "-lm")
            self.run_command(*runner, self.folder / "outputs", f"results{len(printed)}", "weights", "save")
            printed.append(self.run_command(*runner, self.folder / "say"))
        self.assertIn(f", target {BEST}, ", printed[0])
        self.assertIn(", target neon, ", printed[1])
        here, there = (struct.unpack("<20f", (self.folder / f"results{i}").read_bytes()) for i in (0, 1))
        self.assertLess(max(abs(a - b) for a, b in zip(here, there)), 1e-5 * max(map(abs, here)))


class Neon(Case):
    @needs(ARM_CC, ARM_RUNNER[0])
    def test_vector_helpers(self):
        """The unit test of the vector helpers, on 64-bit Arm."""
        self.run_command(ARM_CC, "-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-I", ROOT / "tests" / "cross",
                         ROOT / "tests" / "unit" / "simd.c", "-o", "simd", "-lm")
        self.assertIn("neon: passed", self.run_command(*ARM_RUNNER, self.folder / "simd"))


class Microcontroller(Case):
    """LeNet-5 with its weights in flash, no files, no heap."""

    PROGRAM = ROOT / "tests" / "cross" / "microcontroller.c"
    FLAGS = ("-std=c11", "-O2", *STRICT, "-Dlenet5_NO_STDIO", "-I.")

    def emit_lenet5(self):
        return self.emit(MODELS / "lenet5.json", "lenet5", "--weights", MODELS / "lenet5.safetensors", "--weights-as", "embed",
                         "--target", "generic")

    def test_program(self):
        """The program itself, on this machine: a vertical stroke is a 1."""
        library = self.emit_lenet5()
        self.run_command("gcc", *self.FLAGS, self.PROGRAM, library.source, "-o", "program", "-lm")
        self.assertIn("no error, class 1", self.run_command(self.folder / "program"))

    @needs("arm-none-eabi-gcc")
    def test_cortex_m4(self):
        """It links for a Cortex-M4; data and zeroed memory hold no weights."""
        library = self.emit_lenet5()
        self.run_command("arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "--specs=rdimon.specs", *self.FLAGS, self.PROGRAM,
                         library.source, "-o", "program.elf", "-lm")
        shared, worker = re.search(r"_WORK_BYTES\(threads\) \(\(size_t\)(\d+) \+ .*\(size_t\)(\d+)\)", library.text).groups()
        text, data, bss = map(int, self.run_command("arm-none-eabi-size", "program.elf").splitlines()[1].split()[:3])
        work = int(shared) + int(worker)
        print(f"Cortex-M4: work memory {work} bytes, flash {text + data}, RAM {data + bss}")
        self.assertLess(data + bss, work + 8192)


main()
