"""Epochs of `cnnc train` beside PyTorch: the same network, first weights, data and batches, in turns, pinned.

usage: epochs.py [--threads 2] [--batch 128] [--epochs 5] [--rounds 1] [--shift N] [--bind] NET.json DATA

DATA is a folder that `cnnc train` reads: MNIST (idx), CIFAR-10 (bin) or NumPy arrays. In each round cnnc and PyTorch, in both
of its layouts, train anew from the same weights, by SGD at the network's rate without its schedule. Batches are the same in
all of them: what `cnnc train` draws, the order and with `--shift` the shifts, PyTorch's side computes beforehand (chance.py). It
keeps all samples in memory and moves a whole batch at once; cnnc's are read, shuffled and shifted by `cnnc train` itself, which
counts the training accuracy besides. With `--bind` OpenMP binds PyTorch's threads to cores. Printed for each round: the fastest
epoch and the losses of each side, the ratio of PyTorch's best time to cnnc's (above 1 cnnc is faster), and cnnc's mean loss
over PyTorch's.
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


def shifted(x, most, places):
    """Each image moved by -most to most places, places [n, 2] from 0 to 2 most say how far; zeros come in."""
    import torch
    n, _, height, width = x.shape
    padded = torch.nn.functional.pad(x, [most] * 4)
    down, right = (places[:, a:a + 1] + torch.arange(extent) for a, extent in enumerate((height, width)))
    return padded[torch.arange(n)[:, None, None], :, down[:, :, None], right[:, None, :]].permute(0, 3, 1, 2)


def scaled(about, x):
    """As cnnc reads samples: (value * scale - mean) / std."""
    import torch
    per_channel = [torch.as_tensor(about.get(key, default), dtype=torch.float32).reshape(-1, 1, 1)
                   for key, default in (("mean", 0.0), ("std", 1.0))]
    return (x.float() * about.get("scale", 1.0) - per_channel[0]) / per_channel[1]


def pytorch(job):
    """Prints {"seconds", "loss"} for each epoch."""
    import chance
    import torch
    from network import Network
    from to_torch import Module
    from weights import load_safetensors
    torch.set_num_threads(job["threads"])
    network = Network(job["network"])
    about = network.document["input"]
    x, y = (torch.from_numpy(part.copy()) for part in training_part(pathlib.Path(job["data"]), about["shape"]))
    module = Module(network, load_safetensors(job["weights"]), network.outputs).train()
    form = torch.channels_last if LAYOUTS[job["layout"]] else torch.contiguous_format
    module = module.to(memory_format=form)
    rule = {key: value for key, value in network.document["optimizer"].items() if key != "op"}
    optimizer = torch.optim.SGD(module.parameters(), **rule)
    for epoch in range(job["epochs"]):
        order = torch.from_numpy(chance.order(job["seed"], epoch, len(x)))
        places = torch.from_numpy(chance.shifts(job["seed"], epoch, len(x), job["shift"]))
        begin, total = time.perf_counter(), 0.0
        for batch in order.split(job["batch"]):
            samples = shifted(x[batch], job["shift"], places[batch]) if job["shift"] else x[batch]
            samples = scaled(about, samples).to(memory_format=form)
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(module(samples)[0], y[batch].long())
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        print(json.dumps({"seconds": time.perf_counter() - begin, "loss": total / len(x)}), flush=True)


# ---- both sides, in turns ----

def pinned(job, command):
    cores = ",".join(str(core) for core in range(job["threads"]))
    return ["taskset", "-c", cores, *[str(word) for word in command]]


def run_pytorch(job, layout):
    command = pinned(job, [sys.executable, __file__, "--pytorch", json.dumps({**job, "layout": layout})])
    bound = {"OMP_PROC_BIND": "true", "OMP_PLACES": "cores"} if job["bind"] else {}
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, env={**os.environ, **bound}).stdout.splitlines()
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
                   threads=options.threads, batch=options.batch, epochs=options.epochs, shift=options.shift, bind=options.bind)
        sides = {"cnnc": run_cnnc(job, options), **{layout: run_pytorch(job, layout) for layout in LAYOUTS}}
        best = {side: min(epoch["seconds"] for epoch in epochs) for side, epochs in sides.items()}
        loss = {side: statistics.mean(epoch["loss"] for epoch in epochs) for side, epochs in sides.items()}
        for side, epochs in sides.items():
            print(f"{name} round {seed} {side:21} fastest epoch {best[side]:7.3f} s   mean loss {loss[side]:.4f}, "
                  f"of the last epoch {epochs[-1]['loss']:.4f}")
        relations = ", ".join(f"{loss['cnnc'] / loss[layout]:.4f}" for layout in LAYOUTS)
        print(f"{name} round {seed} ratio {min(best[layout] for layout in LAYOUTS) / best['cnnc']:.2f}   "
              f"mean loss over PyTorch's {relations}", flush=True)


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
    parser.add_argument("--bind", action="store_true")
    parser.add_argument("--cc", default="gcc")
    parser.add_argument("--cnnc", default=HERE.parent / "build" / "cnnc")
    options = parser.parse_args()
    options.train, options.target = True, "native"
    with tempfile.TemporaryDirectory() as directory:
        compare(options, directory)
    return 0


if __name__ == "__main__":
    sys.exit(main())
