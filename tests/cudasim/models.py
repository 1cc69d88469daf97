#!/usr/bin/env python3
"""A network of models/ emitted as CUDA: simulated at a small input against its Graph in double, and compiled by nvcc at its own.

usage: models.py PROGRAM NET

PROGRAM: cudasim_networks, which simulates where the network represents others (QUICK in shapes.py). nvcc may not warn, spill
registers or make products of several warps wait for each other. A network without a loss gets one to be trained. Here training
alone is compiled, for one machine in one precision (TRAINED); with CNNC_TEST_LONG=1 every network, inference and training, for
each machine in a precision of its own, and those that represent others in both; those are simulated for each machine, too.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "library"))
from shapes import MODELS, NETS, QUICK, write_network, write_trainable  # noqa: E402

CNNC = os.environ.get("CNNC", MODELS.parent / "build/cnnc")
TARGETS = ("sm_80", "sm_90a")
ALONE = {"sm_80": "f32", "sm_90a": "bf16"}
TRAINED = ("edge", "keyword_spectrogram")
LONG = os.environ.get("CNNC_TEST_LONG") == "1"


def report(net, target, what, begin):
    print(f"{target:8}{net:24}{what:>20}{time.monotonic() - begin:8.1f} s", flush=True)


def simulate(program, net, target):
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "net.json"
        write_network(path, net)
        subprocess.run([program, path, target, NETS[net][0]], check=True)
    report(net, target, NETS[net][0], begin)


def compile_by_nvcc(net, target, dtype, train):
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        path, source = pathlib.Path(folder) / "net.json", pathlib.Path(folder) / "net.cu"
        write_trainable(path, net)
        subprocess.run([CNNC, path, *train, "--target", target, "--dtype", dtype, "-o", source], check=True)
        made = subprocess.run(["nvcc", f"-arch={target}", "-Werror", "all-warnings", "-Xptxas", "-warn-spills,-Werror",
                               "-cubin", "-o", source.with_suffix(".cubin"), source],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert made.returncode == 0 and "serialized" not in made.stdout, made.stdout
    report(net, target, " ".join([dtype, *train]), begin)


def compiled(net):
    """What is: machine, precision, with training or without."""
    if not LONG:
        return [("sm_90a", "bf16", ["--train"])] if net in TRAINED else []
    return [(target, dtype, train) for target in TARGETS for dtype in ("f32", "bf16") for train in ([], ["--train"])
            if QUICK in NETS[net] or dtype == ALONE[target]]


def main():
    program, net = sys.argv[1:]
    simulates = QUICK in NETS[net] or not LONG
    if simulates:
        for target in TARGETS if LONG else TARGETS[:1]:
            simulate(program, net, target)
    if not shutil.which("nvcc"):
        print("nvcc is not installed: nothing is compiled by it")
        sys.exit(0 if simulates else 77)
    for target, dtype, train in compiled(net):
        compile_by_nvcc(net, target, dtype, train)


main()
