"""The process that holds the device: measures one case after the other, ours and the others' in turns on the same numbers.

usage: worker.py DEVICE.so [--alone]

Each line on stdin is a job, each line on stdout what is known of it so far, the last one with "done". run starts a new worker
where one is lost, so a case that breaks the device costs only itself. --alone: without PyTorch, ours only. Kinds of jobs: facts,
of the device; case, measured; once, only run."""
import gc
import json
import math
import os
import pathlib
import statistics
import sys
import time
import traceback

from libraries import Cudnn, Device, Failure, Ours

LEAST, MOST = 5, 25        # samples of each side
SAMPLE_MS, SIDE_SECONDS = 5.0, 0.5
COMPILE_SECONDS = 90       # torch.compile is not begun with less time left
STEPS = 3                  # of training, whose losses are compared
WORKSPACE = 1 << 30        # bytes, for cuDNN


def in_turns(device, stream, sides):
    """Milliseconds of a call of each side: so many samples, of about SAMPLE_MS each, as fit into the time."""
    calls = {}
    for name, run in sides.items():
        device.time(stream, run, 3)
        calls[name] = max(1, min(200, round(SAMPLE_MS / max(device.time(stream, run, 1), 1e-3))))
    times, end = {name: [] for name in sides}, time.monotonic() + SIDE_SECONDS * len(sides)
    for sample in range(MOST):
        if sample >= LEAST and time.monotonic() > end:
            break
        for name, run in sides.items():
            times[name].append(device.time(stream, run, calls[name]))
    return times


def summary(ms):
    return dict(ms=statistics.median(ms), low=min(ms), high=max(ms))


class Without:
    """Memory where there is no PyTorch: only ours is measured."""

    def __init__(self, device):
        self.device, self.stream, self.held = device, device.stream(), []

    def allocate(self, size):
        self.held.append(self.device.allocate(size))
        return self.held[-1]

    def release(self):
        for at in self.held:
            self.device.device_free(at)
        self.held = []


class With:
    """Memory and stream of PyTorch's."""

    def __init__(self, torch):
        self.torch, self.own, self.held = torch, torch.cuda.Stream(), []
        self.stream = self.own.cuda_stream
        torch.cuda.set_stream(self.own)

    def tensor(self, shape, dtype=None):
        tensor = self.torch.zeros(shape, dtype=dtype or self.torch.float32, device="cuda")
        self.held.append(tensor)
        return tensor

    def allocate(self, size):
        return self.tensor(size, self.torch.uint8).data_ptr()

    def release(self):
        self.held = []
        gc.collect()
        self.torch.cuda.synchronize()
        self.torch.cuda.empty_cache()


