"""A network document plus its weights as a PyTorch module: the peer in training, and one more in inference."""
import math

import torch
import torch.nn.functional as F

from network import padding, per_axis, window_padding

CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
MAX_POOL = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
AVERAGE_POOL = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}
ADAPTIVE_MAX = {1: F.adaptive_max_pool1d, 2: F.adaptive_max_pool2d, 3: F.adaptive_max_pool3d}
ADAPTIVE_AVERAGE = {1: F.adaptive_avg_pool1d, 2: F.adaptive_avg_pool2d, 3: F.adaptive_avg_pool3d}
SAME_SHAPE = {"relu": F.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid}


class Module(torch.nn.Module):
    """Runs the layers that its outputs need; parameters have the names of the document."""

    def __init__(self, network, weights, outputs):
        super().__init__()
        self.layers, self.outputs, self.first = network.needed(outputs), outputs, next(iter(network.inputs))
        for layer in self.layers:
            for suffix in ("weight", "bias", "running_mean", "running_var"):
                name = f"{layer['name']}.{suffix}"
                if name not in weights:
                    continue
                value = torch.as_tensor(weights[name], dtype=torch.float32).clone()
                if suffix.startswith("running"):
                    self.register_buffer(self.key(name), value)
                else:
                    self.register_parameter(self.key(name), torch.nn.Parameter(value))

    @staticmethod
    def key(name):
        return name.replace(".", "/")

    def of(self, layer, suffix):
        return getattr(self, self.key(f"{layer['name']}.{suffix}"), None)

    @staticmethod
    def padded(layer, x, value):
        """x and the padding that the operator itself can do."""
        rank = x.dim() - 2
        kernel, stride = per_axis(layer["kernel"], rank, 1), per_axis(layer.get("stride"), rank, 1)
        lo, hi = window_padding(layer, x.shape[2:], kernel, stride)
        if lo == hi:
            return x, lo
        flat = [p for pair in zip(reversed(lo), reversed(hi)) for p in pair]
        return F.pad(x, flat, value=value), [0] * rank

    def op_conv(self, layer, x, groups=None):
        rank = x.dim() - 2
        x, pad = self.padded(layer, x, 0)
        return CONV[rank](x, self.of(layer, "weight"), self.of(layer, "bias"), per_axis(layer.get("stride"), rank, 1), pad,
                          per_axis(layer.get("dilation"), rank, 1), groups or layer.get("groups", 1))

    def op_depthwise(self, layer, x):
        return self.op_conv(layer, x, x.shape[1])

    def op_dense(self, layer, x):
        return F.linear(x.flatten(1), self.of(layer, "weight"), self.of(layer, "bias"))

    def op_pool(self, layer, x):
        rank, most = x.dim() - 2, layer["kind"] == "max"
        kernel = per_axis(layer["kernel"], rank, None)
        x, pad = self.padded({"stride": kernel, **layer}, x, -math.inf if most else 0)
        fixed = (x, kernel, per_axis(layer.get("stride", kernel), rank, None), pad)
        if most:
            return MAX_POOL[rank](*fixed, ceil_mode=layer.get("ceil_mode", False))
        return AVERAGE_POOL[rank](*fixed, layer.get("ceil_mode", False), layer.get("count_include_pad", True))

    def op_global_pool(self, layer, x):
        axes = tuple(range(2, x.dim()))
        return x.mean(axes, True) if layer.get("kind", "average") == "average" else x.amax(axes, True)

    def op_adaptive_pool(self, layer, x):
        output = per_axis(layer["output"], x.dim() - 2, None)
        return (ADAPTIVE_MAX if layer["kind"] == "max" else ADAPTIVE_AVERAGE)[x.dim() - 2](x, output)

    def op_batch_norm(self, layer, x):
        return F.batch_norm(x, self.of(layer, "running_mean"), self.of(layer, "running_var"), self.of(layer, "weight"),
                            self.of(layer, "bias"), self.training, layer.get("momentum", 0.1), layer.get("eps", 1e-5))

    def op_lrn(self, layer, x):
        return F.local_response_norm(x, layer.get("size", 5), layer.get("alpha", 1e-4), layer.get("beta", 0.75),
                                     layer.get("k", 1.0))

    def op_add(self, layer, *x):
        return sum(x[1:], x[0])

    def op_concat(self, layer, *x):
        return torch.cat(x, 1)

    def op_flatten(self, layer, x):
        return x.flatten(1)

    def op_dropout(self, layer, x):
        return F.dropout(x, layer.get("p", 0.5), self.training)

    def op_softmax(self, layer, x):
        return F.softmax(x, 1)

    def op_pad(self, layer, x):
        lo, hi = padding(layer, x.dim())
        return F.pad(x, [p for pair in zip(reversed(lo), reversed(hi)) for p in pair], value=layer.get("value", 0))

    def forward(self, x):
        values = {self.first: x}
        for layer in self.layers:
            given = [values[name] for name in layer["inputs"]]
            same = SAME_SHAPE.get(layer["op"])
            values[layer["name"]] = same(*given) if same else getattr(self, "op_" + layer["op"])(layer, *given)
        return [values[name] for name in self.outputs]
