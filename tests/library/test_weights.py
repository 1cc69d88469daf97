"""Baked weights in all their forms: equal outputs, the same NAME.c for other weights, foreign or damaged weights refused."""
import filecmp

from support import BEST, CNNC, HERE, MODELS, STRICT, UNPROVED, Case, main

FORMS = ("embed", "object", "file", "extern")
# How a program has NAME.weights where NAME_weights points: here from an array of its own.
POINTER = """#include "net.h"
extern const unsigned char bytes[];
const unsigned char *const lenet5_weights = bytes;
"""
BYTES = """  .section .rodata
  .balign 64
  .global bytes
bytes:
  .incbin "net.weights"
  .section .note.GNU-stack, "", %progbits
"""
# Around a network without parameters: nothing is loaded, and each context of shared memory is ready.
NONE = """#include "program.h"
int main(void) {
  NET first, second;
  void *params = memory_of(NAME(_PARAMS_BYTES));
  NAME(_memory) one = memory_for(1, params), two = memory_for(1, params);
  float *x = samples(1), *y = results(1), *again = results(1);
  MUST(NAME(_init)(&first, &one, 1) == NAME(_OK));
  MUST(NAME(_forward)(&first, 1, x, y) == NAME(_OK));
  MUST(NAME(_init)(&second, &two, 1) == NAME(_OK));
  MUST(NAME(_forward)(&second, 1, x, again) == NAME(_OK));
  MUST(same(y, again, 1));
  MUST(NAME(_init_params)(&second, SEED) == NAME(_OK));
  MUST(NAME(_forward)(&second, 1, x, again) == NAME(_OK));
  MUST(same(y, again, 1));
  return 0;
}
"""


class Weights(Case):
    def weights(self, kind):
        """Parameters of LeNet-5 as a file: the trained ones, or others of the same shapes."""
        trained = MODELS / "lenet5.safetensors"
        if kind == "trained":
            return trained
        data = trained.read_bytes()
        begin = 8 + int.from_bytes(data[:8], "little")
        path = self.folder / f"{kind}.safetensors"
        path.write_bytes(data[:begin] + bytes(at * 7 % 60 for at in range(len(data) - begin)))
        return path

    def bake(self, form, target, weights, *options):
        folder = self.folder / f"{form}-{target}-{weights.stem}"
        folder.mkdir()
        self.run_command(*self.command(weights, folder / "net.c"), "--weights-as", form, "--target", target, *options)
        return folder

    def command(self, weights, output):
        return CNNC, MODELS / "lenet5.json", "--weights", weights, "-o", output

    def program(self, form, folder):
        """outputs.c around the library in `folder`."""
        sources = [folder / "net.c"]
        if form == "object":
            sources.append("net_weights.S")
        if form == "extern":
            (folder / "pointer.c").write_text(POINTER)
            (folder / "bytes.S").write_text(BYTES)
            sources += ["pointer.c", "bytes.S"]
        flags = ["-DBAKED", "-DPARAMS_IN_MEMORY"] if form == "file" else []
        definitions = ["-DNET=lenet5", '-DHEADER="net.h"', "-DIN_SIZE=784", "-DOUT_SIZE=10", "-DPOISON=0xff"]
        self.run_command("gcc", "-std=c11", "-O1", *STRICT, *flags, *definitions, "-I", folder, "-I", HERE, HERE / "outputs.c",
                         *sources, "-o", "program", "-lm", "-pthread", cwd=folder)
        return folder / "program"

    def results(self, form, folder, status=0):
        packed = ["net.weights"] if form == "file" else []
        self.run_command(self.program(form, folder), "results", *packed, cwd=folder, status=status)
        return (folder / "results").read_bytes() if status == 0 else None

    def test_equal_outputs(self):
        """Weights for several targets lie in one file; each finds its own."""
        for targets in ((BEST, f"{BEST},generic"), ("generic",)):
            outputs = {self.results(form, self.bake(form, target, self.weights("trained"), UNPROVED))
                       for form in FORMS for target in targets}
            self.assertEqual(len(outputs), 1, targets)

    def test_same_code_for_other_weights(self):
        for form in FORMS:
            one, other = (self.bake(form, "generic", self.weights(kind)) for kind in ("trained", "other"))
            differ = filecmp.cmpfiles(one, other, [path.name for path in one.iterdir()], shallow=False)[1]
            self.assertEqual(differ, ["net_weights.h" if form == "embed" else "net.weights"], form)

    def test_damaged_weights_are_refused(self):
        """Magic, version, hash and size decide where no pointer is handed over as well."""
        for form in ("object", "extern"):
            folder = self.bake(form, "generic", self.weights("trained"), UNPROVED)
            good = (folder / "net.weights").read_bytes()
            for at in (0, 8, 16, 24):
                (folder / "net.weights").write_bytes(good[:at] + bytes([good[at] ^ 0x40]) + good[at + 1:])
                self.results(form, folder, status=1)

    def test_weights_of_the_whole_network(self):
        """A library of the first layers takes the file of all layers, baked in or loaded, and gives their activations."""
        trained, results = self.weights("trained"), set()
        for kind, options, flags, arguments in (("baked", ("--weights", trained, "--weights-as", "embed"), (), ()),
                                                ("loaded", (), ("-DPARAMS_IN_MEMORY",), (trained, "load"))):
            library = self.emit(MODELS / "lenet5.json", kind, "--outputs", "f6", "--target", "generic", *options)
            self.assertEqual(library.out_size, 84)
            self.run_command(self.build(library, "outputs.c", *flags), "results", *arguments)
            results.add((self.folder / "results").read_bytes())
        self.assertEqual(len(results), 1)
        other = trained.read_bytes().replace(b"output.bias", b"otherr.bias")
        (self.folder / "other.safetensors").write_bytes(other)
        out = self.run_command(*self.command(self.folder / "other.safetensors", self.folder / "x.c"), "--outputs", "f6", status=1)
        self.assertIn('tensor "otherr.bias" [10] is no parameter of the network "lenet5"', out)

    def test_library_with_object(self):
        """--build puts the object into both libraries."""
        folder = self.folder / "built"
        folder.mkdir()
        self.run_command(*self.command(self.weights("trained"), folder / "net.c"), "--weights-as", "object", "--build")
        for name in ("libnet.a", "libnet.so"):
            self.assertRegex(self.run_command("nm", "--defined-only", folder / name), r" [Rr] lenet5_weights")

    def test_without_parameters_init_is_enough(self):
        (self.folder / "none.c").write_text(NONE)
        for target in (BEST, "generic"):
            library = self.emit(MODELS / "sobel.json", f"sobel_{target}", "--target", target)
            self.assertNotIn("_load_file(&net", library.text)
            self.run_command(self.build(library, self.folder / "none.c", "-DPARAMS_IN_MEMORY"))


main()
