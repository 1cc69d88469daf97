"""The sides of a comparison: each library in a process of its own, which sleeps while the others run.

A job says what is run: {"side", "threads", "input", "output", "weights", "onnx", "network", "train", ...}. First each side
saves what all must agree on: the result of inference, or the losses of the first steps."""
import ctypes
import json
import os
import subprocess
import sys
import time

import numpy as np

STEPS = 3  # whose losses are compared


def sample(shape):
    return np.random.default_rng(1).standard_normal(shape).astype(np.float32)


def labels(n, classes):
    return np.random.default_rng(2).integers(0, classes, n).astype(np.int32)


class Cnnc:
    def __init__(self, job):
        self.lib = ctypes.CDLL(job["library"])
        status = self.lib.bench_open(job["threads"], 1) or self.lib.bench_load(job["weights"].encode())
        if status:
            raise SystemExit(f"the library answers {status}")
        self.x, self.y = sample(job["input"]), np.zeros(job["output"], np.float32)
        self.pointer = [a.ctypes.data_as(ctypes.c_void_p) for a in (self.x, self.y)]

    def run(self):
        if self.lib.bench_forward(self.x.shape[0], *self.pointer):
            raise SystemExit("forward failed")
        return self.y


class CnncTraining(Cnnc):
    def __init__(self, job):
        super().__init__(job)
        self.target, self.loss = labels(len(self.x), job["output"][1]), np.zeros(1, np.float32)
        self.pointer = [a.ctypes.data_as(ctypes.c_void_p) for a in (self.x, self.target, self.loss)]

    def run(self):
        if self.lib.bench_train_step(len(self.x), *self.pointer):
            raise SystemExit("train_step failed")
        return float(self.loss[0])


class OnnxRuntime:
    def __init__(self, job):
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = job["threads"]
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        self.session = onnxruntime.InferenceSession(job["onnx"], options, providers=["CPUExecutionProvider"])
        self.feed = {self.session.get_inputs()[0].name: sample(job["input"])}

    def run(self):
        return self.session.run(None, self.feed)[0]


class OpenVino:
    def __init__(self, job):
        import openvino
        settings = {"INFERENCE_NUM_THREADS": job["threads"], "PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1,
                    "INFERENCE_PRECISION_HINT": "f32"}
        self.request = openvino.Core().compile_model(job["onnx"], "CPU", settings).create_infer_request()
        self.request.set_input_tensor(openvino.Tensor(sample(job["input"])))

    def run(self):
        self.request.infer()
        return self.request.get_output_tensor(0).data


class PyTorch:
    channels_last = False

    def __init__(self, job):
        import torch
        from network import Network
        from to_torch import Module
        from weights import load_safetensors
        self.torch, self.network = torch, Network(job["network"])
        torch.set_num_threads(job["threads"])
        self.module = Module(self.network, load_safetensors(job["weights"]), self.heads())
        self.x = torch.from_numpy(sample(job["input"]))
        if self.channels_last and self.x.dim() == 4:
            self.module = self.module.to(memory_format=torch.channels_last)
            self.x = self.x.to(memory_format=torch.channels_last)
        self.prepare(job)

    def heads(self):
        return self.network.outputs

    def prepare(self, job):
        self.module.eval()

    def run(self):
        with self.torch.inference_mode():
            return self.module(self.x)[0].numpy()


class PyTorchChannelsLast(PyTorch):
    channels_last = True


class PyTorchTraining(PyTorch):
    def losses(self):
        document = self.network.document
        return document.get("losses") or [document["loss"]]

    def heads(self):
        return [loss.get("from", self.network.outputs[0]) for loss in self.losses()]

    def prepare(self, job):
        rule = dict(self.network.document["optimizer"])
        if rule.pop("op") != "sgd":
            raise SystemExit("the comparison knows sgd only")
        self.optimizer = self.torch.optim.SGD(self.module.parameters(), **rule)
        self.target = self.torch.from_numpy(labels(len(self.x), job["output"][1])).long()
        self.module.train()

    def run(self):
        self.optimizer.zero_grad()
        loss = sum(about.get("weight", 1) * self.torch.nn.functional.cross_entropy(head, self.target)
                   for head, about in zip(self.module(self.x), self.losses()))
        loss.backward()
        self.optimizer.step()
        return loss.item()


class PyTorchTrainingChannelsLast(PyTorchTraining):
    channels_last = True


# By name: the module that must be installed, and the class for inference and for training.
SIDES = {
    "cnnc": ("numpy", Cnnc, CnncTraining),
    "onnxruntime": ("onnxruntime", OnnxRuntime, None),
    "openvino": ("openvino", OpenVino, None),
    "pytorch": ("torch", PyTorch, PyTorchTraining),
    "pytorch channels_last": ("torch", PyTorchChannelsLast, PyTorchTrainingChannelsLast),
}


def peak_memory():
    """Bytes of this process at their most (Linux: VmHWM)."""
    with open("/proc/self/status", encoding="ascii") as file:
        return next(1024 * int(line.split()[1]) for line in file if line.startswith("VmHWM"))


def serve(job):
    """Answers each line "N" on stdin with the times of N calls, once the output is saved, and at last says its memory."""
    _, inference, training = SIDES[job["side"]]
    side = (training if job["train"] else inference)(job)
    np.save(job["result"], [side.run() for _ in range(STEPS)] if job["train"] else side.run())
    print("ready", flush=True)
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            begin = time.perf_counter()
            side.run()
            times.append(time.perf_counter() - begin)
        print(json.dumps(times), flush=True)
    print(peak_memory(), flush=True)


class Side:
    def __init__(self, name, job, cores):
        self.name = name
        job = {**job, "side": name, "result": os.path.join(job["directory"], name.replace(" ", "_") + ".npy")}
        environment = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",  # pages of 2 MiB for whoever calls malloc
                       **os.environ, "OMP_PROC_BIND": "true", "OMP_PLACES": "cores"}
        self.process = subprocess.Popen(
            ["taskset", "-c", cores, sys.executable, os.path.abspath(__file__), json.dumps(job)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        if self.process.stdout.readline().strip() != "ready":
            raise SystemExit(f"{name} did not start")
        self.output = np.load(job["result"])

    def times(self, calls):
        self.process.stdin.write(f"{calls}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        """Ends it; returns the bytes that its process has taken at most."""
        self.process.stdin.close()
        memory = int(self.process.stdout.readline())
        self.process.wait()
        return memory


if __name__ == "__main__":
    serve(json.loads(sys.argv[1]))
