"""What train and eval read: axes, layouts and labels of data sets, and that mistakes show before any work is done."""
import json
import os
import random
import signal
import struct
import subprocess

from support import BEST, CNNC, HASTY, Case, main, write_npy

CHANNELS, HEIGHT, WIDTH, CLASSES, SAMPLES = 3, 5, 7, 4, 40
LAYERS = [{"op": "conv", "filters": 6, "kernel": 3}, {"op": "relu"}, {"op": "dense", "units": CLASSES}]
SCALING = {"scale": 1 / 255, "mean": [0.1, 0.5, 0.9], "std": [0.2, 0.4, 0.8]}
RNG = random.Random(5)
PIXELS = bytes(RNG.randrange(256) for _ in range(SAMPLES * CHANNELS * HEIGHT * WIDTH))
LABELS = bytes(RNG.randrange(CLASSES) for _ in range(SAMPLES))


def channels_last(pixels, channels=CHANNELS):
    """[n,c,...] as [n,...,c]."""
    size, area = len(pixels) // SAMPLES, len(pixels) // SAMPLES // channels
    return bytes(pixels[s * size + c * area + p] for s in range(SAMPLES) for p in range(area) for c in range(channels))


class Data(Case):
    options = HASTY

    def network(self, name="net", shape=(CHANNELS, HEIGHT, WIDTH), layers=LAYERS, **members):
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps({
            "name": "net", "input": {"shape": shape, **members}, "layers": layers,
            "loss": {"op": "cross_entropy"}, "optimizer": {"op": "sgd", "lr": 0.05}}))
        return path

    def data(self, name, shape, pixels=PIXELS, labels=LABELS, parts=("_train", "_test"), label_shape=()):
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        for part in parts:
            write_npy(folder / f"x{part}.npy", (SAMPLES, *shape), "|u1", pixels)
            write_npy(folder / f"y{part}.npy", (SAMPLES, *label_shape), "|u1", labels)
        return folder

    def trained(self, network, data, name):
        weights = self.folder / f"{name}.safetensors"
        out = self.run_command(CNNC, "train", network, "--data", data, "--epochs", 2, "--seed", 1, "--save", weights, *self.options)
        return weights.read_bytes(), [line.split(", lr")[0] for line in out.splitlines()]

    def predicted(self, network, data, weights, way=HASTY):
        self.run_command(CNNC, "eval", network, "--data", data, "--weights", weights, "--predictions",
                         self.folder / "classes", *way)
        return (self.folder / "classes").read_bytes()

    def same_in_both_layouts(self, shape, **members):
        axes = list(shape[1:]) + [shape[0]]
        first, last = self.data("first", shape), self.data("last", axes, channels_last(PIXELS, shape[0]))
        layers = [{"op": "dense", "units": CLASSES}]
        chw = self.network("chw", shape, layers, **members)
        hwc = self.network("hwc", shape, layers, layout="hwc", **members)
        self.assertEqual(self.trained(chw, first, "chw"), self.trained(hwc, last, "hwc"))
        weights = self.folder / "chw.safetensors"
        for way in (self.options, ("--interpret",)):
            self.assertEqual(self.predicted(chw, first, weights, way), self.predicted(hwc, last, weights, way))

    def test_channels_last(self):
        self.options = (*HASTY, "--target", BEST)
        self.same_in_both_layouts((CHANNELS, HEIGHT, WIDTH), **SCALING)

    def test_channels_last_of_bytes(self):
        self.same_in_both_layouts((CHANNELS, HEIGHT, WIDTH), dtype="u8", **SCALING)

    def test_channels_last_of_series_and_volumes(self):
        self.same_in_both_layouts((CHANNELS, HEIGHT * WIDTH), **SCALING)
        self.same_in_both_layouts((CHANNELS, HEIGHT, WIDTH, 1), **SCALING)

    def test_pictures_in_both_layouts(self):
        picture = self.folder / "picture.ppm"
        picture.write_bytes(b"P6\n%d %d\n255\n" % (WIDTH, HEIGHT) + PIXELS[:CHANNELS * HEIGHT * WIDTH])
        results = []
        for layout in ("chw", "hwc"):
            for way in (HASTY, ("--interpret",)):
                network = self.network(layout, layout=layout, **SCALING)
                self.run_command(CNNC, "run", network, "--seed", 1, "--input", picture, "-o", self.folder / "y.npy", *way)
                results.append((self.folder / "y.npy").read_bytes())
        self.assertEqual(results[0], results[2])
        self.assertEqual(results[1], results[3])

    def test_bytes_that_are_none(self):
        """Arrays for an input of bytes have whole numbers from 0 to 255; pictures of another size are rounded to them."""
        network, x, y = self.network("u8", dtype="u8"), self.folder / "x.npy", self.folder / "y.npy"
        size = CHANNELS * HEIGHT * WIDTH
        for value in (-1, 2.5, 256, float("nan")):
            write_npy(x, (CHANNELS, HEIGHT, WIDTH), "<f4", struct.pack(f"<{size}f", *[7.0] * (size - 1), value))
            out = self.run_command(CNNC, "run", network, "--seed", 1, "--input", x, "-o", y, status=1)
            self.assertIn(f'value {size - 1} is {value:g}; input "x" takes whole numbers from 0 to 255', out)
            self.assertFalse(y.exists())
        picture = self.folder / "large.ppm"
        picture.write_bytes(b"P6\n%d %d\n255\n" % (2 * WIDTH, 2 * HEIGHT) + (PIXELS * 4)[:4 * size])
        results = []
        for way in (HASTY, ("--interpret",)):
            self.run_command(CNNC, "run", network, "--seed", 1, "--input", picture, "-o", y, *way)
            results.append(struct.unpack_from(f"<{CLASSES}f", y.read_bytes(), len(y.read_bytes()) - 4 * CLASSES))
        for built, interpreted in zip(*results):
            self.assertAlmostEqual(built, interpreted, delta=1e-4 * max(map(abs, results[1])))

    def refused(self, message, network, data, *options, status=1):
        for command in (["train"], ["eval", "--weights", "none.safetensors"]):
            self.assertIn(message, self.run_command(CNNC, *command, network, "--data", data, *options, status=status))

    def test_other_axes(self):
        shape = self.network()
        self.refused(f"samples are [5,7,3]; the network reads [3,5,7]; its input may say \"layout\": \"hwc\"", shape,
                     self.data("last", (HEIGHT, WIDTH, CHANNELS)))
        self.refused("samples are [3,7,5]; the network reads [3,5,7]; the samples must be transposed or reshaped", shape,
                     self.data("turned", (CHANNELS, WIDTH, HEIGHT)))
        self.refused("samples are [105]; the network reads [3,5,7]", shape, self.data("flat", (105,)))
        self.refused("samples are [3,5,7]; the network reads [5,7,3]; its input may say \"layout\": \"chw\"",
                     self.network("hwc", layout="hwc"), self.data("first", (CHANNELS, HEIGHT, WIDTH)))

    def test_single_channel_needs_no_axis(self):
        network = self.network(shape=(1, 15, 7))
        with_axis = self.trained(network, self.data("with", (1, 15, 7)), "with")
        self.assertEqual(with_axis, self.trained(network, self.data("without", (15, 7)), "without"))

    def test_labels(self):
        shape = (CHANNELS, HEIGHT, WIDTH)
        self.refused("label 9 of sample 0: the network has 4 classes", self.network(),
                     self.data("high", shape, labels=bytes([9]) + LABELS[1:]))
        self.refused("35 labels for each sample; output", self.network(),
                     self.data("many", shape, labels=LABELS * 35, label_shape=(HEIGHT, WIDTH)))
        maps = self.network("maps", layers=[{"op": "conv", "name": "map", "filters": CLASSES, "kernel": 1}])
        self.refused("1 labels for each sample; output \"map\" is f32[n,4,5,7], which asks for 35", maps, self.data("one", shape))
        places = self.data("places", shape, labels=LABELS * 35, label_shape=(HEIGHT, WIDTH))
        accuracy = self.trained(maps, places, "maps")[1][-1].split("accuracy ")[1]
        out = self.run_command(CNNC, "eval", maps, "--data", places, "--weights", self.folder / "maps.safetensors", *HASTY)
        self.assertIn(f"accuracy {accuracy} (", out)
        self.assertIn(f"of {SAMPLES * 35})", out)

    def in_folders(self, name, suffix, content):
        """content(sample) as files of four classes in two parts; classes are numbers, and 10 comes after 9."""
        folder = self.folder / name
        for part in ("train", "test"):
            for k, label in enumerate(LABELS):
                path = folder / part / str(8 + label)
                path.mkdir(parents=True, exist_ok=True)
                (path / f"{k:03}{suffix}").write_bytes(content(k))
        return folder

    def in_class_order(self, shape, kind, content):
        """The same as arrays: folders are read class by class."""
        folder = self.folder / "arrays"
        folder.mkdir()
        order = sorted(range(SAMPLES), key=lambda k: LABELS[k])
        for part in ("train", "test"):
            write_npy(folder / f"x_{part}.npy", (SAMPLES, *shape), kind, b"".join(content(k) for k in order))
            write_npy(folder / f"y_{part}.npy", (SAMPLES,), "|u1", bytes(LABELS[k] for k in order))
        return folder

    def test_folders_of_pictures(self):
        size = CHANNELS * HEIGHT * WIDTH
        pixels = lambda k: PIXELS[k * size:(k + 1) * size]
        planes = lambda k: bytes(pixels(k)[i * CHANNELS + c] for c in range(CHANNELS) for i in range(HEIGHT * WIDTH))
        pictures = self.in_folders("pictures", ".ppm", lambda k: b"P6 %d %d 255\n" % (WIDTH, HEIGHT) + pixels(k))
        arrays = self.in_class_order((CHANNELS, HEIGHT, WIDTH), "|u1", planes)
        network = self.network(**SCALING)
        self.assertEqual(self.trained(network, pictures, "pictures"), self.trained(network, arrays, "arrays"))
        weights = self.folder / "arrays.safetensors"
        self.assertEqual(self.predicted(network, pictures, weights), self.predicted(network, arrays, weights))
        small = self.network("small", (CHANNELS, HEIGHT - 2, WIDTH - 2))
        out = self.run_command(CNNC, "train", small, "--data", pictures / "train", "--validation", "0.2", "--epochs", 1, *HASTY,
                               "--augment", "crop=1,flip,brightness=0.1")
        self.assertIn("epoch 1/1", out)

    def test_folders_of_sounds(self):
        length = 60
        numbers = [[RNG.randrange(-32768, 32768) for _ in range(length - k % 3)] for k in range(SAMPLES)]

        def wave_file(k):
            data = struct.pack(f"<{len(numbers[k])}h", *numbers[k])
            return struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16,
                               b"data", len(data)) + data

        def floats(k):
            return struct.pack(f"<{length}f", *(x / 32768 for x in numbers[k]), *[0.0] * (length - len(numbers[k])))

        sounds, arrays = self.in_folders("sounds", ".wav", wave_file), self.in_class_order((1, length), "<f4", floats)
        network = self.network(shape=(1, length))
        result = self.trained(network, sounds, "sounds")
        self.assertEqual(result, self.trained(network, arrays, "arrays"))
        for part in ("train", "test"):  # the class in the name
            for k, label in enumerate(LABELS):
                (sounds / part / str(8 + label) / f"{k:03}.wav").replace(sounds / part / f"{8 + label}_{k:03}.wav")
        self.assertEqual(result, self.trained(network, sounds, "names"))

    def test_no_test_part(self):
        shape = (CHANNELS, HEIGHT, WIDTH)
        note = "no test part: accuracy is of the training samples"
        whole = self.data("whole", shape, parts=("",))
        self.assertIn(note, "\n".join(self.trained(self.network(), whole, "whole")[1]))
        parts = self.data("parts", shape)
        self.assertNotIn(note, "\n".join(self.trained(self.network(), parts, "parts")[1]))

    def test_folders_that_cannot_be_written(self):
        data = self.data("data", (CHANNELS, HEIGHT, WIDTH))
        for command in (["train", "--save", "nowhere/w.safetensors"], ["eval", "--predictions", "nowhere/p", "--weights", "none.safetensors"]):
            out = self.run_command(CNNC, *command, self.network(), "--data", data, status=1)
            self.assertIn(f"{command[2]}: error: cannot write the file: No such file or directory", out)
            self.assertNotIn("epoch", out)

    def test_program_that_dies(self):
        data = self.data("data", (CHANNELS, HEIGHT, WIDTH))
        process = subprocess.Popen(
            [CNNC, "train", self.network(), "--data", data, "--epochs", "1000000", "--save", self.folder / "w.safetensors"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        process.stdout.readline()
        children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process.pid)], stdout=subprocess.PIPE, text=True).stdout
        os.kill(int(children.split()[0]), signal.SIGKILL)
        out = process.communicate()[0]
        self.assertIn("the program that trains was ended by signal 9", out)
        self.assertEqual(process.returncode, 3)


if __name__ == "__main__":
    main()
