"""Weights in files of the form safetensors, as arrays of NumPy."""
import json
import struct

import numpy as np


def load_safetensors(path):
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(size))
        body = bytearray(file.read())
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            dtype = {"F32": np.float32, "F64": np.float64}[entry["dtype"]]
            tensors[name] = np.frombuffer(body[begin:end], dtype).reshape(entry["shape"])
    return tensors
