"""cnnc beside its peers: the same network, weights and input, in one run, in turns, pinned.

usage: peers.py [--train] [--threads 2] [--batch N] [--rounds 7] [--peers onnxruntime,openvino,pytorch] [--csv FILE] NET.json ...

Each side is a process of its own that sleeps while the others run (sides.py). Inference, or with --train whole training
steps by SGD beside PyTorch in both of its layouts. One line per network: the median time of a call of each side and the
peak memory of its process, the ratio of the best peer's time to cnnc's (above 1 cnnc is faster) with its spread over the
rounds, and the largest difference of the outputs relative to the largest output (of the losses of the first steps): a fast
wrong answer is a failure (above 1e-4, in training 1e-3 or three times what PyTorch's layouts differ from each other).
Networks are trained without dropout, whose random numbers nobody shares, at one learning rate.
"""
import argparse
import ctypes
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
MISSING = [name for name in ("numpy", "onnx") if not importlib.util.find_spec(name)]
if not MISSING:
    import numpy as np

    from network import Network, comparable
    from sides import SIDES, Side


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def comparable_copy(path, directory):
    """The network as it is trained here, in a file of its own."""
    with open(path, encoding="utf-8") as file:
        document = comparable(json.load(file))
    copy = os.path.join(directory, os.path.basename(path))
    with open(copy, "w", encoding="utf-8") as file:
        json.dump(document, file)
    return copy


def build_library(path, name, options, directory):
    """Emits and builds the network, and saves its seeded weights; the two files."""
    base = os.path.join(directory, name)
    train = ["--train"] if options.train else []
    run(options.cnnc, path, "-o", base + ".c", "--batch", str(options.batch), "--target", options.target, *train)
    library = base + ".so"
    run(options.cc, "-O2", "-fopenmp", "-shared", "-fPIC", "-I", directory, f"-DNET={name}",
        f'-DHEADER="{name}.h"', *["-DTRAIN"] * options.train, os.path.join(HERE, "harness.c"), base + ".c", "-lm",
        "-o", library)
    weights = base + ".safetensors"
    seeded = ctypes.CDLL(library)
    if seeded.bench_open(1, 1) or seeded.bench_save(weights.encode()):
        raise SystemExit("no weights")
    return library, weights


def prepare(path, options, directory):
    """The job that all sides do: the library, and the ONNX model with the same weights."""
    from to_onnx import Exporter
    from weights import load_safetensors
    import onnx
    if options.train:
        path = comparable_copy(path, directory)
    network = Network(path)
    library, weights = build_library(path, network.name, options, directory)
    model = os.path.join(directory, network.name + ".onnx")
    exporter = Exporter(network, load_safetensors(weights), options.batch)
    onnx.save(exporter.model(), model)
    return dict(library=library, weights=weights, onnx=model, threads=options.threads, directory=directory, network=path,
                train=options.train, input=exporter.shape[next(iter(network.inputs))],
                output=exporter.shape[network.outputs[0]])


def apart(one, other):
    """The largest difference of two outputs, relative to the largest of the second."""
    return float(np.abs(one.output - other.output).max() / np.abs(other.output).max())


def compare(path, options):
    with tempfile.TemporaryDirectory() as directory:
        job = prepare(path, options, directory)
        cores = ",".join(str(c) for c in range(options.threads))
        sides = [Side(name, job, cores) for name in ["cnnc", *options.peers]]
        difference = max(apart(sides[0], peer) for peer in sides[1:])
        spread = max(apart(one, peer) for one in sides[1:] for peer in sides[1:])
        calls = max(3, min(200, int(0.7 / min(sides[0].times(2)))))
        rounds = []
        for _ in range(options.rounds):
            rounds.append([statistics.median(side.times(calls)) for side in sides])
            time.sleep(0.1)
        memory = [side.close() for side in sides]
    ratios = sorted(min(r[1:]) / r[0] for r in rounds)
    median = [1e3 * statistics.median(times) for times in zip(*rounds)]
    return dict(net=os.path.basename(path)[:-5], mode="train" if options.train else "inference", batch=options.batch,
                threads=options.threads, **{f"{side.name} ms": ms for side, ms in zip(sides, median)},
                **{f"{side.name} MB": bytes / 1e6 for side, bytes in zip(sides, memory)},
                ratio=min(median[1:]) / median[0], ratio_low=ratios[0], ratio_high=ratios[-1], difference=difference, spread=spread)


def line(row, names):
    times = "   ".join(f"{name} {row[name + ' ms']:.2f} ms {row[name + ' MB']:.0f} MB" for name in names)
    return (f"{row['net']:18} b{row['batch']} {row['threads']}T   {times}   ratio {row['ratio']:.2f} "
            f"({row['ratio_low']:.2f} .. {row['ratio_high']:.2f})   difference {row['difference']:.1e}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("networks", nargs="+")
    parser.add_argument("--train", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, help="default 1, with --train 8")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--peers", help="those that are installed, otherwise")
    parser.add_argument("--target", default="native")
    parser.add_argument("--cc", default="gcc")
    parser.add_argument("--cnnc", default=os.path.join(ROOT, "build", "cnnc"))
    parser.add_argument("--csv")
    return parser.parse_args()


def find_peers(options):
    """The peers that can do this and are installed; those that were asked for must be."""
    known = [name for name, (_, inference, training) in SIDES.items()
             if name != "cnnc" and (training if options.train else inference)]
    there = [name for name in known if importlib.util.find_spec(SIDES[name][0])]
    asked = options.peers.split(",") if options.peers else there
    missing = [name for name in asked if name not in there]
    if missing or not asked:
        sys.exit(f"no peer {', '.join(missing)} here; installed: {', '.join(there) or 'none'}; pip install -r "
                 f"{HERE}/requirements.txt gets {', '.join(known)}")
    return asked


def main():
    options = arguments()
    if MISSING:
        sys.exit(f"{', '.join(MISSING)} missing; python3 -m venv v && v/bin/pip install -r {HERE}/requirements.txt, then "
                 f"v/bin/python {sys.argv[0]}")
    missing = [path for path in (options.cnnc, *options.networks) if not os.path.exists(path)]
    if missing:
        sys.exit(f"{missing[0]} is missing; ./scripts/setup builds cnnc, --cnnc names another one")
    options.batch = options.batch or (8 if options.train else 1)
    options.peers = find_peers(options)
    rows = []
    for path in options.networks:
        rows.append(compare(path, options))
        print(line(rows[-1], ["cnnc", *options.peers]), flush=True)
    if options.csv:
        with open(options.csv, "w", encoding="utf-8") as file:
            file.write(",".join(rows[0]) + "\n")
            file.writelines(",".join(str(v) for v in row.values()) + "\n" for row in rows)
    return int(any(not row["difference"] <= (max(1e-3, 3 * row["spread"]) if options.train else 1e-4) for row in rows))


if __name__ == "__main__":
    sys.exit(main())
