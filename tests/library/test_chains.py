"""Long chains of layers compile in seconds: neither text nor time grows faster than the network."""
import json
import subprocess

from support import CNNC, Case, main

SECONDS = 60  # of one compilation, on a busy machine; without bounds these take hours
BYTES = 1 << 20


def chain(op, n, **keys):
    return [{"op": op, "name": f"l{i}", **keys} for i in range(n)]


def gates(n):
    """x * sigmoid(x), again and again."""
    layers = []
    for i in range(n):
        x = f"m{i - 1}" if i else "start"
        layers += [{"op": "sigmoid", "name": f"s{i}", "from": x},
                   {"op": "mul", "name": f"m{i}", "from": [x, f"s{i}"]}]
    return [{"op": "relu", "name": "start"}] + layers


NETWORKS = {
    "square": chain("square", 40),
    "gates": gates(30),
    "tanh": chain("tanh", 3000),
    "relu": chain("relu", 3000),
    "conv": chain("conv", 500, filters=8, kernel=1),
}


class Chains(Case):
    def chain(self, name, layers):
        (self.folder / f"{name}.json").write_text(json.dumps({"name": name, "input": {"shape": [8, 4, 4]}, "layers": layers}))
        out = self.folder / f"{name}.c"
        subprocess.run([CNNC, "compile", self.folder / f"{name}.json", "-o", out, "--no-validate"], check=True, timeout=SECONDS)
        if name != "conv":
            self.assertLess(out.stat().st_size, BYTES)

    def test_chains(self):
        self.each(self.chain, NETWORKS.items())


main()
