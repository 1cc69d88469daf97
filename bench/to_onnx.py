"""A network document plus its weights (safetensors) as an ONNX model, so that peers run the same network.

usage: to_onnx.py NET.json WEIGHTS.safetensors OUT.onnx [--batch N]
"""
import argparse

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from network import Network, padding, per_axis, window_padding
from weights import load_safetensors


class Exporter:
    def __init__(self, network, weights, batch):
        self.network, self.weights = network, weights
        self.nodes, self.initializers = [], []
        self.shape = {name: [batch] + shape for name, shape in network.inputs.items()}

    def constant(self, name, array):
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def parameter(self, layer, suffix):
        name = f"{layer['name']}.{suffix}"
        return self.constant(name, self.weights[name].astype(np.float32))

    def node(self, op, layer, inputs, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [layer["name"]], **attributes))

    def window(self, layer, extent, default_stride):
        rank = len(extent)
        kernel = per_axis(layer["kernel"], rank, None)
        stride = per_axis(layer.get("stride"), rank, None) if "stride" in layer else (
            kernel if default_stride is None else [default_stride] * rank)
        lo, hi = window_padding(layer, extent, kernel, stride)
        return kernel, stride, lo, hi

    def op_conv(self, layer, x, groups=None):
        extent = self.shape[x][2:]
        kernel, stride, lo, hi = self.window(layer, extent, 1)
        dilation = per_axis(layer.get("dilation"), len(extent), 1)
        groups = groups or layer.get("groups", 1)
        inputs = [x, self.parameter(layer, "weight")]
        bias = layer.get("bias", True)
        positional = bias == "position"
        if bias not in (False, "none") and not positional:
            inputs.append(self.parameter(layer, "bias"))
        filters = self.weights[layer["name"] + ".weight"].shape[0]
        out = [(e + a + b - d * (k - 1) - 1) // s + 1
               for e, a, b, k, s, d in zip(extent, lo, hi, kernel, stride, dilation)]
        self.shape[layer["name"]] = [self.shape[x][0], filters] + out
        attributes = dict(kernel_shape=kernel, strides=stride, dilations=dilation, pads=lo + hi, group=groups)
        if positional:
            raw = dict(layer, name=layer["name"] + ".raw")
            self.node("Conv", raw, inputs, **attributes)
            self.node("Add", layer, [raw["name"], self.parameter(layer, "bias")])
        else:
            self.node("Conv", layer, inputs, **attributes)

    def op_depthwise(self, layer, x):
        self.op_conv(layer, x, groups=self.shape[x][1])

    def op_dense(self, layer, x):
        flat = layer["name"] + ".flat"
        self.nodes.append(helper.make_node("Flatten", [x], [flat], axis=1))
        inputs = [flat, self.parameter(layer, "weight")]
        if layer.get("bias", True) not in (False, "none"):
            inputs.append(self.parameter(layer, "bias"))
        self.node("Gemm", layer, inputs, transB=1)
        self.shape[layer["name"]] = [self.shape[x][0], layer["units"]]

    def op_pool(self, layer, x):
        extent = self.shape[x][2:]
        kernel, stride, lo, hi = self.window(layer, extent, None)
        ceil = layer.get("ceil_mode", False)
        out = []
        for e, a, b, k, s in zip(extent, lo, hi, kernel, stride):
            o = (-((e + a + b - k) // -s) if ceil else (e + a + b - k) // s) + 1
            out.append(o - 1 if ceil and (o - 1) * s >= e + a else o)
        self.shape[layer["name"]] = self.shape[x][:2] + out
        attributes = dict(kernel_shape=kernel, strides=stride, pads=lo + hi, ceil_mode=int(ceil))
        if layer["kind"] == "max":
            self.node("MaxPool", layer, [x], **attributes)
        else:
            include = int(layer.get("count_include_pad", True))
            self.node("AveragePool", layer, [x], count_include_pad=include, **attributes)

    def op_global_pool(self, layer, x):
        self.shape[layer["name"]] = self.shape[x][:2] + [1] * (len(self.shape[x]) - 2)
        kinds = {"max": "GlobalMaxPool", "average": "GlobalAveragePool"}
        self.node(kinds[layer.get("kind", "average")], layer, [x])

    def op_adaptive_pool(self, layer, x):
        extent = self.shape[x][2:]
        out = per_axis(layer["output"], len(extent), None)
        if any(e % o for e, o in zip(extent, out)):
            raise ValueError("adaptive pooling with uneven windows has no ONNX operator")
        self.op_pool({**layer, "kernel": [e // o for e, o in zip(extent, out)]}, x)

    def op_batch_norm(self, layer, x):
        self.shape[layer["name"]] = self.shape[x]
        inputs = [self.parameter(layer, s) for s in ("weight", "bias", "running_mean", "running_var")]
        self.node("BatchNormalization", layer, [x] + inputs, epsilon=layer.get("eps", 1e-5))

    def op_lrn(self, layer, x):
        self.shape[layer["name"]] = self.shape[x]
        self.node("LRN", layer, [x], size=layer.get("size", 5), alpha=float(layer.get("alpha", 1e-4)),
                  beta=float(layer.get("beta", 0.75)), bias=float(layer.get("k", 1.0)))

    def op_concat(self, layer, *inputs):
        shape = list(self.shape[inputs[0]])
        shape[1] = sum(self.shape[i][1] for i in inputs)
        self.shape[layer["name"]] = shape
        self.node("Concat", layer, list(inputs), axis=1)

    def op_pad(self, layer, x):
        lo, hi = padding(layer, len(self.shape[x]))
        self.shape[layer["name"]] = [a + e + b for a, e, b in zip(lo, self.shape[x], hi)]
        name = layer["name"]
        self.node("Pad", layer, [x, self.constant(name + ".pads", np.array(lo + hi, np.int64)),
                                 self.constant(name + ".value", np.float32(layer.get("value", 0)))])

    def op_flatten(self, layer, x):
        self.shape[layer["name"]] = [self.shape[x][0], int(np.prod(self.shape[x][1:]))]
        self.node("Flatten", layer, [x], axis=1)

    def op_dropout(self, layer, x):
        self.shape[layer["name"]] = self.shape[x]
        self.node("Identity", layer, [x])

    def elementwise(self, layer, *inputs):
        names = {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid", "add": "Add", "mul": "Mul", "softmax": "Softmax"}
        self.shape[layer["name"]] = self.shape[inputs[0]]
        attributes = {"axis": 1} if layer["op"] == "softmax" else {}
        self.node(names[layer["op"]], layer, list(inputs), **attributes)

    def model(self):
        for layer in self.network.needed(self.network.outputs):
            getattr(self, "op_" + layer["op"], self.elementwise)(layer, *layer["inputs"])
        value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, self.shape[name])
        graph = helper.make_graph(self.nodes, self.network.name, [value(i) for i in self.network.inputs],
                                  [value(o) for o in self.network.outputs], self.initializers)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("network")
    parser.add_argument("weights")
    parser.add_argument("output")
    parser.add_argument("--batch", type=int, default=1)
    options = parser.parse_args()
    exporter = Exporter(Network(options.network), load_safetensors(options.weights), options.batch)
    onnx.save(exporter.model(), options.output)


if __name__ == "__main__":
    main()
