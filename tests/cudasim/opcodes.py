#!/usr/bin/env python3
"""What nvcc makes of networks: no warnings, no spilled registers, and in every product tensor cores' instructions and none
of local memory; by tensor cores all but the first, in training but what has no space or is the caller's, read their operands
by asynchronous copies or as boxes of tensors (TMA), which some do on sm_90a, and by ldmatrix where warps do not multiply
together (wgmma on sm_90a), which nvcc must not have made wait for each other.

usage: opcodes.py

CNNC: the compiler. With CNNC_TEST_LONG=1 training too, and for every machine. Machine code is read from the object as
it is: an instruction has 16 bytes, and the low 12 bits of the first two say what it does.
"""
import collections
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
CNNC = os.environ.get("CNNC", ROOT / "build/cnnc")
LONG = os.environ.get("CNNC_TEST_LONG") == "1"
HMMA, HGMMA, FFMA, LDL, STL, LDSM, LDGSTS, UTMALDG = 0x23C, 0x9F0, 0x223, 0x983, 0x387, 0x83B, 0xFAE, 0x5B4

NETS = [("lenet5", ["--batch", "256"]), ("resnet50", ["--batch", "16"])]
if LONG:
    NETS.append(("resnet50", ["--batch", "16", "--train"]))
TARGETS = ("sm_80", "sm_90", "sm_90a") if LONG else ("sm_80", "sm_90a")


def opcodes(path):
    """By function: how often each operation stands in it."""
    data = path.read_bytes()
    start, = struct.unpack_from("<Q", data, 40)
    count, names = struct.unpack_from("<HH", data, 60)
    sections = [struct.unpack_from("<IIQQQQ", data, start + 64 * i) for i in range(count)]
    found = {}
    for name, _, _, _, at, size in sections:
        begin = sections[names][4] + name
        text = data[begin:data.index(b"\0", begin)].decode()
        if text.startswith(".text."):
            found[text[6:]] = collections.Counter(
                struct.unpack_from("<H", data, at + i)[0] & 0xFFF for i in range(0, size, 16))
    return found


def kernels_of_products(text):
    """Names of the functions that a comment calls implicit GEMM."""
    return re.findall(r"Implicit GEMM:[^{]*?__launch_bounds__\([\d, ]+\)\s+(\w+)", text)


def kernels_of_boxes(text):
    """The same of those whose operands come in boxes."""
    return re.findall(r"Implicit GEMM:[^{]*?\bin\s(?:\*\s)?boxes[^{]*?__launch_bounds__\([\d, ]+\)\s+(\w+)", text)


def check(folder, net, words, target, dtype):
    source, machine = folder / "net.cu", folder / "net.cubin"
    command = [CNNC, ROOT / f"models/{net}.json", *words, "--target", target, "--dtype", dtype, "-o", source]
    subprocess.run(command, check=True)
    taken = subprocess.run([*command[:-2], "--explain"], check=True, capture_output=True, text=True).stdout
    plain = [line for line in taken.splitlines() if re.match(r"  \* (?!implicit_gemm|winograd|fft)", line)]
    made = subprocess.run(["nvcc", f"-arch={target}", "-Werror", "all-warnings", "-Xptxas", "-warn-spills,-Werror",
                           "-cubin", "-o", machine, source], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert made.returncode == 0 and "serialized" not in made.stdout, made.stdout
    functions = opcodes(machine)
    products = kernels_of_products(source.read_text())
    needed = {FFMA, LDGSTS} if dtype == "f32" else {HGMMA} if target == "sm_90a" else {HMMA, LDSM}
    boxed = kernels_of_boxes(source.read_text())
    wrong, staged = [], 0
    for product in products:
        counts = [count for name, count in functions.items() if name.startswith(f"_Z{len(product)}{product}")]
        if len(counts) != 1 or not all(counts[0][code] for code in needed) or counts[0][LDL] or counts[0][STL]:
            wrong.append(product)
        else:
            staged += not counts[0][LDGSTS] and not counts[0][UTMALDG]
            if bool(counts[0][UTMALDG]) != (product in boxed) or (counts[0][UTMALDG] and counts[0][LDGSTS]):
                wrong.append(product)
    print(f"{net:10} {' '.join(words):24} {target} {dtype:6} {len(products)} products, {len(functions)} kernels, "
          f"{len(boxed)} of boxes, "
          f"{len(plain)} contractions in plain loops", flush=True)
    assert products, "no products in blocks of threads"
    assert not wrong, wrong
    assert bool(boxed) == (net == "resnet50" and target == "sm_90a" and dtype == "bf16"), boxed
    assert net == "lenet5" or not plain, plain
    assert net == "lenet5" or dtype == "f32" or staged <= (3 if "--train" in words else 1), f"{staged} products copy nothing"


def main():
    if not shutil.which("nvcc"):
        print("nvcc is not installed")
        sys.exit(77)
    for target in TARGETS:
        for net, words in NETS:
            for dtype in ("bf16", "f32") if LONG else ("bf16",):
                with tempfile.TemporaryDirectory() as folder:
                    check(pathlib.Path(folder), net, words, target, dtype)


main()
