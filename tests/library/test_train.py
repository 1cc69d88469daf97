"""cnnc train as a whole: it learns, its bits do not depend on threads, nor on being killed or interrupted and resumed."""
import contextlib
import json
import math
import os
import pty
import random
import re
import signal
import struct
import subprocess
import time

from support import BEST, CNNC, HASTY, ROOT, Case, main, write_npy

SIDE, CLASSES = 10, 4
NETWORK = {
    "name": "bars",
    "input": {"shape": [1, SIDE, SIDE], "scale": 1 / 255},
    "layers": [
        {"op": "conv", "filters": 6, "kernel": 3, "bias": False}, {"op": "batch_norm"}, {"op": "relu"},
        {"op": "pool", "kind": "max", "kernel": 2},
        {"op": "dense", "units": CLASSES},
    ],
    "loss": {"op": "cross_entropy"},
    "optimizer": {"op": "sgd", "lr": 0.05, "momentum": 0.9},
}


def picture(rng, label):
    """A bright bar, lying or standing, in the first or second half, in noise."""
    pixels = [rng.randrange(60) for _ in range(SIDE * SIDE)]
    place = rng.randrange(SIDE // 2) + (label % 2) * SIDE // 2
    for i in range(SIDE):
        pixels[i * SIDE + place if label // 2 else place * SIDE + i] = 180 + rng.randrange(70)
    return bytes(pixels)


class Train(Case):
    def setUp(self):
        super().setUp()
        rng = random.Random(1)
        self.data = self.folder / "data"
        self.data.mkdir()
        for part, n in (("train", 320), ("test", 80)):
            labels = [i % CLASSES for i in range(n)]
            write_npy(self.data / f"x_{part}.npy", (n, 1, SIDE, SIDE), "|u1", b"".join(picture(rng, k) for k in labels))
            write_npy(self.data / f"y_{part}.npy", (n,), "|u1", bytes(labels))
        self.network = self.folder / "bars.json"
        self.network.write_text(json.dumps(NETWORK))

    def command(self, name, *options):
        return [str(word) for word in (CNNC, "train", self.network, "--data", self.data, "--seed", 3, *HASTY, "--save",
                                       self.folder / f"{name}.safetensors", *options)]

    def weights(self, name):
        return (self.folder / f"{name}.safetensors").read_bytes()

    def train(self, name, *options):
        return self.run_command(*self.command(name, *options))

    def log(self, name="log.csv"):
        """The rows of a log, numbers by the names of their columns."""
        lines = (self.folder / name).read_text().splitlines()
        return [{key: float(value) for key, value in zip(lines[0].split(","), line.split(","))} for line in lines[1:]]

    def evaluated(self, name):
        out = self.run_command(CNNC, "eval", self.network, "--data", self.data, *HASTY, "--weights",
                               self.folder / f"{name}.safetensors")
        return float(out.split()[1])

    def test_learns_and_logs(self):
        out = self.train("plain", "--epochs", 8, "--log", self.folder / "log.csv", "--gradient-norms", "--target", BEST)
        self.assertIn("epoch 8/8", out)
        self.assertRegex(out, r"  conv1 +\d.*  #+")
        rows = self.log()
        self.assertEqual([row["epoch"] for row in rows], list(range(1, 9)))
        self.assertEqual([row["step"] for row in rows], list(range(10, 90, 10)))
        self.assertGreater(rows[-1]["validation_accuracy"], 95)
        self.assertGreater(rows[-1]["accuracy"], rows[0]["accuracy"])
        for column in ("loss", "validation_loss"):
            self.assertLess(rows[-1][column], rows[0][column] / 2)
        for layer in ("conv1", "batch_norm1", "dense1"):
            self.assertTrue(all(row[f"gradient:{layer}"] > 0 for row in rows))
        self.assertAlmostEqual(self.evaluated("plain"), rows[-1]["validation_accuracy"], places=2)

    def test_validation_loss_is_that_of_inference(self):
        """A step that changes nothing: all samples in one batch, no batch statistics; both losses are the same mean."""
        losses = [{"op": "cross_entropy", "from": "scores", "label_smoothing": 0.1, "weight": 2.0},
                  {"op": "cross_entropy", "from": "aside", "weight": 0.3}, {"op": "mse", "target": "one"}]
        layers = [{"op": "dense", "units": 8, "name": "hidden"}, {"op": "dense", "units": CLASSES, "name": "aside"},
                  {"op": "dense", "units": CLASSES, "name": "scores", "from": "hidden"}, {"op": "softmax"}]
        inputs = {"x": NETWORK["input"], "one": {"shape": [CLASSES]}}
        network = {**NETWORK, "inputs": inputs, "layers": layers, "losses": losses, "optimizer": {"op": "sgd", "lr": 1e-30}}
        del network["input"], network["loss"]
        self.network.write_text(json.dumps(network))
        for part in ("x", "y"):
            (self.data / f"{part}_train.npy").replace(self.data / f"{part}.npy")
            (self.data / f"{part}_test.npy").unlink()
        out = self.train("none", "--epochs", 1, "--batch", 320, "--log", self.folder / "log.csv")
        self.assertIn("accuracy is of the training samples", out)
        row, = self.log()
        self.assertAlmostEqual(row["loss"], row["validation_loss"], delta=1e-5 * row["loss"])
        self.assertEqual(row["accuracy"], row["validation_accuracy"])

    def test_accuracy_is_that_of_the_steps(self):
        """They drop all that inference knows: then the first class is named, which is a quarter of the samples."""
        self.train("plain", "--epochs", 8)
        layers = NETWORK["layers"] + [{"op": "dropout", "p": 1 - 1e-7}]
        self.network.write_text(json.dumps({**NETWORK, "layers": layers}))
        self.train("dropped", "--epochs", 1, "--weights", self.folder / "plain.safetensors", "--log", self.folder / "log.csv")
        row, = self.log()
        self.assertEqual(row["accuracy"], 100 / CLASSES)
        self.assertGreater(row["validation_accuracy"], 90)

    def test_holds_samples_out(self):
        for part in ("x", "y"):
            (self.data / f"{part}_test.npy").unlink()
        options = ("--epochs", 4, "--validation", 0.25, "--log", self.folder / "log.csv")
        self.assertNotIn("no test part", self.train("held", *options))
        self.assertEqual([row["step"] for row in self.log()], [8, 16, 24, 32])
        self.assertGreater(self.log()[-1]["validation_accuracy"], 90)
        first = self.log()
        self.train("again", *options)
        self.assertEqual(self.weights("held"), self.weights("again"))
        self.assertEqual([row["validation_loss"] for row in first], [row["validation_loss"] for row in self.log()])
        out = self.run_command(*self.command("none", "--validation", 0.001), status=1)
        self.assertIn("--validation 0.001 of 320 samples leaves none to validate", out)

    def test_stops_early_and_keeps_the_best(self):
        """A third of the labels is wrong: what is learned at last harms."""
        rng = random.Random(2)
        labels = bytes(rng.randrange(CLASSES) if rng.randrange(3) == 0 else i % CLASSES for i in range(320))
        write_npy(self.data / "y_train.npy", (320,), "|u1", labels)
        self.optimize(op="sgd", lr=0.1, momentum=0.9)
        for monitor, best in (("accuracy", max), ("loss", min)):
            out = self.train(monitor, "--epochs", 60, "--patience", 3, "--monitor", monitor, "--log", self.folder / "log.csv")
            rows = self.log()
            values = [row[f"validation_{monitor}"] for row in rows]
            self.assertIn("stopped early; best validation " + monitor, out)
            self.assertEqual(values.index(best(values)) + 1 + 3, len(rows))
            self.assertAlmostEqual(self.evaluated(monitor), rows[-4]["validation_accuracy"], places=2)
        self.assertIn("stopped early", self.train("loss", "--epochs", 60, "--patience", 3, "--monitor", "loss", "--resume"))

    def test_threads_do_not_matter(self):
        for threads in (1, 2, 3):
            self.train(f"t{threads}", "--epochs", 2, "--threads", threads, "--target", BEST)
        self.assertEqual(self.weights("t1"), self.weights("t2"))
        self.assertEqual(self.weights("t1"), self.weights("t3"))

    def optimize(self, **rule):
        self.network.write_text(json.dumps({**NETWORK, "optimizer": rule}))

    def test_learning_rate_falls(self):
        self.optimize(op="adam", lr=0.5, schedule="plateau", patience=0, gamma=0.5, clip_norm=1)
        self.train("plateau", "--epochs", 6, "--log", self.folder / "log.csv")
        rates = [row["lr"] for row in self.log()]
        self.assertLess(rates[-1], 0.5)
        self.assertTrue(all(later in (rate, rate / 2) for rate, later in zip(rates, rates[1:])), rates)

    def end_in_the_middle(self, name, how, *options):
        """Starts a training that would be long, ends it by a signal when there is a checkpoint."""
        process = subprocess.Popen(self.command(name, "--epochs", 100000, "--log", self.folder / f"{name}.csv", *options),
                                   stdout=subprocess.PIPE, text=True)
        for line in process.stdout:
            if line.startswith("epoch 3/"):
                break
        time.sleep(0.05)
        process.send_signal(how)
        rest = process.stdout.read()
        process.stdout.close()
        return process.wait(), rest

    def resumed(self, name, *options):
        """Weights after as many epochs as the checkpoint needs to be complete, with and without the break."""
        head = (self.folder / f"{name}.safetensors.checkpoint").read_bytes()
        epochs = struct.unpack("<8s8q", head[:72])[4] + 2
        self.train(name, "--epochs", epochs, "--resume", "--log", self.folder / f"{name}.csv", *options)
        self.train("whole", "--epochs", epochs, "--log", self.folder / "whole.csv", *options)
        columns = [[row[key] for row in self.log(f"{log}.csv") for key in list(row)[:7]] for log in (name, "whole")]
        self.assertEqual(*columns)
        self.assertEqual(self.weights(name), self.weights("whole"))
        self.assertEqual((self.folder / f"{name}.safetensors.checkpoint").read_bytes(),
                         (self.folder / "whole.safetensors.checkpoint").read_bytes())

    def test_killed_and_resumed(self):
        status, _ = self.end_in_the_middle("killed", signal.SIGKILL)
        self.assertEqual(status, -signal.SIGKILL)
        self.resumed("killed")

    def test_interrupted_and_resumed(self):
        self.optimize(op="adam", lr=0.002, accumulate=3, schedule="cosine", period=20000)
        status, out = self.end_in_the_middle("broken", signal.SIGINT)
        self.assertEqual(status, 130)
        self.assertIn("--resume", out)
        self.resumed("broken")

    def test_augmented_killed_and_resumed(self):
        options = ("--augment", "shift=1,scale=0.1,rotate=5,elastic=10:3,brightness=0.2,noise=4,border=edge",
                   "--validation", 0.2)
        status, _ = self.end_in_the_middle("killed", signal.SIGKILL, *options)
        self.assertEqual(status, -signal.SIGKILL)
        self.resumed("killed", *options)
        out = self.run_command(*self.command("killed", "--resume", "--augment", "shift=2", "--validation", 0.2), status=1)
        self.assertIn("the checkpoint was made with another --augment", out)

    def test_resumed_by_every_rule(self):
        """What each rule and schedule keeps, and what dropout draws next, go through the checkpoint."""
        layers = [*NETWORK["layers"][:-1], {"op": "dropout"}, NETWORK["layers"][-1]]
        rules = [{"op": "sgd", "lr": 0.05, "momentum": 0.9, "nesterov": True, "clip_norm": 0.1},
                 {"op": "adam", "lr": 0.01, "schedule": "plateau", "patience": 0, "gamma": 0.5},
                 {"op": "adamw", "lr": 0.01, "schedule": "step", "period": 12, "gamma": 0.5},
                 {"op": "rmsprop", "lr": 0.01, "momentum": 0.9, "centered": True, "warm_up": 25},
                 {"op": "adagrad", "lr": 0.01, "lr_decay": 0.01, "initial": 0.1, "accumulate": 3}]
        for i, rule in enumerate(rules):
            with self.subTest(rule["op"]):
                self.network.write_text(json.dumps({**NETWORK, "layers": layers, "optimizer": rule}))
                self.train("parts", "--epochs", 2, "--seed", i)
                self.train("parts", "--epochs", 4, "--seed", i, "--resume")
                self.train("whole", "--epochs", 4, "--seed", i)
                self.assertEqual(self.weights("parts"), self.weights("whole"))
                self.assertEqual(*((self.folder / f"{name}.safetensors.checkpoint").read_bytes() for name in ("parts", "whole")))

    def test_progress_on_a_terminal(self):
        """Where errors go to a terminal, a line there tells how far training is; elsewhere none does."""
        wide = {"op": "conv", "filters": 64, "kernel": 5, "pad": 2}  # epochs that take a while
        self.network.write_text(json.dumps({**NETWORK, "layers": [wide, wide, *NETWORK["layers"]]}))
        command = self.command("watched", "--epochs", 1)
        terminal, ours = pty.openpty()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=ours)
        os.close(ours)
        shown = b""
        with contextlib.suppress(OSError):  # EIO: nobody has the terminal open any more
            while part := os.read(terminal, 4096):
                shown += part
        os.close(terminal)
        self.assertEqual(process.wait(), 0)
        self.assertRegex(shown.decode(), r"\repoch 1/1 +\d+ %, loss \d\.\d{4}, accuracy [\d.]+ %, \d+ images/s, \d+:\d\d left")
        self.assertNotIn("left", subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True).stderr)

    def test_bytes_are_trained_on_as_floats_are(self):
        """A network that converts bytes by itself learns the same as one whose samples are converted for it."""
        self.train("floats", "--epochs", 3, "--log", self.folder / "floats.csv")
        self.network.write_text(json.dumps({**NETWORK, "input": {**NETWORK["input"], "dtype": "u8"}}))
        self.train("bytes", "--epochs", 3, "--log", self.folder / "bytes.csv")
        for a, b in zip(self.log("floats.csv"), self.log("bytes.csv")):
            self.assertAlmostEqual(a["loss"], b["loss"], delta=0.02 * a["loss"])

    def test_begins_from_another_network(self):
        """What fits of trained parameters is taken, the rest initialised as --seed says."""
        self.train("whole", "--epochs", 1)
        file = self.folder / "whole.safetensors"
        head = {**NETWORK, "layers": NETWORK["layers"][:-1] + [{"op": "dense", "name": "head", "units": CLASSES}]}
        self.network.write_text(json.dumps(head))
        out = self.train("part", "--epochs", 1, "--init-from", file)
        for line in ("5 of 7 parameters are taken", f'tensor "head.weight" [{CLASSES},96] is missing, so it begins anew',
                     f'tensor "head.bias" [{CLASSES}] is missing, so it begins anew',
                     "no parameters here, left out: 2, dense1.weight, dense1.bias"):
            self.assertIn(line, out)
        wider = {**head, "layers": [{"op": "conv", "filters": 7, "kernel": 3}, *head["layers"][2:]]}
        self.network.write_text(json.dumps(wider))
        out = self.run_command(*self.command("none", "--init-from", file), status=1)
        self.assertIn('has shape [6,1,3,3]; the network wants [7,1,3,3], so it begins anew', out)
        self.assertIn('no tensor has the name and the shape of a parameter of the network "bars"', out)
        self.assertIn("not both", self.run_command(*self.command("none", "--init-from", file, "--weights", file), status=1))

    def test_begins_where_another_ended(self):
        """A rate too small to move anything leaves what was taken."""
        plain = {**NETWORK, "layers": [layer for layer in NETWORK["layers"] if layer["op"] != "batch_norm"]}
        self.network.write_text(json.dumps(plain))
        self.train("whole", "--epochs", 1)
        self.network.write_text(json.dumps({**plain, "optimizer": {"op": "sgd", "lr": 1e-30}}))
        self.train("same", "--epochs", 1, "--seed", 4, "--init-from", self.folder / "whole.safetensors")
        self.assertEqual(self.weights("whole"), self.weights("same"))

    def test_less_memory(self):
        """On plain tensors the bits do not depend on what is computed again."""
        options = ("--epochs", 2)
        self.train("all", *options)
        info = self.run_command(CNNC, "info", self.network, "--train", "--target", "generic", "--json")
        training = json.loads(info)["plan"]["training"]
        out = self.train("less", *options, "--max-memory", training["all_bytes"] - training["kept_bytes"] // 10)
        self.assertRegex(out, r"activations, \d+ bytes, are computed again in backward")
        self.assertEqual(self.weights("all"), self.weights("less"))
        out = self.run_command(*self.command("none", "--max-memory", "64K"), status=2)
        self.assertRegex(out, "training needs at least [0-9]+ bytes, [0-9]+ more, with --batch 32")

    def test_words_are_documented(self):
        table = self.run_command(CNNC, "train", "--help").split("(--augment):")[1]
        words = re.findall(r"^  (\w+)", table, re.M)
        page = (ROOT / "docs" / "training.md").read_text()
        self.assertGreater(len(words), 15)
        for word in words:
            self.assertRegex(page, rf"`{word}[`=]")

    def test_labels_that_do_not_count(self):
        labels = bytes(i % CLASSES for i in range(80))
        write_npy(self.data / "y_test.npy", (80,), "|i1", bytes(255 if i % 4 == 0 else k for i, k in enumerate(labels)))
        network = {**NETWORK, "loss": {"op": "cross_entropy", "ignore_index": -1}}
        self.network.write_text(json.dumps(network))
        self.train("some", "--epochs", 2, "--log", self.folder / "log.csv")
        out = self.run_command(CNNC, "eval", self.network, "--data", self.data, "--weights", self.folder / "some.safetensors")
        self.assertIn(" of 60)", out)
        self.assertAlmostEqual(self.evaluated("some"), self.log()[-1]["validation_accuracy"], places=2)

    def fixed(self, layers, loss, **more):
        """A step that changes nothing, with biases for logits; 7 samples in batches of 3, 3 and 1."""
        write_npy(self.data / "x_train.npy", (7, 1), "<f4", struct.pack("<7f", *[0] * 7))
        write_npy(self.data / "x_test.npy", (7, 1), "<f4", struct.pack("<7f", *[0] * 7))
        network = {"name": "fixed", "input": {"shape": [1]}, "layers": layers, "optimizer": {"op": "sgd", "lr": 1e-30}}
        self.network.write_text(json.dumps({**network, **loss, **more}))

    def label(self, *labels):
        for part in ("train", "test"):
            write_npy(self.data / f"y_{part}.npy", (len(labels),), "|u1", bytes(labels))

    def scores(self, accuracy, loss, *options):
        self.train("fixed", "--epochs", 1, "--batch", 3, "--log", self.folder / "log.csv", *options)
        row, = self.log()
        for column in ("loss", "validation_loss"):
            self.assertAlmostEqual(row[column], loss, delta=1e-6)
        self.assertAlmostEqual(row["validation_accuracy"], accuracy, places=3)

    def test_losses_are_means_over_what_counts(self):
        """Entropies of constant logits in closed form; 255 does not count, though there are 3 classes."""
        logits = [0.5, 0.0, -1.0]
        total = math.log(sum(map(math.exp, logits)))
        nll = [total - logit for logit in logits]
        self.bias(logits)
        layer = [{"op": "dense", "units": 3, "name": "a"}]
        weights = ("--weights", self.folder / "bias.safetensors")
        self.label(0, 255, 255, 1, 2, 255, 0)
        self.fixed(layer, {"loss": {"op": "cross_entropy", "ignore_index": 255}})
        self.scores(50, (2 * nll[0] + nll[1] + nll[2]) / 4, *weights)
        evaluate = (CNNC, "eval", self.network, "--data", self.data, *HASTY, *weights)
        self.assertIn("accuracy 50.00 % (2 of 4)", self.run_command(*evaluate))
        self.fixed(layer, {"loss": {"op": "cross_entropy", "ignore_index": 255, "class_weights": [1, 5, 0.5]}})
        self.scores(50, (2 * nll[0] + 5 * nll[1] + 0.5 * nll[2]) / 7.5, *weights)
        self.fixed(layer, {"losses": [{"op": "cross_entropy", "from": "a", "ignore_index": 255, "weight": 0.5},
                                      {"op": "cross_entropy", "from": "a", "ignore_index": 255, "class_weights": [0, 1, 3]},
                                      {"op": "mse", "from": "a", "target": "one"}]},
                   inputs={"x": {"shape": [1]}, "one": {"shape": [3]}})
        network = json.loads(self.network.read_text())
        del network["input"]
        self.network.write_text(json.dumps(network))
        square = sum((logit - (c == k)) ** 2 for k in (0, 255, 255, 1, 2, 255, 0) for c, logit in enumerate(logits)) / 21
        self.scores(50, 0.5 * (2 * nll[0] + nll[1] + nll[2]) / 4 + (nll[1] + 3 * nll[2]) / 4 + square, *weights)
        self.label(0, 0, 1, 1, 1, 2, 2)  # the class that is named counts neither as right nor as wrong
        self.fixed(layer, {"loss": {"op": "cross_entropy", "ignore_index": 0}})
        self.scores(0, (3 * nll[1] + 2 * nll[2]) / 5, *weights)
        self.assertIn("(0 of 5)", self.run_command(*evaluate))

    def test_nothing_counts(self):
        """A part has no mean then; a step moves nothing."""
        self.bias([0.5, 0.0, -1.0])
        self.label(*[255] * 7)
        self.fixed([{"op": "dense", "units": 3, "name": "a"}], {"loss": {"op": "cross_entropy", "ignore_index": 255}},
                   optimizer={"op": "sgd", "lr": 1, "momentum": 0.9})
        out = self.train("fixed", "--epochs", 2, "--batch", 3, "--weights", self.folder / "bias.safetensors")
        self.assertRegex(out, r"epoch 2/2: loss nan, validation loss nan, lr")
        self.assertNotIn("no number any more", out)
        self.assertIn(struct.pack("<3f", 0.5, 0, -1), self.weights("fixed"))
        self.label(255, 255, 255, 255, 255, 255, 3)
        self.assertIn("label 3 of sample 6: the network has 3 classes", self.run_command(*self.command("none"), status=1))

    def bias(self, values):
        """Weights of a layer "a" of one input: zeros, and these biases."""
        head = {"a.weight": {"dtype": "F32", "shape": [3, 1], "data_offsets": [0, 12]},
                "a.bias": {"dtype": "F32", "shape": [3], "data_offsets": [12, 24]}}
        text = json.dumps(head).encode()
        data = struct.pack("<6f", 0, 0, 0, *values)
        (self.folder / "bias.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)

    def test_mistakes(self):
        mistakes = [
            (2, "give --data DIR", [CNNC, "train", self.network]),
            (2, "--resume goes on", [CNNC, "train", self.network, "--data", self.data, "--resume"]),
            (1, "cannot read the file", self.command("none", "--resume")),
            (1, "samples are [1,10,10]; the network reads", self.command("none", "--input-shape", "1x12x12")),
        ]
        for status, message, command in mistakes:
            self.assertIn(message, self.run_command(*command, status=status))
        self.train("other", "--epochs", 1)
        self.assertIn("--seed 3, not 4", self.run_command(*self.command("other", "--resume", "--seed", 4), status=1))
        self.assertIn("--batch 32, not 16", self.run_command(*self.command("other", "--resume", "--batch", 16), status=1))
        self.assertFalse([name for name in os.listdir(self.folder) if ".tmp" in name])


if __name__ == "__main__":
    main()
