
    # ---- parameters

    def init_params(self, seed=0):
        """All parameters by the network's initialisers."""
        self._call("init_params", ctypes.c_uint64(seed))

    def load(self, path):
        """All parameters from a safetensors file."""
        self._call("load_file", os.fsencode(path))

    def save(self, path):
        """All parameters into a safetensors file."""
        self._call("save_file", os.fsencode(path))

    @staticmethod
    def _index(name):
        for index, (other, _) in enumerate(_PARAMS):
            if other == name:
                return index
        raise KeyError(f"{name}: no such parameter; parameters() has them all")

    def parameter(self, name):
        """A copy of one parameter, in PyTorch's shape."""
        index = self._index(name)
        array = np.empty(_PARAMS[index][1], _REAL)
        self._call("get_param", index, self._pointer(array))
        return array

    def set_parameter(self, name, values):
        """One parameter becomes these values."""
        index = self._index(name)
        array = np.ascontiguousarray(values, _REAL)
        if array.shape != _PARAMS[index][1]:
            raise ValueError(f"{name} is {list(array.shape)}, expected {list(_PARAMS[index][1])}")
        self._call("set_param", index, self._pointer(array))

    def parameters(self):
        """Copies of all of them, by name."""
        return {name: self.parameter(name) for name, _ in _PARAMS}
