"""bench/gpu as far as it goes without a GPU: the archive, that its sources compile, what is made of times."""
import ctypes
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import unittest

from support import CNNC, LONG, ROOT, Case, main

GPU = ROOT / "bench" / "gpu"
SIMULATOR = ROOT / "tests" / "cudasim"
sys.path[:0] = [str(GPU), str(GPU.parent)]
import build  # noqa: E402
import libraries  # noqa: E402
import report  # noqa: E402
import worker  # noqa: E402

MOST = 32 << 20  # bytes
FEW = "lenet5_b1_f32"  # a case that is made quickly
PEAKS = {"bytes": 1e12, "f32": 1e13, "tf32": 3e13, "bf16": 1e14}


def case_of(**other):
    return {"name": "c", "network": "c", "batch": 10, "dtype": "f32", "train": False, "goals": {}, "work": [[1000000, 50, 100]],
            **other}


def found(**other):
    return {"ours": {"stream": {"ms": 2.0}, "graph": {"ms": 1.0}}, "error": 1e-6,
            "peers": {"eager": {"ms": 6.0, "ours": 2.0, "error": 1e-6}, "compile graph": {"ms": 1.5, "ours": 1.0, "error": 2e-6},
                      "compile": {"failed": "no"}}, **other}


# Memory of the host will do for a device that is not there.
PROGRAM = """
#include "net.h"
static _Alignas(net_ALIGN) unsigned char params[net_PARAMS_BYTES], weights[net_DEVICE_PARAMS_BYTES], work[net_WORK_BYTES];
int main(void) {
  net ctx;
  void *graph = work;
  net_memory memory = {.hash = net_HASH, .params = params, .params_bytes = sizeof params, .device_params = weights,
                       .device_params_bytes = sizeof weights, .work = work, .work_bytes = sizeof work};
  if (net_init(&ctx, &memory) || net_init_params(&ctx, 1)) return 1;
  if (net_upload(&ctx, 0) != net_E_DEVICE) return 2;
  if (net_graph_begin(work) != net_E_DEVICE || net_graph_begin(0) != net_E_NULL) return 3;
  return net_graph_end(work, &graph) != net_E_DEVICE || graph;
}
"""


def simulator():
    """Its sources."""
    return [path for path in SIMULATOR.glob("*.c") if not path.name.startswith(("harness", "test_"))]


class Clock:
    """A device whose calls take what they say, in ms."""

    def time(self, stream, run, calls):
        return sum(run() for _ in range(calls)) / calls


