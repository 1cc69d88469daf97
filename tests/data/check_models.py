#!/usr/bin/env python3
"""Checks models/*.json against tests/data/counts.csv and layer_counts.csv without the compiler.

A second, independent reading of that part of the network language which the models use: it expands
blocks, infers shapes and counts parameters and multiply-adds, so that a model file and its figures
cannot drift apart and the compiler's counts have something to be compared with. One line per model;
exit 1 if anything differs. With names of models as arguments, prints their counted layers instead.
"""
import ast
import csv
import json
import operator
import pathlib
import re
import sys
from math import prod

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.([A-Za-z_][A-Za-z0-9_]*|[0-9]+))*\Z")
SAME_SHAPE = {"relu", "leaky_relu", "tanh", "scaled_tanh", "sigmoid", "abs", "softmax", "dropout", "lrn"}
ARITHMETIC = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul}


class Layer:
    def __init__(self, name, op, shape, inputs, parameters=0, macs=0):
        self.name, self.op, self.shape, self.inputs = name, op, shape, inputs
        self.parameters, self.macs = parameters, macs

    def output(self):
        return "x".join(map(str, self.shape))


def evaluate(text, parameters):
    """The integer expression after '=': + - * / ( ) over block parameters, division exact."""

    def walk(node):
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name):
            return parameters[node.id]
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -walk(node.operand)
        left, right = walk(node.left), walk(node.right)
        if isinstance(node.op, ast.Div):
            assert left % right == 0, f"{text}: {left}/{right} is not exact"
            return left // right
        return ARITHMETIC[type(node.op)](left, right)

    return walk(ast.parse(text[1:], mode="eval").body)


def substitute(value, parameters):
    if isinstance(value, str) and value.startswith("="):
        return evaluate(value, parameters)
    if isinstance(value, list):
        return [substitute(v, parameters) for v in value]
    if isinstance(value, dict):
        return {k: substitute(v, parameters) for k, v in value.items()}
    return value


def per_axis(value, rank):
    return list(value) if isinstance(value, list) else [value] * rank


