"""The training API of emitted libraries: gradients that are handed over while the rest is computed."""
import json

from support import BEST, Case, main

# Layers whose gradients take more than one part.
WIDE = [{"op": "conv", "filters": 8, "kernel": 3}, {"op": "tanh"}, {"op": "dense", "units": 700}, {"op": "tanh"},
        {"op": "dense", "units": 500}, {"op": "tanh"}, {"op": "dense", "units": 4}]


class TrainingApi(Case):
    def network(self, name, layers, **more):
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps({"name": name, "input": {"shape": [1, 12, 12]}, "layers": layers, "loss": {"op": "mse"},
                                    "optimizer": {"op": "sgd", "lr": 0.1, "momentum": 0.9}, **more}))
        return path

    def test_gradients_handed_over(self):
        """Two contexts with half a batch each become what one with the whole batch does."""
        library = self.emit(self.network("wide", WIDE), "wide", "--train", "--batch", "8", "--target", BEST)
        for flags in ((), ("-fsanitize=thread", "-g")):
            apart = float(self.run_command(self.build(library, "buckets.c", flags=("-D_GNU_SOURCE", *flags))))
            self.assertLess(apart, 1e-6)


if __name__ == "__main__":
    main()
