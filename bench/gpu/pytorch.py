"""PyTorch beside an emitted network: the same document, parameters and input, in all the ways in which PyTorch runs it."""
from typing import NamedTuple

import torch
import torch.nn.functional as F

from network import Network
from to_torch import Module


class Mode(NamedTuple):
    channels_last: bool = False
    compiled: bool = False


# Each is measured as it is, and captured as a CUDA graph.
MODES = {"eager": Mode(), "channels_last": Mode(channels_last=True), "compile": Mode(channels_last=True, compiled=True)}
# Which products of f32 may be tf32, and the type of tensors, by our --dtype.
PRECISION = {"f32": (False, torch.float32), "f32x3": (False, torch.float32), "tf32": (True, torch.float32),
             "bf16": (False, torch.bfloat16), "f16": (False, torch.float16)}


def set_precision(dtype):
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = PRECISION[dtype][0]
    return PRECISION[dtype][1]


def captured(run):
    """The same as one CUDA graph, after some runs."""
    torch.cuda.empty_cache()
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            run()
    torch.cuda.current_stream().wait_stream(side)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = run()

    def replay():
        graph.replay()
        return result
    return replay


class Side:
    """`run` returns the output, or the loss of the step that it has made."""

    def __init__(self, path, case, weights, mode, x):
        self.mode, self.network = mode, Network(path)
        self.dtype = set_precision(case["dtype"])
        self.module = Module(self.network, weights, self.heads()).to(x.device)
        self.x = x
        if mode.channels_last and x.dim() == 4:
            self.module = self.module.to(memory_format=torch.channels_last)
            self.x = x.to(memory_format=torch.channels_last)
        self.prepare()

    def heads(self):
        return self.network.outputs


class Inference(Side):
    """Tensors have the type of the products, the input too."""

    def prepare(self):
        self.module = self.module.eval().to(self.dtype)
        self.x = self.x.to(self.dtype)
        if self.mode.compiled:  # with parameters as constants, which lets it fold normalisations
            self.module = torch.compile(self.module, options={"freezing": True})

    def run(self):
        with torch.no_grad():
            return self.module(self.x)[0]


class Training(Side):
    """SGD on parameters in f32; products of other types by autocast."""

    def __init__(self, path, case, weights, mode, x, target):
        self.target = target.long()
        super().__init__(path, case, weights, mode, x)

    def losses(self):
        return self.network.document.get("losses") or [self.network.document["loss"]]

    def heads(self):
        return [loss.get("from", self.network.outputs[0]) for loss in self.losses()]

    def prepare(self):
        rule = dict(self.network.document["optimizer"])
        if rule.pop("op") != "sgd":
            raise ValueError("the comparison knows sgd only")
        fused = {"fused": True} if self.x.is_cuda else {}
        self.optimizer = torch.optim.SGD(self.module.parameters(), **rule, **fused)
        self.module.train()
        self.forward = torch.compile(self.module) if self.mode.compiled else self.module

    def run(self):
        self.optimizer.zero_grad()
        with torch.autocast(self.x.device.type, self.dtype, enabled=self.dtype != torch.float32, cache_enabled=False):
            heads = self.forward(self.x)
        loss = sum(about.get("weight", 1) * F.cross_entropy(head.float(), self.target)
                   for head, about in zip(heads, self.losses()))
        loss.backward()
        self.optimizer.step()
        return loss.detach()


class Convolution:
    """One layer by conv2d, where there is no cuDNN to be called."""

    def __init__(self, layer, dtype, x, weight):
        to = set_precision(dtype)
        self.stride, self.pad = layer[5], layer[6]
        self.x, self.weight = (t.to(to).to(memory_format=torch.channels_last) for t in (x, weight))

    def run(self):
        with torch.no_grad():
            return F.conv2d(self.x, self.weight, None, self.stride, self.pad)


def relative_rms(values, expected):
    values, expected = values.double(), expected.double()
    return float(((values - expected).square().mean() / expected.square().mean()).sqrt())
