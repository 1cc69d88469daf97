"""Networks and optimisers that are trained for 50 steps, by emitted code (test_parity.py) and by PyTorch (make_reference.py)."""
import json
import pathlib

MODELS = pathlib.Path(__file__).resolve().parents[3] / "models"
STEPS, BATCH = 50, 4


def model(name, **shape):
    network = json.loads((MODELS / f"{name}.json").read_text())
    (network["inputs"]["x"] if "inputs" in network else network["input"]).update(shape)
    return network


def narrowed(x, by):
    """A network of so many times fewer filters and units, without dropout."""
    counts = ("filters", "units", "n1", "n3_reduce", "n3", "n5_reduce", "n5", "pool")
    if isinstance(x, list):
        return [narrowed(y, by) for y in x if not (isinstance(y, dict) and y.get("op") == "dropout")]
    if not isinstance(x, dict):
        return x
    return {key: y // by if key in counts and isinstance(y, int) else narrowed(y, by) for key, y in x.items()}


def conv(filters, kernel, **fields):
    return {"op": "conv", "filters": filters, "kernel": kernel, **fields}


def pool(kind, kernel, stride):
    return {"op": "pool", "kind": kind, "kernel": kernel, "stride": stride}


RELU = {"op": "relu"}
LRN = {"op": "lrn", "size": 5, "alpha": 0.1, "beta": 0.75, "k": 2}

ALEXNET = {"name": "alexnet_like", "input": {"shape": [3, 35, 35]}, "layers": [
    conv(24, 7, stride=2), RELU, LRN, pool("max", 3, 2),
    conv(32, 5, pad=2, groups=2), RELU, LRN, pool("max", 3, 2),
    conv(48, 3, pad=1), RELU, conv(48, 3, pad=1, groups=2), RELU, conv(32, 3, pad=1, groups=2), RELU,
    {"op": "dense", "units": 64}, RELU, {"op": "dense", "units": 10}], "loss": {"op": "cross_entropy"}}
VOLUME = {"name": "volume", "input": {"shape": [2, 6, 12, 11]}, "layers": [
    conv(8, 3, pad=1), {"op": "batch_norm"}, RELU, pool("max", [1, 2, 2], [1, 2, 2]),
    conv(12, [3, 3, 2], stride=[2, 1, 1]), RELU, pool("average", [1, 2, 2], [1, 2, 2]),
    {"op": "dense", "units": 5}], "loss": {"op": "cross_entropy"}}
SERIES = {"name": "series", "input": {"shape": [2, 65]}, "layers": [
    conv(8, 5, stride=2), RELU, pool("max", 2, 2), conv(12, 3, dilation=2), {"op": "tanh"},
    {"op": "dense", "units": 4}], "loss": {"op": "cross_entropy"}}

SGD = {"op": "sgd", "lr": 0.01, "momentum": 0.9, "weight_decay": 5e-4}
NESTEROV = {"op": "sgd", "lr": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-4}
ADAM = {"op": "adam", "lr": 0.001, "weight_decay": 1e-4}

NETWORKS = {
    "lenet5": (model("lenet5"), SGD),
    "resnet20": (model("resnet20_cifar", shape=[3, 16, 16]), NESTEROV),
    "googlenet": (narrowed(model("googlenet_caffe", shape=[3, 80, 80]), 16), SGD),
    "alexnet": (ALEXNET, SGD),
    "volume": (VOLUME, SGD),
    "series": (SERIES, SGD),
}
CASES = {f"{name}, {rule['op']}": {**network, "optimizer": rule}
         for name, (network, first) in NETWORKS.items() for rule in (first, ADAM)}
