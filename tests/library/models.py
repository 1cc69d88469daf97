#!/usr/bin/env python3
"""Whole models: networks of models/ compiled and run, against their Graph in double, before any pass.

usage: models.py NET ...

`cnnc run` against `cnnc run --interpret` at a small input, where the network represents others (QUICK in shapes.py): for this
processor's best target, and for one of the others, which take turns; and at the network's own input compilers read what is
emitted for this processor. With CNNC_TEST_LONG=1, for all networks, on every target where they represent others and otherwise
on this processor's best and `generic`: the program of gcc -O3, at the best target with the network's own input, where that of
clang -O3 must agree with it; and at the small input, but not of `generic` alone, one with both sanitizers. No compiler may
warn. What is emitted at its own input for targets as they are, whatever this machine's numbers, for batches and training, must
be proved to stay inside its memory (PROVED; all of it with CNNC_TEST_LONG=1). Parameters come from the seeded initialisers, the
input is random. Memory is poisoned, so that what a library does not write cannot pass for a result. Printed: the largest
difference, relative to the largest output; it must not exceed 1e-5.
"""
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import time
from array import array

from shapes import HEAVY, LOGITS, NETS, QUICK, write_network, write_trainable
from support import BEST, CNNC, CROSS, LONG, MODELS, STRICT, TARGETS, UNPROVED, compilers, is_there

LIMIT = 1e-5
PROVED = [("avx512", "--batch", "16"), ("avx512", "--train")]
if LONG:
    PROVED += [("avx512", "--train", "--batch", "128"), ("avx2", "--batch", "8"), ("avx2", "--train"), ("neon", "--batch", "16"),
               ("neon", "--train"), ("generic", "--batch", "16")]
