"""cnnc beside ONNX Runtime: the same network, weights and input, in one run, in turns, pinned.

usage: peers.py [--threads 2] [--batch 1] [--rounds 7] [--target native] [--cc gcc] [--csv FILE] NET.json ...

Each side is a process of its own that sleeps while the other one runs. One line per network: the smallest and the median time of
a call, the ratio of the medians (peer / cnnc: above 1 cnnc is faster) with its spread over the rounds, and the largest
difference of the outputs relative to the largest output: a fast wrong answer is a failure (above 1e-4).
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
MISSING = [name for name in ("numpy", "onnx", "onnxruntime") if not importlib.util.find_spec(name)]
if not MISSING:
    import numpy as np


def sample(shape):
    return np.random.default_rng(1).standard_normal(shape).astype(np.float32)


# ---- the two sides, each in a process of its own ---------------------------------------------------------------------


class Cnnc:
    def __init__(self, job):
        self.lib = ctypes.CDLL(job["library"])
        status = self.lib.bench_open(job["threads"], 1) or self.lib.bench_load(job["weights"].encode())
        if status:
            raise SystemExit(f"the library answers {status}")
        self.x, self.y = sample(job["input"]), np.zeros(job["output"], np.float32)
        self.pointer = [a.ctypes.data_as(ctypes.POINTER(ctypes.c_float)) for a in (self.x, self.y)]

    def forward(self):
        if self.lib.bench_forward(self.x.shape[0], *self.pointer):
            raise SystemExit("forward failed")
        return self.y


class OnnxRuntime:
    def __init__(self, job):
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = job["threads"]
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        self.session = onnxruntime.InferenceSession(job["onnx"], options, providers=["CPUExecutionProvider"])
        self.feed = {self.session.get_inputs()[0].name: sample(job["input"])}

    def forward(self):
        return self.session.run(None, self.feed)[0]


def serve(job):
    """Answers each line "N" on stdin with the times of N calls; "output" with a file of the result."""
    side = {"cnnc": Cnnc, "onnxruntime": OnnxRuntime}[job["side"]](job)
    side.forward()
    print("ready", flush=True)
    for line in sys.stdin:
        if line.strip() == "output":
            np.save(job["result"], side.forward())
            print("saved", flush=True)
            continue
        times = []
        for _ in range(int(line)):
            begin = time.perf_counter()
            side.forward()
            times.append(time.perf_counter() - begin)
        print(json.dumps(times), flush=True)


class Side:
    def __init__(self, name, job, cores):
        job = {**job, "side": name, "result": os.path.join(job["directory"], name + ".npy")}
        environment = {**os.environ, "OMP_PROC_BIND": "true", "OMP_PLACES": "cores"}
        self.process = subprocess.Popen(
            ["taskset", "-c", cores, sys.executable, os.path.abspath(__file__), "--serve", json.dumps(job)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        self.result = job["result"]
        if self.process.stdout.readline().strip() != "ready":
            raise SystemExit(f"{name} did not start")

    def ask(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()

    def times(self, calls):
        return json.loads(self.ask(str(calls)))

    def output(self):
        self.ask("output")
        return np.load(self.result)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


# ---- one network -----------------------------------------------------------------------------------------------------


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def prepare(path, options, directory):
    """Builds the library and the ONNX model with the same seeded weights."""
    from to_onnx import Exporter, load_safetensors
    from network import Network
    import onnx
    network = Network(path)
    base = os.path.join(directory, network.name)
    run(options.cnnc, path, "-o", base + ".c", "--batch", str(options.batch), "--target", options.target)
    library = base + ".so"
    run(options.cc, "-O2", "-fopenmp", "-shared", "-fPIC", "-I", directory, f"-DNET={network.name}",
        f'-DHEADER="{network.name}.h"', os.path.join(HERE, "harness.c"), base + ".c", "-lm", "-o", library)
    weights = base + ".safetensors"
    seeded = ctypes.CDLL(library)
    if seeded.bench_open(1, 1) or seeded.bench_save(weights.encode()):
        raise SystemExit("no weights")
    exporter = Exporter(network, load_safetensors(weights), options.batch)
    onnx.save(exporter.model(), base + ".onnx")
    return dict(library=library, weights=weights, onnx=base + ".onnx", threads=options.threads, directory=directory,
                input=exporter.shape[next(iter(network.inputs))], output=exporter.shape[network.outputs[0]])


def compare(path, options):
    with tempfile.TemporaryDirectory() as directory:
        job = prepare(path, options, directory)
        cores = ",".join(str(c) for c in range(options.threads))
        ours, peer = Side("cnnc", job, cores), Side("onnxruntime", job, cores)
        a, b = ours.output(), peer.output()
        difference = float(np.abs(a - b).max() / np.abs(b).max())
        calls = max(3, min(200, int(0.7 / min(peer.times(2)))))
        rounds = []
        for _ in range(options.rounds):
            rounds.append((ours.times(calls), peer.times(calls)))
            time.sleep(0.1)
        ours.close()
        peer.close()
    median = [statistics.median(statistics.median(r[i]) for r in rounds) for i in (0, 1)]
    smallest = [min(min(r[i]) for r in rounds) for i in (0, 1)]
    ratios = sorted(statistics.median(r[1]) / statistics.median(r[0]) for r in rounds)
    return dict(net=os.path.basename(path)[:-5], batch=options.batch, threads=options.threads,
                cnnc_min_ms=1e3 * smallest[0], cnnc_median_ms=1e3 * median[0], peer_min_ms=1e3 * smallest[1],
                peer_median_ms=1e3 * median[1], ratio=median[1] / median[0], ratio_low=ratios[0],
                ratio_high=ratios[-1], difference=difference)


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--serve":
        serve(json.loads(sys.argv[2]))
        return 0
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("networks", nargs="+")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--target", default="native")
    parser.add_argument("--cc", default="gcc")
    parser.add_argument("--cnnc", default=os.path.join(ROOT, "build", "cnnc"))
    parser.add_argument("--csv")
    options = parser.parse_args()
    if MISSING:
        sys.exit(f"{', '.join(MISSING)} missing; python3 -m venv v && v/bin/pip install -r {HERE}/requirements.txt, then "
                 f"v/bin/python {sys.argv[0]}")
    missing = [path for path in (options.cnnc, *options.networks) if not os.path.exists(path)]
    if missing:
        sys.exit(f"{missing[0]} is missing; ./scripts/setup builds cnnc, --cnnc names another one")
    wrong, rows = 0, []
    for path in options.networks:
        row = compare(path, options)
        rows.append(row)
        wrong += row["difference"] > 1e-4
        print("{net:18} b{batch} {threads}T   cnnc {cnnc_min_ms:8.2f} / {cnnc_median_ms:8.2f} ms   "
              "onnxruntime {peer_min_ms:8.2f} / {peer_median_ms:8.2f} ms   "
              "ratio {ratio:.2f} ({ratio_low:.2f} .. {ratio_high:.2f})   difference {difference:.1e}".format(**row),
              flush=True)
    if options.csv:
        with open(options.csv, "w", encoding="utf-8") as file:
            file.write(",".join(rows[0]) + "\n")
            file.writelines(",".join(str(v) for v in row.values()) + "\n" for row in rows)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
