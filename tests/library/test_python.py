"""NAME.py: what the library computes, in NumPy arrays; every form of weights; training to the bit; refusals."""
import importlib.util
import unittest

from support import CNNC, MODELS, Case, main

try:
    import numpy as np
except ImportError:
    np = None

LENET5 = MODELS / "lenet5.json"
WEIGHTS = MODELS / "lenet5.safetensors"


@unittest.skipIf(np is None, "NumPy is not installed")
class Python(Case):
    def module(self, stem, *options):
        self.run_command(CNNC, LENET5, "-o", self.folder / f"{stem}.c", "--python", "--build", *options)
        spec = importlib.util.spec_from_file_location(stem, self.folder / f"{stem}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def images(self, n):
        return np.random.default_rng(7).random((n, 1, 28, 28), np.float32)

    def expected(self, x):
        np.save(self.folder / "x.npy", x)
        self.run_command(CNNC, "run", LENET5, "--weights", WEIGHTS, "--input", "x.npy", "--output", "y.npy")
        return np.load(self.folder / "y.npy")

    def test_forward(self):
        x = self.images(5)  # more than the batch of 2
        expected = self.expected(x)
        loaded = self.module("loaded", "--batch", "2")
        net = loaded.Network(threads=2, weights=WEIGHTS)
        y = net(x)
        np.testing.assert_allclose(y, expected, rtol=0, atol=1e-5)
        np.testing.assert_array_equal(net(x.astype(np.float64)[::-1]), y[::-1])
        baked = [self.module(form, "--weights", WEIGHTS, "--weights-as", form, "--batch", "2").Network()(x)
                 for form in ("embed", "object", "file")]
        np.testing.assert_array_equal(baked, [y] * 3)

    def test_parameters(self):
        module = self.module("net")
        net = module.Network(weights=WEIGHTS)
        self.assertIn("c1.weight", net.parameters())
        self.assertEqual(net.parameter("c3.weight").shape, (16, 6, 5, 5))
        net.set_parameter("output.bias", np.arange(10))
        net.save(self.folder / "moved.safetensors")
        again = module.Network(weights=self.folder / "moved.safetensors")
        np.testing.assert_array_equal(again.parameter("output.bias"), np.arange(10))
        one, other = module.Network(), module.Network()
        one.init_params(3), other.init_params(3)
        np.testing.assert_array_equal(one.parameter("f6.weight"), other.parameter("f6.weight"))

    def test_refusals(self):
        module = self.module("net")
        net = module.Network()
        x = self.images(1)
        with self.assertRaises(module.Error) as raised:
            net(x)
        self.assertIn("parameters are missing", str(raised.exception))
        net.load(WEIGHTS)
        for wrong in (x[:, :, :5], x[0]):
            with self.assertRaisesRegex(ValueError, r"x is \[.*\], expected \[n, 1, 28, 28\]"):
                net(wrong)
        with self.assertRaisesRegex(TypeError, "expected x"):
            net(x, x)
        with self.assertRaisesRegex(KeyError, "no such parameter"):
            net.parameter("c2.weight")
        with self.assertRaisesRegex(ValueError, "expected .10."):
            net.set_parameter("output.bias", np.zeros(9))
        with self.assertRaises(module.Error):
            module.Network(threads=0)

    def test_training(self):
        module = self.module("net", "--train", "--batch", "4")
        x, y = self.images(4), np.array([3, 1, 4, 1])
        net, other = module.Network(threads=2), module.Network()
        with self.assertRaises(module.Error):
            net.backward()
        for each in (net, other):
            each.init_params(5)
        before = net.parameter("f6.weight")
        first = net.train_step(x, y)
        self.assertEqual(first, other.train_forward(x, y))
        other.backward()
        rate, gradient = other.lr, other.gradient("f6.weight")
        other.step()
        np.testing.assert_array_equal(net.parameter("f6.weight"), other.parameter("f6.weight"))
        np.testing.assert_allclose(before - rate * gradient, other.parameter("f6.weight"), rtol=1e-3, atol=1e-6)
        kept = net.checkpoint()
        losses = [net.train_step(x, y) for _ in range(5)]
        self.assertLess(losses[-1], first)
        net.restore(kept)
        self.assertEqual([net.train_step(x, y) for _ in range(5)], losses)
        scheduled = net.lr  # of the next step: the rate of 0.05, while it warms up
        net.lr = 0.25
        self.assertAlmostEqual(net.lr / scheduled, 5, places=5)
        with self.assertRaisesRegex(ValueError, "samples"):
            net.train_step(x, y[:3])


if __name__ == "__main__":
    main()
