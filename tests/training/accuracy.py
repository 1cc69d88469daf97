#!/usr/bin/env python3
"""Trains a network on real data and checks how well it does:  accuracy.py NAME [FOLDER]

The data come from the folder that CNNC_DATA names (convert.py makes arrays of them where needed); without it the test is
skipped. With a FOLDER, converted data and weights stay there. docs/training.md tells what was reached."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
from typing import NamedTuple

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CNNC = pathlib.Path(os.environ.get("CNNC", ROOT / "build" / "cnnc")).resolve()


class Run(NamedTuple):
    network: str  # below the repository's root
    data: str     # of convert.py, or a folder of CNNC_DATA where it begins with /
    epochs: int
    augment: str
    least: float  # percent of the test samples that must be named
    seed: int = 0


RUNS = {
    "lenet5_mnist": Run("models/lenet5.json", "/mnist", 12, "shift=2", 99.4, 1),
    "lenet1989_usps": Run("tests/training/usps.json", "usps", 30, "shift=1,fill=-1", 95.0),
    "vowels": Run("tests/training/vowels.json", "vowels", 60, "shift=2", 95.0),
    "digits_waveform": Run("tests/training/waveforms.json", "waveforms", 40, "shift=400,brightness=0.4", 97.0),
    "digits_spectrogram": Run("tests/training/spectrograms.json", "spectrograms", 15, "shift=3,border=edge", 95.0),
}


def data_folder(run, data, folder):
    if run.data.startswith("/"):
        return data / run.data[1:]
    if not (folder / run.data).exists():
        subprocess.run([sys.executable, HERE / "convert.py", run.data, data, folder / run.data], check=True)
    return folder / run.data


def check(name, data, folder):
    run = RUNS[name]
    command = ["train", ROOT / run.network, "--data", data_folder(run, data, folder), "--epochs", run.epochs, "--seed",
               run.seed, "--augment", run.augment, "--save", folder / f"{name}.safetensors"]
    words = [str(word) for word in command]
    print("cnnc", *words, flush=True)
    process = subprocess.Popen([CNNC, *words], stdout=subprocess.PIPE, text=True)
    accuracies = []
    for line in process.stdout:
        print(line, end="", flush=True)
        accuracies += [float(x) for x in re.findall(r"^epoch .* accuracy ([0-9.]+) %", line)]
    if process.wait() or len(accuracies) != run.epochs:
        sys.exit(f"{name}: training failed")
    print(f"{name}: {accuracies[-1]} % are right; {run.least} % are asked for")
    if accuracies[-1] < run.least:
        sys.exit(1)


def main():
    if len(sys.argv) not in (2, 3) or sys.argv[1] not in RUNS:
        sys.exit(f"{__doc__}\nNAME: {', '.join(RUNS)}")
    if "CNNC_DATA" not in os.environ:
        print("skipped: CNNC_DATA is not set")
        sys.exit(77)
    data = pathlib.Path(os.environ["CNNC_DATA"]).resolve()
    with tempfile.TemporaryDirectory(prefix="cnnc-") as temporary:
        folder = pathlib.Path(sys.argv[2] if len(sys.argv) == 3 else temporary).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        check(sys.argv[1], data, folder)


if __name__ == "__main__":
    main()
