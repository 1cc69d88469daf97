"""Emitted files as source: headers that stand alone, prefixed symbols, the same bytes every time, libraries, examples."""
import filecmp
import json
import shutil

from support import BEST, CNNC, HERE, MODELS, ROOT, STRICT, Case, main

MIXED = HERE / "networks" / "mixed.json"


class Source(Case):
    def headers(self, target, *options):
        library = self.emit(MODELS / "lenet5.json", "lenet5", "--target", target, *options)
        self.run_command("gcc", "-std=c11", "-fsyntax-only", *STRICT, "-x", "c", library.header)
        for cxx, standard in (("g++", "c++11"), ("g++", "c++17"), ("clang++", "c++17")):
            self.run_command(cxx, f"-std={standard}", "-fsyntax-only", *STRICT, "-x", "c++", library.header)

    def test_header_alone(self):
        weights = ("--weights", MODELS / "lenet5.safetensors", "--weights-as")
        for options in ((), (*weights, "embed"), (*weights, "file")):
            with self.subTest(options=options[2:]):
                self.headers("generic", *options)

    def test_no_stdio(self):
        library = self.emit(MODELS / "lenet5.json", "lenet5", "--target", BEST)
        self.run_command("gcc", "-std=c11", "-O1", *STRICT, "-Dlenet5_NO_STDIO", "-c", library.source, "-o", self.folder / "a.o")
        symbols = self.run_command("nm", "--undefined-only", self.folder / "a.o")
        for name in ("fopen", "fread", "fwrite", "malloc", "printf"):
            self.assertNotIn(name, symbols)

    def test_header_of_training(self):
        """Targets and loss are described, and what the caller prepares."""
        network = {"name": "two", "input": {"shape": [2, 4, 4], "scale": 0.5, "mean": [1, 2], "std": [3, 4]},
                   "layers": [{"op": "dense", "name": "a", "units": 3}, {"op": "dense", "name": "b", "from": "input", "units": 5}],
                   "outputs": ["a", "b"], "optimizer": {"op": "sgd", "lr": 0.1, "accumulate": 4},
                   "losses": [{"op": "cross_entropy", "from": "a", "target": "t", "weight": 0.25},
                              {"op": "mse", "from": "b", "target": "wanted"}]}
        network["inputs"] = {"input": network.pop("input"), "t": {"shape": [], "dtype": "i32"}, "wanted": {"shape": [5]}}
        (self.folder / "two.json").write_text(json.dumps(network))
        text = self.emit(self.folder / "two.json", "two", "--train", "--target", "generic").text
        for line in ("(value * 0.5 - mean) / std,\n *     mean 1 2, std 3 4\n",
                     " * target t        int [n]: numbers of classes, 0 ... 2; -100: does not count\n",
                     " * target wanted   float [n][5]: what the prediction should be\n", "float: 0.25 * (mean of -log softmax",
                     "\n *     plus mean of (prediction - target)^2", "along the gradients, divided by 4"):
            self.assertIn(line, text)

    def exported(self, binary, *options):
        lines = self.run_command("nm", "-g", "--defined-only", *options, binary).splitlines()
        return {line.split()[-1] for line in lines if len(line.split()) == 3}

    def test_two_networks_in_one_program(self):
        """Of the same and of different targets; each exports nothing but its prefix."""
        for first, second in ((BEST, BEST), (BEST, "generic"), ("avx2", "generic")):
            with self.subTest(first=first, second=second):
                a = self.emit(MODELS / "lenet5.json", "a", "--target", first, "--prefix", "small")
                b = self.emit(MIXED, "b", "--target", second)
                for library in (a, b):
                    self.run_command("gcc", "-std=c11", "-O1", "-fopenmp", "-c", library.source)
                    names = self.exported(self.folder / f"{library.stem}.o")
                    self.assertTrue(names)
                    self.assertEqual([name for name in names if not name.startswith(library.name)], [])
                definitions = ("-DA=small", "-DB=mixed", '-DFIRST="a.h"', '-DSECOND="b.h"', "-I", self.folder)
                self.run_command("gcc", "-std=c11", *STRICT, *definitions, "-fopenmp", HERE / "two.c", "a.o", "b.o", "-o", "two",
                                 "-lm")
                self.run_command(self.folder / "two")
                (self.folder / "both.c").write_text('#include "a.c"\n#include "b.c"\n')
                self.run_command("gcc", "-std=c11", "-fsyntax-only", *STRICT, "both.c")

    def test_prefixes_that_differ_in_case(self):
        """Both headers declare their functions in one file."""
        for prefix in ("alpha", "Alpha"):
            self.emit(MODELS / "lenet5.json", prefix, "--target", "generic", "--prefix", prefix)
        (self.folder / "both.c").write_text('#include "alpha.h"\n#include "Alpha.h"\n'
                                            "int both(void);\nint both(void) { return alpha_info() == Alpha_info(); }\n")
        for compiler in (("gcc", "-std=c11"), ("g++", "-std=c++17", "-x", "c++")):
            self.run_command(*compiler, "-fsyntax-only", *STRICT, "both.c")

    def test_same_bytes_again(self):
        """Neither the run nor the working folder, nor how the network's file is named, shows in what is emitted."""
        weights = MODELS / "lenet5.safetensors"
        for options in ((), ("--weights", weights, "--weights-as", "file"), ("--weights", weights, "--weights-as", "embed"),
                        ("--batch", "4", "--target", "generic")):
            folders = [self.folder / name for name in ("one", "other")]
            for folder in folders:
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
            shutil.copy(MODELS / "lenet5.json", folders[1])
            self.run_command(CNNC, MODELS / "lenet5.json", "-o", folders[0] / "net.c", *options)
            self.run_command(CNNC, "lenet5.json", "-o", "net.c", *options, cwd=folders[1])
            (folders[1] / "lenet5.json").unlink()
            names = sorted(path.name for path in folders[0].iterdir())
            self.assertEqual(names, sorted(path.name for path in folders[1].iterdir()))
            self.assertEqual(filecmp.cmpfiles(*folders, names, shallow=False)[1:], ([], []), options)

    def test_built_libraries(self):
        """--build makes libNAME.a and libNAME.so: both link, run and export nothing but the prefix."""
        library = self.emit(MODELS / "lenet5.json", "lenet5", "--build")
        names = self.exported(self.folder / "liblenet5.so", "-D")
        self.assertTrue(names)
        self.assertEqual([name for name in names if not name.startswith("lenet5")], [])
        for kind, link in (("static", "-l:liblenet5.a"), ("shared", "-l:liblenet5.so")):
            program = self.folder / kind
            self.run_command("gcc", "-std=c11", "-O1", *STRICT, *library.definitions(), "-DPARAMS_IN_MEMORY", "-I", self.folder,
                             HERE / "threads.c", "-L", self.folder, link, "-o", program, "-lm", "-pthread", "-fopenmp")
            self.run_command(program, env={"LD_LIBRARY_PATH": str(self.folder)})

    def test_examples(self):
        """examples/embed: a C and a C++ program name a digit."""
        folder = self.folder / "embed"
        shutil.copytree(ROOT / "examples" / "embed", folder)
        printed = self.run_command("make", f"CNNC={CNNC}", f"MODELS={MODELS}", f"DIGITS={ROOT / 'examples' / 'digits'}", "check",
                                   cwd=folder)
        self.assertEqual(printed.count("shows a 7"), 2, printed)


main()
