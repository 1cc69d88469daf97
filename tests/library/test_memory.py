"""--max-memory: what the header's sizes add up to is what `cnnc info` says, and stays below the limit."""
import json
import re

from support import CNNC, MODELS, UNPROVED, Case, main

SIZES = ("PARAMS_BYTES", "GRADS_BYTES", "STATE_BYTES", "TRAIN_WORK_BYTES(1)")


class Memory(Case):
    def training(self, network, *options):
        out = self.run_command("sh", "-c", '"$@" 2>/dev/null', "info", CNNC, "info", network, "--train", "--json", *options)
        return json.loads(out)["plan"]["training"]

    def least(self, network, *options):
        """What the smallest plan takes, out of the message that refuses a limit of one byte."""
        out = self.run_command(CNNC, "info", network, "--train", "--max-memory", 1, *options, status=2)
        least, more, everything = map(int, re.search(
            r"needs at least (\d+) bytes, (\d+) more, .* \((\d+) bytes if nothing is computed again\)", out).groups())
        self.assertEqual(least, more + 1)
        self.assertEqual(everything, self.training(network, *options)["all_bytes"])
        return least

    def sum_of_sizes(self, network, *options):
        library = self.emit(network, "net", "--train", UNPROVED, *options)
        sizes = " + ".join(f"{library.name}_{size}" for size in SIZES)
        (self.folder / "sum.c").write_text(f'#include <stdio.h>\n#include "net.h"\n'
                                           f'int main(void) {{ return printf("%zu", {sizes}) < 0; }}\n')
        self.run_command("gcc", "-I", self.folder, self.folder / "sum.c", "-o", "sum")
        return int(self.run_command(self.folder / "sum"))

    def test_sizes(self):
        network, options = MODELS / "resnet20_cifar.json", ("--batch", 8)
        everything = self.training(network, *options)
        self.assertEqual(everything["recomputed"], 0)
        self.assertEqual(self.sum_of_sizes(network, *options), everything["all_bytes"])
        limit = everything["all_bytes"] - everything["kept_bytes"] // 2
        limited = self.training(network, *options, "--max-memory", limit)
        self.assertLessEqual(limited["all_bytes"], limit)
        self.assertGreater(limited["recomputed"], 0)
        self.assertLess(limited["recomputed_macs"], limited["macs"] / 10)
        self.assertEqual(self.sum_of_sizes(network, *options, "--max-memory", limit), limited["all_bytes"])
        self.assertGreater(limit, self.least(network, *options))

    def test_parts_of_a_chain(self):
        """Of n equal layers about the square root of n activations are kept, and as many live in one part (Chen et al. 2016)."""
        layers, activation = 36, 4 * 8 * 4 * 16 * 16
        network = self.folder / "chain.json"
        network.write_text(json.dumps({
            "name": "chain", "input": {"shape": [4, 16, 16]},
            "layers": [layer for _ in range(layers) for layer in (
                {"op": "conv", "filters": 4, "kernel": 3, "pad": 1}, {"op": "tanh"})],
            "loss": {"op": "mse"}, "optimizer": {"op": "sgd"}}))
        options = "--batch", 8, "--target", "generic"
        everything = self.training(network, *options)
        self.assertGreaterEqual(everything["kept_bytes"], (layers - 1) * activation)
        saved = everything["all_bytes"] - self.least(network, *options)
        self.assertGreater(saved, (layers - 15) * activation)


if __name__ == "__main__":
    main()
