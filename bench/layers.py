#!/usr/bin/env python3
"""Convolutions one by one beside oneDNN.  layers.py [--threads 2] [--batch N] [--every N] [--csv FILE] SHAPES.csv ...

For each row of a table of shapes (docs/bench.md) the forward convolution as cnnc chooses it by estimate, against oneDNN's
with algorithm auto (Debian: libdnnl-dev): both alone, in layouts of their own, caches warm, a few rows in turns. Prints
times, their ratio (above 1 cnnc is faster) and cnnc's error against double at up to 4096 points; for each table the geometric
mean. An error above --max-error (1e-5) is a failure."""
import argparse
import csv
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
CNNC = os.environ.get("CNNC", HERE.parent / "build" / "cnnc")
COLUMNS = "nd N C K D H W kd kh kw sd sh sw pd ph pw pd_end ph_end pw_end dd dh dw groups OD OH OW".split()
AT_ONCE = 8


def build_peer(folder):
    program = pathlib.Path(folder, "onednn")
    subprocess.run(["c++", "-std=c++11", "-O2", HERE / "onednn.cpp", "-o", program, "-ldnnl"], check=True)
    return program


def peer_times(program, rows, options):
    lines = "".join(" ".join(row[c] for c in COLUMNS) + "\n" for row in rows)
    output = subprocess.run([program, str(options.seconds)], input=lines, text=True, check=True, stdout=subprocess.PIPE).stdout
    return [(float(least), name) for least, _, name in map(str.split, output.splitlines())]


def our_rows(rows, folder, options):
    table, answer = pathlib.Path(folder, "rows.csv"), pathlib.Path(folder, "rows.json")
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows({**row, "layer": str(i)} for i, row in enumerate(rows))
    subprocess.run([CNNC, "bench", "--shapes", table, "--within", "1", "--threads", str(options.threads), "--seconds",
                    str(options.seconds), "--json", answer], check=True, stdout=subprocess.DEVNULL)
    return {int(row["layer"]): row for row in json.loads(answer.read_text())["rows"]}


def read_shapes(path, options):
    with open(path, newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["nd"] == "2" and not row["source"].endswith("deconv")]
    if options.batch:
        rows = [{**row, "N": str(options.batch)} for row in rows]
    return rows[::options.every]


def compare(path, program, folder, options, out):
    rows, ratios, wrong = read_shapes(path, options), [], 0
    for begin in range(0, len(rows), AT_ONCE):
        part = rows[begin:begin + AT_ONCE]
        ours, peers = our_rows(part, folder, options), peer_times(program, part, options)
        for i, (row, (peer, implementation)) in enumerate(zip(part, peers)):
            if i not in ours:
                print(f"{row['layer']:44} left out: too large", flush=True)
                continue
            own, ratio = ours[i], peer / ours[i]["min_ms"]
            wrong += not own["error"] <= options.max_error
            if not math.isnan(ratio):
                ratios.append(ratio)
            print(f"{row['layer']:44} {own['algorithm']:10} {own['min_ms']:10.4f} {peer:10.4f} {ratio:6.2f} {own['error']:9.1e}  "
                  f"{implementation}", flush=True)
            out.writerow([path, row["layer"], own["algorithm"], own["min_ms"], peer, implementation, ratio, own["error"]])
    mean = math.exp(sum(map(math.log, ratios)) / max(1, len(ratios)))
    print(f"{path}: {len(ratios)} of {len(rows)} shapes, {wrong} wrong; {mean:.3f} times as fast in the geometric mean", flush=True)
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", nargs="+")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, help="in place of N")
    parser.add_argument("--every", type=int, default=1, help="take one row of so many")
    parser.add_argument("--seconds", type=float, default=0.2, help="for each measurement")
    parser.add_argument("--max-error", type=float, default=1e-5)
    parser.add_argument("--csv", default=os.devnull)
    options = parser.parse_args()
    os.environ.update(OMP_NUM_THREADS=str(options.threads), OMP_PROC_BIND="true", OMP_PLACES="cores",  # of both sides
                      GLIBC_TUNABLES="glibc.malloc.hugetlb=1")
    with tempfile.TemporaryDirectory() as folder, open(options.csv, "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow("table layer algorithm cnnc_ms onednn_ms onednn ratio error".split())
        program = build_peer(folder)
        print(f"{'layer':44} {'algorithm':10} {'cnnc ms':>10} {'oneDNN ms':>10} {'ratio':>6} {'error':>9}  oneDNN")
        wrong = [compare(path, program, folder, options, out) for path in options.table]
    sys.exit(1 if any(wrong) else 0)


if __name__ == "__main__":
    main()
