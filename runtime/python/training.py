
    # ---- training

    _kept = (), 0  # arrays of the last train_forward, which backward reads again, and how many samples

    def _trains(self, name, arrays):
        arrays, samples = self._prepared(arrays, _INPUTS)
        loss = np.empty(1, _REAL)
        self._call(name, samples, *map(self._pointer, arrays), self._pointer(loss))
        self._kept = arrays, samples
        return float(loss[0])

    def train_step(self, *arrays):
        """Forward, backward and the optimiser's step on one batch: inputs, then targets, at most _MAX_BATCH samples.
        Returns the loss."""
        return self._trains("train_step", arrays)

    def train_forward(self, *arrays):
        """The loss of one batch as training sees it."""
        return self._trains("train_forward", arrays)

    def backward(self, accumulate=False):
        """Gradients of the last train_forward, instead of those that are there or added to them. Returns those by
        the inputs that the library returns: None, one array or a tuple."""
        returned = [np.empty((self._kept[1], *_INPUTS[i][2]), _REAL) for i in _RETURNED]
        self._call("backward", self._kept[1], int(accumulate), *map(self._pointer, returned))
        return tuple(returned) if len(returned) > 1 else returned[0] if returned else None

    def step(self):
        """Moves the parameters by the optimiser's rule."""
        self._call("step")

    def gradient(self, name):
        """A copy of the gradient by one parameter, as backward left it."""
        index = self._index(name)
        array = np.empty(_PARAMS[index][1], _REAL)
        self._call("get_grad", index, self._pointer(array))
        return array

    @property
    def lr(self):
        """The learning rate of the next step, by the schedule; what is assigned goes on from there."""
        self._c.NAME_lr.restype = _C_REAL
        return self._c.NAME_lr(self._pointer(self._context))

    @lr.setter
    def lr(self, value):
        self._call("set_lr", _C_REAL(value))

    def set_seed(self, seed):
        """Dropout begins anew."""
        self._call("set_seed", ctypes.c_uint64(seed))

    def report(self, metric):
        """Something that should fall, for the schedule that waits for a plateau."""
        self._call("report", _C_REAL(metric))

    def checkpoint(self):
        """All that training is at, as bytes; restore goes on from there with the same bits."""
        array = np.empty(_CHECKPOINT_BYTES, np.uint8)
        self._call("checkpoint_save", self._pointer(array), ctypes.c_size_t(array.size))
        return array.tobytes()

    def restore(self, checkpoint):
        """Goes back to what checkpoint() returned."""
        self._call("checkpoint_restore", checkpoint, ctypes.c_size_t(len(checkpoint)))
