"""A network document as a flat list of layers: blocks expanded, names and `from` resolved.

Independent of the compiler on purpose: the peers' models are built from the same JSON by other code.
"""
import json
import re


def expression(value, params):
    """'=4*width' with the block's parameters; anything else as it is."""
    if isinstance(value, str) and value.startswith("="):
        text = re.sub(r"[A-Za-z_]\w*", lambda m: str(params[m.group()]), value[1:])
        if not re.fullmatch(r"[\d+\-*/() ]+", text):
            raise ValueError(f"not an integer expression: {value}")
        return int(eval(text.replace("/", "//")))  # digits and operators only, checked above
    if isinstance(value, list):
        return [expression(v, params) for v in value]
    if isinstance(value, dict):
        return {k: expression(v, params) for k, v in value.items()}
    return value


def per_axis(value, rank, otherwise):
    """A number for every axis as it stands for all of them, or a list; None: not given."""
    value = otherwise if value is None else value
    return list(value) if isinstance(value, list) else [value] * rank


def window_padding(layer, extent, kernel, stride):
    """Elements before and after, by axis of the window that a layer moves over `extent`."""
    pad = layer.get("pad", 0)
    if pad == "same":
        total = [max((-(-e // s) - 1) * s + k - e, 0) for e, k, s in zip(extent, kernel, stride)]
        return [t // 2 for t in total], [t - t // 2 for t in total]
    if isinstance(pad, dict):
        return per_axis(pad["lo"], len(kernel), 0), per_axis(pad["hi"], len(kernel), 0)
    return (per_axis(0 if pad == "valid" else pad, len(kernel), 0),) * 2


def padding(layer, rank):
    """Elements that the operator pad adds before and after, by axis of a batch."""
    axes = per_axis(layer.get("axis", 0), 1, 0)
    lo, hi = [0] * rank, [0] * rank
    for axis, before, after in zip(axes, per_axis(layer["lo"], len(axes), 0), per_axis(layer["hi"], len(axes), 0)):
        lo[axis + 1], hi[axis + 1] = before, after
    return lo, hi


def without_dropout(document):
    if isinstance(document, list):
        return [without_dropout(x) for x in document if not (isinstance(x, dict) and x.get("op") == "dropout")]
    return {k: without_dropout(v) for k, v in document.items()} if isinstance(document, dict) else document


def at_one_rate(document, lr):
    """SGD without a schedule, with what both sides know of it."""
    rule = {k: v for k, v in document["optimizer"].items() if k in ("op", "momentum", "nesterov", "weight_decay")}
    return {**document, "optimizer": {**rule, "lr": lr}}


def comparable(document):
    """For training: no dropout, and SGD at one small rate, by which rounding does not grow from step to step."""
    return at_one_rate(without_dropout(document), 1e-3)


class Network:
    """layers: dicts with "op", "name" (full), "inputs" (full names of what they read) and the operator's keys."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.document = json.load(file)
        self.name = self.document["name"]
        inputs = self.document.get("inputs") or {"x": self.document["input"]}
        self.inputs = {k: v["shape"] for k, v in inputs.items() if v.get("dtype") != "i32"}
        self.blocks = self.document.get("blocks", {})
        self.counts = {}
        self.layers = []
        last = self._expand(self.document["layers"], "", {}, {}, [next(iter(self.inputs))])
        self.outputs = self.document.get("outputs", [last])

    def needed(self, outputs):
        """The layers that these outputs need, in order."""
        need, kept = set(outputs), []
        for layer in reversed(self.layers):
            if layer["name"] in need:
                need.update(layer["inputs"])
                kept.insert(0, layer)
        return kept

    def _made_up(self, prefix, op):
        key = prefix + op
        self.counts[key] = self.counts.get(key, 0) + 1
        return f"{op}{self.counts[key]}"

    def _expand(self, layers, prefix, params, outer, block_inputs):
        """Appends the layers of one list; returns the full name of the last one."""
        scope = dict(outer)
        previous = block_inputs[0]

        def resolve(name):
            if name == "@in":
                return block_inputs[0]
            if name.startswith("@in."):
                return block_inputs[int(name[4:])]
            return scope.get(name, name)

        for layer in layers:
            layer = {k: expression(v, params) for k, v in layer.items()}
            source = layer.pop("from", None)
            source = [source] if isinstance(source, str) else source
            reads = [resolve(s) for s in source] if source else [previous]
            if "block" in layer:
                previous = self._use(layer, prefix, scope, reads)
                continue
            name = layer.get("name") or self._made_up(prefix, layer["op"])
            full = prefix + name
            scope[name] = full
            self.layers.append({**layer, "name": full, "inputs": reads})
            previous = full
        return previous

    def _use(self, use, prefix, scope, reads):
        block = self.blocks[use["block"]]
        params = dict(block.get("params", {}))
        params.update({k: v for k, v in use.items() if k in params})
        name = use.get("name") or self._made_up(prefix, use["block"])
        repeat, start = use.get("repeat"), use.get("start", 0)
        for i in range(repeat or 1):
            part = f"{name}.{start + i}" if repeat else name
            last = self._expand(block["layers"], prefix + part + ".", params, scope, reads)
            scope[part] = last
            reads = [last]
        scope[name] = last
        return last
