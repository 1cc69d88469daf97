"""examples/training: each program does what its head comment says. MNIST is looked for in the folder CNNC_DATA."""
import os
import pathlib
import re
import shutil
import unittest

from support import CNNC, MODELS, ROOT, Case, is_there, main

DATA = pathlib.Path(os.environ.get("CNNC_DATA", ""), "mnist").resolve()
WITH_DATA = unittest.skipUnless("CNNC_DATA" in os.environ and DATA.exists(), "no folder mnist in CNNC_DATA")


def percents(text):
    return [float(number) for number in re.findall(r"([\d.]+) %", text)]


class Examples(Case):
    def setUp(self):
        super().setUp()
        self.programs = self.folder / "training"
        shutil.copytree(ROOT / "examples" / "training", self.programs, ignore=lambda folder, names: [
            name for name in names if not (ROOT / "examples" / "training" / name).suffix in (".c", ".h", ".json", "")])

    def make(self, program):
        self.run_command("make", f"CNNC={CNNC}", f"MODELS={MODELS}", program, cwd=self.programs)
        return self.programs / program

    def run_program(self, program, *arguments):
        return self.run_command(self.make(program), DATA, *arguments, cwd=self.programs)

    @WITH_DATA
    def test_train_and_adversarial(self):
        """Training goes on from its checkpoint with the same bits; its network is misled by what looks the same."""
        weights = self.programs / "lenet5.safetensors"
        self.run_program("train", 1)
        self.assertIn("epoch 2 of 2", self.run_program("train", 2))
        (self.programs / "train.checkpoint").unlink()
        resumed = weights.read_bytes()
        self.assertGreater(percents(self.run_program("train", 2))[-1], 97.5)
        self.assertEqual(weights.read_bytes(), resumed)
        read = percents(self.run_program("adversarial", weights, "picture.pgm"))
        self.assertGreater(read[0], 97)
        self.assertLess(read[-1], 20)
        self.assertTrue((self.programs / "picture.pgm").read_bytes().startswith(b"P5\n280 56\n255\n"))

    @WITH_DATA
    def test_features(self):
        pixels, features = percents(self.run_program("features", MODELS / "lenet5.safetensors"))
        self.assertGreater(features, 96)
        self.assertGreater(features, pixels + 10)

    @WITH_DATA
    def test_ensemble(self):
        *members, together = percents(self.run_program("ensemble"))
        self.assertGreater(together, sum(members) / len(members))

    @WITH_DATA
    def test_transfer(self):
        printed = self.run_program("transfer")
        self.assertIn("c2.weight is taken", printed)
        self.assertIn("h1.weight is new", printed)
        *_, frozen, first, tuned = percents(printed)
        self.assertGreaterEqual(frozen, 97)
        self.assertGreaterEqual(min(first, tuned), frozen)

    @unittest.skipUnless(is_there("mpicc"), "no mpicc")
    @WITH_DATA
    def test_distributed(self):
        """Both processes have the same parameters in the end."""
        printed = self.run_command("mpirun", "--allow-run-as-root", "-n", "2", self.make("distributed"), DATA, 20,
                                   cwd=self.programs)
        hashes = re.findall(r"parameters (\w+)", printed)
        self.assertEqual(len(hashes), 2)
        self.assertEqual(hashes[0], hashes[1])


if __name__ == "__main__":
    main()
