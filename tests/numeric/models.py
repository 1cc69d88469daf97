#!/usr/bin/env python3
"""Whole models: every network of models/ at a small input, compiled and run against its Graph in double, before any pass.

usage: models.py CNNC TARGET [--all | NET ...]

Without names: a representative third; --all: every network. Parameters come from the seeded initialisers, the input is
random. Memory is poisoned, so that what a library does not write cannot pass for a result. Printed per network: the largest
difference, relative to the largest output; it must not exceed 1e-5. Status 77: the processor lacks the target.
"""
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from array import array
from itertools import chain

from shapes import MODELS, NETS, QUICK, write_network

LIMIT = 1e-5
# For machines other than this one: what compiles and starts a program.
CROSS = {"neon": ("aarch64-linux-gnu-gcc", "qemu-aarch64 -L /usr/aarch64-linux-gnu")}
SKIPPED = 77
LACKS = "this processor lacks the instructions"
POISON = {**os.environ, "MALLOC_PERTURB_": "128"}  # the C library fills memory with 0x7f: 3.4e38 as float


def write_random(path, shape):
    """A .npy of values in [-1, 1), the same for the same shape."""
    extents = [int(extent) for extent in shape.split("x")]
    size = 1
    for extent in extents:
        size *= extent
    state, values = 1, array("f")
    for _ in range(size):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        values.append((state >> 40) / 2**23 - 1)
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (%s,), }" % ", ".join(map(str, extents))
    header += " " * (-(len(header) + 11) % 64) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + values.tobytes())


def read_values(path):
    data = path.read_bytes()
    (length,) = struct.unpack_from("<H", data, 8)
    assert b"'<f4'" in data[:10 + length], f"{path} holds no floats"
    values = array("f")
    values.frombytes(data[10 + length:])
    return values


def infer(command, output):
    """The outputs of one `cnnc run`, by their file's name."""
    output.mkdir()
    done = subprocess.run([*map(str, command), "--output", str(output / "y.npy")], env=POISON, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if LACKS in done.stdout:
        print(f"skipped: {LACKS}")
        sys.exit(SKIPPED)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout}")
    return {path.name: read_values(path) for path in sorted(output.iterdir())}


def difference(ours, reference):
    """max |a - b| / max |b|; infinite where a value is missing or no number."""
    if ours.keys() != reference.keys():
        return float("inf")
    worst = 0.0
    for name, b in reference.items():
        a, most = ours[name], max(map(abs, b))
        if len(a) != len(b) or not most > 0:
            return float("inf")
        for x, y in zip(a, b):
            error = abs(x - y) / most
            if not error <= worst:
                worst = error if error == error else float("inf")
    return worst


def compare(cnnc, target, net, shape, folder):
    write_random(folder / "x.npy", shape)
    write_network(folder / "net.json", net)
    command = [cnnc, "run", folder / "net.json", "--input-shape", shape, "--seed", 3, "--input", folder / "x.npy"]
    compiler = zip(("--cc", "--runner"), CROSS.get(target, ()))
    ours = infer([*command, "--target", target, "--no-validate", *chain(*compiler)], folder / "ours")
    return difference(ours, infer([*command, "--interpret"], folder / "reference"))


def main():
    cnnc, target, *names = sys.argv[1:]
    unlisted = {path.stem for path in MODELS.glob("*.json")} - NETS.keys()
    if unlisted:
        sys.exit(f"no input shape in {__file__}: {', '.join(sorted(unlisted))}")
    if names == ["--all"]:
        names = list(NETS)
    for tool in CROSS.get(target, ()):
        if not shutil.which(tool.split()[0]):
            print(f"skipped: {tool.split()[0]} is missing")
            sys.exit(SKIPPED)
    failed = []
    for net in names or [net for net, row in NETS.items() if QUICK in row[1:]]:
        begin = time.monotonic()
        try:
            with tempfile.TemporaryDirectory() as folder:
                error = compare(cnnc, target, net, NETS[net][0], pathlib.Path(folder))
            print(f"{target:8} {net:24}{NETS[net][0]:>12}{error:12.2e}{time.monotonic() - begin:8.1f} s", flush=True)
        except RuntimeError as problem:
            error = float("inf")
            print(problem, flush=True)
        if error > LIMIT:
            failed.append(net)
    if failed:
        sys.exit(f"{target}: above {LIMIT:g} or without result: {', '.join(failed)}")


main()
