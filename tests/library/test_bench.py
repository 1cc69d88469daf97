"""bench and what it writes, --tune, and timers of --profile. Figures are not looked at: tests share the machine."""
import csv
import json
import re
import shutil
import subprocess

from support import CNNC, HERE, LONG, Case, main

COLUMNS = "layer,pass,algorithm,min_ms,median_ms,gflops,share,workspace_bytes,error".split(",")
QUICK = ("--seconds", "0.001", "--threads", "1", "--cc", HERE / "cc_o1")
NET = {"name": "net", "input": {"shape": [16, 10, 10]},
       "layers": [{"op": "conv", "name": "c1", "filters": 16, "kernel": 3, "pad": 1}, {"op": "relu"},
                  {"op": "conv", "name": "c2", "filters": 16, "kernel": 3, "pad": 1}, {"op": "relu"},
                  {"op": "conv", "name": "c3", "filters": 16, "kernel": 3, "pad": 1}, {"op": "relu"},
                  {"op": "dense", "name": "d", "units": 4}],
       "loss": {"op": "cross_entropy"}, "optimizer": {"op": "sgd", "lr": 0.1}}
SHAPES = """source,layer,N,C,H,W,K,kh,kw,sh,sw,ph,pw,ph_end,pw_end,groups,OH,OW
here,a,2,16,7,7,16,3,3,2,2,1,1,1,1,2,4,4
here-deconv,b,1,4,5,5,6,3,3,2,2,1,1,1,-1,1,9,11
"""
CLOCK = """
#define _XOPEN_SOURCE 700
#include "net.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
static void *memory_of(size_t bytes) {
  void *memory;
  return posix_memalign(&memory, net_ALIGN, bytes + 1) == 0 ? memory : NULL;
}
"""
PROGRAM = CLOCK + """
int main(void) {
  static float x[2 * 1600];
  static int32_t y[2];
  float loss;
  net ctx;
  net_profile profile = {.clock = now};
  net_memory memory = {.hash = net_HASH, .params = memory_of(net_PARAMS_BYTES), .params_bytes = net_PARAMS_BYTES,
                       .work = memory_of(net_TRAIN_WORK_BYTES(1)), .work_bytes = net_TRAIN_WORK_BYTES(1),
                       .grads = memory_of(net_GRADS_BYTES), .grads_bytes = net_GRADS_BYTES,
                       .state = memory_of(net_STATE_BYTES), .state_bytes = net_STATE_BYTES};
  if (net_init(&ctx, &memory, 1) || ctx.profile || net_init_params(&ctx, 1)) return 1;
  if (net_train_step(&ctx, 2, x, y, &loss)) return 2;
  ctx.profile = &profile;
  for (int i = 0; i < 3; i++)
    if (net_train_step(&ctx, 2, x, y, &loss)) return 3;
  if (net_profile_table(&profile, "table.txt") || net_profile_trace(&profile, "trace.json")) return 4;
  if (net_profile_table(NULL, "table.txt") != net_E_NULL) return 5;
  return net_profile_table(&profile, "nowhere/table.txt") == net_E_FILE ? 0 : 6;
}
"""
SAMPLES = CLOCK + """
int main(void) {
  static float x[9 * 7680], y[9 * 17], timed[9 * 17];
  net ctx;
  net_profile profile = {.clock = now};
  net_memory memory = {.hash = net_HASH, .params = memory_of(net_PARAMS_BYTES), .params_bytes = net_PARAMS_BYTES,
                       .work = memory_of(net_WORK_BYTES(1)), .work_bytes = net_WORK_BYTES(1)};
  if (net_init(&ctx, &memory, 1) || net_init_params(&ctx, 1)) return 1;
  for (int i = 0; i < 9 * 7680; i++) x[i] = (float)(i % 1013) / 512 - 1;
  if (net_forward(&ctx, 9, x, y)) return 2;
  ctx.profile = &profile;
  if (net_forward(&ctx, 9, x, timed) || memcmp(y, timed, sizeof y)) return 3;
  if (net_forward(&ctx, 4, x, timed) || memcmp(y, timed, sizeof y)) return 4;
  return net_profile_table(&profile, "table.txt") || net_profile_trace(&profile, "trace.json") ? 5 : 0;
}
"""