def windows(layer, extents, stride_default):
    """Output extents of a convolution or a pooling."""
    rank = len(extents)
    kernel = per_axis(layer["kernel"], rank)
    stride = per_axis(layer.get("stride", stride_default or layer["kernel"]), rank)
    dilation = per_axis(layer.get("dilation", 1), rank)
    if layer.get("pad") == "same":
        return [-(-n // s) for n, s in zip(extents, stride)], kernel
    pad = per_axis(layer.get("pad", 0), rank)
    out = []
    for n, k, s, d, p in zip(extents, kernel, stride, dilation, pad):
        room = n + 2 * p - d * (k - 1) - 1
        assert room >= 0, f"{layer}: kernel does not fit {extents}"
        count = room // s + 1
        if layer.get("ceil_mode") and room % s and count * s < n + p:
            count += 1  # a window that would start in the padding behind the data is dropped
        out.append(count)
    return out, kernel


def bias_size(bias, shape):
    return {True: shape[0], "channel": shape[0], "position": prod(shape), False: 0, "none": 0}[bias]


def infer_windows(layer, name, shape):
    """Convolutions: with a table of connections, what it leaves out is neither parameter nor multiply-add."""
    op = layer["op"]
    extents, kernel = windows(layer, shape[1:], 1)
    out = [shape[0] * layer.get("multiplier", 1) if op == "depthwise" else layer["filters"], *extents]
    groups = shape[0] if op == "depthwise" else layer.get("groups", 1)
    assert shape[0] % groups == 0 and out[0] % groups == 0, f"{name}: {groups} groups"
    pairs = out[0] * shape[0] // groups
    if "connections" in layer:
        assert [len(row) for row in layer["connections"]] == [shape[0] // groups] * out[0], name
        pairs = sum(map(sum, layer["connections"]))
    copies = {"local": prod(extents)}.get(op, 1)
    if op == "tiled":
        copies = prod(map(min, per_axis(layer["period"], len(extents)), extents))
    own = op in ("local", "tiled")
    bias = layer.get("bias", "position" if own else "weights" not in layer)
    weights = 0 if "weights" in layer else copies * pairs * prod(kernel)
    return out, weights + bias_size(bias, out), pairs * prod(kernel) * prod(extents)


def infer(layer, name, shapes):
    """(shape, parameters, multiply-adds) of one layer; shapes are those of its inputs."""
    op, shape = layer["op"], shapes[0]
    if op in ("conv", "depthwise", "local", "tiled"):
        return infer_windows(layer, name, shape)
    if op == "conv_transpose":
        rank, filters = len(shape) - 1, layer["filters"]
        kernel, stride = per_axis(layer["kernel"], rank), per_axis(layer.get("stride", 1), rank)
        extents = [(n - 1) * s + k for n, s, k in zip(shape[1:], stride, kernel)]
        weights = shape[0] * filters * prod(kernel)
        return [filters, *extents], weights + filters, weights * prod(shape[1:])
    if op == "rbf":
        weights = layer["units"] * prod(shape)
        return [layer["units"]], 0 if "weights" in layer else weights, weights
    if op == "dense":
        units, size = layer["units"], prod(shape)
        return [units], units * size + bias_size(layer.get("bias", True), [units]), units * size
    if op == "pool":
        return [shape[0], *windows(layer, shape[1:], None)[0]], 0, 0
    if op == "global_pool":
        return [shape[0]] + [1] * (len(shape) - 1), 0, 0
    if op == "adaptive_pool":
        return [shape[0], *per_axis(layer["output"], len(shape) - 1)], 0, 0
    if op == "batch_norm":
        return shape, 2 * shape[0], 0
    if op == "flatten":
        return [prod(shape)], 0, 0
    if op == "subsample":
        return [shape[0], *windows(layer, shape[1:], None)[0]], 2 * shape[0], 0
    if op == "maxout":
        return [shape[0] // layer["pieces"], *shape[1:]], 0, 0
    if op == "crop":
        return [shape[0], *(n - layer["lo"] - layer["hi"] for n in shape[1:])], 0, 0
    if op == "slice":
        axis, start = layer["axis"], layer["start"]
        return shape[:axis] + [shape[axis] - start] + shape[axis + 1 :], 0, 0
    if op == "sum":
        assert layer["keep"], name
        return [1 if a == layer["axes"] else n for a, n in enumerate(shape)], 0, 0
    if op in ("add", "sub", "mul"):
        assert all(s == shape for s in shapes), f"{name}: {shapes} differ"
        return shape, 0, 0
    if op == "concat":
        axis = layer.get("axis", 0)
        return shape[:axis] + [sum(s[axis] for s in shapes)] + shape[axis + 1 :], 0, 0
    if op == "pad":
        axes = layer.get("axis", 0)
        more = layer.get("lo", 0) + layer.get("hi", 0)
        axes = axes if isinstance(axes, list) else [axes]
        return [n + more if a in axes else n for a, n in enumerate(shape)], 0, 0
    assert op in SAME_SHAPE, f"{name}: unknown operator {op}"
    return shape, 0, 0


class Expander:
    """Unrolls blocks into a list of layers. A scope maps the names a "from" sees to full names."""

    def __init__(self, network):
        self.blocks = network.get("blocks", {})
        self.layers = {}
        self.last = "x"  # the chain: what a layer without "from" reads
        inputs = network.get("inputs") or {"x": network["input"]}
        for name, field in inputs.items():
            if field.get("dtype") == "i32":
                continue  # a target
            self.layers[name] = Layer(name, "input", field["shape"], [])
        self.run(network["layers"], "", [], {name: name for name in inputs}, {})

    def resolve(self, name, block_inputs, scopes):
        if name.startswith("@in"):
            return block_inputs[int(name[4:] or 0)]
        for scope in scopes:
            if name in scope:
                return scope[name]
        return name

    def run(self, layers, prefix, block_inputs, scope, parameters, outer=()):
        made_up = {}
        given = {l["name"] for l in layers if "name" in l}
        for layer in layers:
            layer = substitute(layer, parameters)
            kind = layer.get("op") or layer["block"]
            name = layer.get("name")
            while name is None or (name in given and "name" not in layer):
                made_up[kind] = made_up.get(kind, 0) + 1
                name = f"{kind}{made_up[kind]}"
            assert NAME.match(name), f"{name} is not a name"
            sources = layer.get("from", self.last)
            sources = [sources] if isinstance(sources, str) else sources
            sources = [self.resolve(s, block_inputs, (scope, *outer)) for s in sources]
            if "block" in layer:
                self.use(layer, name, prefix, sources, (scope, *outer))
            else:
                self.add(layer, prefix + name, sources)
                scope[name] = self.last

    def use(self, layer, name, prefix, sources, scopes):
        block = self.blocks[layer["block"]]
        arguments = dict(block.get("params", {}))
        for key, value in layer.items():
            if key not in ("block", "name", "repeat", "start", "from", "share"):
                assert key in arguments, f"{name}: block has no parameter {key}"
                arguments[key] = value
        missing = [k for k, v in arguments.items() if v is None]
        assert not missing, f"{name}: {missing} not given"
        numbers = range(layer.get("start", 0), layer.get("start", 0) + layer.get("repeat", 0))
        instances = [f"{name}.{i}" for i in numbers] if "repeat" in layer else [name]
        for instance in instances:
            self.last = sources[0]
            self.run(block["layers"], f"{prefix}{instance}.", sources, {}, arguments, scopes)
            for made in self.layers if "share" in layer else ():
                if made.startswith(f"{prefix}{instance}."):
                    self.layers[made].parameters = 0
            sources = [self.last]
            scopes[0][instance] = self.last
        scopes[0][name] = self.last

    def add(self, layer, name, sources):
        assert name not in self.layers, f"{name} is there twice"
        shapes = [self.layers[s].shape for s in sources]
        shape, parameters, macs = infer(layer, name, shapes)
        self.layers[name] = Layer(name, layer["op"], shape, sources, parameters, macs)
        self.last = name


def read(path):
    """The layers that inference needs, in order."""
    with open(path) as file:
        network = json.load(file)
    assert network["name"] == path.stem, f"{path}: is named {network['name']}"
    assert network.get("source"), f"{path}: no source"
    expander = Expander(network)
    needed = set()
    wanted = list(network.get("outputs", [expander.last]))
    while wanted:
        name = wanted.pop()
        if name not in needed:
            needed.add(name)
            wanted += expander.layers[name].inputs
    return [layer for name, layer in expander.layers.items() if name in needed]


def rows(name):
    with open(ROOT / "tests/data" / name, newline="") as file:
        return list(csv.DictReader(file))


def check(path, total, per_layer):
    layers = read(path)
    have = sum(l.parameters for l in layers), sum(l.macs for l in layers)
    wrong = []
    if total and have != (int(total["parameters"]), int(total["macs"])):
        wrong.append(f"published {total['parameters']} parameters, {total['macs']} MACs")
    mine = [(l.name, l.op, l.output(), str(l.parameters), str(l.macs)) for l in layers if l.macs]
    columns = ("layer", "op", "output", "parameters", "macs")
    figures = [tuple(row[c] for c in columns) for row in per_layer]
    if not total:  # figures of some layers only
        mine = [m for m in mine if m[0] in {f[0] for f in figures}]
    if figures and mine != figures:
        wrong += [f"layer {a} is published as {b}" for a, b in zip(mine, figures) if a != b]
        wrong += [f"{len(mine)} layers, {len(figures)} published"] * (len(mine) != len(figures))
    state = "no figures" if not total and not figures else "differs" if wrong else "ok"
    print(f"{path.stem:24} {have[0]:>11} parameters {have[1]:>13} MACs  {state}")
    for line in wrong:
        print(f"  {line}")
    return not wrong


def main():
    if len(sys.argv) > 1:
        for name in sys.argv[1:]:
            for l in read(ROOT / f"models/{name}.json"):
                if l.macs:
                    print(l.name, l.op, l.output(), l.parameters, l.macs)
        return 0
    totals = {r["model"]: r for r in rows("counts.csv")}
    per_layer = {}
    for row in rows("layer_counts.csv"):
        per_layer.setdefault(row["model"], []).append(row)
    paths = sorted((ROOT / "models").glob("*.json"))
    good = [check(p, totals.pop(p.stem, None), per_layer.get(p.stem, [])) for p in paths]
    for name in totals:
        print(f"{name}: figures, but no model")
    return 0 if all(good) and not totals else 1


if __name__ == "__main__":
    sys.exit(main())
