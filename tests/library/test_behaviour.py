"""Emitted libraries at work: bit-identical whatever the threads, n and hook; silent under the sanitizers; errors; parameters."""
import json
import struct
import unittest

from shapes import write_network
from support import BEST, COMPILERS, HERE, LONG, MODELS, RUNNABLE, UNPROVED, Case, can, main

MIXED = HERE / "networks" / "mixed.json"
NETS = {"lenet5": (MODELS / "lenet5.json", "5"), "mixed": (MIXED, "3"),
        "images_in_lanes": (MODELS / "lenet5.json", "18", "--algo", "*=batch"),
        "deep": (HERE / "networks" / "deep.json", "9")}
REPRESENTATIVE = tuple(NETS) if LONG else ("mixed", "images_in_lanes", "deep")  # every kind of kernel is in these
LARGER = {"resnet20_cifar": "3", "squeezenet1_1": "2", "googlenet": "2", "mobilenet_v1": "2"}  # where time is no matter
IN_MEMORY = "-DPARAMS_IN_MEMORY"
WITH_OPENMP = [cc for cc in COMPILERS if can(cc, "-fopenmp")]
# clang takes minutes where both sanitizers meet long functions, gcc does not.
SANITIZERS = {"gcc": ("address,undefined",), "clang": ("address", "undefined")}


def floats(data):
    return struct.unpack(f"<{len(data) // 4}f", data)


def sanitize(sanitizer):
    return f"-fsanitize={sanitizer}", "-fno-sanitize-recover=all", "-g"


def nets():
    return {**NETS, **LARGER} if LONG else NETS


