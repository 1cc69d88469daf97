#!/usr/bin/env python3
"""Data sets as the NumPy arrays that `cnnc train` reads:  convert.py NAME DATA FOLDER

DATA holds the published files; FOLDER gets x_train.npy, y_train.npy, x_test.npy, y_test.npy. NAME is
  usps          zip-code digits [1,16,16] in -1 ... 1 (usps_zip/zip.train.gz, zip.test.gz)
  vowels        JapaneseVowels: 12 channels of 29 moments, shorter series end in zeros (ucr/JapaneseVowels_*.ts)
  waveforms     spoken digits [1,8000] in -1 ... 1, shorter ones end in silence (fsdd/recordings.tar.gz)
  spectrograms  the same as 40 mel bands of 64 frames: logarithms, mean 0 and deviation 1 in each recording
  recordings    the same as wav files, in FOLDER/train and FOLDER/test
Only Python's own modules are needed."""
import array
import cmath
import gzip
import math
import pathlib
import struct
import sys
import tarfile

CLASSES = 10
RATE, SAMPLES = 8000, 8000  # of a recording: a second
WINDOW, HOP, BANDS, FRAMES = 256, 100, 40, 64
MOMENTS = 29


def write_npy(path, shape, kind, values):
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {tuple(shape)}, }}"
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + values.tobytes())


def write_part(folder, part, shape, samples):
    """`samples`: pairs of a label and its numbers."""
    values, labels = array.array("f"), array.array("B")
    for label, numbers in samples:
        labels.append(label)
        values.extend(numbers)
    folder.mkdir(parents=True, exist_ok=True)
    write_npy(folder / f"x_{part}.npy", (len(labels), *shape), "<f4", values)
    write_npy(folder / f"y_{part}.npy", (len(labels),), "|u1", labels)


# ---- digits and vowels ----

def usps(data, folder):
    for part in ("train", "test"):
        with gzip.open(data / "usps_zip" / f"zip.{part}.gz", "rt") as lines:
            rows = [[float(word) for word in line.split()] for line in lines]
        write_part(folder, part, (1, 16, 16), ((int(row[0]), row[1:]) for row in rows))


def series(line):
    """Channels are separated by colons, moments by commas; the label comes last."""
    *channels, label = line.split(":")
    numbers = []
    for channel in channels:
        values = [float(word) for word in channel.split(",")]
        numbers += values + [0.0] * (MOMENTS - len(values))
    return int(label) - 1, numbers


def vowels(data, folder):
    for part in ("train", "test"):
        lines = (data / "ucr" / f"JapaneseVowels_{part.upper()}.ts").read_text().splitlines()
        rows = [line for line in lines if line and line[0] not in "#@"]
        write_part(folder, part, (12, MOMENTS), map(series, rows))


# ---- spoken digits ----

def wav_files(data):
    """(part, label, name, bytes) of each recording: takes 0 to 4 are for tests, as the data set's authors say."""
    with tarfile.open(data / "fsdd" / "recordings.tar.gz") as archive:
        for member in sorted((m for m in archive.getmembers() if m.name.endswith(".wav")), key=lambda m: m.name):
            name = pathlib.PurePath(member.name).name
            label, _, take = name[:-4].split("_")
            yield "test" if int(take) < 5 else "train", int(label), name, archive.extractfile(member).read()


def recordings(data, folder):
    for part, _, name, content in wav_files(data):
        (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / part / name).write_bytes(content)


def samples_of(wav):
    """Of 16 bits and one channel."""
    at = wav.index(b"data") + 8
    numbers = array.array("h", wav[at:at + (len(wav) - at) // 2 * 2])
    return [number / 32768 for number in numbers[:SAMPLES]]


def write_recordings(data, folder, shape, features):
    parts = {"train": [], "test": []}
    for part, label, _, wav in wav_files(data):
        parts[part].append((label, features(samples_of(wav))))
    for part, rows in parts.items():
        write_part(folder, part, shape, rows)


def waveforms(data, folder):
    write_recordings(data, folder, (1, SAMPLES), lambda numbers: numbers + [0.0] * (SAMPLES - len(numbers)))


def fft(x):
    """Cooley and Tukey 1965, for lists of 2^k numbers."""
    if len(x) == 2:
        return [x[0] + x[1], x[0] - x[1]]
    even, odd = fft(x[::2]), fft(x[1::2])
    turned = [a * b for a, b in zip(TURNS[len(x)], odd)]
    return [a + b for a, b in zip(even, turned)] + [a - b for a, b in zip(even, turned)]


TURNS = {1 << k: [cmath.exp(-2j * math.pi * i / (1 << k)) for i in range(1 << k >> 1)] for k in range(2, 9)}
HANN = [0.5 - 0.5 * math.cos(2 * math.pi * i / WINDOW) for i in range(WINDOW)]


def mel_bands():
    """For each band the bins that it sums, with weights: triangles that are evenly spaced in mel (Stevens et al. 1937)."""
    mel = lambda hertz: 2595 * math.log10(1 + hertz / 700)
    hertz = lambda m: 700 * (10 ** (m / 2595) - 1)
    edges = [hertz(mel(60) + (mel(RATE / 2) - mel(60)) * i / (BANDS + 1)) * WINDOW / RATE for i in range(BANDS + 2)]
    bands = []
    for low, middle, high in zip(edges, edges[1:], edges[2:]):
        weights = [(k, min((k - low) / (middle - low), (high - k) / (high - middle))) for k in range(WINDOW // 2 + 1)]
        bands.append([(k, weight) for k, weight in weights if weight > 0] or [(round(middle), 1.0)])
    return bands


MEL = mel_bands()


def bands_of(spectrum):
    power = [z.real * z.real + z.imag * z.imag for z in spectrum]
    return [math.log(1e-6 + sum(weight * power[k] for k, weight in band)) for band in MEL]


def two_frames(first, second):
    """Two real transforms for the price of a complex one."""
    both = fft([complex(a, b) * window for a, b, window in zip(first, second, HANN)])
    pairs = [(z, both[-k].conjugate()) for k, z in enumerate(both[:WINDOW // 2 + 1])]
    return bands_of([(z + w) / 2 for z, w in pairs]), bands_of([(z - w) / 2 for z, w in pairs])


def spectrogram(numbers):
    """[bands][frames]; frames beyond the end are like silence."""
    numbers = numbers[:HOP * (FRAMES - 1) + WINDOW]
    count = min(FRAMES, max(1, (len(numbers) - WINDOW) // HOP + 1))
    numbers = numbers + [0.0] * (WINDOW + HOP)
    windows = [numbers[i * HOP:i * HOP + WINDOW] for i in range(count + count % 2)]
    frames = [row for pair in zip(windows[::2], windows[1::2]) for row in two_frames(*pair)][:count]
    flat = [value for row in frames for value in row]
    mean = sum(flat) / len(flat)
    deviation = math.sqrt(sum((value - mean) ** 2 for value in flat) / len(flat))
    lowest = (min(flat) - mean) / deviation
    return [(frames[f][band] - mean) / deviation if f < len(frames) else lowest for band in range(BANDS) for f in range(FRAMES)]


def spectrograms(data, folder):
    write_recordings(data, folder, (1, BANDS, FRAMES), spectrogram)


CONVERTERS = {f.__name__: f for f in (usps, vowels, waveforms, spectrograms, recordings)}


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in CONVERTERS:
        sys.exit(__doc__)
    CONVERTERS[sys.argv[1]](pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]))


if __name__ == "__main__":
    main()
