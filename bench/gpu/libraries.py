"""The shared libraries that build.py makes, for Python: the device, an emitted network, cuDNN. PyTorch is not needed."""
import ctypes

POINTER, INT, SIZE = ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t


class Failure(RuntimeError):
    pass


def device_capability():
    """Of the first device, asked of the driver, and why there is none."""
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None, "no driver (libcuda.so.1)"
    device, major, minor = INT(), INT(), INT()
    if cuda.cuInit(0) or cuda.cuDeviceGet(ctypes.byref(device), 0):
        return None, "the driver finds no device"
    cuda.cuDeviceGetAttribute(ctypes.byref(major), 75, device)
    cuda.cuDeviceGetAttribute(ctypes.byref(minor), 76, device)
    return major.value * 10 + minor.value, None


class Library:
    FUNCTIONS = {}  # name: result, arguments

    def __init__(self, path):
        library = ctypes.CDLL(str(path))
        for name, (result, *arguments) in self.FUNCTIONS.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
            setattr(self, name, function)


class Device(Library):
    FUNCTIONS = {
        "device_open": (INT,), "device_wait": (INT,), "device_stream": (POINTER,), "device_allocate": (POINTER, SIZE),
        "device_free": (INT, POINTER), "device_begin": (INT, POINTER), "device_end": (ctypes.c_float, POINTER),
        "device_facts": (INT, ctypes.c_char_p, INT, ctypes.POINTER(ctypes.c_longlong)),
        "device_peaks": (INT, ctypes.POINTER(ctypes.c_double)),
    }

    def __init__(self, path):
        super().__init__(path)
        if self.device_open():
            raise Failure("no device")

    def facts(self):
        name, facts = ctypes.create_string_buffer(256), (ctypes.c_longlong * 3)()
        if self.device_facts(name, len(name), facts):
            raise Failure("the device does not say what it is")
        return dict(name=name.value.decode(), capability=facts[0], processors=facts[1], bytes=facts[2])

    def peaks(self):
        """Measured: bytes and operations per second."""
        peaks = (ctypes.c_double * 5)()
        if self.device_peaks(peaks):
            raise Failure("no peaks")
        return dict(zip(("bytes", "f32", "tf32", "bf16", "f16"), peaks))

    def allocate(self, size):
        at = self.device_allocate(size)
        if not at:
            raise Failure(f"no {size} bytes of device memory")
        return at

    def time(self, stream, run, calls):
        """Milliseconds of a call."""
        failed = self.device_begin(stream)
        for _ in range(calls):
            run()
        ms = self.device_end(stream)
        if failed or ms < 0:
            raise Failure("the device reports an error")
        return ms / calls


class Ours(Library):
    """An emitted network on memory of `allocate`, with parameters of a seed. What it returns are functions that put a call
    into the stream."""
    FUNCTIONS = {
        "shim_bytes": (SIZE, INT), "shim_open": (INT, POINTER, POINTER, POINTER, POINTER, ctypes.c_uint64, POINTER),
        "shim_context": (POINTER,), "shim_param_count": (INT,), "shim_param_name": (ctypes.c_char_p, INT),
        "shim_param_shape": (INT, INT, ctypes.POINTER(SIZE)), "net_strerror": (ctypes.c_char_p, INT),
        "net_get_param": (INT, POINTER, INT, POINTER), "net_graph_begin": (INT, POINTER),
        "net_graph_end": (INT, POINTER, ctypes.POINTER(POINTER)), "net_graph_launch": (INT, POINTER, POINTER),
        "net_forward": (INT, POINTER, INT, POINTER, POINTER, POINTER),
    }
    TRAINING = {"net_train_step": (INT, POINTER, INT, POINTER, POINTER, POINTER, POINTER)}

    def __init__(self, path, train, allocate, seed, stream):
        if train:
            self.FUNCTIONS = {**self.FUNCTIONS, **self.TRAINING}
        super().__init__(path)
        self.stream = POINTER(stream)
        sizes = [self.shim_bytes(i) for i in range(4)]
        memory = [POINTER(allocate(size)) if size else POINTER() for size in sizes]
        self.check(self.shim_open(*memory, seed, self.stream))
        self.context = POINTER(self.shim_context())

    def check(self, status):
        if status:
            raise Failure(self.net_strerror(status).decode())

    def call(self, function, *arguments):
        def run():
            status = function(*arguments)
            if status:
                self.check(status)
        return run

    def forward(self, n, x, y):
        return self.call(self.net_forward, self.context, n, POINTER(x), POINTER(y), self.stream)

    def train_step(self, n, x, target, loss):
        return self.call(self.net_train_step, self.context, n, POINTER(x), POINTER(target), POINTER(loss), self.stream)

    def graph(self, run):
        """What run puts into the stream, captured."""
        graph = POINTER()
        self.check(self.net_graph_begin(self.stream))
        try:
            run()
        finally:
            status = self.net_graph_end(self.stream, ctypes.byref(graph))
        self.check(status)
        return self.call(self.net_graph_launch, graph, self.stream)

    def parameters(self):
        """Name and shape of each."""
        shape = (SIZE * 8)()
        for i in range(self.shim_param_count()):
            rank = self.shim_param_shape(i, shape)
            yield self.shim_param_name(i).decode(), list(shape[:rank])

    def copy_parameter(self, i, to):
        self.check(self.net_get_param(self.context, i, POINTER(to)))


class Cudnn(Library):
    FUNCTIONS = {
        "cudnn_open": (INT, POINTER), "cudnn_error": (ctypes.c_char_p, INT), "cudnn_version": (ctypes.c_long,),
        "cudnn_prepare": (INT, ctypes.POINTER(INT), INT, INT, POINTER, POINTER, POINTER, POINTER, SIZE),
        "cudnn_algorithm": (INT,), "cudnn_forward": (INT,),
    }
    DTYPES = {"bf16": 0, "tf32": 1, "f32": 2}
    LAYOUTS = {"NHWC": 0, "NCHW": 1}

    def __init__(self, path, stream):
        super().__init__(path)
        self.check(self.cudnn_open(POINTER(stream)))

    def check(self, status):
        if status:
            raise Failure("cuDNN: " + self.cudnn_error(status).decode())

    def prepare(self, shape, dtype, layout, x, w, y, workspace, size):
        """Takes the algorithm that it finds fastest; the function that runs it, until the next one is prepared."""
        extents = (INT * 10)(*shape)
        self.check(self.cudnn_prepare(extents, self.DTYPES[dtype], self.LAYOUTS[layout], x, w, y, workspace, size))

        def run():
            status = self.cudnn_forward()
            if status:
                self.check(status)
        return run