class Archive(Case):
    def pack(self, name, *options):
        self.run_command(sys.executable, GPU / "pack", "--cnnc", CNNC, *options, name)
        return self.folder / name

    def unpack(self, only):
        with tarfile.open(self.pack("gpu.tar", "--only", only)) as archive:
            archive.extractall(self.folder)
        return self.folder / "cnnc-gpu"

    def test_equal_sources_give_equal_archives(self):
        first, second = self.pack("first.tar", "--only", FEW), self.pack("second.tar", "--only", FEW)
        self.assertEqual(first.read_bytes(), second.read_bytes())

    def test_all_fits(self):
        path = self.pack("all.tar")
        self.assertLess(path.stat().st_size, MOST)
        with tarfile.open(path) as archive:
            names = set(archive.getnames())
            cases = json.load(archive.extractfile("cnnc-gpu/manifest.json"))["cases"]
        for case in cases:
            self.assertLessEqual({f"cnnc-gpu/nets/{case['name']}.cu", f"cnnc-gpu/nets/{case['name']}.h",
                                  f"cnnc-gpu/nets/{case['document']}"}, names)
            self.assertGreater(report.roofline(case, PEAKS), 0)
        whole = {(case["network"], case["dtype"], case["train"]) for case in cases}
        self.assertLessEqual({("resnet50", dtype, False) for dtype in ("f32", "tf32", "bf16", "f32x3")} |
                             {("resnet50", "bf16", True), ("resnet50", "f32", True), ("ciresan_mnist", "f32", True)}, whole)
        self.assertEqual(len({case["network"] for case in cases if case.get("layer")}), 22)

    def test_without_a_device(self):
        folder = self.unpack(FEW)
        done = subprocess.run([sys.executable, folder / "run"], capture_output=True, text=True, cwd=self.folder,
                              env={"PATH": "/nowhere", "CUDA_HOME": "/nowhere"})
        self.assertEqual((done.returncode, done.stdout), (3, ""))
        self.assertIn("nvcc is missing", done.stderr)
        if not build.nvcc():
            return
        done = subprocess.run([sys.executable, folder / "run", "--minutes", "0.5"], capture_output=True, text=True, cwd=self.folder)
        if done.returncode == 3:
            self.assertIn("no GPU", done.stderr)

    def test_without_an_archive(self):
        done = subprocess.run([sys.executable, GPU / "run"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("pack", done.stderr)

    @unittest.skipIf(not build.nvcc(), "nvcc is not installed")
    def test_sources_compile(self):
        folder = self.unpack(FEW if not LONG else "[lc]*")
        manifest = json.loads((folder / "manifest.json").read_text())
        made = build.commands(manifest, manifest["cases"], folder, self.folder, build.nvcc(), "sm_90")
        failures = build.build(made, lambda *_: None, build.SECONDS)
        self.assertEqual(failures, {})
        done = subprocess.run([made["conform"][0]], capture_output=True, text=True)
        self.assertIn(done.returncode, (0, 3), done.stdout + done.stderr)

    def test_conformance_of_the_simulator_with_itself(self):
        """Says whether conform.cu compares what it should: here all must be alike, as both sides are tensor.c."""
        folder, objects = self.unpack(FEW), []
        shared = set(re.findall(r"\bcudasim_\w+(?=\()|\bcudasim_thread\b",
                                (folder / "conform_cpu.c").read_text() + (folder / "cudasim" / "tensor.c").read_text()))
        for source in (folder / "conform_cpu.c", folder / "cudasim" / "tensor.c"):
            objects.append(source.with_suffix(".o"))
            self.run_command("gcc", "-O1", *[f"-D{name}=cpu_{name}" for name in sorted(shared)], "-c", source, "-o", objects[-1])
        self.run_command("gcc", "-O1", "-I", SIMULATOR, "-x", "c++", folder / "conform.cu", "-x", "c", *simulator(), "-x", "none",
                         *objects, "-lstdc++", "-lm", "-o", "conform")
        for when in ("early", "late"):
            said = self.run_command("./conform", env={"CUDASIM_ASYNC": when, "CUDASIM_CHECK": "0"})
            self.assertNotIn("NOT", said)
        self.assertRegex(said, r"conformance: (\d+) of \1 checks are alike")

    def simulated(self, case, folder):
        """A case's library with the simulator in place of CUDA, and its memory."""
        source, memory = folder / "nets" / f"{case['name']}.cu", []
        self.run_command("gcc", "-O1", "-shared", "-fPIC", "-I", SIMULATOR, f'-DHEADER="{source.with_suffix(".h")}"',
                         *["-DTRAIN"] * case["train"], "-x", "c++", source, "-x", "c", folder / "shim.c", *simulator(),
                         "-Wl,--defsym=__executable_start=0", "-lstdc++", "-o", f"{case['name']}.so")

        os.environ["CUDASIM_CHECK"] = "0"  # memory is Python's, which the simulator does not know

        def allocate(size):
            memory.append(ctypes.create_string_buffer(size + 64))
            return (ctypes.addressof(memory[-1]) + 63) // 64 * 64
        return libraries.Ours(self.folder / f"{case['name']}.so", case["train"], allocate, 1, 64), allocate

    def cases(self, only):
        folder = self.unpack(only)
        return folder, json.loads((folder / "manifest.json").read_text())["cases"]

    def test_inference_as_it_is_and_as_a_graph(self):
        folder, (case,) = self.cases(FEW)
        ours, allocate = self.simulated(case, folder)
        x, y, bits = allocate(4 * 28 * 28), allocate(40), []
        run = ours.forward(1, x, y)
        for call in (run, ours.graph(run)):
            ctypes.memset(x, 0x3c, 4 * 28 * 28)
            ctypes.memset(y, 0xff, 40)
            call()
            bits.append(ctypes.string_at(y, 40))
        self.assertEqual(bits[0], bits[1])
        self.assertNotIn(b"\xff" * 4, bits[0])
        parameters = dict(ours.parameters())
        self.assertEqual((len(parameters), parameters["c1.weight"]), (10, [6, 1, 5, 5]))
        with self.assertRaisesRegex(libraries.Failure, "n is not in 1"):
            ours.forward(2, x, y)()

    def test_training_as_it_is_and_as_a_graph(self):
        folder, (case,) = self.cases("ciresan_mnist_b*_train")
        ours, allocate = self.simulated(case, folder)
        n = 8  # of case["batch"]
        x, target, loss = allocate(4 * n * 29 * 29), allocate(4 * n), allocate(4)
        ctypes.memset(x, 0x3c, 4 * n * 29 * 29)
        run, losses = ours.train_step(n, x, target, loss), []
        for call in [run, run] + [ours.graph(run)] * 2:
            call()
            losses.append(ctypes.c_float.from_address(loss).value)
        self.assertEqual(sorted(losses, reverse=True), losses)
        self.assertLess(losses[3], losses[0])

    def test_instructions_stand_in_functions_that_conform_calls(self):
        """What a device alone can prove stands in a few files, whose functions the program of conformance calls."""
        conform, found = (GPU / "conform.cu").read_text(), set()
        for path in sorted((ROOT / "runtime" / "cuda").iterdir()):
            text = path.read_text()
            if not re.search(r"\basm\b", text):
                continue
            found.add(path.name)
            for function in re.split(r"\n(?=CNNC_HELPER|#define )", text):
                name = re.match(r"(?:CNNC_HELPER [\w *]*?|#define )(cnnc_\w+)\(", function)
                if name and re.search(r"\basm\b", function):
                    self.assertTrue(re.search(rf"\b{name.group(1)}\(", conform), f"{path.name}: {name.group(1)}")
        self.assertEqual(found, {"lines.cuh", "tensor.cuh", "tma.cuh", "wgmma.cuh", "wgmma_lines.cuh"})

    @unittest.skipIf(not build.nvcc(), "nvcc is not installed")
    def test_a_program_in_c_without_a_device(self):
        self.run_command(CNNC, ROOT / "models" / "lenet5.json", "-o", "net.cu", "--prefix", "net", "--build", "--nvcc",
                         build.nvcc(), "--target", "sm_80,sm_90a")
        code = (self.folder / "libnet.a").read_bytes()
        self.assertTrue(b"sm_80" in code and b"sm_90a" in code)
        (self.folder / "program.c").write_text(PROGRAM)
        runtime = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(build.nvcc()))), "lib64")
        self.run_command("gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "program.c", "libnet.a", "-L", runtime,
                         "-lcudart_static", "-ldl", "-lpthread", "-lrt", "-o", "program")
        if libraries.device_capability()[0]:
            self.skipTest("there is a device")
        self.run_command(self.folder / "program")

    def test_a_lost_worker_is_noticed(self):
        shutil.copytree(GPU, self.folder / "gpu")
        program = ("import sys; sys.path.insert(0, 'gpu'); sys.argv = ['run']\n"
                   "import importlib.machinery as m, importlib.util as u\n"
                   "loader = m.SourceFileLoader('run', 'gpu/run'); run = u.module_from_spec(u.spec_from_loader('run', loader))\n"
                   "loader.exec_module(run)\n"
                   "worker = run.Worker('nowhere.so', open('log', 'w'))\n"
                   "print(worker.ask({'kind': 'facts'}, 60)['failed'], worker.runs())\n")
        said = self.run_command(sys.executable, "-c", program)
        self.assertRegex(said, r"(the process ended|Broken pipe).* False")


