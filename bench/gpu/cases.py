"""What is measured: whole networks, and the 1x1 and 3x3 convolutions of ResNet-50, each as a network of its own.

A case is a dict, as it stands in manifest.json. They run in their order there, until the time is over."""
import json

# Products as --dtype has them. f32x3 is compared with multiply-adds in f32.
PRECISIONS = ("bf16", "tf32", "f32x3", "f32")
LAYERS_BATCH = 128


def whole(network, batch, dtype, train=False, compiled=False, quick=False, **goals):
    """compiled: beside torch.compile too, which takes time; goals: how many times as fast as which side of PyTorch."""
    name = f"{network}_b{batch}_{dtype}" + ("_train" if train else "")
    return dict(name=name, network=network, batch=batch, dtype=dtype, train=train, compiled=compiled, quick=quick, goals=goals)


WHOLE = (
    whole("lenet5", 1, "f32", quick=True),
    whole("resnet50", 1, "bf16", compiled=True, quick=True, eager=3.0, graphs=1.5),
    whole("resnet50", 128, "bf16", compiled=True, quick=True, best=1.3),
    whole("resnet50", 128, "f32x3", best=1.5),
    whole("resnet50", 256, "bf16", train=True, compiled=True, quick=True, best=1.3),
    whole("ciresan_mnist", 128, "f32", train=True, quick=True),
    whole("resnet50", 1, "f32", compiled=True, eager=3.0, graphs=1.5),
    whole("resnet50", 1, "tf32", eager=3.0),
    whole("resnet50", 1, "f32x3", eager=3.0),
    whole("resnet50", 128, "f32", train=True),
    whole("vgg_d", 32, "bf16"),
    whole("alexnet", 128, "bf16"),
    whole("googlenet", 128, "bf16"),
    whole("mobilenet_v1", 128, "bf16"),
    whole("vgg_d", 1, "bf16"),
    whole("alexnet", 1, "bf16"),
    whole("googlenet", 1, "bf16"),
    whole("mobilenet_v1", 1, "bf16"),
)


def rows_of(network, info):
    """Of each layer: its JSON and what `cnnc info --json` says of it, with the elements of what it reads."""
    of = {row["name"]: row for row in info["layers"]}
    shape = {name: row["output"] for name, row in of.items()}
    shape.update(network.inputs)
    return [dict(layer=layer, reads=[shape[name] for name in layer["inputs"]], **of[layer["name"]])
            for layer in network.layers if layer["name"] in of]


def elements(shape):
    count = 1
    for extent in shape:
        count *= extent
    return count


def work(rows):
    """What has to be done at least: for each contraction its multiply-adds and elements of a sample, and its weights."""
    return [[row["macs"], sum(map(elements, row["reads"])) + elements(row["output"]), row["parameters"]]
            for row in rows if row["macs"]]


def single(row, dtype):
    """A convolution as a network of its own: its case and its document."""
    (c, h, w), layer = row["reads"][0], row["layer"]
    kernel, stride, pad = layer["kernel"], layer.get("stride", 1), layer.get("pad", 0)
    name = f"conv{kernel}x{kernel}_{c}_{layer['filters']}_{h}" + (f"_s{stride}" if stride > 1 else "")
    conv = {"op": "conv", "name": "conv", "filters": layer["filters"], "kernel": kernel, "stride": stride, "pad": pad,
            "bias": False}
    case = dict(name=f"{name}_b{LAYERS_BATCH}_{dtype}", network=name, batch=LAYERS_BATCH, dtype=dtype, train=False,
                compiled=False, quick=dtype == "bf16", goals={"best": 0.9} if dtype == "bf16" else {},
                layer=[c, h, w, layer["filters"], kernel, stride, pad], output=row["output"], work=work([row]))
    return case, {"name": name, "input": {"shape": [c, h, w]}, "layers": [conv]}


def singles(rows):
    """Cases and documents of all different convolutions by 1x1 and 3x3."""
    found = {}
    for dtype in PRECISIONS:
        for row in rows:
            if row["op"] == "conv" and row["layer"]["kernel"] in (1, 3):
                case, document = single(row, dtype)
                found.setdefault(case["name"], (case, document))
    return list(found.values())


def in_order(found):
    """What --quick has comes first."""
    return sorted(found, key=lambda case: (not case["quick"], "layer" in case))


def text(document):
    return json.dumps(document, indent=1, sort_keys=True) + "\n"