class Case:
    """One job: what is known of it is `found`."""

    def __init__(self, job, device, memory, say):
        self.case, self.job, self.device, self.memory, self.say = job["case"], job, device, memory, say
        self.end = time.monotonic() + job["seconds"]
        self.found = {"name": self.case["name"], "ours": {}, "peers": {}}
        self.sides = {}

    def open(self):
        return Ours(self.job["library"], self.case["train"], self.memory.allocate, self.job["seed"], self.memory.stream)

    def alone(self):
        """Without PyTorch: numbers are zeros, and nothing is compared."""
        ours, batch, allocate = self.open(), self.case["batch"], self.memory.allocate
        x, y = (allocate(4 * batch * math.prod(shape)) for shape in (self.job["input"], self.case["output"]))
        run = ours.train_step(batch, x, y, allocate(4)) if self.case["train"] else ours.forward(batch, x, y)
        if self.job["kind"] == "case":
            self.time_ours(ours, run)
            return
        run()
        if self.device.device_wait():
            raise Failure("the device reports an error")

    def time_ours(self, ours, run):
        run()
        self.sides = {"stream": run, "graph": ours.graph(run)}
        for name, ms in in_turns(self.device, self.memory.stream, self.sides).items():
            self.found["ours"][name] = summary(ms)
        self.say(self.found)

    def beside_one(self, name, run, error):
        """A peer in turns with the faster one of ours."""
        best = min(self.found["ours"], key=lambda side: self.found["ours"][side]["ms"])
        times = in_turns(self.device, self.memory.stream, {best: self.sides[best], name: run})
        self.found["peers"][name] = {"error": error, **summary(times[name]), "ours": statistics.median(times[best])}
        self.say(self.found)

    def weights(self, ours):
        torch, found = self.memory.torch, {}
        for i, (name, shape) in enumerate(ours.parameters()):
            value = torch.empty(shape or [1], dtype=torch.float32)
            ours.copy_parameter(i, value.data_ptr())
            found[name] = value
        return found

    def beside_modes(self, modes, make, error):
        """All ways of PyTorch."""
        torch = self.memory.torch
        for name, mode in modes.items():
            if mode.compiled and (not self.case["compiled"] or self.job["quick"] or self.left() < COMPILE_SECONDS):
                continue
            self.beside_mode(name, lambda mode=mode: make(mode), error)
            torch.compiler.reset()
            gc.collect()
            torch.cuda.synchronize()
            torch.cuda.empty_cache()

    def beside_mode(self, name, make, error):
        import pytorch
        try:
            run = make().run
            self.beside_one(name, run, error(run))
            name += " graph"
            replay = pytorch.captured(run)
            # The first steps of training were made before it was captured.
            self.beside_one(name, replay, None if self.case["train"] else error(replay))
        except Exception as failure:  # of many kinds; a device that is lost shows when it is waited for
            self.found["peers"][name] = {"failed": f"{type(failure).__name__}: {failure}"[:500]}

    def left(self):
        return self.end - time.monotonic()


class InferenceCase(Case):
    def beside(self):
        import pytorch
        torch, case = self.memory.torch, self.case
        torch.manual_seed(1)
        x = self.memory.tensor([case["batch"], *self.job["input"]]).normal_()
        y, ours = self.memory.tensor([case["batch"], *case["output"]]), self.open()
        weights, run = self.weights(ours), ours.forward(case["batch"], x.data_ptr(), y.data_ptr())
        run()
        result, plain = y.clone(), {**case, "dtype": "f32"}
        expected = pytorch.Inference(self.job["document"], plain, weights, pytorch.Mode(), x).run()
        self.found["error"] = pytorch.relative_rms(result, expected)
        self.time_ours(ours, run)
        y.zero_()
        self.sides["graph"]()
        self.found["graph_alike"] = bool(torch.equal(y, result))
        self.peers(x, y, weights, expected)

    def peers(self, x, y, weights, expected):
        import pytorch
        self.beside_modes(pytorch.MODES, lambda mode: pytorch.Inference(self.job["document"], self.case, weights, mode, x),
                          lambda run: pytorch.relative_rms(run().reshape(expected.shape), expected))


class TrainingCase(Case):
    def beside(self):
        import pytorch
        torch, case = self.memory.torch, self.case
        torch.manual_seed(1)
        x = self.memory.tensor([case["batch"], *self.job["input"]]).normal_()
        target = self.memory.tensor([case["batch"]], torch.int32).random_(case["output"][0])
        loss, ours = self.memory.tensor([1]), self.open()
        weights, run = self.weights(ours), ours.train_step(case["batch"], x.data_ptr(), target.data_ptr(), loss.data_ptr())

        def losses(step):
            return [float(step()) for _ in range(STEPS)]

        def make(mode, of=case):
            return pytorch.Training(self.job["document"], of, weights, mode, x, target)

        def apart(values):
            return max(abs(a - b) / abs(b) for a, b in zip(values, expected))
        self.found["losses"] = losses(lambda: run() or loss)
        expected = losses(make(pytorch.Mode(), {**case, "dtype": "f32"}).run)
        self.found["error"] = apart(self.found["losses"])
        torch.cuda.empty_cache()
        self.time_ours(ours, run)
        self.beside_modes(pytorch.MODES, make, lambda run: apart(losses(run)))