class Figures(unittest.TestCase):
    def test_roofline(self):
        # 2e7 operations at 1e13 a second, or (50 * 10 + 100) elements of 4 bytes at 1e12.
        self.assertAlmostEqual(report.roofline(case_of(), PEAKS), 2e-6)
        self.assertAlmostEqual(report.roofline(case_of(dtype="f32x3", train=True), PEAKS), 3 * 2e-6)
        self.assertAlmostEqual(report.roofline(case_of(work=[[1, 50, 100]], dtype="bf16"), PEAKS), 1.2e-9)

    def test_peaks(self):
        self.assertEqual(report.peaks_of("NVIDIA H200", {})["bytes"], 4.8e12)
        self.assertEqual(report.peaks_of("another", PEAKS), PEAKS)

    def test_ratios_are_of_turns(self):
        self.assertEqual(report.ratio(found()), 1.5)
        self.assertEqual(report.ratio(found(), ("eager",)), 3.0)
        self.assertIsNone(report.ratio(found(), ("compile",)))
        goals = {"eager": 2.0, "graphs": 1.6}
        self.assertEqual(report.goals(case_of(goals=goals), found()), [("eager", 2.0, 3.0), ("graphs", 1.6, 1.5)])

    def test_wrong_results(self):
        self.assertIsNone(report.wrong(case_of(), found()))
        self.assertIn("away", report.wrong(case_of(), found(error=2e-5)))
        self.assertIn("away", report.wrong(case_of(), found(error=float("nan"))))
        self.assertIn("graph", report.wrong(case_of(), found(graph_alike=False)))
        self.assertEqual(report.wrong(case_of(), found(failed="why")), "why")
        wide = found(error=2e-5)
        wide["peers"]["eager"]["error"] = 1e-5
        self.assertIsNone(report.wrong(case_of(), wide))

    def test_lines(self):
        line = report.line(case_of(goals={"eager": 2.0}), found(), PEAKS)
        for part in ("1.0000 ms", "10000/s", "0.2 % of roofline", "ratio 1.50", "goal eager 3.00 of 2.0"):
            self.assertIn(part, line)
        self.assertIn("compile failed: no", report.detail(found()))
        nothing = {"ours": {}, "peers": {}, "failed": "lost"}
        self.assertIn("WRONG: lost", report.line(case_of(), nothing, PEAKS))

    def test_turns(self):
        times = worker.in_turns(Clock(), None, {"ours": lambda: 1.0, "theirs": lambda: 30.0})
        self.assertEqual({name: set(ms) for name, ms in times.items()}, {"ours": {1.0}, "theirs": {30.0}})
        self.assertEqual(len(times["ours"]), worker.MOST)
        self.assertEqual(worker.summary([3, 1, 2]), {"ms": 2, "low": 1, "high": 3})

    def test_architecture(self):
        self.assertEqual(build.architecture("sm_90", 90), "sm_90")
        self.assertEqual(build.architecture("sm_90a", 90), "sm_90a")
        self.assertEqual(build.architecture("sm_90", 80), "sm_80")
        self.assertEqual([build.whole_architecture(arch) for arch in ("sm_80", "sm_90")], ["sm_80", "sm_90a"])


