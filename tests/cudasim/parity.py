#!/usr/bin/env python3
"""A network of the tests of parity (../library/parity/cases.py) trained for some steps under the simulator, against its Graph.

usage: parity.py PROGRAM NET

PROGRAM: cudasim_training. Under the network's first optimiser: Adam makes steps of the size of the learning rate out of what
rounding leaves of gradients that are 0.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "library" / "parity"))
from cases import CASES  # noqa: E402

# Normalisations one after the other, over few samples, enlarge what rounding does; the others' figure is derived.
TOLERANCES = {"resnet20": 1e-3}


def main():
    program, net = sys.argv[1:]
    network = next(network for title, network in CASES.items() if title.startswith(f"{net}, "))
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "net.json"
        path.write_text(json.dumps(network))
        subprocess.run([program, path, "sm_80", str(TOLERANCES.get(net, 0))], check=True)


main()
