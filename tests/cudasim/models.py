#!/usr/bin/env python3
"""Every network of models/ at a small input, emitted as CUDA and simulated against its Graph in double.

usage: models.py PROGRAM [--all]

PROGRAM: cudasim_networks. Without --all: some of the representative third; with it every network, for every target.
"""
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "numeric"))
from shapes import NETS, write_network  # noqa: E402

TARGETS = ("sm_80", "sm_90")
SOME = ("edge", "fcn_series", "keyword_spectrogram", "lenet5", "mobilenet_v1", "resnet18", "voxnet")


def simulate(program, net, target):
    """What the program says about it if it fails, or nothing."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "net.json"
        write_network(path, net)
        done = subprocess.run([program, path, target, NETS[net][0], "1"], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        return f"status {done.returncode}\n{done.stdout}" if done.returncode else ""


def main():
    program, *options = sys.argv[1:]
    every = options == ["--all"]
    failed = []
    for net in NETS if every else SOME:
        for target in TARGETS if every else TARGETS[:1]:
            begin = time.monotonic()
            problem = simulate(program, net, target)
            print(f"{target:8} {net:24}{NETS[net][0]:>12}{time.monotonic() - begin:8.1f} s", flush=True)
            if problem:
                print(problem, flush=True)
                failed.append(f"{net} ({target})")
    if failed:
        sys.exit(f"not as interpreted: {', '.join(failed)}")


main()
