"""Words that mean something in C, C++, a header or the emitted text itself, as names of networks, inputs, outputs and layers."""
import itertools
import json
import re
import shutil
import unittest

from support import BEST, CNNC, COMPILERS, LONG, MODELS, ROOT, STRICT, UNPROVED, Case, main

KEYWORDS = """alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t char8_t class co_await
co_return co_yield compl concept const const_cast consteval constexpr constinit continue decltype default delete do double
dynamic_cast else enum explicit export extern false float for friend goto if inline int long mutable namespace new noexcept not
not_eq nullptr operator or or_eq private protected public register reinterpret_cast requires restrict return short signed sizeof
static static_assert static_cast struct switch template this thread_local throw true try typedef typeid typename typeof union
unsigned using virtual void volatile wchar_t while xor xor_eq std main linux unix""".split()
# Of each kind a few: keywords, headers' names and macros, words of runtime/, variables of generators, helpers.
FIRST = "int printf first n x c oh in0 out0 acc0 avx512 NULL INFINITY stream class new exp y1 std cudaMalloc ctx zz zz_args".split()
# Of these every one must stay a prefix: another version of cnnc would rename a library's functions.
FREE = """alpha background bars classifier cnn convnet data decoder detector digit digits encoder features filter foo generator image
images inference keypoints labels layer letters mask mnist model network noise object output person policy pose resnet
segmentation speech student teacher unet vision""".split()
HEADERS = "".join(f"#include <{name}.h>\n" for name in ("math", "stddef", "stdint", "stdio", "string"))


