#!/usr/bin/env python3
"""A network of models/ at a small input, emitted as CUDA: simulated against its Graph in double, and compiled.

usage: models.py PROGRAM NET

PROGRAM: cudasim_networks. For the first target. With CNNC_TEST_LONG=1 for every one where the network represents others
(QUICK in shapes.py); the rest, whose kernels are of the same kinds, is compiled alone.
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "library"))
from shapes import NETS, QUICK, write_network  # noqa: E402

TARGETS = ("sm_80", "sm_90")
LONG = os.environ.get("CNNC_TEST_LONG") == "1"


def main():
    program, net = sys.argv[1:]
    representative = QUICK in NETS[net]
    samples = "1" if representative or not LONG else "0"
    for target in TARGETS if LONG and representative else TARGETS[:1]:
        begin = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "net.json"
            write_network(path, net)
            done = subprocess.run([program, path, target, NETS[net][0], samples])
        print(f"{target:8} {net:24}{NETS[net][0]:>12}{time.monotonic() - begin:8.1f} s", flush=True)
        if done.returncode:
            sys.exit(1)


main()
