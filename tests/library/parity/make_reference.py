#!/usr/bin/env python3
"""Writes reference.json: what PyTorch makes of the cases of cases.py, for test_parity.py.

  python3 tests/library/parity/make_reference.py [CASE...]      needs PyTorch and NumPy

Parameters and batches are value(NAME, i), which parity.c computes as well. For each case: the losses
of 50 steps in double, and how far PyTorch's own gradients in float are from those in double, at the
same parameters rounded to float: per parameter the median over the steps of |g32 - g64|. (The median,
because every now and then a value is so near a corner of relu or of a maximum that rounding moves it to
the other side, in one implementation or the other: that step's gradients differ by a thousandth.)
"""
import json
import pathlib
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from cases import BATCH, CASES, STEPS

HERE = pathlib.Path(__file__).resolve().parent


def values(name, size):
    """In [-1, 1), as floats; the same in parity.c."""
    h = 2166136261
    for byte in name.encode():
        h = (h ^ byte) * 16777619 & 0xFFFFFFFF
    with np.errstate(over="ignore"):
        z = np.uint32(h) ^ np.arange(size, dtype=np.uint32) * np.uint32(0x9E3779B9)
        z = (z ^ z >> np.uint32(16)) * np.uint32(0x85EBCA6B)
        z = (z ^ z >> np.uint32(13)) * np.uint32(0xC2B2AE35)
        z = z ^ z >> np.uint32(16)
    return (z / 2.0**31 - 1).astype(np.float32)


