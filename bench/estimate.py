#!/usr/bin/env python3
"""How good is choosing by estimate?  estimate.py [NET.json ...] [-- options of cnnc bench]

Measures every algorithm of every layer as the network would run it (cnnc bench --cold) and prints, for each layer where they
differ, what the estimate takes and what is fastest; then for how many layers the estimate's pick is within 10 % of the fastest.
Without networks: those of models/ whose layers are worth measuring."""
import argparse
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
CNNC = os.environ.get("CNNC", ROOT / "build" / "cnnc")
ZOO = ["resnet50", "resnet20_cifar", "vgg_d", "alexnet", "googlenet", "googlenet_caffe", "mobilenet_v1", "squeezenet1_1", "lenet5",
       "all_cnn_c", "cifar10_full", "dqn_2015", "unet"]
NEAR = 1.1


def measured(network, options):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "rows.json")
        subprocess.run([CNNC, "bench", network, "--cold", "--json", path, *options], check=True, stdout=subprocess.DEVNULL)
        return json.loads(path.read_text())


def by_kernel(rows):
    kernels = {}
    for row in rows:
        kernels.setdefault((row["layer"], row["pass"]), []).append(row)
    return kernels


def losses(network, options):
    """How many times as long as the fastest the estimate's pick takes, for each kernel; prints where it is not the fastest."""
    found = []
    for (layer, role), rows in by_kernel(measured(network, options)["rows"]).items():
        pick = next((row for row in rows if row["chosen"]), None)
        best = next((row for row in rows if row["wins"]), None)
        if not pick or not best:
            continue
        loss = pick["min_ms"] / best["min_ms"]
        found.append(loss)
        if pick is not best:
            print(f"  {layer:28} {role:5}  {pick['algorithm']:10} {pick['estimated_ms']:9.4f} {pick['min_ms']:9.4f}   "
                  f"{best['algorithm']:10} {best['estimated_ms']:9.4f} {best['min_ms']:9.4f}   {loss:5.2f}{'' if loss <= NEAR else ' !'}")
    return found


def summary(name, found):
    near = sum(loss <= NEAR for loss in found)
    mean = math.exp(sum(map(math.log, found)) / len(found)) if found else 1
    print(f"{name}: within 10 % for {near} of {len(found)} ({100 * near / max(1, len(found)):.0f} %), "
          f"{100 * (mean - 1):.1f} % slower in the geometric mean", flush=True)


def main():
    own, options = sys.argv[1:], []
    if "--" in own:
        own, options = own[:own.index("--")], own[own.index("--") + 1:]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", nargs="*")
    networks = parser.parse_args(own).network or [ROOT / "models" / f"{name}.json" for name in ZOO]
    print(f"  {'layer':28} {'pass':5}  {'estimate':10} {'estimated':>9} {'measured':>9}   {'fastest':10} {'estimated':>9} "
          f"{'measured':>9}   times as long")
    everything = []
    for network in networks:
        print(pathlib.Path(network).stem, flush=True)
        found = losses(network, options)
        summary(pathlib.Path(network).stem, found)
        everything += found
    summary("all", everything)


if __name__ == "__main__":
    main()
