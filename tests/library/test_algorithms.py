#!/usr/bin/env python3
"""Algorithms differ: for no layer and pass do two of them, each forced, emit the same code under two names."""
import json
import re
import subprocess

from support import CNNC, LONG, UNPROVED, Case, main

CONV = {"op": "conv", "filters": 32, "kernel": 3, "pad": 1}
# Shapes of the input and layers, of every kind that algorithms tell apart.
LAYERS = {
    "1x1": ([32, 8, 8], {**CONV, "kernel": 1, "pad": 0}),
    "1x1 with steps": ([32, 8, 8], {**CONV, "kernel": 1, "pad": 0, "stride": 2}),
    "3x3": ([32, 8, 8], CONV),
    "all of the input": ([16, 5, 5], {**CONV, "kernel": 5, "pad": 0}),
    "windows side by side": ([16, 8, 8], {**CONV, "kernel": 2, "pad": 0, "stride": 2}),
    "3x3 with steps": ([16, 9, 9], {**CONV, "stride": 2}),
    "depthwise": ([32, 8, 8], {"op": "depthwise", "kernel": 3, "pad": 1}),
    "groups": ([32, 8, 8], {**CONV, "groups": 2}),
    "dense": ([64], {"op": "dense", "units": 64}),
    "few channels": ([3, 8, 8], {**CONV, "filters": 5}),
    "one axis": ([16, 24], {**CONV, "kernel": 5}),
    "three axes": ([16, 5, 5, 5], CONV),
}
SOME = LAYERS if LONG else ("1x1 with steps", "3x3", "windows side by side", "dense")
TARGETS = ("avx512", "generic") if LONG else ("avx2",)


def algorithms():
    lines = subprocess.run([CNNC, "algos"], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return [line.split()[0] for line in lines[1:]]


class Algorithms(Case):
    def code(self, target, role, algorithm):
        """What is emitted, without comments and the names of algorithms; None: it refuses the layer."""
        done = subprocess.run([CNNC, "net.json", "--target", target, "--train", "--batch", "32", "--max-error", "1", UNPROVED,
                               "--algo", f"layer:{role}={algorithm}", "-o", "net.c"], cwd=self.folder, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode:
            self.assertIn(algorithm, done.stdout)
            return None
        text = re.sub(r"/\*.*?\*/", "", (self.folder / "net.c").read_text(), flags=re.S)
        text = re.sub(r"\b[0-9a-f]{16}\b", "", text)  # the hash of what was chosen
        return re.sub(rf"\b{algorithm}\b", "", text)

    def check(self, name, target):
        shape, layer = LAYERS[name]
        network = {"name": "net", "input": {"shape": shape}, "layers": [{"op": "batch_norm"}, {**layer, "name": "layer"}],
                   "loss": {"op": "mse"}, "optimizer": {"op": "sgd"}}
        (self.folder / "net.json").write_text(json.dumps(network))
        for role in ("fwd", "dgrad", "wgrad"):
            first = {}
            for algorithm in algorithms():
                code = self.code(target, role, algorithm)
                if code is not None:
                    self.assertNotIn(code, first, f"{role}: {algorithm} emits the code of {first.get(code)}")
                    first[code] = algorithm
            self.assertGreater(len(first), 1, f"{role}: nothing to compare")

    def test_none_emits_the_code_of_another(self):
        self.each(self.check, [(name, target) for name in SOME for target in TARGETS])


if __name__ == "__main__":
    main()
