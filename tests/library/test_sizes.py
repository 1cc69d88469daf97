"""Networks that take inputs of any size: one network, one set of parameters, outputs that grow with the input or, behind
adaptive pooling, do not; each size against the network interpreted."""
import json

from models import difference, read_values, write_random
from support import BEST, CNNC, HASTY, MODELS, Case, main

# A spatial pyramid, as in spp_net, but small.
PYRAMID = {"name": "pyramid", "input": {"shape": [3, 32, 32]}, "layers": [
    {"op": "conv", "filters": 16, "kernel": 3, "stride": 2, "pad": 1}, {"op": "relu", "name": "features"},
    {"op": "adaptive_pool", "from": "features", "kind": "max", "output": 4}, {"op": "flatten", "name": "by4"},
    {"op": "adaptive_pool", "from": "features", "kind": "average", "output": 3}, {"op": "flatten", "name": "by3"},
    {"op": "global_pool", "from": "features", "kind": "max"}, {"op": "flatten", "name": "by1"},
    {"op": "concat", "from": ["by4", "by3", "by1"]}, {"op": "dense", "units": 10}]}


class Sizes(Case):
    def check(self, network, shape):
        """The parameters of the network at this size; what it computes is what its definition says."""
        write_random(self.folder / "x.npy", shape)
        outputs = []
        for way in ((*HASTY, "--target", BEST), ("--interpret",)):
            self.run_command(CNNC, "run", network, "--input-shape", shape, "--seed", "3", "--input", self.folder / "x.npy",
                             "--output", self.folder / "y.npy", *way)
            outputs.append(read_values(self.folder / "y.npy"))
        self.assertLessEqual(difference({"y": outputs[0]}, {"y": outputs[1]}), 1e-5, shape)
        totals = json.loads(self.run_command(CNNC, "info", network, "--input-shape", shape, "--json"))["totals"]
        return totals["parameters"], len(outputs[0])

    def test_behind_adaptive_pooling(self):
        path = self.folder / "net.json"
        path.write_text(json.dumps(PYRAMID))
        shapes = ("3x32x32", "3x8x8", "3x57x23", "3x101x160")
        self.assertEqual({self.check(path, shape) for shape in shapes}, {(16 * 28 + 16 * (16 + 9 + 1) * 10 + 10, 10)})

    def test_outputs_that_grow(self):
        for net, shapes in (("fcn_series", ("12x29", "12x64", "12x301")), ("edge", ("1x7x9", "1x64x33"))):
            counts = [self.check(MODELS / f"{net}.json", shape) for shape in shapes]
            self.assertEqual(len({parameters for parameters, _ in counts}), 1, net)
            sizes = [size for _, size in counts]
            self.assertEqual(sizes, sorted(sizes), net)


if __name__ == "__main__":
    main()
