"""Epochs of `cnnc train` beside PyTorch: the same network, first weights, data and batches, in turns, pinned.

usage: epochs.py [--threads 2] [--batch 128] [--epochs 5] [--rounds 1] [--shift N] NET.json DATA

DATA is a folder that `cnnc train` reads: MNIST (idx), CIFAR-10 (bin) or NumPy arrays. In each round cnnc and PyTorch, in both
of its layouts, train anew from the same weights, by SGD at the network's rate without its schedule. PyTorch's side keeps all
samples in memory and moves a whole batch at once where `--shift` asks for it; cnnc's are read, shuffled and shifted by `cnnc train`
itself. Printed for each round: the fastest epoch and the losses of each side, and the ratio of PyTorch's best layout to
cnnc's (above 1 cnnc is faster).
"""
import argparse
import csv
import gzip
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
LAYOUTS = {"pytorch": False, "pytorch channels_last": True}


# ---- PyTorch's side: a process of its own, `epochs.py --pytorch JOB` ----

def idx(folder, stem):
    import numpy as np
    path = next(folder.glob(stem + "*"))
    with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
        data = file.read()
    axes = data[3]
    shape = [int.from_bytes(data[4 + 4 * a:8 + 4 * a], "big") for a in range(axes)]
    return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(shape)


def training_part(folder, shape):
    """Samples [n, *shape] and labels [n], as the files hold them."""
    import numpy as np
    batches = sorted([*folder.glob("data_batch*.bin"), *folder.glob("train*.bin")])
    if batches:
        rows = np.concatenate([np.fromfile(b, np.uint8).reshape(-1, 3073) for b in batches])
        return rows[:, 1:].reshape(-1, *shape), rows[:, 0]
    if (folder / "x_train.npy").exists():
        return np.load(folder / "x_train.npy").reshape(-1, *shape), np.load(folder / "y_train.npy").reshape(-1)
    return idx(folder, "train-images").reshape(-1, *shape), idx(folder, "train-labels")


def shifted(x, most):
    """Each image moved by -most to most places; zeros come in."""
    import torch
    n, _, height, width = x.shape
    padded = torch.nn.functional.pad(x, [most] * 4)
    down, right = (torch.randint(2 * most + 1, (n, 1)) + torch.arange(extent) for extent in (height, width))
    return padded[torch.arange(n)[:, None, None], :, down[:, :, None], right[:, None, :]].permute(0, 3, 1, 2)


def scaled(about, x):
    """As cnnc reads samples: (value * scale - mean) / std."""
    import torch
    per_channel = [torch.as_tensor(about.get(key, default), dtype=torch.float32).reshape(-1, 1, 1)
                   for key, default in (("mean", 0.0), ("std", 1.0))]
    return (x.float() * about.get("scale", 1.0) - per_channel[0]) / per_channel[1]


def pytorch(job):
    """Prints {"seconds", "loss"} for each epoch."""
    import torch
    from network import Network
    from to_onnx import load_safetensors
    from to_torch import Module
    torch.set_num_threads(job["threads"])
    torch.manual_seed(job["seed"])
    network = Network(job["network"])
    about = network.document["input"]
    x, y = (torch.from_numpy(part.copy()) for part in training_part(pathlib.Path(job["data"]), about["shape"]))
    module = Module(network, load_safetensors(job["weights"]), network.outputs).train()
    form = torch.channels_last if LAYOUTS[job["layout"]] else torch.contiguous_format
    module = module.to(memory_format=form)
    rule = {key: value for key, value in network.document["optimizer"].items() if key != "op"}
    optimizer = torch.optim.SGD(module.parameters(), **rule)
    for _ in range(job["epochs"]):
        begin, losses = time.perf_counter(), []
        for batch in torch.randperm(len(x)).split(job["batch"]):
            samples = shifted(x[batch], job["shift"]) if job["shift"] else x[batch]
            samples = scaled(about, samples).to(memory_format=form)
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(module(samples)[0], y[batch].long())
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        print(json.dumps({"seconds": time.perf_counter() - begin, "loss": statistics.mean(losses)}), flush=True)


# ---- both sides, in turns ----

def pinned(job, command):
    cores = ",".join(str(core) for core in range(job["threads"]))
    return ["taskset", "-c", cores, *[str(word) for word in command]]


def run_pytorch(job, layout):
    command = pinned(job, [sys.executable, __file__, "--pytorch", json.dumps({**job, "layout": layout})])
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.splitlines()
    return [json.loads(line) for line in lines]


def run_cnnc(job, options):
    log = os.path.join(job["directory"], "log.csv")
    words = [options.cnnc, "train", job["network"], "--data", job["data"], "--weights", job["weights"], "--batch", job["batch"],
             "--epochs", job["epochs"], "--threads", job["threads"], "--seed", job["seed"], "--log", log, "--cc", options.cc]
    words += ["--augment", f"shift={job['shift']}"] if job["shift"] else []
    subprocess.run(pinned(job, words), check=True, stdout=subprocess.DEVNULL)
    with open(log, encoding="utf-8") as file:
        return [{key: float(row[key]) for key in ("seconds", "loss")} for row in csv.DictReader(file)]


def without_schedule(path, directory):
    """A copy of the network with what SGD of both sides knows; its file."""
    from network import at_one_rate
    document = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    rule = document["optimizer"]
    if rule["op"] != "sgd" or "losses" in document:
        sys.exit("the comparison knows one loss and sgd only")
    document = at_one_rate(document, rule["lr"])
    copy = os.path.join(directory, os.path.basename(path))
    pathlib.Path(copy).write_text(json.dumps(document), encoding="utf-8")
    return copy, document["name"]


def compare(options, directory):
    from peers import build_library
    network, name = without_schedule(options.network, directory)
    _, weights = build_library(network, name, options, directory)
    for seed in range(1, options.rounds + 1):
        job = dict(network=network, weights=weights, directory=directory, data=os.path.abspath(options.data), seed=seed,
                   threads=options.threads, batch=options.batch, epochs=options.epochs, shift=options.shift)
        sides = {"cnnc": run_cnnc(job, options), **{layout: run_pytorch(job, layout) for layout in LAYOUTS}}
        best = {side: min(epoch["seconds"] for epoch in epochs) for side, epochs in sides.items()}
        for side, epochs in sides.items():
            losses = [epoch["loss"] for epoch in epochs]
            print(f"{name} round {seed} {side:21} fastest epoch {best[side]:7.3f} s   mean loss {statistics.mean(losses):.4f}, "
                  f"of the last epoch {losses[-1]:.4f}")
        print(f"{name} round {seed} ratio {min(best[layout] for layout in LAYOUTS) / best['cnnc']:.2f}", flush=True)


def main():
    if sys.argv[1:2] == ["--pytorch"]:
        return pytorch(json.loads(sys.argv[2]))
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("network")
    parser.add_argument("data")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--shift", type=int, default=0)
    parser.add_argument("--cc", default="gcc")
    parser.add_argument("--cnnc", default=HERE.parent / "build" / "cnnc")
    options = parser.parse_args()
    options.train, options.target = True, "native"
    with tempfile.TemporaryDirectory() as directory:
        compare(options, directory)
    return 0


if __name__ == "__main__":
    sys.exit(main())
