"""Libraries for several targets: each computes what a library for it alone does; none of them; checkpoints serve all."""
import json
import struct
import unittest

from support import BEST, COMPILERS, HERE, MODELS, RUNNABLE, STRICT, UNPROVED, Case, main

MIXED = HERE / "networks" / "mixed.json"
NO_VECTORS = "-D__builtin_cpu_supports(x)=0"  # a processor that has what every one has
LAYERS = [{"op": "conv", "filters": 20, "kernel": 3, "pad": 1, "bias": False}, {"op": "batch_norm"}, {"op": "relu"},
          {"op": "conv", "filters": 16, "kernel": 3, "stride": 2}, {"op": "tanh"}, {"op": "dropout"},
          {"op": "dense", "units": 300}, {"op": "tanh"}, {"op": "dense", "units": 5}]


def first(target):
    """A list that begins with the target; what every processor has comes last."""
    others = [name for name in RUNNABLE if name not in (target, "generic")]
    return ",".join([target, *others, "generic"])


@unittest.skipIf(BEST == "generic", "this processor has no target that others lack")
class Targets(Case):
    def setUp(self):
        super().setUp()
        self.network = self.folder / "net.json"
        self.network.write_text(json.dumps({
            "name": "several", "input": {"shape": [3, 12, 12]}, "layers": LAYERS, "loss": {"op": "mse"},
            "optimizer": {"op": "adam", "lr": 0.01}}))

    def train(self, stem, target, *options, flags=(), resume=False):
        """What is printed, and the numbers that came out, as bytes."""
        library = self.emit(self.network, stem, "--train", "--batch", "4", "--target", target, UNPROVED, *options)
        program = self.build(library, "targets.c", "-DPARAMS_IN_MEMORY", flags=("-fopenmp", *flags))
        printed = self.run_command(program, "results", "checkpoint", *(["resume"] if resume else []))
        return printed, (self.folder / "results").read_bytes()

    def test_each_of_a_list(self):
        for target in RUNNABLE:
            several, flags = (first(target), ()) if target != "generic" else (first(BEST), (NO_VECTORS,))
            with self.subTest(target=target):
                alone = self.train(f"alone_{target}", target, "--input-grad")
                among = self.train(f"among_{target}", several, "--input-grad", flags=flags)
                self.assertIn(f", target {target}, ", among[0])
                self.assertEqual(among[1], alone[1])

    def test_checkpoint_serves_all(self):
        """Training goes on where another processor left it, with rounding errors of its own."""
        self.train("library", first(BEST))
        numbers = []
        for flags in ((), (NO_VECTORS,)):
            printed, results = self.train("library", first(BEST), flags=flags, resume=True)
            self.assertIn(f", target {'generic' if flags else BEST}, ", printed)
            numbers.append(struct.unpack(f"<{len(results) // 4}f", results))
        apart = max(abs(a - b) for a, b in zip(*numbers))
        self.assertLess(apart, 1e-3 * max(map(abs, numbers[0])))

    def test_compilers(self):
        """None has anything to say about any form."""
        baked = ("--weights", MODELS / "lenet5.safetensors", "--weights-as", "embed")
        for name, network, options in (("plain", MIXED, ()), ("train", MODELS / "lenet5.json", ("--train",)),
                                       ("exact", MODELS / "lenet5.json", ("--dtype", "f64")),
                                       ("baked", MODELS / "lenet5.json", baked)):
            library = self.emit(network, name, "--target", first(BEST), *options)
            for cc in COMPILERS:
                for flags in (("-O1",) if cc == "gcc" else ("-fsyntax-only",), ("-fsyntax-only", NO_VECTORS)):
                    self.run_command(cc, "-std=c11", *STRICT, *flags, "-c", library.source, "-o", "net.o")

    def test_none_of_a_list(self):
        vectors = [target for target in RUNNABLE if target != "generic"]
        if len(vectors) < 2:
            self.skipTest("this processor has one target that others lack")
        library = self.emit(MODELS / "lenet5.json", "none", "--target", ",".join(vectors), "--batch", "5")
        self.run_command(self.build(library, "errors.c", "-DPARAMS_IN_MEMORY", "-DNO_CPU", flags=(NO_VECTORS,)))

    def test_threads_n_and_hook(self):
        library = self.emit(MIXED, "mixed", "--target", first(BEST), "--batch", "3")
        self.run_command(self.build(library, "threads.c", "-DPARAMS_IN_MEMORY"))


main()
