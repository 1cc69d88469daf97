"""50 steps of training against PyTorch (parity/): in double the same losses, in float gradients as good as PyTorch's."""
import json
import math
import re
import struct
import sys
import unittest

from support import CNNC, HERE, LONG, STRICT, UNPROVED, Case, main, write_npy

sys.path.insert(0, str(HERE / "parity"))
from cases import BATCH, CASES, STEPS  # noqa: E402

REFERENCE = json.loads((HERE / "parity" / "reference.json").read_text())
OPTIMIZERS = ("sgd", "adam") if LONG else ("adam",)


class Parity(Case):
    def emitted(self, network, stem, *options):
        self.run_command(CNNC, network, "-o", network.parent / f"{stem}.c", "--train", "--batch", BATCH, "--prefix",
                         stem, UNPROVED, *options)
        return network.parent / f"{stem}.c"

    def program(self, name):
        """Builds parity.c around both libraries of a case."""
        folder = self.folder / name.replace(", ", "_")
        folder.mkdir()
        network = folder / "net.json"
        network.write_text(json.dumps(CASES[name]))
        sources = [self.emitted(network, "exact", "--dtype", "f64"), self.emitted(network, "rough")]
        header = (folder / "exact.h").read_text()

        def size(direction):
            extents = re.search(rf"^ \* {direction} +\w+ +double \[n\](\S*)", header, re.M).group(1)
            return math.prod(map(int, re.findall(r"\d+", extents)))
        params = re.findall(r'{"[\w.]+", \d, {[\d, ]*}, (\d+)}', sources[0].read_text())
        sizes = [f"-DIN_SIZE={size('in')}", f"-DOUT_SIZE={size('out')}", f"-DLARGEST={max(map(int, params))}",
                 f"-DSTEPS={STEPS}", f"-DBATCH={BATCH}", "-DPOISON=0xff"]
        self.run_command("gcc", "-std=c11", "-O2", *STRICT, *sizes, "-I", folder, HERE / "parity.c", *sources, "-o",
                         folder / "parity", "-lm")
        return folder / "parity"

    def check(self, name):
        lines = [line.split() for line in self.run_command(self.program(name)).splitlines()]
        expected = REFERENCE[name]
        for step, (wide, single) in enumerate(lines[:STEPS]):
            loss = expected["loss"][step]
            self.assertLessEqual(abs(float(wide) - loss), 1e-8 * loss, f"{name}: loss of step {step + 1} in double")
            self.assertLessEqual(abs(float(single) - loss), 1e-6 * loss, f"{name}: loss of step {step + 1} in float")
        errors = {parameter: float(error) for parameter, error in lines[STEPS:]}
        self.assertEqual(set(errors), set(expected["error"]))
        for parameter, error in errors.items():
            self.assertLessEqual(error, 3 * expected["error"][parameter], f"{name}: gradient of {parameter} in float")

    def check_network(self, network):
        self.each(self.check, [(f"{network}, {optimizer}",) for optimizer in OPTIMIZERS])

    def test_lenet5(self):
        self.check_network("lenet5")

    def test_alexnet(self):
        self.check_network("alexnet")

    def test_volume(self):
        self.check_network("volume")

    def test_series(self):
        self.check_network("series")

    @unittest.skipUnless(LONG, "takes minutes")
    def test_resnet20(self):
        self.check_network("resnet20")

    @unittest.skipUnless(LONG, "takes minutes")
    def test_googlenet(self):
        self.check_network("googlenet")

    def test_inference(self):
        """Emitted code in double is the interpreter: the same bits."""
        x = self.folder / "x.npy"
        values = [i * 37 % 101 / 50 - 1 for i in range(2 * 3 * 29 * 23)]
        write_npy(x, (2, 3, 29, 23), "<f4", struct.pack(f"<{len(values)}f", *values))
        results = []
        for options in (["--dtype", "f64"], ["--dtype", "f64", "--target", "generic"], ["--interpret"]):
            self.run_command(CNNC, "run", HERE / "networks" / "mixed.json", "--seed", 5, "--input", x, "--output",
                             self.folder / "y.npy", *options)
            results.append((self.folder / "y.npy").read_bytes())
        self.assertEqual(results[0], results[2])
        self.assertEqual(results[1], results[2])


if __name__ == "__main__":
    main()
