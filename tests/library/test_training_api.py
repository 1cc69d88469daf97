"""The training API of emitted libraries: gradients that are handed over while the rest is computed, gradients by inputs, the
self-test."""
import itertools
import json
import random
import re
import subprocess
import unittest

from support import BEST, HERE, LONG, MODELS, RUNNABLE, Case, main

MIXED = HERE / "networks" / "mixed.json"
TESTED = {"resnet50": (), "vgg_d": ("--input-shape", "3x64x64"), "googlenet": (), "unet": ("--input-shape", "1x188x188"),
          "c3d": ("--input-shape", "3x16x32x32"), "alphago_policy": (), "alphago_value": (), "resnet20_cifar": ("--input-grad",)}

# Layers whose gradients take more than one part.
WIDE = [{"op": "conv", "filters": 8, "kernel": 3}, {"op": "tanh"}, {"op": "dense", "units": 700}, {"op": "tanh"},
        {"op": "dense", "units": 500}, {"op": "tanh"}, {"op": "dense", "units": 4}]

# Two contexts of memory that held something else before: equal training, equal checkpoints.
CHECKPOINTS = """#include "program.h"
static unsigned char saved[2][NAME(_CHECKPOINT_BYTES)];
int main(void) {
  for (int i = 0; i < 2; i++) {
    NET net;
    float loss, *x = samples(N), *t = results(N);
    NAME(_memory) m = {.hash = NAME(_HASH), .params_bytes = NAME(_PARAMS_BYTES),
                       .work_bytes = NAME(_TRAIN_WORK_BYTES)(1), .grads_bytes = NAME(_GRADS_BYTES),
                       .state_bytes = NAME(_STATE_BYTES)};
    m.params = memset(memory_of(m.params_bytes), 77 * i, m.params_bytes);
    m.work = memset(memory_of(m.work_bytes), 77 * i, m.work_bytes);
    m.grads = memset(memory_of(m.grads_bytes), 77 * i, m.grads_bytes);
    m.state = memset(memory_of(m.state_bytes), 77 * i, m.state_bytes);
    memset(t, 0, N * OUT * sizeof *t);
    MUST(NAME(_init)(&net, &m, 1) == NAME(_OK));
    MUST(NAME(_init_params)(&net, SEED) == NAME(_OK));
    MUST(NAME(_train_step)(&net, N, x, t, &loss) == NAME(_OK));
    MUST(NAME(_checkpoint_save)(&net, saved[i], sizeof saved[i]) == NAME(_OK));
  }
  MUST(memcmp(saved[0], saved[1], sizeof saved[0]) == 0);
  return 0;
}
"""


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

    def test_checkpoints_hold_nothing_else(self):
        (self.folder / "checkpoints.c").write_text(CHECKPOINTS)
        library = self.emit(self.network("wide", WIDE), "wide", "--train", "--batch", "2", "--target", "generic")
        self.run_command(self.build(library, self.folder / "checkpoints.c"))

    def selftest(self, library, *options):
        definitions = [f"-D{library.name}_SELFTEST", "-DPARAMS_IN_MEMORY", *(["-DTRAIN"] if "--train" in options else [])]
        return self.build(library, "selftest.c", flags=definitions)

    def passes_selftest(self, network, target, *options):
        library = self.emit(network, f"{network.stem}_{target}_{len(options)}", "--selftest", "--batch", "3", "--target", target,
                            *options)
        self.run_command(self.selftest(library, *options))

    def test_selftest(self):
        """Of inference and training, in every form that kernels take here; targets take turns but in the long form."""
        wide = self.network("wide", WIDE, optimizer={"op": "adam", "lr": 0.1, "clip_norm": 1})
        dropout = self.network("dropout", [WIDE[0], {"op": "batch_norm"}, {"op": "relu"}, {"op": "dropout"}, WIDE[-1]])
        cases = [(MIXED, ()), (MODELS / "lenet5.json", ("--train",)), (wide, ("--train",)),
                 (dropout, ("--train", "--input-grad"))]
        for (i, (network, options)), (t, target) in itertools.product(enumerate(cases), enumerate(RUNNABLE)):
            if LONG or t == i % len(RUNNABLE):
                with self.subTest(f"{network.stem} {target}"):
                    self.passes_selftest(network, target, *options)

    def test_selftest_finds_defects(self):
        """Kernels that compute something else are told of."""
        library = self.emit(MODELS / "lenet5.json", "broken", "--selftest", "--train", "--batch", "3", "--target", "generic")
        text = library.source.read_text()
        kernels, tests = text.split(f"#ifdef {library.name}_SELFTEST", 1)
        functions = [f for f in re.findall(r"^static void \w+_kernel(?:_\d+)?\(.*?^}$", kernels, re.M | re.S) if " += " in f]
        for function in random.Random(1).sample(functions, 4):
            broken = kernels.replace(function, function.replace(" += x", " -= x").replace(" += t", " -= t"))
            self.assertNotEqual(broken, kernels)
            library.source.write_text(broken + f"#ifdef {library.name}_SELFTEST" + tests)
            for stale in self.folder.glob("*.o"):
                stale.unlink()
            done = subprocess.run([self.selftest(library, "--train")], stdout=subprocess.PIPE, text=True)
            self.assertGreater(done.returncode, 0, f"not found: {function}")
            self.assertIn("expected", done.stdout)

    @unittest.skipUnless(LONG, "takes minutes")
    def test_selftest_of_models(self):
        self.each(lambda name: self.passes_selftest(MODELS / f"{name}.json", BEST, "--train", *TESTED[name]),
                  [(name,) for name in TESTED])


if __name__ == "__main__":
    main()