@unittest.skipIf(not importlib.util.find_spec("torch"), "PyTorch is not installed")
class PyTorchSides(Case):
    """On the CPU, where they compute the same."""
    NET = {"name": "net", "input": {"shape": [3, 8, 8]},
           "layers": [{"op": "conv", "name": "c", "filters": 4, "kernel": 3, "stride": 2, "pad": 1, "bias": False},
                      {"op": "batch_norm", "name": "b"}, {"op": "relu"}, {"op": "dense", "name": "d", "units": 5}],
           "loss": {"op": "cross_entropy"}, "optimizer": {"op": "sgd", "lr": 0.1, "momentum": 0.9}}

    def setUp(self):
        super().setUp()
        import torch
        torch.manual_seed(1)
        self.torch, self.path = torch, self.folder / "net.json"
        self.path.write_text(json.dumps(self.NET))
        shapes = {"c.weight": [4, 3, 3, 3], "b.weight": [4], "b.bias": [4], "b.running_mean": [4], "b.running_var": [4],
                  "d.weight": [5, 64], "d.bias": [5]}
        self.weights = {name: torch.rand(shape) for name, shape in shapes.items()}
        self.x = torch.randn(6, 3, 8, 8)

    def side(self, kind, dtype, channels_last, *more):
        import pytorch
        return kind(self.path, {"dtype": dtype}, self.weights, pytorch.Mode(channels_last), self.x, *more)

    def test_inference(self):
        import pytorch
        expected = self.side(pytorch.Inference, "f32", False).run()
        self.assertEqual(list(expected.shape), [6, 5])
        for dtype, channels_last, most in (("f32", True, 1e-6), ("tf32", True, 1e-6), ("bf16", True, 0.04), ("bf16", False, 0.04)):
            error = pytorch.relative_rms(self.side(pytorch.Inference, dtype, channels_last).run(), expected)
            self.assertLessEqual(error, most, f"{dtype}, channels_last {channels_last}")

    def test_training(self):
        import pytorch
        target = self.torch.arange(6, dtype=self.torch.int32) % 5
        sides = [self.side(pytorch.Training, dtype, channels_last, target)
                 for dtype, channels_last in (("f32", False), ("f32", True), ("bf16", False))]
        losses = [[float(side.run()) for _ in range(3)] for side in sides]
        self.assertLess(losses[0][2], losses[0][0])
        for own, most in zip(losses[1:], (1e-5, 0.05)):
            for a, b in zip(own, losses[0]):
                self.assertLessEqual(abs(a - b), most * abs(b))

    def test_convolution(self):
        import pytorch
        result = pytorch.Convolution([3, 8, 8, 4, 3, 2, 1], "f32", self.x, self.weights["c.weight"]).run()
        expected = self.torch.nn.functional.conv2d(self.x, self.weights["c.weight"], None, 2, 1)
        self.assertLessEqual(pytorch.relative_rms(result, expected), 1e-6)


if __name__ == "__main__":
    main()
