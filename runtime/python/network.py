class Error(RuntimeError):
    """What a function of the library answered: `code`, one of NAME_E_..., and its sentence."""

    def __init__(self, library, code):
        super().__init__(library.NAME_strerror(code).decode())
        self.code = code


class _Memory(ctypes.Structure):
    """NAME_memory."""

    _fields_ = ([("hash", ctypes.c_uint64)]
                + ([("params", ctypes.c_void_p), ("params_bytes", ctypes.c_size_t)] if _TAKES_PARAMS else [])
                + [("work", ctypes.c_void_p), ("work_bytes", ctypes.c_size_t)]
                + ([("grads", ctypes.c_void_p), ("grads_bytes", ctypes.c_size_t),
                    ("state", ctypes.c_void_p), ("state_bytes", ctypes.c_size_t)] if _TRAINS else []))


def _memory(size):
    """That many bytes, aligned as the library wants them."""
    raw = np.empty(size + _ALIGN, np.uint8)
    first = -raw.ctypes.data % _ALIGN
    return raw[first:first + size]


class Network:
    """One context of the library with memory of its own. Calls of several networks may run at the same time, those of
    one network may not.

    threads: workers of a call. library: the path of the shared library, in place of the one beside this file.
    weights: parameters to begin with, the path of a safetensors file; a packed file where the library was made with
    --weights-as file. Raises Error where the library refuses.
    """

    def __init__(self, threads=1, library=None, weights=None):
        self._c = ctypes.CDLL(os.fspath(library or os.path.join(_FOLDER, _LIBRARY)))
        self._c.NAME_strerror.restype = ctypes.c_char_p
        self._c.NAME_info.restype = ctypes.c_char_p
        self._c.NAME_context_size.restype = ctypes.c_size_t
        fixed, each = _WORK_BYTES
        sizes = {"work": fixed + each * threads}
        if _TRAINS:
            sizes.update(grads=_GRADS_BYTES, state=_STATE_BYTES)
        if _TAKES_PARAMS:
            packed = np.fromfile(weights or os.path.join(_FOLDER, _PACKED), np.uint8) if _PACKED else None
            sizes.update(params=packed.size if _PACKED else _PARAMS_BYTES)
        self._memory = {name: _memory(size) for name, size in sizes.items()}
        if _PACKED:
            self._memory["params"][:] = packed
        memory = _Memory(hash=_HASH)
        for name, array in self._memory.items():
            setattr(memory, name, array.ctypes.data)
            setattr(memory, name + "_bytes", array.size)
        self._context = _memory(self._c.NAME_context_size())
        self._call("init", ctypes.byref(memory), threads)
        if weights and not _PACKED:
            self.load(weights)

    def _call(self, name, *arguments):
        status = getattr(self._c, "NAME_" + name)(self._pointer(self._context), *arguments)
        if status:
            raise Error(self._c, status)

    @staticmethod
    def _pointer(array):
        return ctypes.c_void_p(array.ctypes.data)

    @staticmethod
    def _prepared(arrays, descriptions):
        """The arrays as the library reads them, and n."""
        if len(arrays) != len(descriptions):
            raise TypeError("expected " + ", ".join(name for name, *_ in descriptions))
        prepared, samples = [], None
        for array, (name, dtype, shape, *_) in zip(arrays, descriptions):
            array = np.ascontiguousarray(array, dtype)
            if array.shape[1:] != shape or array.ndim != len(shape) + 1:
                raise ValueError(f"{name} is {list(array.shape)}, expected [n, {', '.join(map(str, shape))}]")
            if samples not in (None, len(array)):
                raise ValueError(f"{name} has {len(array)} samples, others have {samples}")
            samples = len(array)
            prepared.append(array)
        return prepared, _MAX_BATCH if samples is None else samples

    def info(self):
        """Version of cnnc, network, target and hashes."""
        return self._c.NAME_info().decode()

    # ---- inference

    def forward(self, *inputs):
        """The outputs of any number of samples, at most _MAX_BATCH in a call of the library. One array, or a tuple."""
        inputs, samples = self._prepared(inputs, [row for row in _INPUTS if not row[3]])
        outputs = [np.empty((samples, *shape), dtype) for _, dtype, shape in _OUTPUTS]
        for first in range(0, samples, _MAX_BATCH):
            part = slice(first, min(first + _MAX_BATCH, samples))
            self._call("forward", part.stop - first, *(self._pointer(array[part]) for array in inputs + outputs))
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    __call__ = forward
