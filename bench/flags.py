#!/usr/bin/env python3
"""An emitted file needs no compiler flags: its speed with -O2 alone beside -march=native, and what its micro-kernels became.

usage: flags.py [--cnnc build/cnnc] [--target avx512] [--rounds 15] [--seconds 0.3] [--no-time] [--verbose] [NET.json]

For gcc and clang: both builds of the library run in one process, pinned, one thread, in turns; the ratio is the processor's
time with -march=native / with -O2 alone (goal: at least 0.97). Then the machine code of -O2 alone is read: in every contraction
the innermost loops must consist of fused multiply-adds on whole vectors and touch no vector on the stack (a spilled
accumulator). Status 1 if a goal is missed, 77 if nothing is known about the target's vectors.
"""
import argparse
import ctypes
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from array import array

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
GOAL = 0.97
VECTOR = {"avx512": "zmm", "avx2": "ymm"}


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def sizes(header):
    """Values of the first input and output of a sample, as the header's comment says."""
    for direction in ("in", "out"):
        extents = re.search(rf"^ \* {direction} +\w+ +float \[n\]((?:\[\d+\])*)", header, re.M).group(1)
        size = 1
        for extent in re.findall(r"\d+", extents):
            size *= int(extent)
        yield size


# ---- speed ------------------------------------------------------------------------------------------------------------


class Build:
    def __init__(self, source, name, cc, flags):
        base = source[:-2]
        path = f"{base}-{cc}{''.join(flags)}.so"
        run(cc, "-std=c11", "-O2", *flags, "-fPIC", "-c", source, "-o", path + ".o")
        run(cc, "-std=c11", "-O2", "-shared", "-fPIC", "-I", os.path.dirname(source), f"-DNET={name}",
            f'-DHEADER="{os.path.basename(base)}.h"', os.path.join(HERE, "harness.c"), path + ".o", "-lm", "-o", path)
        self.lib = ctypes.CDLL(path)
        if self.lib.bench_open(1, 1):
            sys.exit("the library refuses to start")
        with open(base + ".h") as header:
            self.buffers = [array("f", [0.5]) * size for size in sizes(header.read())]
        self.pointers = [ctypes.cast(b.buffer_info()[0], ctypes.POINTER(ctypes.c_float)) for b in self.buffers]

    def seconds(self, calls):
        begin = time.thread_time()
        for _ in range(calls):
            self.lib.bench_forward(1, *self.pointers)
        return (time.thread_time() - begin) / calls


def compare_speed(source, name, cc, options):
    builds = [Build(source, name, cc, flags) for flags in ([], ["-march=native"])]
    calls = max(1, int(options.seconds / max(b.seconds(2) for b in builds)))
    rounds = []
    for i in range(options.rounds):
        order = builds if i % 2 else builds[::-1]
        times = {b: b.seconds(calls) for b in order}
        rounds.append([times[b] for b in builds])
    alone, native = (statistics.median(r[i] for r in rounds) for i in (0, 1))
    ratios = sorted(r[1] / r[0] for r in rounds)
    ratio = statistics.median(ratios)
    print(f"{cc:6} -O2 {1e3 * alone:9.3f} ms   -O2 -march=native {1e3 * native:9.3f} ms   ratio {ratio:.3f} "
          f"({ratios[len(ratios) // 4]:.3f} to {ratios[-1 - len(ratios) // 4]:.3f} in the middle half of {len(ratios)} rounds)")
    return ratio >= GOAL


# ---- machine code -----------------------------------------------------------------------------------------------------


def source_functions(text):
    """Name -> body of every function of an emitted file."""
    return {m.group(1): m.group(0) for m in re.finditer(r"^static [^;{]*?(\w+)\([^;{]*\) \{\n.*?^\}", text, re.M | re.S)}


def contractions(text):
    """The functions that multiply and add vectors -> the jobs that call them."""
    functions = source_functions(text)
    leaves = [name for name, body in functions.items() if name.endswith("_kernel") and
              re.search(r"acc\w+ = \w+_fma\(", body)]
    return {leaf: [job for job, body in functions.items() if job.endswith("_jobs") and re.search(rf"\b{leaf}\(", body)]
            for leaf in leaves}