class Behaviour(Case):
    def setUp(self):
        super().setUp()
        for name in LARGER:
            write_network(self.folder / f"{name}.json", name)

    def emitted(self, name, target, *options):
        network, batch, *more = NETS.get(name) or (self.folder / f"{name}.json", LARGER[name])
        if name == "deep":
            more = "--machine", self.small_machine(target)
        library = self.emit(network, f"{name}_{target}", "--target", target, "--batch", batch, *more, *options)
        self.assertEqual("a->sample" in library.source.read_text(), name == "deep")
        return library

    def small_machine(self, target):
        """Where the smallest batch leaves the cache, and all kernels are worth threads."""
        file = self.folder / f"machine_{target}.json"
        file.write_text(json.dumps({"machine": 1, "target": target, "cores": 1, "l2": 100000, "launch": 1e-9}))
        return file

    def threads(self, name, target, *compilers):
        library = self.emitted(name, target)
        for cc, *flags in compilers:
            printed = self.run_command(self.build(library, "threads.c", IN_MEMORY, cc=cc, flags=flags))
            if name in LARGER:
                self.assertGreater(int(printed.split()[0]), 0, "nothing ran through the hook")

    def test_threads_n_and_hook(self):
        """Through the OpenMP of the compilers, and without; they take turns, but for the best target in the long form."""
        compilers = [(cc, "-fopenmp") for cc in WITH_OPENMP] + [("gcc",)]

        def taken(target, turn):
            return compilers if LONG and target == BEST else [compilers[turn % len(compilers)]]
        self.each(self.threads, [(name, target, *taken(target, i + t))
                                 for i, name in enumerate(nets()) for t, target in enumerate(RUNNABLE)])

    def sanitized(self, name, target, cc, sanitizer):
        library = self.emitted(name, target, UNPROVED)
        for program in ("threads.c", "errors.c"):
            self.run_command(self.build(library, program, IN_MEMORY, cc=cc, flags=sanitize(sanitizer)),
                             env={"ASAN_OPTIONS": "detect_leaks=0"})

    def sanitized_by(self, cc):
        sanitizers = [sanitizer for sanitizer in SANITIZERS[cc] if can(cc, *sanitize(sanitizer))]
        """Small networks: models.py runs the others under both."""
        self.each(self.sanitized, [(name, target, cc, sanitizer) for name in REPRESENTATIVE for target in RUNNABLE
                                   for sanitizer in sanitizers])

    @unittest.skipUnless("gcc" in COMPILERS, "no gcc")
    def test_sanitizers_of_gcc(self):
        self.sanitized_by("gcc")

    @unittest.skipUnless(LONG and "clang" in COMPILERS, "no clang, or no time")
    def test_sanitizers_of_clang(self):
        self.sanitized_by("clang")

    def shared(self, name, target):
        library = self.emitted(name, target, UNPROVED)
        for program in ("contexts.c", "threads.c"):
            self.run_command(self.build(library, program, IN_MEMORY, flags=("-fsanitize=thread", "-g")))

    def test_contexts_share_parameters(self):
        self.each(self.shared, [(name, BEST) for name in nets()] + [("lenet5", "generic")])

    def errors(self, name, target):
        library = self.emitted(name, target, UNPROVED)
        self.run_command(self.build(library, "errors.c", IN_MEMORY))

    def test_errors(self):
        self.each(self.errors, [("lenet5", target) for target in RUNNABLE])

    def test_training_errors(self):
        """What training refuses, and where it begins; a name longer than others; a schedule that gets no numbers."""
        layers = [{"block": "b", "name": 180 * "o"}]
        blocks = {"b": {"layers": [{"op": "dense", "name": 180 * "i", "units": 4}]}}
        network = self.folder / "plateau.json"
        network.write_text(json.dumps({
            "name": "plateau", "input": {"shape": [5]}, "layers": layers, "blocks": blocks, "loss": {"op": "mse"},
            "optimizer": {"op": "sgd", "lr": 0.5, "schedule": "plateau", "patience": 0, "gamma": 0.5, "floor": 0.25}}))
        library = self.emit(network, "plateau", "--train", "--batch", "3", "--target", "generic")
        program = self.build(library, "training.c", IN_MEMORY, flags=sanitize("address,undefined"))
        self.run_command(program, env={"ASAN_OPTIONS": "detect_leaks=0"})

    @unittest.skipIf(BEST == "generic", "this processor has no target that others lack")
    def test_processor_without_instructions(self):
        library = self.emitted("lenet5", BEST, UNPROVED)
        self.run_command(self.build(library, "errors.c", IN_MEMORY, "-DNO_CPU", flags=("-D__builtin_cpu_supports(x)=0",)))

    def fast_math(self, name, target, cc):
        library = self.emitted(name, target, UNPROVED)
        results = self.folder / f"{library.stem}-{cc}.results"

        def outputs(*flags):
            self.run_command(self.build(library, "outputs.c", IN_MEMORY, cc=cc, flags=flags), results, f"{results}.safetensors",
                             "save")
            return floats(results.read_bytes())

        plain, fast = outputs(), outputs("-O2", "-ffast-math")
        worst = max(abs(a - b) for a, b in zip(plain, fast)) / max(map(abs, plain))
        self.assertLess(worst, 1e-5)

    def test_fast_math(self):
        self.each(self.fast_math, [(name, target, cc) for name in (nets() if LONG else REPRESENTATIVE)
                                   for target in dict.fromkeys((BEST, "generic"))
                                   for cc in (COMPILERS if target == BEST else COMPILERS[:1])])

    def baked(self, name, target):
        """Loaded, embedded and packed parameters: the same bits out."""
        results = self.folder / f"{name}_{target}.results"
        weights = self.folder / f"{name}_{target}.safetensors"
        loaded = self.emitted(name, target, UNPROVED)
        program = self.build(loaded, "outputs.c", IN_MEMORY)
        self.run_command(program, results, weights, "save")
        expected = results.read_bytes()
        self.run_command(program, results, weights, "load")
        self.assertEqual(results.read_bytes(), expected)
        network, batch, *more = NETS[name]
        for form, flags in (("embed", ()), ("file", (IN_MEMORY, "-DBAKED"))):
            stem = f"{name}_{target}_{form}"
            library = self.emit(network, stem, "--target", target, "--batch", batch, "--weights", weights,
                                "--weights-as", form, *more)
            packed = [self.folder / f"{stem}.weights"] if form == "file" else []
            self.run_command(self.build(library, "outputs.c", *flags), results, *packed)
            self.assertEqual(results.read_bytes(), expected, f"--weights-as {form}: other bits than loaded weights")

    def test_baked_as_loaded(self):
        self.each(self.baked, [(name, target) for name in REPRESENTATIVE for target in RUNNABLE])


main()
