"""What the tests of emitted libraries have in common: emitting, compiling, running, in a folder that is removed afterwards."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor

__unittest = True  # frames of this file are left out of reports of failures

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
MODELS = ROOT / "models"
CNNC = pathlib.Path(os.environ.get("CNNC", ROOT / "build" / "cnnc")).resolve()
LONG = os.environ.get("CNNC_TEST_LONG") == "1"  # also what takes longer than a minute
TARGETS = ("avx512", "avx2", "generic")
COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]
STRICT = ("-Wall", "-Wextra", "-pedantic", "-Wshadow", "-Wconversion", "-Werror")
# What a program writes into memory before the library gets it, read as float: no number.
POISON = "0xff"


def flag_of(target):
    return {"avx512": "avx512f", "avx2": "avx2", "generic": ""}[target]


def runs_here(target):
    return flag_of(target) in pathlib.Path("/proc/cpuinfo").read_text()


def can(cc, *flags):
    """Does this compiler make programs with these flags? Runtimes of OpenMP and the sanitizers are packages of their own."""
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "empty.c")
        source.write_text("#ifdef _OPENMP\n#include <omp.h>\n#endif\nint main(void) { return 0; }\n")
        done = subprocess.run([cc, *flags, source, "-o", source.with_suffix("")], stderr=subprocess.DEVNULL)
    if done.returncode:
        print(f"skipped: {cc} without {' '.join(flags)}", flush=True)
    return done.returncode == 0


RUNNABLE = [target for target in TARGETS if runs_here(target)]
BEST = RUNNABLE[0]


class Library:
    """One emitted pair of files: network NAME in FOLDER/STEM.c."""

    def __init__(self, folder, stem, header):
        self.folder, self.stem, self.text = folder, stem, header
        self.source, self.header = folder / f"{stem}.c", folder / f"{stem}.h"
        self.name = re.search(r"typedef struct (\w+)_memory", header).group(1)
        self.in_size, self.out_size = self.size("in"), self.size("out")

    def size(self, direction):
        """Elements of a sample of the first input or output, as the header's comment says."""
        extents = re.search(rf"^ \* {direction} +\w+ +float \[n\]((?:\[\d+\])*)", self.text, re.M).group(1)
        size = 1
        for extent in re.findall(r"\d+", extents):
            size *= int(extent)
        return size

    def definitions(self):
        return [f"-DNET={self.name}", f'-DHEADER="{self.stem}.h"', f"-DIN_SIZE={self.in_size}",
                f"-DOUT_SIZE={self.out_size}", f"-DPOISON={POISON}"]


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="cnnc-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def run_command(self, *command, status=0, cwd=None, env=None):
        """Runs it, wants its exit status, returns what it printed."""
        done = subprocess.run([str(word) for word in command], cwd=cwd or self.folder, text=True,
                              env={**os.environ, **(env or {})}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != status:
            self.fail(f"{' '.join(map(str, command))}\nstatus {done.returncode}, expected {status}\n{done.stdout[-4000:]}")
        return done.stdout

    def emit(self, network, stem, *options):
        self.run_command(CNNC, network, "-o", self.folder / f"{stem}.c", *options)
        return Library(self.folder, stem, (self.folder / f"{stem}.h").read_text())

    def build(self, library, program, *flags, cc="gcc", output=None):
        """A program of this folder (a C file) around a library."""
        output = self.folder / (output or f"{library.stem}-{pathlib.Path(program).stem}")
        self.run_command(cc, "-std=c11", "-O1", *STRICT, *flags, *library.definitions(), "-I", self.folder, "-I", HERE,
                         HERE / program, library.source, "-o", output, "-lm", "-pthread")
        return output

    def each(self, function, cases):
        """function(*case) for all cases, two at a time; every failure is reported."""
        with ThreadPoolExecutor(2) as pool:
            futures = [(case, pool.submit(function, *case)) for case in cases]
        for case, future in futures:
            with self.subTest(" ".join(map(str, case))):
                future.result()


def main():
    unittest.main(verbosity=2)