def identifiers(text):
    """Of a C file, without comments, strings, characters, and lines that only the preprocessor reads."""
    text = re.sub(r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'""", " ", text, flags=re.S)
    return set(re.findall(r"\b[A-Za-z_]\w*", re.sub(r"^# *(include|pragma|error)[^\n]*", "", text, flags=re.M)))


def runtime_words():
    return {word for path in ROOT.glob("runtime/c*/*") for word in identifiers(path.read_text()) if not word.startswith("NAME")}


def network(name, inputs, layers, target=None):
    """Inputs and layers of these names; each layer is an output, every third one has parameters. With a target it trains."""
    chain = [{"op": "concat", "name": "start", "from": inputs} if len(inputs) > 1 else {"op": "abs", "name": "start"}]
    for i, word in enumerate(layers):
        conv = {"op": "conv", "filters": 2, "kernel": 3, "pad": 1}
        chain.append({"name": word, **(conv if i % 3 == 0 else {"op": "relu" if i % 3 == 1 else "tanh"})})
    training = {"loss": {"op": "mse", "from": chain[-1]["name"], "target": target}, "optimizer": {"op": "sgd"}} if target else {}
    given = [*inputs, target] if target else inputs
    return json.dumps({"name": name, "inputs": {word: {"shape": [2, 4, 4]} for word in given}, "outputs": layers or ["start"],
                       "layers": chain, **training})


class Names(Case):
    def emitted(self, text, suffix, target, *options):
        (self.folder / "net.json").write_text(text)
        for old in self.folder.glob("net.c*"):
            old.unlink()
        self.run_command(CNNC, "net.json", "--target", target, "-o", f"net{suffix}", *options)

    def accepted(self, target, name, inputs, layers):
        """cnnc proves it, and compilers have nothing to say about source and header."""
        suffix = ".cu" if target.startswith("sm_") else ".c"
        self.emitted(network(name, inputs, layers), suffix, target)
        if suffix == ".c":
            self.run_command("gcc", "-std=c11", "-O1", *STRICT, "-c", "net.c", "-o", "net.o")
        self.run_command("g++", "-std=c++20", "-fsyntax-only", *STRICT, "-x", "c++", "net.h")
        if suffix == ".cu" and LONG and shutil.which("nvcc"):
            self.run_command("nvcc", f"-arch={target}", "-Werror", "all-warnings", "-c", "net.cu", "-o", "net.o")

    def test_selftest(self):
        """Inputs, outputs and targets of these names, those of the self-test's own variables too, with NAME_SELFTEST defined."""
        text = "".join((ROOT / "runtime" / "c" / name).read_text() for name in ("selftest.c", "derivative.c"))
        own = {word for word in identifiers(text) if re.fullmatch("[a-z]+", word)} | {"was", "probes", "samples", "tell", "user"}
        words = sorted((own | set(FIRST) | set(KEYWORDS if LONG else ())) - {"zz", "zz_args"})
        for target, begin in (("s", 0), ("expected", 1)):
            rest = [word for word in words if word != target]
            self.emitted(network("zz", rest[begin::2], rest[1 - begin::2], target), ".c", "generic", "--train", "--input-grad",
                         "--selftest")
            for cc in COMPILERS:
                self.run_command(cc, "-std=c11", "-fsyntax-only", "-Dzz_SELFTEST", *STRICT, "net.c")

    def refused(self, words):
        """None of these is a prefix: each fourth, and all in the long form."""
        for word in sorted(words)[::1 if LONG else 4]:
            with self.subTest(word=word):
                self.run_command(CNNC, "net.json", "--prefix", word, "-o", "net.c", status=2)

    def test_inputs_outputs_layers(self):
        """A word as an input in one network, as a layer and output in another."""
        words = sorted(set(FIRST + KEYWORDS) | (runtime_words() if LONG else set()))
        half = 36
        for target in (BEST, "generic", "sm_80"):
            for i in range(0, len(words), 2 * half):
                part = words[i:i + 2 * half]
                with self.subTest(target=target, words=part):
                    self.accepted(target, "zz", part[:half], part[half:] or ["only"])
                    self.accepted(target, "zz", part[half:] or ["only"], part[:half])

    def test_named_like_the_network(self):
        for target in (BEST, "sm_80"):
            self.accepted(target, "value", ["net_value", "net_value_args"], ["value", "net_value_forward", "net_value_"])

    def test_networks(self):
        """Of networks with such names, the prefix is another word."""
        for word, target in zip(FIRST, itertools.cycle((BEST, "generic"))):
            with self.subTest(word=word):
                self.accepted(target, word, ["in"], ["out"])

    def test_free(self):
        """Names that networks are given are the prefixes of their libraries, and no variable hides the type."""
        (self.folder / "free.json").write_text(network("free", ["in"], ["out", "relu", "tanh"], "wanted"))
        types = "".join(f"typedef struct {word} {word};\n" for word in FREE)
        for target in ("generic", BEST):
            self.run_command(CNNC, "free.json", "--target", target, "--train", "--input-grad", "--selftest", "--profile", UNPROVED,
                             "-o", "free.c")
            source = self.folder / "free.c"
            source.write_text(types + source.read_text())
            self.run_command("gcc", "-std=c11", "-fsyntax-only", "-Dfree_SELFTEST", *STRICT, "free.c")
        for word in FREE:
            with self.subTest(word=word):
                self.run_command(CNNC, "free.json", "--prefix", word, "--target", "generic", UNPROVED, "-o", "net.c")

    def test_names_of_headers_are_known(self):
        """No identifier that a header defines serves as a prefix."""
        (self.folder / "all.c").write_text(HEADERS)
        (self.folder / "net.json").write_text(network("zz", ["in"], ["out"]))
        defined = set()
        for standard in ("c11", "gnu17"):
            text = self.run_command("gcc", f"-std={standard}", "-E", "-dD", "all.c")
            defined |= set(re.findall(r"^#define ([A-Za-z]\w*)", text, re.M))
            defined |= set(re.findall(r"\b([A-Za-z]\w*) *\(", re.sub(r"^#[^\n]*|__asm__ *\([^)]*\)", "", text, flags=re.M)))
        self.assertIn("memcpy", defined)
        self.assertIn("SEEK_SET", defined)
        self.refused(defined)

    def test_words_of_the_text_are_known(self):
        """No identifier that stands in an emitted file without the prefix serves as one."""
        kinds = [(model, target, *options) for model, *options in (("lenet5", "--train"), ("googlenet_caffe",), ("alphago_policy",))
                 for target in (BEST, "generic", "sm_80") if not (options and target == "sm_80")]
        found = set()
        for model, target, *options in kinds:
            stem, suffix = f"{model}_{target}", ".cu" if target.startswith("sm_") else ".c"
            self.run_command(CNNC, MODELS / f"{model}.json", "--target", target, "--prefix", "zz", "--no-validate", *options,
                             "-o", stem + suffix)
            for name in (stem + suffix, stem + ".h"):
                text = (self.folder / name).read_text()
                arguments = re.search(r"zz_forward\(zz \*ctx, int n([^)]*)\)", text).group(1)
                found |= identifiers(text) - set(re.findall(r"\*(\w+)", arguments))
        (self.folder / "net.json").write_text(network("zz", ["in"], ["out"]))
        self.refused({word for word in found if not word.lower().startswith("zz_")} - {"zz"})


main()
