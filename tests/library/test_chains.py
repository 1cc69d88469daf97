"""Long chains of layers compile in seconds: neither text nor time grows faster than the network."""
import json
import subprocess
import tempfile
import os
import sys

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


def main():
    cnnc = os.environ["CNNC"]
    with tempfile.TemporaryDirectory() as folder:
        for name, layers in NETWORKS.items():
            network, out = os.path.join(folder, name + ".json"), os.path.join(folder, name + ".c")
            with open(network, "w") as file:
                json.dump({"name": name, "input": {"shape": [8, 4, 4]}, "layers": layers}, file)
            subprocess.run([cnnc, "compile", network, "-o", out, "--no-validate"], check=True, timeout=SECONDS)
            size = os.path.getsize(out)
            if name != "conv" and size > BYTES:
                sys.exit(f"{name}: {size} bytes of C")


main()
