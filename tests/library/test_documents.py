"""The documents about the network language are true: every operator's example compiles and has the shapes that
docs/network.md says; the JSON Schema accepts every network of models/, and refuses the malformed networks of tests/golden
but for those whose mistake a schema cannot see."""
import json
import re
import unittest

from support import CNNC, MODELS, ROOT, STRICT, Case, main

try:
    import jsonschema
except ImportError:
    jsonschema = None

# Golden cases whose mistakes are in what names and numbers mean together: names of layers and blocks, shapes, recursion.
BEYOND_SCHEMA = """read_blocks/shape read_blocks/recursion read_blocks/inputs read_blocks/formulas read_blocks/layers read_chains/skip
read_chains/join read_chains/flat read_chains/vector read_chains/shrunk read_chains/dilated read_chains/axes read_chains/table
read_chains/fixed read_chains/twice read_chains/output read_chains/itself read_chains/classes read_chains/scalar read_inputs/huge
read_losses/target read_losses/implied read_names/several read_operators/deep read_operators/net read_operators/loss
read_settings/share read_settings/block read_shapes/shapes""".split()


def sections():
    """The operators' sections of docs/network.md: heading -> (name, text)."""
    text = (ROOT / "docs" / "network.md").read_text()
    for heading, body in re.findall(r"^## (Operators|Losses|Optimisers)\n(.*?)(?=^## |\Z)", text, re.M | re.S):
        for name, section in re.findall(r"^### (\w+)\n(.*?)(?=^### |\Z)", body, re.M | re.S):
            yield heading, name, section


def malformed():
    """(case, text) of every file of a golden test that `cnnc check` refuses, if it is JSON at all."""
    for path in sorted((ROOT / "tests" / "golden").glob("read_*.t")):
        text = path.read_text(errors="surrogateescape")
        files = dict(re.findall(r"^@ (\S+)\.json\n(.*?)(?=^[@$] )", text, re.M | re.S))
        for name in re.findall(r"^\$ cnnc check (\S+)\.json\n(?:(?!^[=$]).*\n)*= 1$", text, re.M):
            try:
                yield f"{path.stem}/{name}", json.loads(files[name])
            except (KeyError, ValueError):
                pass


class Documents(Case):
    def check(self, network, *options):
        path = self.folder / "example.json"
        path.write_text(json.dumps(network))
        self.run_command(CNNC, path, "-o", self.folder / "example.c", "--target", "generic", *options)
        self.run_command("gcc", "-std=c99", "-O0", *STRICT, "-c", self.folder / "example.c", "-o", self.folder / "example.o")
        return path

    def test_every_operator_says_what_and_where_from(self):
        for _, name, section in sections():
            self.assertRegex(section, r"\A\n\S.* Source: \S", name)
            self.assertIn("\nExample: `", section, name)

    def test_examples_of_layers(self):
        """All in one network, each an output."""
        layers, shapes = [], {}
        for heading, name, section in sections():
            if heading != "Operators":
                continue
            text, made, of = re.search(r"^Example: `(.*)` makes (\[.*?\]) of (?:two )?(\[.*?\])\.$", section, re.M).groups()
            self.assertEqual(json.loads(text)["op"], name)
            layers.append({"from": "a", **json.loads(text), "name": f"the_{name}"})
            shapes[f"the_{name}"] = json.loads(made)
        inputs = {word: {"shape": json.loads(of)} for word in "ab"}
        path = self.check({"name": "examples", "inputs": inputs, "layers": layers, "outputs": list(shapes)})
        info = json.loads(self.run_command(CNNC, "info", path, "--json", "--target", "generic"))
        self.assertEqual({layer["name"]: layer["output"] for layer in info["layers"]}, shapes)

    def test_examples_of_training(self):
        """Each loss with one optimiser, each optimiser with one loss."""
        given = {"loss": [], "optimizer": []}
        for heading, _, section in sections():
            if heading != "Operators":
                key, text = re.search(r'^Example: `"(\w+)": (.*)`\.$', section, re.M).groups()
                given[key].append(json.loads(text))
        pairs = [(loss, given["optimizer"][0]) for loss in given["loss"]]
        pairs += [(given["loss"][0], optimizer) for optimizer in given["optimizer"][1:]]
        for loss, optimizer in pairs:
            with self.subTest(f"{loss} {optimizer}"):
                self.check({"name": "example", "input": {"shape": [8]}, "layers": [{"op": "dense", "units": 3}],
                            "loss": loss, "optimizer": optimizer}, "--train", "--batch", "4")

    @unittest.skipUnless(jsonschema, "Python has no package jsonschema")
    def test_schema(self):
        schema = json.loads((ROOT / "docs" / "network.schema.json").read_text())
        jsonschema.Draft7Validator.check_schema(schema)
        validator = jsonschema.Draft7Validator(schema)
        for path in sorted(MODELS.glob("*.json")):
            with self.subTest(path.stem):
                self.assertEqual([error.message for error in validator.iter_errors(json.loads(path.read_text()))], [])
        cases = list(malformed())
        self.assertGreater(len(cases), 60)
        self.assertEqual(sorted(name for name, network in cases if validator.is_valid(network)), sorted(BEYOND_SCHEMA))


if __name__ == "__main__":
    main()