SANITIZE = ("-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
# Fresh memory is 0x7f everywhere, as float 3.4e38: by the C library, and by the address sanitizer.
POISON = {**os.environ, "MALLOC_PERTURB_": "128",
          "ASAN_OPTIONS": "detect_leaks=0:malloc_fill_byte=127:max_malloc_fill_size=2147483647"}


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


def own_shape(net):
    document = json.loads((MODELS / f"{net}.json").read_text())
    return "x".join(map(str, (document.get("input") or document["inputs"]["x"])["shape"]))


class Model:
    """A network in a folder of its own; the first result for a shape is what later ones are compared with."""

    def __init__(self, net, folder):
        self.net, self.folder, self.reference, self.worst = net, folder, {}, 0.0
        write_network(folder / "net.json", net)

    @staticmethod
    def command(*words):
        done = subprocess.run(words, env=POISON, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode:
            raise RuntimeError(f"{' '.join(map(str, words))}: status {done.returncode}\n{done.stdout[-4000:]}")

    def compiler(self, command, flags):
        """A compiler whose last words are these: cnnc's own flags stand before them."""
        path = self.folder / "cc"
        path.write_text(f'#!/bin/sh\nexec {command} "$@" {" ".join((*flags, *STRICT))}\n')
        path.chmod(0o755)
        return path

    def infer(self, shape, *options):
        """The outputs of one `cnnc run`, by their file's name."""
        inputs = self.folder / f"{shape}.npy"
        outputs = ("--outputs", "logits") if LOGITS in NETS[self.net] else ()
        if not inputs.exists():
            write_random(inputs, shape)
        with tempfile.TemporaryDirectory(dir=self.folder) as output:
            self.command(CNNC, "run", self.folder / "net.json", "--input-shape", shape, "--seed", "3", "--input", inputs,
                         "--output", f"{output}/y.npy", *outputs, *options)
            return {path.name: read_values(path) for path in sorted(pathlib.Path(output).iterdir())}

    def compare(self, shape, title, *options):
        begin = time.monotonic()
        outputs = self.infer(shape, *options)
        error = difference(outputs, self.reference.setdefault(shape, outputs))
        self.worst = max(self.worst, error)
        print(f"{self.net:24}{shape:>12}  {title:28}{error:12.2e}{time.monotonic() - begin:8.1f} s", flush=True)

    def run(self, target, shape, cc, flags, *options):
        runner = ("--runner", CROSS[target][1]) if not TARGETS[target] else ()
        self.compare(shape, f"{target} {cc.split()[0]} {flags[0]}", "--target", target, "--cc", self.compiler(cc, flags), *runner,
                     *options)

    def check(self, target):
        """One target, with all that the long test asks for."""
        small = NETS[self.net][0]
        own = small if HEAVY in NETS[self.net] or target != BEST else own_shape(self.net)
        first, *others = compilers(target)
        self.run(target, own, first, ("-O3",))
        if TARGETS[target] and (target == BEST or QUICK in NETS[self.net]):
            self.run(target, small, first, SANITIZE, UNPROVED)
        for cc in others if target == BEST else ():
            self.run(target, own, cc, ("-O3",), UNPROVED)

    def warnings(self, target):
        """What compilers say, without code where that takes its time."""
        begin = time.monotonic()
        self.command(CNNC, MODELS / f"{self.net}.json", "--target", target, "-o", self.folder / "net.c")
        standards = ("c99", "c11") if target == "generic" else ("c11",)
        for cc in compilers(target):
            for standard in standards:
                flag = "-O1" if cc == "gcc" and standard == "c11" else "-fsyntax-only"
                self.command(*cc.split(), f"-std={standard}", flag, *STRICT, "-c", self.folder / "net.c", "-o",
                             self.folder / "net.o")
        print(f"{self.net:24}{own_shape(self.net):>12}  {target} without warnings{time.monotonic() - begin:12.1f} s", flush=True)

    def prove(self):
        """cnnc writes nothing that it cannot prove to stay inside its memory."""
        begin = time.monotonic()
        write_trainable(self.folder / "proved.json", self.net)
        for target, *words in PROVED:
            self.command(CNNC, self.folder / "proved.json", "--target", target, *words, "-o", self.folder / "proved.c")
        print(f"{self.net:24}{own_shape(self.net):>12}  proved{time.monotonic() - begin:34.1f} s", flush=True)

    def check_quickly(self, targets):
        representatives = [net for net in NETS if QUICK in NETS[net]]
        self.warnings(BEST)
        if self.net in representatives:
            others = [target for target in targets if target != BEST] or [BEST]
            other = others[representatives.index(self.net) % len(others)]
            for target in dict.fromkeys((BEST, other)):
                self.run(target, NETS[self.net][0], compilers(target)[0], ("-O1",), UNPROVED)
            if other == "generic":
                self.warnings(other)


def can_run(target):
    missing = []
    if not TARGETS[target]:
        missing = [tool for tool in (CROSS[target][0][0], CROSS[target][1]) if not is_there(tool)] if target in CROSS else ["CPU"]
    if missing:
        print(f"skipped: {target}: {', '.join(missing)} missing")
    return not missing


def check(net, targets):
    """Is all well with this network?"""
    with tempfile.TemporaryDirectory() as folder:
        model = Model(net, pathlib.Path(folder))
        try:
            if LONG or QUICK in NETS[net]:
                model.prove()
                model.compare(NETS[net][0], "interpreted", "--interpret")
            if not LONG:
                model.check_quickly(targets)
            for target in targets if LONG else ():
                if QUICK in NETS[net] or target in (BEST, "generic"):
                    model.check(target)
        except RuntimeError as problem:
            print(problem, flush=True)
            return False
    return model.worst <= LIMIT


def main():
    unlisted = {path.stem for path in MODELS.glob("*.json")} - NETS.keys()
    if unlisted:
        sys.exit(f"no input shape in shapes.py: {', '.join(sorted(unlisted))}")
    targets = [target for target in TARGETS if can_run(target)]
    failed = [net for net in sys.argv[1:] if not check(net, targets)]
    if failed:
        sys.exit(f"above {LIMIT:g} or without result: {', '.join(failed)}")


if __name__ == "__main__":
    main()