class LayerCase(InferenceCase):
    """Beside cuDNN, or where there is none conv2d."""

    def shape(self):
        c, h, w, filters, kernel, stride, pad = self.case["layer"]
        return [self.case["batch"], c, h, w, filters, kernel, stride, pad, *self.case["output"][1:]]

    def peers(self, x, y, weights, expected):
        import pytorch
        weight, dtype = weights["conv.weight"].cuda(), {"f32x3": "f32"}.get(self.case["dtype"], self.case["dtype"])
        if not self.job["cudnn"]:
            side = pytorch.Convolution(self.case["layer"], dtype, x, weight)
            self.beside_one("conv2d", side.run, pytorch.relative_rms(side.run(), expected))
            return
        for layout in ("NHWC",) if dtype == "bf16" else ("NHWC", "NCHW"):
            try:
                self.beside_cudnn(layout, dtype, x, weight, expected)
            except Failure as failure:
                self.found["peers"][f"cuDNN {layout}"] = {"failed": str(failure)}

    def beside_cudnn(self, layout, dtype, x, weight, expected):
        import pytorch
        torch = self.memory.torch
        to, order = pytorch.PRECISION[dtype][1], torch.channels_last if layout == "NHWC" else torch.contiguous_format
        x, weight = (t.to(to).contiguous(memory_format=order) for t in (x, weight))
        y = torch.empty_like(expected, dtype=to, memory_format=order)
        workspace = torch.empty(WORKSPACE, dtype=torch.uint8, device="cuda")
        run = cudnn_of(self.job["cudnn"], self.memory.stream).prepare(
            self.shape(), dtype, layout, x.data_ptr(), weight.data_ptr(), y.data_ptr(), workspace.data_ptr(), WORKSPACE)
        run()
        self.beside_one(f"cuDNN {layout}", run, pytorch.relative_rms(y, expected))


def cudnn_of(path, stream, opened={}):
    """One for the life of the worker."""
    if path not in opened:
        opened[path] = Cudnn(path, stream)
    return opened[path]


def measure(job, device, memory, say):
    kind = LayerCase if job["case"].get("layer") else TrainingCase if job["case"]["train"] else InferenceCase
    case = kind(job, device, memory, say)
    try:
        case.beside() if isinstance(memory, With) else case.alone()
    except Exception as failure:
        case.found["failed"] = f"{type(failure).__name__}: {failure}"[:500]
        traceback.print_exc(file=sys.stderr)
    found, case = case.found, None
    say(found)
    memory.release()
    say({**found, "done": True})
    if job["kind"] == "once" and "failed" in found:
        sys.exit(found["failed"])


def pytorch_or_none():
    """The module where it has a device, and why not otherwise."""
    if "--alone" in sys.argv:
        return None, "it was not asked for"
    try:
        import torch
    except ImportError as error:
        return None, str(error)
    return (torch, None) if torch.cuda.is_available() else (None, "PyTorch sees no CUDA device")


def main():
    # What libraries print goes to stderr.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def say(what):
        answers.write(json.dumps(what) + "\n")
        answers.flush()
    device = Device(pathlib.Path(sys.argv[1]))
    torch, missing = pytorch_or_none()
    memory = With(torch) if torch else Without(device)
    for line in sys.stdin:
        job = json.loads(line)
        if job["kind"] == "facts":
            versions = (torch.__version__, torch.backends.cudnn.version()) if torch else (None, None)
            say({"device": device.facts(), "peaks": device.peaks(), "torch": versions[0], "cudnn": versions[1], "missing": missing,
                 "done": True})
        else:
            measure(job, device, memory, say)


if __name__ == "__main__":
    main()
