"""What the tests of emitted libraries have in common: emitting, compiling, running, in a folder that is removed afterwards."""
import gzip
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

__unittest = True  # frames of this file are left out of reports of failures

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
MODELS = ROOT / "models"
CNNC = pathlib.Path(os.environ.get("CNNC", ROOT / "build" / "cnnc")).resolve()
LONG = os.environ.get("CNNC_TEST_LONG") == "1"  # also what takes longer than a minute
COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]
# Machines of another kind: compilers for them, and what starts their programs here.
CROSS = {"neon": (("aarch64-linux-gnu-gcc", "clang --target=aarch64-linux-gnu"), "qemu-aarch64 -L /usr/aarch64-linux-gnu")}
# Of what is emitted here, much is emitted elsewhere as well; it is proved in range once.
UNPROVED = "--no-validate"
# For programs that cnnc builds where the test is about what goes in and comes out: a later --target counts.
HASTY = ("--target", "generic", UNPROVED, "--cc", HERE / "cc_o1")
STRICT = ("-Wall", "-Wextra", "-pedantic", "-Wshadow", "-Wconversion", "-Werror")
# What a program writes into memory before the library gets it, read as float: no number.
POISON = "0xff"


def targets_of_c():
    """The targets that `cnnc targets` lists for C; True: this processor runs it."""
    lines = subprocess.run([CNNC, "targets"], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    rows = [line.split(None, 2) for line in lines]
    return {name: "(not this machine)" not in doc for name, language, doc in rows if language == "c"}


TARGETS = targets_of_c()
RUNNABLE = [target for target, runs in TARGETS.items() if runs]
BEST = RUNNABLE[0]


def is_there(command):
    return shutil.which(command.split()[0]) is not None


def compilers(target):
    """Commands that make objects for a target."""
    return COMPILERS if TARGETS[target] or target not in CROSS else [cc for cc in CROSS[target][0] if is_there(cc)]


def can(cc, *flags):
    """Does this compiler make programs with these flags? Runtimes of OpenMP and the sanitizers are packages of their own."""
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "empty.c")
        source.write_text("#ifdef _OPENMP\n#include <omp.h>\n#endif\nint main(void) { return 0; }\n")
        done = subprocess.run([cc, *flags, source, "-o", source.with_suffix("")], stderr=subprocess.DEVNULL)
    if done.returncode:
        print(f"skipped: {cc} without {' '.join(flags)}", flush=True)
    return done.returncode == 0


def write_npy(path, shape, kind, data):
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {tuple(shape)}, }}"
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data)


def write_digits(folder, mnist, part, count):
    """The first digits of a part of MNIST, train or t10k, as a data set of their own."""
    for name, head, size in ((f"{part}-images-idx3-ubyte", 16, 28 * 28), (f"{part}-labels-idx1-ubyte", 8, 1)):
        whole = gzip.decompress((mnist / f"{name}.gz").read_bytes())
        (folder / name).write_bytes(whole[:4] + struct.pack(">I", count) + whole[8:head + count * size])


class Library:
    """One emitted pair of files: network NAME in FOLDER/STEM.c."""

    def __init__(self, folder, stem, header):
        self.folder, self.stem, self.text = folder, stem, header
        self.source, self.header = folder / f"{stem}.c", folder / f"{stem}.h"
        self.name = re.search(r"typedef struct (\w+)_memory", header).group(1)
        self.in_size, self.out_size = self.size("in"), self.size("out")

    def size(self, direction):
        """Elements of a sample of the first input or output, as the header's comment says."""
        extents = re.search(rf"^ \* {direction} +\w+ +(?:float|double) \[n\]((?:\[\d+\])*)", self.text, re.M).group(1)
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

    def compiled(self, library, cc, flags):
        """The library's object, made once for the same flags."""
        output = self.folder / f"{library.stem}-{'-'.join([cc, *flags]).replace('/', '_')}.o"
        if not output.exists():
            self.run_command(cc, "-std=c11", "-O1", *STRICT, *flags, "-c", library.source, "-o", output)
        return output

    def build(self, library, program, *definitions, cc="gcc", flags=()):
        """A program of this folder (a C file) around a library; the definitions are the program's alone."""
        output = self.folder / f"{library.stem}-{pathlib.Path(program).stem}-{cc}"
        self.run_command(cc, "-std=c11", "-O1", *STRICT, *flags, *definitions, *library.definitions(), "-I", self.folder, "-I",
                         HERE, HERE / program, self.compiled(library, cc, flags), "-o", output, "-lm", "-pthread")
        return output

    def each(self, function, cases):
        """function(*case) for all cases; every failure is reported."""
        for case in cases:
            with self.subTest(" ".join(map(str, case))):
                function(*case)


def main():
    """Status 77 (ctest: skipped) where nothing could run."""
    result = unittest.main(verbosity=2, exit=False).result
    nothing = result.testsRun == 0 or len(result.skipped) == result.testsRun
    sys.exit(77 if nothing and result.wasSuccessful() else not result.wasSuccessful())
