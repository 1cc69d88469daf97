#!/usr/bin/env python3
"""Writes reference.json: small networks and what PyTorch computes for them in double.

  python3 tests/numeric/make_reference.py      (Debian: apt-get install python3-torch)

Inputs and parameters are not stored: element i of the tensor NAME is value(NAME, i), which the test
computes as well. An inference case holds the network's output for n samples; a training case holds
the loss, the gradient of every parameter, the running statistics after the step and in some cases
the parameters after one step of the optimiser, or after "steps" of them on the same batch.
"""
import itertools
import json
import pathlib

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
CASES = []


def value(name, i):
    """In [-1, 1), the same in reference.c."""
    h = 2166136261
    for byte in name.encode():
        h = (h ^ byte) * 16777619 & 0xFFFFFFFF
    z = (h ^ i * 0x9E3779B9) & 0xFFFFFFFF
    z = (z ^ z >> 16) * 0x85EBCA6B & 0xFFFFFFFF
    z = (z ^ z >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
    return (z ^ z >> 16) / 2**31 - 1


def tensor(name, *shape):
    size = torch.Size(shape).numel()
    t = torch.tensor([value(name, i) for i in range(size)]).reshape(shape)
    return t.abs() + 0.5 if name.endswith("running_var") else t


def numbers(t):
    return [float(f"{x:.14g}") for x in t.detach().reshape(-1).tolist()]


def case(title, shape, layers, compute, n=2):
    """One input x; compute(x) is the output of the last layer."""
    layers = layers if isinstance(layers, list) else [layers]
    y = compute(tensor("x", n, *shape))
    network = {"name": "net", "input": {"shape": list(shape)}, "layers": layers}
    CASES.append({"title": title, "network": network, "n": n, "shape": list(y.shape),
                  "output": numbers(y)})


# ---- convolution

def conv(title, shape, fields, compute=None, filters=4):
    rank = len(shape) - 1
    kernel = fields.get("kernel", 3)
    kernel = kernel if isinstance(kernel, list) else [kernel] * rank
    groups = fields.get("groups", 1)
    w = tensor("c.weight", filters, shape[0] // groups, *kernel)
    b = None if fields.get("bias") is False else tensor("c.bias", filters)
    function = [F.conv1d, F.conv2d, F.conv3d][rank - 1]
    default = lambda x: function(x, w, b, fields.get("stride", 1), fields.get("pad", 0),
                                 fields.get("dilation", 1), groups)
    layer = {"op": "conv", "name": "c", "filters": filters, "kernel": 3, **fields}
    case(title, shape, layer, compute and (lambda x: compute(x, w, b)) or default)


def positions_apart(x, parameter, kernel, options, period=None, bias="position"):
    """local and tiled: of a convolution with the weights of each position, that position is kept."""
    rank = x.dim() - 2
    function = [F.conv1d, F.conv2d, F.conv3d][rank - 1]
    out = function(x, torch.zeros(3, x.shape[1], *[kernel] * rank), **options).shape[2:]
    repeat = [min(p, o) for p, o in zip(period or out, out)]
    w = parameter("c.weight", *repeat, 3, x.shape[1], *[kernel] * rank)
    y = [function(x, w[tuple(i % r for i, r in zip(at, repeat))], **options)[(..., *at)]
         for at in itertools.product(*map(range, out))]
    y = torch.stack(y, 2).reshape(x.shape[0], 3, *out)
    if bias == "position":
        return y + parameter("c.bias", 3, *out)
    return y + parameter("c.bias", 3).reshape(3, *[1] * rank) if bias else y


def unshared(shape, kernel, options, period=None, bias="position"):
    fields = {"pad" if k == "padding" else k: v for k, v in options.items()}
    fields |= {"period": period} if period else {}
    fields |= {} if bias == "position" else {"bias": bias}
    case(f"{'tiled' if period else 'local'} {shape} {fields}", shape,
         {"op": "tiled" if period else "local", "name": "c", "filters": 3, "kernel": kernel, **fields},
         lambda x: positions_apart(x, tensor, kernel, options, period, bias))


def convolutions():
    conv("conv 1-D", (3, 9), {})
    conv("conv 2-D", (3, 6, 7), {})
    conv("conv 3-D", (2, 4, 5, 4), {})
    conv("conv 1x1", (5, 3, 3), {"kernel": 1})
    conv("conv stride and padding", (3, 7, 8), {"stride": 2, "pad": 1})
    conv("conv per axis", (3, 7, 9), {"kernel": [2, 4], "stride": [1, 3], "pad": [1, 2],
                                      "dilation": [2, 1]})
    conv("conv dilation", (2, 9, 9), {"dilation": 3, "pad": 2})
    conv("conv groups", (4, 5, 5), {"groups": 2})
    conv("conv groups 3-D", (4, 3, 4, 3), {"groups": 4, "pad": 1, "stride": [1, 2, 1]}, filters=8)
    conv("conv without bias", (2, 5, 5), {"bias": False})
    conv("conv sides", (2, 5, 6), {"pad": {"lo": [0, 2], "hi": 1}},
         lambda x, w, b: F.conv2d(F.pad(x, (2, 1, 0, 1)), w, b))
    conv("conv valid", (2, 5, 6), {"pad": "valid"}, lambda x, w, b: F.conv2d(x, w, b))
    conv("conv same", (2, 5, 6), {"pad": "same", "kernel": [3, 4], "dilation": [2, 1]},
         lambda x, w, b: F.conv2d(x, w, b, padding="same", dilation=(2, 1)))
    conv("conv same with stride", (2, 7, 8), {"pad": "same", "stride": 2},
         lambda x, w, b: F.conv2d(F.pad(x, (0, 1, 1, 1)), w, b, stride=2))
    conv("conv full", (2, 4, 3), {"pad": "full"}, lambda x, w, b: F.conv2d(x, w, b, padding=2))
    conv("conv flip", (2, 5, 6), {"flip": True}, lambda x, w, b: F.conv2d(x, w.flip(2, 3), b))
    conv("conv flip 1-D", (2, 6), {"flip": True}, lambda x, w, b: F.conv1d(x, w.flip(2), b))
    table = [[1, 1, 0], [0, 1, 1], [1, 0, 1], [1, 1, 1]]
    mask = torch.tensor(table, dtype=torch.float64)
    conv("conv connections", (3, 5, 5), {"connections": table, "flip": True},
         lambda x, w, b: F.conv2d(x, w.flip(2, 3) * mask[:, :, None, None], b))
    conv("conv bias per position", (2, 4, 5), {"bias": "position"},
         lambda x, w, b: F.conv2d(x, w) + tensor("c.bias", 4, 2, 3))
    sobel = [[1, 0, -1], [2, 0, -2], [1, 0, -1]]
    fixed = torch.tensor(sobel, dtype=torch.float64)
    conv("conv fixed weights", (2, 5, 5), {"weights": sobel},
         lambda x, w, b: F.conv2d(x, fixed.expand(4, 2, 3, 3)))
    conv("conv fixed weights, flip, bias", (2, 5, 5), {"weights": sobel, "flip": True, "bias": True},
         lambda x, w, b: F.conv2d(x, fixed.flip(0, 1).expand(4, 2, 3, 3), b))
    case("depthwise", (3, 6, 6), {"op": "depthwise", "name": "d", "kernel": 3, "stride": 2, "pad": 1},
         lambda x: F.conv2d(x, tensor("d.weight", 3, 1, 3, 3), tensor("d.bias", 3), 2, 1, 1, 3))
    case("depthwise multiplier", (3, 6), {"op": "depthwise", "name": "d", "kernel": 3,
                                          "multiplier": 2, "bias": False},
         lambda x: F.conv1d(x, tensor("d.weight", 6, 1, 3), groups=3))
    functions = [F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d]
    for shape, options in (
            ((3, 5), {}), ((3, 4, 5), {}), ((2, 3, 4, 3), {}), ((3, 4, 5), {"stride": 2}),
            ((2, 5), {"stride": 3, "padding": 1, "output_padding": 2}),
            ((2, 3, 4), {"stride": (2, 3), "padding": (1, 0), "dilation": (1, 2)}),
            ((2, 3, 2, 3), {"stride": (1, 2, 2), "padding": 1, "output_padding": (0, 1, 1)}),
            ((4, 3, 4), {"groups": 2, "stride": 2, "padding": 1})):
        rank, groups = len(shape) - 1, options.get("groups", 1)
        fields = {"pad" if k == "padding" else k: v for k, v in options.items()}
        case(f"conv_transpose {shape} {options}", shape,
             {"op": "conv_transpose", "name": "c", "filters": 4, "kernel": 3, **fields},
             lambda x: functions[rank - 1](x, tensor("c.weight", shape[0], 4 // groups, *[3] * rank),
                                           tensor("c.bias", 4), **options))
    case("conv_transpose same", (2, 4, 5), {"op": "conv_transpose", "name": "c", "filters": 3,
                                            "kernel": 4, "stride": 2, "pad": "same", "bias": False},
         lambda x: F.conv_transpose2d(x, tensor("c.weight", 2, 3, 4, 4), stride=2, padding=1))
    case("conv_transpose fixed weights", (2, 3, 4),
         {"op": "conv_transpose", "name": "c", "filters": 2, "kernel": 3, "stride": 2, "weights": sobel},
         lambda x: F.conv_transpose2d(x, fixed.expand(2, 2, 3, 3), stride=2))
    for shape, options in (((3, 9), {}), ((3, 6, 7), {"stride": 2, "padding": 1}),
                           ((2, 4, 5, 4), {"dilation": (1, 2, 1)}), ((3, 6, 5), {"multiplier": 2})):
        rank, many = len(shape) - 1, shape[0] * options.get("multiplier", 1)
        options = {k: v for k, v in options.items() if k != "multiplier"}
        fields = {"pad" if k == "padding" else k: v for k, v in options.items()}
        function = [F.conv1d, F.conv2d, F.conv3d][rank - 1]
        case(f"separable {shape} {options}", shape,
             {"op": "separable", "name": "s", "filters": 4, "kernel": 3,
              "multiplier": many // shape[0], **fields},
             lambda x: function(function(x, tensor("s.depthwise.weight", many, 1, *[3] * rank),
                                         groups=shape[0], **options),
                                tensor("s.pointwise.weight", 4, many, *[1] * rank),
                                tensor("s.bias", 4)))
    unshared((3, 7), 1, {})
    unshared((3, 5, 6), 2, {"stride": 2, "padding": 1})
    unshared((2, 5, 4), 2, {}, bias=True)
    unshared((2, 3, 4, 3), 2, {"padding": 1}, bias=False)
    unshared((2, 9), 3, {"dilation": 2}, period=[2])
    unshared((2, 6, 7), 3, {}, period=[2, 2])
    unshared((2, 6, 7), 2, {"stride": 2, "padding": 1}, period=[1, 3])
    unshared((2, 5, 4), 2, {}, period=[9, 2], bias=True)
    unshared((1, 3, 4, 3), 2, {}, period=[2, 2, 1])
    for shape in ((6,), (2, 3, 4)):
        case(f"rbf of {shape}", shape, {"op": "rbf", "name": "r", "units": 5},
             lambda x: ((x.flatten(1)[:, None] - tensor("r.weight", 5, x[0].numel())) ** 2).sum(2))
    case("dense", (2, 3, 4), {"op": "dense", "name": "f", "units": 5},
         lambda x: F.linear(x.flatten(1), tensor("f.weight", 5, 24), tensor("f.bias", 5)))
    case("dense of a vector", (6,), {"op": "dense", "name": "f", "units": 3, "bias": False},
         lambda x: F.linear(x, tensor("f.weight", 3, 6)))
    case("flatten and dense", (2, 2, 2, 2), [{"op": "flatten"}, {"op": "dense", "name": "f",
                                                                  "units": 3}],
         lambda x: F.linear(x.flatten(1), tensor("f.weight", 3, 16), tensor("f.bias", 3)))


# ---- pooling

def pool(title, shape, fields, compute):
    case(title, shape, {"op": "pool", **fields}, compute)


def pools():
    pool("max pool 1-D", (2, 9), {"kind": "max", "kernel": 2}, lambda x: F.max_pool1d(x, 2))
    pool("max pool 2-D", (2, 7, 6), {"kind": "max", "kernel": 3, "stride": 2, "pad": 1},
         lambda x: F.max_pool2d(x, 3, 2, 1))
    pool("max pool 3-D", (2, 4, 4, 5), {"kind": "max", "kernel": [2, 1, 3], "stride": 1},
         lambda x: F.max_pool3d(x, (2, 1, 3), 1))
    pool("max pool dilation", (2, 7, 7), {"kind": "max", "kernel": 3, "stride": 2, "dilation": 2,
                                          "pad": 1}, lambda x: F.max_pool2d(x, 3, 2, 1, 2))
    for size in (5, 6, 7, 8):
        pool(f"max pool ceil {size}", (1, size, size),
             {"kind": "max", "kernel": 3, "stride": 2, "ceil_mode": True},
             lambda x: F.max_pool2d(x, 3, 2, ceil_mode=True))
    pool("max pool ceil, last window in the padding", (1, 4, 5),
         {"kind": "max", "kernel": 2, "stride": 3, "pad": 1, "ceil_mode": True},
         lambda x: F.max_pool2d(x, 2, 3, 1, ceil_mode=True))
    for include in (True, False):
        for ceil in (True, False):
            fields = {"kind": "average", "kernel": [3, 2], "stride": 2, "pad": 1, "ceil_mode": ceil,
                      "count_include_pad": include}
            pool(f"average pool ceil {ceil} padding {include}", (2, 6, 7), fields,
                 lambda x: F.avg_pool2d(x, (3, 2), 2, 1, ceil, include))
    pool("average pool 1-D", (2, 8), {"kind": "average", "kernel": 3, "pad": 1, "stride": 3,
                                      "ceil_mode": True},
         lambda x: F.avg_pool1d(x, 3, 3, 1, True))
    pool("average pool 3-D", (2, 4, 4, 4), {"kind": "average", "kernel": 2},
         lambda x: F.avg_pool3d(x, 2))
    pool("l2 pool", (2, 6, 6), {"kind": "l2", "kernel": 3, "stride": 2},
         lambda x: (F.avg_pool2d(x * x, 3, 2) * 9).sqrt())
    pool("subsampling", (2, 5, 5), {"kind": "average", "kernel": 1, "stride": 2},
         lambda x: x[:, :, ::2, ::2])
    for shape, f in (((2, 7), F.avg_pool1d), ((2, 6, 4), F.avg_pool2d), ((1, 4, 4, 5), F.avg_pool3d)):
        spread = (-1, *[1] * (len(shape) - 1))
        case(f"subsample {shape}", shape, {"op": "subsample", "name": "s", "kernel": 2},
             lambda x: f(x, 2) * tensor("s.weight", shape[0]).reshape(spread)
             + tensor("s.bias", shape[0]).reshape(spread))
    for shape, kernel, sigma, options in (
            ((2, 9), 3, 1, {"stride": 2}), ((2, 7, 8), 4, 0.8, {"stride": 3, "padding": 2}),
            ((3, 7, 7), 3, 2, {"stride": 1, "dilation": 2, "padding": 1}), ((2, 5, 4, 5), 2, 1, {})):
        rank = len(shape) - 1
        line = torch.exp(-(torch.arange(kernel) - (kernel - 1) / 2) ** 2 / (2 * sigma**2))
        bell = line
        for _ in range(rank - 1):
            bell = bell[..., None] * line
        options = {"stride": kernel, **options}
        fields = {"pad" if k == "padding" else k: v for k, v in options.items()}
        case(f"gaussian_pool {shape} {options}", shape,
             {"op": "gaussian_pool", "kernel": kernel, "sigma": sigma, **fields},
             lambda x: [F.conv1d, F.conv2d, F.conv3d][rank - 1](
                 x, (bell / bell.sum()).expand(shape[0], 1, *[kernel] * rank), groups=shape[0], **options))
    for shape in ((6,), (6, 3), (6, 2, 3), (6, 2, 1, 3)):
        case(f"maxout {shape}", shape, {"op": "maxout", "pieces": 3},
             lambda x: x.reshape(2, 2, 3, *shape[1:]).amax(2))
    for kind, function in (("average", F.adaptive_avg_pool2d), ("max", F.adaptive_max_pool2d)):
        case(f"global {kind} pool", (3, 4, 5), {"op": "global_pool", "kind": kind},
             lambda x: function(x, 1))
        for shape, output in (((2, 7, 5), [3, 2]), ((2, 6, 4), [3, 2]), ((2, 3, 4), [5, 6])):
            case(f"adaptive {kind} pool {shape} to {output}", shape,
                 {"op": "adaptive_pool", "kind": kind, "output": output},
                 lambda x: function(x, output))
    case("adaptive pool 1-D", (2, 10), {"op": "adaptive_pool", "kind": "average", "output": 4},
         lambda x: F.adaptive_avg_pool1d(x, 4))
    case("adaptive pool 3-D", (1, 5, 4, 3), {"op": "adaptive_pool", "kind": "max", "output": [2, 3, 2]},
         lambda x: F.adaptive_max_pool3d(x, (2, 3, 2)))


# ---- element by element

def maps():
    one = lambda title, layer, f: case(title, (2, 3, 4), layer, f)
    one("relu", {"op": "relu"}, F.relu)
    one("leaky_relu", {"op": "leaky_relu"}, F.leaky_relu)
    one("leaky_relu slope", {"op": "leaky_relu", "slope": -0.3}, lambda x: F.leaky_relu(x, -0.3))
    three = {"op": "conv", "name": "c", "filters": 2, "kernel": 1, "weights": [[[[9]], [[-9]]],
                                                                               [[[-9]], [[9]]]]}
    nine = lambda x: 9 * torch.stack([x[:, 0] - x[:, 1], x[:, 1] - x[:, 0]], 1)
    one("relu6", [three, {"op": "relu6"}], lambda x: F.relu6(nine(x)))
    one("clip", {"op": "clip", "lo": -0.25, "hi": 0.5}, lambda x: x.clamp(-0.25, 0.5))
    one("sigmoid", {"op": "sigmoid"}, torch.sigmoid)
    one("sigmoid of large numbers", [three, {"op": "sigmoid"}], lambda x: torch.sigmoid(nine(x)))
    one("tanh", {"op": "tanh"}, torch.tanh)
    one("scaled_tanh", {"op": "scaled_tanh"}, lambda x: 1.7159 * torch.tanh(x * (2 / 3)))
    one("elu", [three, {"op": "elu", "alpha": 0.7}], lambda x: F.elu(nine(x), 0.7))
    one("gelu", {"op": "gelu"}, F.gelu)
    one("gelu by tanh", [three, {"op": "gelu", "approximate": "tanh"}],
        lambda x: F.gelu(nine(x), approximate="tanh"))
    one("gelu of large numbers", [three, {"op": "gelu"}], lambda x: F.gelu(nine(x)))
    one("silu", [three, {"op": "silu"}], lambda x: F.silu(nine(x)))
    one("softplus", {"op": "softplus"}, F.softplus)
    one("softplus, sharp", [three, {"op": "softplus", "beta": 2, "threshold": 5}],
        lambda x: F.softplus(nine(x), 2, 5))
    one("hard_swish", [three, {"op": "hard_swish"}], lambda x: F.hardswish(nine(x)))
    one("prelu", {"op": "prelu", "name": "p"}, lambda x: F.prelu(x, tensor("p.weight", 1)))
    one("prelu per channel", {"op": "prelu", "name": "p", "num_parameters": 2},
        lambda x: F.prelu(x, tensor("p.weight", 2)))
    one("abs", {"op": "abs"}, torch.abs)
    one("exp", {"op": "exp"}, torch.exp)
    one("log", [{"op": "abs"}, {"op": "log"}], lambda x: torch.log(x.abs()))
    one("sqrt", [{"op": "abs"}, {"op": "sqrt"}], lambda x: torch.sqrt(x.abs()))
    one("square", {"op": "square"}, torch.square)
    two = {"op": "tanh", "name": "t"}
    for op, f in (("add", torch.add), ("sub", torch.sub), ("mul", torch.mul), ("div", torch.div),
                  ("min", torch.minimum), ("max", torch.maximum)):
        one(op, [two, {"op": op, "from": ["x", "t"]}], lambda x: f(x, torch.tanh(x)))
    one("add of three", [two, {"op": "add", "from": ["x", "t", "x"]}], lambda x: 2 * x + torch.tanh(x))
    gate = [{"op": "global_pool", "kind": "average"}, {"op": "sigmoid", "name": "g"},
            {"op": "mul", "from": ["g", "x"]}]
    one("mul of a gate per channel", gate,
        lambda x: x * torch.sigmoid(x.mean((2, 3), keepdim=True)))
    for axis in range(3):
        one(f"softmax {axis}", {"op": "softmax", "axis": axis}, lambda x: F.softmax(x, axis + 1))
    one("log_softmax", {"op": "log_softmax"}, lambda x: F.log_softmax(x, 1))
    one("log_softmax of large numbers", [three, {"op": "exp"}, {"op": "log_softmax"}],
        lambda x: F.log_softmax(torch.exp(nine(x)), 1))
    one("dropout", {"op": "dropout", "p": 0.9}, lambda x: x)


# ---- normalisation, shape

def norms_and_shapes():
    def norm(x, c, eps=1e-5):
        return F.batch_norm(x, tensor("b.running_mean", c), tensor("b.running_var", c),
                            tensor("b.weight", c), tensor("b.bias", c), eps=eps)

    layer = {"op": "batch_norm", "name": "b"}
    for shape in ((5,), (3, 4), (2, 3, 4), (2, 2, 3, 2)):
        case(f"batch_norm {shape}", shape, layer, lambda x: norm(x, shape[0]))
    case("batch_norm eps", (3, 2, 2), {**layer, "eps": 0.5}, lambda x: norm(x, 3, 0.5))
    case("batch_norm not affine", (3, 2, 2), {**layer, "affine": False},
         lambda x: F.batch_norm(x, tensor("b.running_mean", 3), tensor("b.running_var", 3)))
    for axis, shape in ((0, (5,)), (0, (3, 4)), (1, (3, 4)), (0, (2, 3, 4)), (2, (2, 3, 4)),
                        (1, (2, 2, 3, 2))):
        case(f"layer_norm {axis} of {shape}", shape, {"op": "layer_norm", "name": "b", "axis": axis},
             lambda x: F.layer_norm(x, shape[axis:], tensor("b.weight", *shape[axis:]),
                                    tensor("b.bias", *shape[axis:])))
    for groups, shape in ((1, (4, 3)), (2, (4, 3, 2)), (4, (4, 3, 2)), (2, (4, 2, 3, 2)), (3, (6,))):
        case(f"group_norm {groups} of {shape}", shape,
             {"op": "group_norm", "name": "b", "groups": groups, "eps": 0.1},
             lambda x: F.group_norm(x, groups, tensor("b.weight", shape[0]),
                                    tensor("b.bias", shape[0]), 0.1))
    for shape in ((3, 4), (2, 3, 4), (2, 2, 3, 2)):
        case(f"instance_norm of {shape}", shape, {"op": "instance_norm"}, F.instance_norm)
        case(f"instance_norm, affine, of {shape}", shape,
             {"op": "instance_norm", "name": "b", "affine": True},
             lambda x: F.instance_norm(x, None, None, tensor("b.weight", shape[0]),
                                       tensor("b.bias", shape[0])))
    for size in (3, 4, 5):
        case(f"lrn {size}", (7, 2, 3), {"op": "lrn", "size": size, "alpha": 0.5, "beta": 0.6, "k": 2},
             lambda x: F.local_response_norm(x, size, 0.5, 0.6, 2))
    case("lrn defaults", (6, 5), {"op": "lrn", "size": 5}, lambda x: F.local_response_norm(x, 5))
    case("lrn within", (2, 5, 6), {"op": "lrn", "size": 3, "alpha": 0.5, "across": "within"},
         lambda x: x * (1 + 0.5 * F.avg_pool2d(x * x, 3, 1, 1)) ** -0.75)

    shape = (2, 3, 4)
    names = [f"t{i}" for i in range(14)]
    many = [{"op": "tanh", "name": name, "from": "x"} for name in names]
    for axis in range(3):
        case(f"concat {axis}", shape, [*many[:2], {"op": "concat", "from": ["t1", "x", "t0"],
                                                   "axis": axis}],
             lambda x: torch.cat([torch.tanh(x), x, torch.tanh(x)], axis + 1))
    case("concat of fourteen", (1, 2), [*many, {"op": "concat", "from": names}],
         lambda x: torch.cat([torch.tanh(x)] * 14, 1))
    case("slice", shape, {"op": "slice", "axis": 2, "start": 1, "step": 2}, lambda x: x[..., 1::2])
    case("slice from the end", shape, {"op": "slice", "axis": 1, "start": -2, "stop": -1},
         lambda x: x[:, :, -2:-1])
    case("slice of channels", shape, {"op": "slice", "stop": 1}, lambda x: x[:, :1])
    case("pad", shape, {"op": "pad", "axis": 2, "lo": 2, "hi": 1, "value": -3},
         lambda x: F.pad(x, (2, 1), value=-3))
    case("pad channels", shape, {"op": "pad", "lo": 1, "hi": 2}, lambda x: F.pad(x, (0, 0, 0, 0, 1, 2)))
    case("pad axes", shape, {"op": "pad", "axis": [1, 2], "lo": [2, 1], "hi": 1, "value": -1},
         lambda x: F.pad(x, (1, 1, 2, 1), value=-1))
    case("crop", (2, 5, 6), {"op": "crop", "lo": [1, 0], "hi": 2}, lambda x: x[:, :, 1:-2, :-2])
    case("crop 1-D", (2, 5), {"op": "crop", "hi": 3}, lambda x: x[..., :-3])
    for part in range(3):
        case(f"split {part}", (7, 2), {"op": "split", "parts": 3, "part": part},
             lambda x: torch.tensor_split(x, 3, 1)[part])
    for order in ([2, 0, 1], [0, 2, 1]):
        case(f"transpose {order}", shape, {"op": "transpose", "order": order},
             lambda x: x.permute(0, *[i + 1 for i in order]))
    for groups, of in ((2, (6, 3)), (3, (6, 2, 3)), (2, (4, 2, 1, 3))):
        case(f"channel_shuffle {groups} of {of}", of, {"op": "channel_shuffle", "groups": groups},
             lambda x: x.reshape(2, groups, of[0] // groups, *of[1:]).transpose(1, 2)
             .reshape(2, *of))
    linear = {1: "linear", 2: "bilinear", 3: "trilinear"}
    for of in ((2, 5), (2, 3, 4), (2, 2, 3, 2), (1, 1, 3)):
        rank = len(of) - 1
        for scale in (2, 3, [2, 1, 4][:rank]):
            factor = scale if isinstance(scale, int) else tuple(scale)
            case(f"upsample nearest {scale} of {of}", of, {"op": "upsample", "scale": scale},
                 lambda x: F.interpolate(x, scale_factor=factor))
            for align in (False, True):
                case(f"upsample linear {scale} of {of} {align}", of,
                     {"op": "upsample", "scale": scale, "mode": linear[rank],
                      "align_corners": align},
                     lambda x: F.interpolate(x, scale_factor=factor, mode=linear[rank],
                                             align_corners=align))
    for to in ([24], [-1], [4, 6], [3, -1], [2, 12], [6, 4], [2, 3, 2, 2], [1, 2, 12, 1], [2, -1, 1, 4]):
        case(f"reshape {to}", shape, {"op": "reshape", "shape": to}, lambda x: x.reshape(2, *to))
    for op, f in (("mean", torch.mean), ("sum", torch.sum)):
        case(op, shape, {"op": op}, lambda x: f(x, (1, 2, 3)))
        case(f"{op} of axes", shape, {"op": op, "axes": [0, 2]}, lambda x: f(x, (1, 3)))
        case(f"{op} that keeps", shape, {"op": op, "axes": 1, "keep": True},
             lambda x: f(x, 2, keepdim=True))


# ---- training: loss, gradients, running statistics, one step

class Net:
    """The parameters that a computation asked for."""

    def __init__(self):
        self.param, self.buffer = {}, {}

    def __call__(self, name, *shape):
        if name not in self.param:
            self.param[name] = tensor(name, *shape).requires_grad_()
        return self.param[name]

    def norm(self, x, name):
        c = x.shape[1]
        mean = self.buffer.setdefault(f"{name}.running_mean", tensor(f"{name}.running_mean", c))
        var = self.buffer.setdefault(f"{name}.running_var", tensor(f"{name}.running_var", c))
        return F.batch_norm(x, mean, var, self(f"{name}.weight", c), self(f"{name}.bias", c),
                            training=True)


def labels(name, n, classes, *shape):
    """Class indices; the test makes the same from value()."""
    t = tensor(name, n, *shape)
    return ((t + 1) / 2 * classes).long()


def stepping(rule, param):
    """A step by the rule, for which gradients are there."""
    rule, kinds = dict(rule), {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop", "adagrad": "Adagrad"}
    kind = getattr(torch.optim, kinds[rule.pop("op")])
    clip, schedule, period = (rule.pop(key, None) for key in ("clip_norm", "schedule", "period"))
    factor, floor, decays = rule.pop("gamma", 0.1), rule.pop("floor", 0), rule.pop("decay_bias_norm", True)
    if "beta1" in rule:
        rule["betas"] = rule.pop("beta1"), rule.pop("beta2")
    if "initial" in rule:
        rule["initial_accumulator_value"] = rule.pop("initial")
    groups = [{"params": [p], **({} if decays or name.endswith("weight") else {"weight_decay": 0})}
              for name, p in param.items()]
    optimizer, scheduler = kind(groups, **rule), None
    if schedule == "step":
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, period, factor)
    elif schedule == "cosine":
        scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, period, floor * rule["lr"])

    def step():
        if clip:
            torch.nn.utils.clip_grad_norm_(param.values(), clip)
        optimizer.step()
        if scheduler:
            scheduler.step()
        optimizer.zero_grad()
    return step


def training(title, shape, layers, loss, compute, inputs=None, optimizer=None, classes=4,
             step=False, steps=1):
    n = 3
    net = Net()
    total = compute(net, tensor("x", n, *shape))
    total.backward()
    rule = optimizer or {"op": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 0.01}
    gradients = {name: numbers(p.grad) for name, p in net.param.items()}
    take_step = stepping(rule, net.param)
    take_step()
    for _ in range(1, steps):
        compute(net, tensor("x", n, *shape)).backward()
        take_step()
    network = {"name": "net", "input": {"shape": list(shape)}, "layers": layers,
               "optimizer": rule, **loss}
    if inputs:
        del network["input"]
        network["inputs"] = {"x": {"shape": list(shape)}, **inputs}
    after = {**net.param, **net.buffer} if step or optimizer else net.buffer
    CASES.append({"title": title, "network": network, "n": n, "classes": classes,
                  **({"steps": steps} if steps > 1 else {}), "loss": numbers(total)[0], "gradients": gradients,
                  "after": {name: numbers(p) for name, p in after.items()}})


def trainings():
    entropy, mse = {"loss": {"op": "cross_entropy"}}, {"loss": {"op": "mse"}}
    dense = {"op": "dense", "name": "f", "units": 4}

    def head(net, x, n=3):
        y = F.linear(x.flatten(1), net("f.weight", 4, x[0].numel()), net("f.bias", 4))
        return F.cross_entropy(y, labels("target", n, 4))

    def layer(title, shape, layers, f, **options):
        training(title, shape, [*layers, dense], entropy, lambda net, x: head(net, f(net, x)),
                 **options)

    layer("dense", (5,), [], lambda net, x: x, step=True)
    for rank, f, shape in ((1, F.conv1d, (2, 6)), (2, F.conv2d, (2, 5, 4)), (3, F.conv3d, (2, 3, 4, 3))):
        layer(f"conv {rank}-D", shape,
              [{"op": "conv", "name": "c", "filters": 3, "kernel": 3, "pad": 1}, {"op": "relu"}],
              lambda net, x: F.relu(f(x, net("c.weight", 3, 2, *[3] * rank), net("c.bias", 3),
                                      padding=1)))
    layer("conv stride, dilation, groups", (4, 7, 6),
          [{"op": "conv", "name": "c", "filters": 4, "kernel": [3, 2], "pad": [2, 1], "stride": 2,
            "dilation": [2, 1], "groups": 2}, {"op": "tanh"}],
          lambda net, x: torch.tanh(F.conv2d(x, net("c.weight", 4, 2, 3, 2), net("c.bias", 4), 2,
                                             (2, 1), (2, 1), 2)))
    c = {"op": "conv", "name": "c", "filters": 3, "kernel": 3, "pad": 1}
    convolved = lambda net, x: F.conv2d(x, net("c.weight", 3, 2, 3, 3), net("c.bias", 3), padding=1)
    for title, after, f in (
            ("max pool", {"op": "pool", "kind": "max", "kernel": 3, "stride": 2, "pad": 1},
             lambda y: F.max_pool2d(y, 3, 2, 1)),
            ("average pool", {"op": "pool", "kind": "average", "kernel": 3, "stride": 2, "pad": 1,
                              "count_include_pad": False},
             lambda y: F.avg_pool2d(y, 3, 2, 1, False, False)),
            ("global pool", {"op": "global_pool", "kind": "average"},
             lambda y: y.mean((2, 3))),
            ("gaussian_pool", {"op": "gaussian_pool", "kernel": 2, "stride": 1, "sigma": 0.7},
             lambda y: F.avg_pool2d(y, 2, 1)),
            ("leaky_relu", {"op": "leaky_relu", "slope": 0.2}, lambda y: F.leaky_relu(y, 0.2)),
            ("sigmoid", {"op": "sigmoid"}, torch.sigmoid),
            ("elu", {"op": "elu"}, F.elu),
            ("gelu", {"op": "gelu"}, F.gelu),
            ("silu", {"op": "silu"}, F.silu),
            ("softplus", {"op": "softplus"}, F.softplus),
            ("hard_swish", {"op": "hard_swish"}, F.hardswish),
            ("layer_norm", {"op": "layer_norm", "affine": False}, lambda y: F.layer_norm(y, y.shape[1:])),
            ("group_norm", {"op": "group_norm", "groups": 3, "affine": False}, lambda y: F.group_norm(y, 3)),
            ("instance_norm", {"op": "instance_norm"}, F.instance_norm),
            ("lrn", {"op": "lrn", "size": 3, "alpha": 0.5},
             lambda y: F.local_response_norm(y, 3, 0.5)),
            ("softmax", {"op": "softmax"}, lambda y: F.softmax(y, 1)),
            ("pad", {"op": "pad", "axis": 1, "lo": 1, "hi": 2}, lambda y: F.pad(y, (0, 0, 1, 2))),
            ("slice", {"op": "slice", "axis": 2, "start": 1, "step": 2}, lambda y: y[..., 1::2]),
            ("maxout", {"op": "maxout", "pieces": 3}, lambda y: y.amax(1, keepdim=True)),
            ("crop", {"op": "crop", "lo": 1}, lambda y: y[:, :, 1:, 1:]),
            ("transpose", {"op": "transpose", "order": [2, 0, 1]},
             lambda y: y.permute(0, 3, 1, 2)),
            ("channel_shuffle", {"op": "channel_shuffle", "groups": 3}, lambda y: y),
            ("upsample nearest", {"op": "upsample", "scale": [2, 3]},
             lambda y: F.interpolate(y, scale_factor=(2, 3))),
            ("upsample bilinear", {"op": "upsample", "scale": [2, 3], "mode": "bilinear"},
             lambda y: F.interpolate(y, scale_factor=(2, 3), mode="bilinear")),
            ("upsample corners", {"op": "upsample", "scale": 2, "mode": "bilinear",
                                  "align_corners": True},
             lambda y: F.interpolate(y, scale_factor=2, mode="bilinear", align_corners=True)),
            ("mean", {"op": "mean", "axes": [1]}, lambda y: y.mean(2)),
            ("reshape", {"op": "reshape", "shape": [2, -1]}, lambda y: y.reshape(3, 2, -1)),
    ):
        layer(title, (2, 4, 5), [c, after], lambda net, x: f(convolved(net, x)))
    layer("conv_transpose", (2, 3, 4),
          [{"op": "conv_transpose", "name": "c", "filters": 4, "kernel": 3, "stride": 2, "pad": 1,
            "groups": 2, "output_padding": 1}, {"op": "tanh"}],
          lambda net, x: torch.tanh(F.conv_transpose2d(x, net("c.weight", 2, 2, 3, 3),
                                                       net("c.bias", 4), 2, 1, 1, 2)))
    for shape in ((2, 5), (2, 3, 4), (1, 3, 2, 3)):
        for period in (None, [2] * (len(shape) - 1)):
            layer(f"{'tiled' if period else 'local'} {shape}", shape,
                  [{"op": "tiled" if period else "local", "name": "c", "filters": 3, "kernel": 2,
                    **({"period": period} if period else {})}, {"op": "tanh"}],
                  lambda net, x: torch.tanh(positions_apart(x, net, 2, {}, period)))
    layer("separable", (2, 4, 5),
          [{"op": "separable", "name": "c", "filters": 3, "kernel": 3, "pad": 1}, {"op": "tanh"}],
          lambda net, x: torch.tanh(F.conv2d(
              F.conv2d(x, net("c.depthwise.weight", 2, 1, 3, 3), padding=1, groups=2),
              net("c.pointwise.weight", 3, 2, 1, 1), net("c.bias", 3))))
    layer("rbf", (2, 3), [{"op": "rbf", "name": "r", "units": 5}],
          lambda net, x: ((x.flatten(1)[:, None] - net("r.weight", 5, 6)) ** 2).sum(2))
    layer("prelu", (2, 4, 5), [c, {"op": "prelu", "name": "p", "num_parameters": 3}],
          lambda net, x: F.prelu(convolved(net, x), net("p.weight", 3)))
    layer("layer_norm, affine", (2, 4, 5), [c, {"op": "layer_norm", "name": "b", "axis": 1}],
          lambda net, x: F.layer_norm(convolved(net, x), (4, 5), net("b.weight", 4, 5),
                                      net("b.bias", 4, 5)))
    layer("batch_norm", (2, 4, 5),
          [{**c, "bias": False}, {"op": "batch_norm", "name": "b"}, {"op": "relu"}],
          lambda net, x: F.relu(net.norm(F.conv2d(x, net("c.weight", 3, 2, 3, 3), padding=1), "b")))
    layer("batch_norm, shared", (2, 4, 5),
          [{**c, "bias": False}, {"op": "batch_norm", "name": "b"}, {"op": "relu"},
           {"op": "batch_norm", "share": "b"}],
          lambda net, x: net.norm(F.relu(net.norm(F.conv2d(x, net("c.weight", 3, 2, 3, 3), padding=1),
                                                  "b")), "b"))
    layer("residual and concat", (2, 4, 4),
          [c, {"op": "relu", "name": "r"}, {**c, "name": "d"}, {"op": "add", "from": ["r", "d"]},
           {"op": "concat", "from": ["add1", "r", "x"]}],
          lambda net, x: (lambda r: torch.cat([r + F.conv2d(r, net("d.weight", 3, 3, 3, 3),
                                                            net("d.bias", 3), padding=1), r, x], 1))(
              F.relu(convolved(net, x))))
    training("mse", (4,), [dense], mse,
             lambda net, x: F.mse_loss(F.linear(x, net("f.weight", 4, 4), net("f.bias", 4)),
                                       tensor("target", 3, 4)),
             optimizer={"op": "sgd", "lr": 0.05, "momentum": 0.5, "nesterov": True})
    fives = lambda net: F.linear(tensor("x", 3, 4), net("f.weight", 4, 4), net("f.bias", 4))
    target = tensor("target", 3, 4)
    for title, loss, f in (
            ("mae", {"op": "mae"}, F.l1_loss),
            ("huber", {"op": "huber", "delta": 0.6}, lambda y, t: F.huber_loss(y, t, delta=0.6)),
            ("bce of logits", {"op": "bce", "logits": True}, F.binary_cross_entropy_with_logits),
            ("hinge", {"op": "hinge", "margin": 0.5}, lambda y, t: F.relu(0.5 - y * t).mean())):
        training(title, (4,), [dense], {"loss": loss}, lambda net, x: f(fives(net), target))
    training("bce", (4,), [dense, {"op": "sigmoid"}], {"loss": {"op": "bce"}},
             lambda net, x: -(target * torch.log(torch.sigmoid(fives(net)))
                             + (1 - target) * torch.log(1 - torch.sigmoid(fives(net)))).mean())
    weights = [0.5, 2, 1, 0.25]
    for title, loss, options in (
            ("label smoothing", {"label_smoothing": 0.2}, {"label_smoothing": 0.2}),
            ("class weights", {"class_weights": weights}, {"weight": torch.tensor(weights)}),
            ("class weights, smoothing, ignored",
             {"class_weights": weights, "label_smoothing": 0.1, "ignore_index": 2},
             {"weight": torch.tensor(weights), "label_smoothing": 0.1, "ignore_index": 2})):
        training(title, (4,), [dense], {"loss": {"op": "cross_entropy", **loss}},
                 lambda net, x: F.cross_entropy(fives(net), labels("target", 3, 4), **options))
    for title, loss, options in (  # the mean of nothing is no number, its gradient 0: here 0 as well
            ("nothing counts", {}, {}),
            ("nothing counts, class weights, smoothing",
             {"class_weights": weights, "label_smoothing": 0.1},
             {"weight": torch.tensor(weights), "label_smoothing": 0.1})):
        training(title, (4,), [dense], {"loss": {"op": "cross_entropy", "ignore_index": 0, **loss}},
                 lambda net, x: F.cross_entropy(fives(net), labels("target", 3, 1), ignore_index=0,
                                                reduction="sum", **options), classes=1)
    losses = {"losses": [{"op": "cross_entropy", "from": "c", "target": "y", "ignore_index": 1},
                         {"op": "mse", "from": "f", "target": "z", "weight": 0.3}]}
    training("two losses, one per position", (2, 3, 4), [c, dense], losses,
             lambda net, x: F.cross_entropy(convolved(net, x), labels("y", 3, 3, 3, 4),
                                            ignore_index=1)
             + 0.3 * F.mse_loss(F.linear(convolved(net, x).flatten(1), net("f.weight", 4, 36),
                                         net("f.bias", 4)), tensor("z", 3, 4)),
             inputs={"y": {"shape": [3, 4], "dtype": "i32"}, "z": {"shape": [4]}}, classes=3,
             optimizer={"op": "sgd", "lr": 0.1})


def optimizers():
    """Each rule over several steps, so that what it keeps counts."""
    dense = {"op": "dense", "name": "f", "units": 4}
    for title, rule in (
            ("sgd", {"op": "sgd", "lr": 0.1}),
            ("sgd, momentum", {"op": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 0.1}),
            ("sgd, nesterov", {"op": "sgd", "lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
            ("sgd, biases kept", {"op": "sgd", "lr": 0.1, "weight_decay": 0.5, "decay_bias_norm": False}),
            ("sgd, clipped", {"op": "sgd", "lr": 0.5, "momentum": 0.5, "clip_norm": 0.1}),
            ("sgd, in steps", {"op": "sgd", "lr": 0.3, "schedule": "step", "period": 2, "gamma": 0.3}),
            ("sgd, cosine", {"op": "sgd", "lr": 0.3, "schedule": "cosine", "period": 5, "floor": 0.1}),
            ("adam", {"op": "adam", "lr": 0.02}),
            ("adam, decay", {"op": "adam", "lr": 0.02, "beta1": 0.8, "beta2": 0.9, "eps": 0.01, "weight_decay": 0.1}),
            ("adamw", {"op": "adamw", "lr": 0.02, "eps": 0.01, "weight_decay": 0.3}),
            ("adamw, biases kept", {"op": "adamw", "lr": 0.02, "weight_decay": 0.3, "decay_bias_norm": False}),
            ("rmsprop", {"op": "rmsprop", "lr": 0.01, "alpha": 0.9, "eps": 0.01, "weight_decay": 0.1}),
            ("rmsprop, centered", {"op": "rmsprop", "lr": 0.01, "eps": 0.1, "momentum": 0.8, "centered": True}),
            ("adagrad", {"op": "adagrad", "lr": 0.1, "weight_decay": 0.1}),
            ("adagrad, slower", {"op": "adagrad", "lr": 0.1, "initial": 0.5, "lr_decay": 0.2, "eps": 0.01})):
        training(title, (4,), [dense], {"loss": {"op": "cross_entropy"}},
                 lambda net, x: F.cross_entropy(F.linear(x, net("f.weight", 4, 4), net("f.bias", 4)),
                                                labels("target", 3, 4)),
                 optimizer=rule, steps=4)


def main():
    convolutions()
    pools()
    maps()
    norms_and_shapes()
    trainings()
    optimizers()
    path = pathlib.Path(__file__).with_name("reference.json")
    lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in CASES)
    path.write_text(f"[\n{lines}\n]\n")
    print(len(CASES), "cases,", path.stat().st_size, "bytes")


main()
