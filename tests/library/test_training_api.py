"""The training API of emitted libraries: gradients that are handed over while the rest is computed, gradients by inputs."""
import json

from support import BEST, Case, main

# Layers whose gradients take more than one part.
WIDE = [{"op": "conv", "filters": 8, "kernel": 3}, {"op": "tanh"}, {"op": "dense", "units": 700}, {"op": "tanh"},
        {"op": "dense", "units": 500}, {"op": "tanh"}, {"op": "dense", "units": 4}]


class TrainingApi(Case):
    def network(self, name, layers, **more):
        path = self.folder / f"{name}.json"
        document = {"name": name, "input": {"shape": [1, 12, 12]}, "layers": layers, "loss": {"op": "mse"},
                    "optimizer": {"op": "sgd", "lr": 0.1, "momentum": 0.9}, **more}
        path.write_text(json.dumps({key: value for key, value in document.items() if value is not None}))
        return path

    def test_gradients_handed_over(self):
        """Two contexts with half a batch each become what one with the whole batch does."""
        library = self.emit(self.network("wide", WIDE), "wide", "--train", "--batch", "8", "--target", BEST)
        for flags in ((), ("-fsanitize=thread", "-g")):
            apart = float(self.run_command(self.build(library, "buckets.c", flags=("-D_GNU_SOURCE", *flags))))
            self.assertLess(apart, 1e-6)

    def test_gradients_by_inputs(self):
        """Of two inputs; what is not asked for is not computed."""
        inputs = {"x": {"shape": [2, 5, 4]}, "b": {"shape": [6]}}
        layers = [{"op": "conv", "name": "c", "from": "x", "filters": 3, "kernel": 3}, {"op": "batch_norm"}, {"op": "tanh"},
                  {"op": "pool", "kind": "average", "kernel": 2, "stride": 1}, {"op": "flatten", "name": "f"},
                  {"op": "concat", "from": ["f", "b"]}, {"op": "dense", "units": 3}]
        path = self.network("two", layers, inputs=inputs, input=None)
        library = self.emit(path, "two", "--train", "--input-grad", "--batch", "3", "--dtype", "f64")
        self.run_command(self.build(library, "input_grad.c", flags=("-fsanitize=address,undefined",)),
                         env={"ASAN_OPTIONS": "detect_leaks=0"})


if __name__ == "__main__":
    main()