class Bench(Case):
    def setUp(self):
        super().setUp()
        (self.folder / "net.json").write_text(json.dumps(NET))
        (self.folder / "shapes.csv").write_text(SHAPES)

    def bench(self, *options):
        return self.run_command(CNNC, "bench", *options, *QUICK, "--csv", "rows.csv", "--json", "rows.json", "--html", "page.html")

    def rows(self):
        with open(self.folder / "rows.csv", newline="") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
        self.assertEqual(reader.fieldnames, COLUMNS)
        for row in rows:
            self.assertLessEqual(float(row["min_ms"]), float(row["median_ms"]))
            self.assertGreater(float(row["gflops"]), 0)
            self.assertLess(float(row["error"]), 1e-5)
        return rows

    def algorithms(self, rows, layer):
        return {row["algorithm"] for row in rows if row["layer"] == layer}

    def test_inference(self):
        """Every algorithm; what is printed, the files, and the page."""
        printed = self.bench("net.json", "--save-plan", "plan.json")
        rows = self.rows()
        self.assertIn("direct", self.algorithms(rows, "c2"))
        self.assertIn("loops", self.algorithms(rows, "d"))
        times = [[row["min_ms"] for row in rows if row["layer"] == layer] for layer in ("c2", "c3")]
        self.assertNotEqual(times[0], [])
        self.assertEqual(printed.count("\n* "), 4, "one winner for each layer")
        self.assertRegex(printed, r"for \d of 4 kernels")
        whole = json.loads((self.folder / "rows.json").read_text())["output_error"]
        self.assertIn(f"error of its output {whole:.1e}", printed)
        self.assertTrue(0 < whole < 1e-5, whole)
        self.each(self.measured_like_inside, [(row, found) for row, found in zip(rows, self.json_rows())])
        plan = json.loads((self.folder / "plan.json").read_text())
        for layer in ("c1", "c2", "c3", "d"):
            self.assertGreater(plan["forward"][layer]["measured_us"], 0)
        self.run_command(CNNC, "net.json", "-o", "net.c", "--plan", "plan.json", "--save-plan", "again.json")
        self.assertEqual((self.folder / "plan.json").read_text(), (self.folder / "again.json").read_text())
        drawn = self.drawn("page.html")
        if drawn is not None:
            self.assertEqual(drawn.count("<tr"), len(rows) + 1)
            self.assertGreaterEqual(drawn.count("<rect"), len(rows))
            self.assertEqual(drawn.count("<circle"), 4)

    def json_rows(self):
        whole = json.loads((self.folder / "rows.json").read_text())
        self.assertGreater(whole["peak_gflops"], 0)
        return whole["rows"]

    def measured_like_inside(self, row, found):
        self.assertEqual((row["layer"], row["pass"], row["algorithm"]), (found["layer"], found["pass"], found["algorithm"]))

    def test_tune(self):
        (self.folder / "net.json").write_text(json.dumps({**NET, "layers": NET["layers"][-3:]}))
        tune = ("net.json", "--tune", *QUICK, "-o")
        self.run_command(CNNC, *tune, "net.c")
        plan = self.folder / "net.plan.json"
        for line in json.loads(plan.read_text())["forward"].values():
            self.assertEqual("algorithm" in line, "measured_us" in line)
        tuned = (self.folder / "net.c").read_text()
        self.run_command(CNNC, "net.json", "-o", "net.c", "--plan", plan)
        self.assertEqual(tuned, (self.folder / "net.c").read_text())
        again = self.run_command(CNNC, *tune, "net.c", "--plan", plan, "--save-plan", "again.json")
        self.assertIn("0 measurements", again)
        self.assertEqual(plan.read_text(), (self.folder / "again.json").read_text())

    def test_training(self):
        """In every role; by every algorithm in the long form, otherwise by the one that would be chosen."""
        self.bench("net.json", "--train", "--batch", "2", *(() if LONG else ("--within", "1")))
        passes = {(row["layer"], row["pass"]) for row in self.rows()}
        self.assertEqual(passes, {(layer, role) for layer in ("c1", "c2", "c3", "d") for role in ("fwd", "dgrad", "wgrad")} -
                         {("c1", "dgrad")})
        rows = [row for row in self.rows() if row["pass"] == "dgrad"]  # equal layers are measured once
        of = {layer: [row["min_ms"] for row in rows if row["layer"] == layer] for layer in ("c2", "c3")}
        self.assertEqual(of["c2"], of["c3"])

    def test_batch(self):
        """What is timed is all of the algorithm, for all samples: nothing makes so many results of so few products."""
        net = {"name": "net", "input": {"shape": [16, 32, 32]}, "layers": NET["layers"][:4]}
        (self.folder / "net.json").write_text(json.dumps(net))
        self.bench("net.json", "--batch", "16", *(() if LONG else ("--within", "3")))
        rows = self.rows()
        self.assertLessEqual({"direct", "winograd4"}, self.algorithms(rows, "c2"))
        for row in rows:
            self.assertLess(float(row["share"]), 12, row)

    def test_cold(self):
        """Where the network's parameters exceed caches, estimates are of weights from memory; the results are the same."""
        layers = [{"op": "dense", "name": name, "units": 512} for name in "de"]
        (self.folder / "net.json").write_text(json.dumps({"name": "net", "input": {"shape": [512]}, "layers": layers}))
        self.bench("net.json", "--within", "1")
        target = json.loads((self.folder / "rows.json").read_text())["target"]
        (self.folder / "slow.json").write_text(
            json.dumps({"machine": 1, "target": target, "name": "slow", "l3": 3e6, "dram_bandwidth": 1e8}))
        estimated = []
        for how in (), ("--cold",):
            self.bench("net.json", "--within", "1", "--machine", "slow.json", *how)
            rows = self.json_rows()
            estimated.append(max(row["estimated_ms"] for row in rows))
            self.assertLess(max(row["error"] for row in rows), 1e-5)
        self.assertGreater(estimated[1], estimated[0] + 1)  # a MiB at 0.1 GB/s

    def test_shapes(self):
        self.bench("--shapes", "shapes.csv", "--train")
        found = {(row["layer"], row["pass"]) for row in self.rows()}
        self.assertEqual(found, {(layer, role) for layer in "ab" for role in ("fwd", "dgrad", "wgrad")})

    def drawn(self, name):
        """The elements of a page that needs nothing else, as a browser makes them; None: there is no browser."""
        page = self.folder / name
        links = set(re.findall(r"https?://[^\"' ]+", page.read_text())) - {"http://www.w3.org/2000/svg"}
        self.assertEqual(links, set())
        browser = shutil.which("chromium") or shutil.which("google-chrome")
        if not browser:
            print("skipped: no chromium to draw the page with", flush=True)
            return None
        return subprocess.run([browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", page.as_uri()], check=True,
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=120).stdout

    def test_report(self):
        self.run_command(CNNC, "net.json", "-o", "net.c", "--train", "--batch", "2", "--report", "report.html")
        drawn = self.drawn("report.html")
        if drawn is None:
            return
        for heading in ("Graph", "First-layer filters", "Memory"):
            self.assertIn(f"<h2>{heading}", drawn)
        self.assertEqual(drawn.count('rx="4"'), 1 + len(NET["layers"]), "a box for the input and each layer")
        self.assertEqual(drawn.count("<canvas"), 96)
        self.assertGreater(drawn.count('class="buffer"'), 4)
        self.assertEqual(drawn.count('class="wins"'), 4 + 4 + 4 + 3, "forward, in training, gradients by weights and by data")
        for entry in ("forward", "train_forward", "backward", "step", "train_step (backward and step in one)"):
            bar = re.search(f"<p>{re.escape(entry)}: [0-9.]+ [mµ]s on one core</p><svg", drawn)
            self.assertTrue(bar, f"{entry} has a bar")
        for layer in ("c1", "c2", "c3", "d"):
            for role in ("wgrad", "dgrad") if layer != "c1" else ("wgrad",):
                bar = re.search(rf"<title>([^<]*; )?{layer}( \+ [^<;]*)? \({role}\)", drawn)
                self.assertTrue(bar, f"{layer}: bars of gradients say which")

    def profiled(self, program):
        """The lines of the table and the events of the trace that a program around net.c writes."""
        (self.folder / "program.c").write_text(program)
        self.run_command("cc", "-std=c11", "-O1", "-Wall", "-Wextra", "-Wconversion", "-Werror", "program.c", "net.c", "-o",
                         "program", "-lm")
        self.run_command("./program")
        return ((self.folder / "table.txt").read_text().splitlines(),
                json.loads((self.folder / "trace.json").read_text())["traceEvents"])

    def test_profile(self):
        self.emit(self.folder / "net.json", "net", "--train", "--batch", "2", "--profile")
        table, events = self.profiled(PROGRAM)
        self.assertEqual(len(table), 1 + len([line for line in table[1:] if line]))
        self.assertEqual({event["cat"] for event in events}, {"train_forward", "backward", "step", "train_step"})
        self.assertTrue(any(event["name"].startswith("c1") and event["args"]["operations"] == 2 * 16 * 16 * 9 * 100
                            for event in events))
        for before, after in zip(events, events[1:]):
            self.assertGreaterEqual(after["ts"], before["ts"])

    def test_profile_of_samples(self):
        """Layers that a sample goes through one after another are timed sample by sample, with the same results, the pool with
        the bands of c; the products of e, which all samples share, and the dense layer call by call."""
        deep = HERE / "networks" / "deep.json"
        (self.folder / "small.json").write_text(json.dumps({"machine": 1, "target": "generic", "cores": 1, "l2": 100000,
                                                            "launch": 1e-9}))
        self.emit(deep, "net", "--prefix", "net", "--target", "generic", "--machine", "small.json", "--batch", "9", "--profile")
        table, events = self.profiled(SAMPLES)
        calls = {}
        for line in table[1:]:
            calls.setdefault(re.split("[; ]", line[15:])[0], set()).add(int(line[55:].split()[-4]))
        self.assertEqual(calls, {**dict.fromkeys(("x.moved", "a", "b", "c", "d", "f"), {9 + 4}), "e": {9 + 4, 2},
                                 "dense1": {2}})
        self.assertEqual([event["name"] for event in events], [line[15:].split("  ")[0] for line in table[1:]])
        macs = json.loads(self.run_command(CNNC, "info", deep, "--json"))["totals"]["macs"]
        self.assertEqual(sum(event["args"]["operations"] for event in events), 2 * macs)
        for before, after in zip(events, events[1:]):
            self.assertGreaterEqual(after["ts"], before["ts"] + before["dur"] - 0.01)

    def test_machine(self):
        """What is measured is written for --machine, which reads it again; what cannot be measured is as it is known."""
        self.run_command(CNNC, "machine", "--target", "generic", "-o", "machine.json")
        machine = json.loads((self.folder / "machine.json").read_text())
        self.assertEqual((machine["machine"], machine["target"], machine["cores"]), (1, "generic", 2))
        for key, least, most in (("flops", 1e7, 1e12), ("l2_bandwidth", 1e8, 1e13), ("l3_bandwidth", 1e8, 1e13),
                                 ("dram_bandwidth", 1e8, 1e13)):
            self.assertTrue(least < machine[key] < most, key)
        printed = self.run_command(CNNC, "info", "net.json", "--target", "generic", "--explain", "--machine", "machine.json")
        self.assertIn(f"estimates are of {machine['name']}: 2 cores of {1e-9 * machine['flops']:.4g} GFLOP/s", printed)


if __name__ == "__main__":
    main()