def parameter(name, t):
    """What a parameter begins with."""
    v = values(name, t.numel()).astype(np.float64)
    if name.endswith("running_mean"):
        v = 0 * v
    elif name.endswith("running_var"):
        v = 0 * v + 1
    elif t.dim() > 1:
        v = v * np.sqrt(6 / (t.numel() // t.shape[0]))
    else:
        v = v * 0.1 + (1 if name.endswith("weight") else 0)
    return torch.from_numpy(v.astype(np.float32).reshape(t.shape))


# ---- the networks, with the names of cnnc's layers

class Steps(nn.Sequential):
    """Named or nameless modules, one after another: (name, module) or a module."""

    def __init__(self, *modules):
        super().__init__()
        for i, m in enumerate(modules):
            self.add_module(*(m if isinstance(m, tuple) else (f"step{i}", m)))


def lenet5():
    return Steps(("c1", nn.Conv2d(1, 6, 5, padding=2)), nn.ReLU(), nn.MaxPool2d(2), ("c3", nn.Conv2d(6, 16, 5)),
                 nn.ReLU(), nn.MaxPool2d(2), ("c5", nn.Conv2d(16, 120, 5)), nn.ReLU(), nn.Flatten(),
                 ("f6", nn.Linear(120, 84)), nn.ReLU(), ("output", nn.Linear(84, 10)))


class Basic(nn.Module):
    def __init__(self, n, width, stride):
        super().__init__()
        self.stride, self.widen = stride, width - n
        self.conv1, self.bn1 = nn.Conv2d(n, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        shortcut = x[:, :, ::self.stride, ::self.stride]
        return F.relu(y + F.pad(shortcut, (0, 0, 0, 0, self.widen // 2, self.widen // 2)))


def resnet20():
    def layer(n, width, stride):
        return nn.Sequential(Basic(n, width, stride), Basic(width, width, 1), Basic(width, width, 1))
    return Steps(("conv1", nn.Conv2d(3, 16, 3, padding=1, bias=False)), ("bn1", nn.BatchNorm2d(16)), nn.ReLU(),
                 ("layer1", layer(16, 16, 1)), ("layer2", layer(16, 32, 2)), ("layer3", layer(32, 64, 2)),
                 nn.AdaptiveAvgPool2d(1), nn.Flatten(), ("fc", nn.Linear(64, 10)))


def conv(n, filters, kernel, **options):
    return nn.Conv2d(n, filters, kernel, padding=kernel // 2, **options)


class Inception(nn.Module):
    def __init__(self, n, n1, n3_reduce, n3, n5_reduce, n5, pool):
        super().__init__()
        self.conv_1x1, self.pool_proj = conv(n, n1, 1), conv(n, pool, 1)
        self.conv_3x3_reduce, self.conv_3x3 = conv(n, n3_reduce, 1), conv(n3_reduce, n3, 3)
        self.conv_5x5_reduce, self.conv_5x5 = conv(n, n5_reduce, 1), conv(n5_reduce, n5, 5)

    def forward(self, x):
        return F.relu(torch.cat([self.conv_1x1(x), self.conv_3x3(F.relu(self.conv_3x3_reduce(x))),
                                 self.conv_5x5(F.relu(self.conv_5x5_reduce(x))), self.pool_proj(F.max_pool2d(x, 3, 1, 1))], 1))


class Auxiliary(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.conv, self.fc, self.classifier = conv(n, 8, 1), nn.Linear(8, 64), nn.Linear(64, 62)

    def forward(self, x):
        x = F.relu(self.conv(F.avg_pool2d(x, 5, 3, ceil_mode=True)))
        return self.classifier(F.relu(self.fc(x.flatten(1))))


class GoogLeNet(nn.Module):
    """A sixteenth as wide as the paper's; the three losses of the paper."""
    WIDTHS = {"3a": (64, 96, 128, 16, 32, 32), "3b": (128, 128, 192, 32, 96, 64), "4a": (192, 96, 208, 16, 48, 64),
              "4b": (160, 112, 224, 24, 64, 64), "4c": (128, 128, 256, 24, 64, 64), "4d": (112, 144, 288, 32, 64, 64),
              "4e": (256, 160, 320, 32, 128, 128), "5a": (256, 160, 320, 32, 128, 128), "5b": (384, 192, 384, 48, 128, 128)}

    def __init__(self):
        super().__init__()
        self.conv1_7x7_s2 = conv(3, 4, 7, stride=2)
        self.conv2_3x3_reduce, self.conv2_3x3 = conv(4, 4, 1), conv(4, 12, 3)
        self.lrn = nn.LocalResponseNorm(5, 1e-4, 0.75, 1)
        n, seen = 12, {}
        for name, widths in self.WIDTHS.items():
            widths = [w // 16 for w in widths]
            self.add_module(f"inception_{name}", Inception(n, *widths))
            n = seen[name] = widths[0] + widths[2] + widths[4] + widths[5]
        self.classifier, self.loss1, self.loss2 = nn.Linear(n, 62), Auxiliary(seen["4a"]), Auxiliary(seen["4d"])

    def forward(self, x):
        x = self.lrn(F.max_pool2d(F.relu(self.conv1_7x7_s2(x)), 3, 2, ceil_mode=True))
        x = self.lrn(F.relu(self.conv2_3x3(F.relu(self.conv2_3x3_reduce(x)))))
        auxiliary = []
        for name in self.WIDTHS:
            if name in ("3a", "4a", "5a"):
                x = F.max_pool2d(x, 3, 2, ceil_mode=True)
            x = getattr(self, f"inception_{name}")(x)
            if name in ("4a", "4d"):
                auxiliary.append(getattr(self, "loss1" if name == "4a" else "loss2")(x))
        return self.classifier(x.mean((2, 3))), *auxiliary


def alexnet():
    lrn = nn.LocalResponseNorm(5, 0.1, 0.75, 2)
    return Steps(("conv1", nn.Conv2d(3, 24, 7, 2)), nn.ReLU(), lrn, nn.MaxPool2d(3, 2),
                 ("conv2", nn.Conv2d(24, 32, 5, padding=2, groups=2)), nn.ReLU(), lrn, nn.MaxPool2d(3, 2),
                 ("conv3", nn.Conv2d(32, 48, 3, padding=1)), nn.ReLU(),
                 ("conv4", nn.Conv2d(48, 48, 3, padding=1, groups=2)), nn.ReLU(),
                 ("conv5", nn.Conv2d(48, 32, 3, padding=1, groups=2)), nn.ReLU(), nn.Flatten(),
                 ("dense1", nn.Linear(288, 64)), nn.ReLU(), ("dense2", nn.Linear(64, 10)))


def volume():
    return Steps(("conv1", nn.Conv3d(2, 8, 3, padding=1)), ("batch_norm1", nn.BatchNorm3d(8)), nn.ReLU(),
                 nn.MaxPool3d((1, 2, 2)), ("conv2", nn.Conv3d(8, 12, (3, 3, 2), (2, 1, 1))), nn.ReLU(),
                 nn.AvgPool3d((1, 2, 2)), nn.Flatten(), ("dense1", nn.Linear(96, 5)))


def series():
    return Steps(("conv1", nn.Conv1d(2, 8, 5, 2)), nn.ReLU(), nn.MaxPool1d(2), ("conv2", nn.Conv1d(8, 12, 3, dilation=2)),
                 nn.Tanh(), nn.Flatten(), ("dense1", nn.Linear(132, 4)))


NETWORKS = {"lenet5": lenet5, "resnet20": resnet20, "googlenet": GoogLeNet, "alexnet": alexnet, "volume": volume,
            "series": series}


# ---- training

def optimizer(rule, parameters):
    rule = dict(rule)
    kinds = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}
    return kinds[rule.pop("op")](parameters, **rule)


def batch(network, step, classes):
    shape = (network["inputs"]["x"] if "inputs" in network else network["input"])["shape"]
    x = values(f"x{step}", BATCH * int(np.prod(shape))).reshape(BATCH, *shape)
    y = np.floor((values(f"y{step}", BATCH).astype(np.float64) + 1) / 2 * classes)
    return torch.from_numpy(x), torch.from_numpy(y.astype(np.int64))


def loss_of(net, network, x, y):
    results = net(x)
    results = results if isinstance(results, tuple) else (results,)
    weights = [loss.get("weight", 1) for loss in network.get("losses", [{}])]
    return sum(w * F.cross_entropy(r, y) for w, r in zip(weights, results, strict=True))


def run(name, network):
    make = NETWORKS[name.split(",")[0]]
    wide, single = make().double(), make()
    state = {k: parameter(k, t) for k, t in wide.state_dict().items() if t.is_floating_point()}
    wide.load_state_dict(state, strict=False)
    rule = optimizer(network["optimizer"], wide.parameters())
    classes = list(state.values())[-1].numel()
    losses, errors = [], {k: [] for k, _ in wide.named_parameters()}
    for step in range(STEPS):
        x, y = batch(network, step, classes)
        single.load_state_dict({k: t.float() if t.is_floating_point() else t for k, t in wide.state_dict().items()})
        single.zero_grad()
        loss_of(single, network, x, y).backward()
        rule.zero_grad()
        loss = loss_of(wide, network, x.double(), y)
        loss.backward()
        for (k, p), q in zip(wide.named_parameters(), single.parameters(), strict=True):
            errors[k].append(float((q.grad.double() - p.grad).norm()))
        rule.step()
        losses.append(loss.item())
    print(f"{name}: loss {losses[0]:.6f} -> {losses[-1]:.6f}", flush=True)
    return {"loss": losses, "error": {k: float(f"{np.median(e):.4g}") for k, e in errors.items()}}


def main():
    path = HERE / "reference.json"
    torch.set_num_threads(1)
    known = json.loads(path.read_text()) if path.exists() else {}
    for name in sys.argv[1:] or CASES:
        known[name] = run(name, CASES[name])
    rows = (f" {json.dumps(name)}: {json.dumps(known[name])}" for name in CASES if name in known)
    path.write_text("{\n" + ",\n".join(rows) + "\n}\n")


if __name__ == "__main__":
    main()