def machine_functions(binary):
    """Name -> list of (address, mnemonic, operands)."""
    functions, lines = {}, None
    for line in run("objdump", "-d", "--no-show-raw-insn", binary).splitlines():
        begin = re.match(r"[0-9a-f]+ <([^>.]+)[^>]*>:", line)
        if begin:
            lines = functions.setdefault(begin.group(1), [])
            continue
        code = re.match(r"\s+([0-9a-f]+):\s+(\S+)\s*(.*)", line)
        if code and lines is not None:
            lines.append((int(code.group(1), 16), code.group(2), code.group(3)))
    return functions


def innermost_loops(code):
    """Ranges from the target of a backward jump to the jump that contain no smaller one."""
    first = code[0][0]
    ranges = []
    for address, mnemonic, operands in code:
        target = re.match(r"([0-9a-f]+)", operands) if mnemonic.startswith("j") else None
        if target and first <= int(target.group(1), 16) <= address:
            ranges.append((int(target.group(1), 16), address))
    inner = [r for r in ranges if not any(o != r and r[0] <= o[0] and o[1] <= r[1] for o in ranges)]
    return [[line for line in code if begin <= line[0] <= end] for begin, end in inner]


def is_stacked(operands, has_frame):
    return re.search(r"%[xyz]mm", operands) and re.search(r"\(%rsp" + ("|\\(%rbp" if has_frame else ""), operands)


def examine(code, vector):
    """Of the innermost loops with multiply-adds: number, multiply-adds, instructions, those not on whole vectors, vectors
    on the stack."""
    has_frame = any(m == "mov" and o == "%rsp,%rbp" for _, m, o in code)
    loops = [loop for loop in innermost_loops(code) if any(m.startswith("vfmadd") for _, m, _ in loop)]
    lines = [line for loop in loops for line in loop]
    fused = [o for _, m, o in lines if m.startswith("vfmadd")]
    return (len(loops), len(fused), len(lines), sum(vector not in o for o in fused),
            sum(bool(is_stacked(o, has_frame)) for _, _, o in lines))


def read_code(source, cc, options):
    binary = f"{source[:-2]}-{cc}.o"
    run(cc, "-std=c11", "-O2", "-c", source, "-o", binary)
    code = machine_functions(binary)
    with open(source) as text:
        leaves = contractions(text.read())
    bad, totals = [], [0] * 5
    if options.verbose:
        print(f"{cc:6} {'contraction':44}{'loops':>8}{'fma':>8}{'code':>8}{'partial':>9}{'stack':>8}")
    for leaf, jobs in leaves.items():
        counts = [0] * 5
        for name in [leaf] if leaf in code else jobs:
            counts = [a + b for a, b in zip(counts, examine(code[name], VECTOR[options.target]))]
        if counts[1] == 0 or counts[3] or counts[4]:
            bad.append(leaf)
        if options.verbose or leaf in bad[-1:]:
            print(f"{cc:6} {leaf:44}{counts[0]:8}{counts[1]:8}{counts[2]:8}{counts[3]:9}{counts[4]:8}"
                  + ("   <--" if leaf in bad[-1:] else ""))
        totals = [a + b for a, b in zip(totals, counts)]
    print(f"{cc:6} {len(leaves)} contractions, {totals[0]} innermost loops, {totals[1]} vfmadd on {VECTOR[options.target]} in "
          f"{totals[2]} instructions, {totals[3]} on less than a vector, {totals[4]} vectors on the stack")
    return not bad and bool(leaves)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", nargs="?", default=os.path.join(ROOT, "models", "resnet50.json"))
    parser.add_argument("--cnnc", default=os.path.join(ROOT, "build", "cnnc"))
    parser.add_argument("--target", default="avx512")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=0.3, help="of one side in a round")
    parser.add_argument("--no-time", action="store_true", help="only read the machine code")
    parser.add_argument("--verbose", action="store_true", help="a line for every contraction")
    options = parser.parse_args()
    if options.target not in VECTOR:
        print(f"skipped: the machine code of {options.target} is not examined, only that of {', '.join(VECTOR)}")
        sys.exit(77)
    missing = [path for path in (options.cnnc, options.network) if not os.path.exists(path)]
    if missing:
        sys.exit(f"{missing[0]} is missing; ./scripts/setup builds cnnc, --cnnc names another one")
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    fine = True
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "net.c")
        run(options.cnnc, options.network, "--target", options.target, "--prefix", "net", "-o", source)
        for cc in filter(shutil.which, ("gcc", "clang")):
            fine &= read_code(source, cc, options)
            if not options.no_time:
                fine &= compare_speed(source, "net", cc, options)
    sys.exit(not fine)


main()
