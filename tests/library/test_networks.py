"""Small networks in which the parts of a plan meet: what each target computes is what the network interpreted computes."""
import json

from models import CROSS, POISON, TARGETS, can_run, difference, read_values, write_random
from support import CNNC, HERE, Case, main


def network(shape, *layers, **members):
    return {"name": "small", "input": {"shape": shape}, "layers": layers, **members}


CONV = {"op": "conv", "kernel": 3, "pad": 1}
NETWORKS = {
    # A margin for the convolution, which a division, rounded towards zero, must not take for an element.
    "enlarged and padded beside a convolution": network(
        [3, 9, 11], {**CONV, "name": "c", "filters": 16}, {**CONV, "name": "wide", "from": "c", "filters": 16},
        {"op": "upsample", "name": "large", "from": "c", "scale": 2}, {"op": "pad", "name": "framed", "from": "large", "axis": [1, 2], "lo": 1, "hi": 1},
        outputs=["wide", "framed"]),
    # Members of a concatenation that end within vectors, the later one computed first.
    "concatenated backwards": network(
        [16, 28, 28], {**CONV, "name": "b", "from": "x", "filters": 20}, {**CONV, "name": "a", "from": "x", "filters": 12},
        {"op": "concat", "from": ["a", "b"]}, {**CONV, "filters": 16}),
    # Blocks of a volume's channels, padded along two of three axes, in a nest with the transform that reads them.
    "a padded volume in parts": network(
        [33, 5, 9, 9], {"op": "depthwise", "kernel": 2},
        {"op": "conv", "filters": 33, "kernel": [1, 2, 2], "pad": [0, 1, 1], "groups": 3}),
    "vectors of channels that are turned, each written to several places": network(
        [33, 1, 1], {"op": "upsample", "scale": [2, 3]}),
    # Of the convolution's last row, which the last band ends with, no window is left.
    "pooled in bands": network(
        [16, 55, 50], {**CONV, "filters": 64}, {"op": "relu"}, {"op": "pool", "kind": "max", "kernel": 2}),
    "a fixed matrix with a row of zeros": network(
        [3], {"op": "dense", "units": 3, "weights": [[1, 2, 3], [0, 0, 0], [0, 1, 0]], "bias": False}),
}


class Networks(Case):
    def compute(self, path, shape, *options):
        write_random(self.folder / "x.npy", shape)
        output = self.folder / "out" / "y.npy"
        output.parent.mkdir(exist_ok=True)
        self.run_command(CNNC, "run", path, "--seed", "3", "--input", self.folder / "x.npy", "--output", output, *options,
                         env=POISON)
        return {file.name: read_values(file) for file in sorted(output.parent.iterdir())}

    def check(self, document, *options):
        path = self.folder / "net.json"
        path.write_text(json.dumps(document))
        shape = "x".join(map(str, document["input"]["shape"]))
        expected = self.compute(path, shape, "--interpret")
        for target in filter(can_run, TARGETS):
            runner = ("--cc", CROSS[target][0][0], "--runner", CROSS[target][1]) if not TARGETS[target] else ("--cc", HERE / "cc_o1")
            with self.subTest(target=target):
                outputs = self.compute(path, shape, "--target", target, *runner, *options)
                self.assertLessEqual(difference(outputs, expected), 1e-5)

    def test_as_chosen(self):
        for name, document in NETWORKS.items():
            with self.subTest(name):
                self.check(document)

    def test_by_winograd(self):
        self.check(NETWORKS["concatenated backwards"], "--algo", "*=winograd2")
        self.check(NETWORKS["pooled in bands"], "--algo", "*=winograd6")


if __name__ == "__main__":
    main()
