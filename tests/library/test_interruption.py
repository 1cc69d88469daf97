"""An interruption while tools run: they end, cnnc ends by the same signal, and no temporary file stays."""
import os
import signal
import subprocess
import time

from support import CNNC, MODELS, Case, main

LENET5 = MODELS / "lenet5.json"


class Interruption(Case):
    def interrupted(self, number):
        compiler, tools = self.folder / "compiler", self.folder / "started"
        compiler.write_text(f"#!/bin/sh\necho $$ >> {tools}\nexec sleep 60\n")
        compiler.chmod(0o755)
        temporary = self.folder / "tmp"
        temporary.mkdir()
        process = subprocess.Popen([CNNC, LENET5, "-o", self.folder / "net.c", "--build", "--cc", compiler],
                                   env={**os.environ, "TMPDIR": str(temporary)}, stderr=subprocess.DEVNULL)
        for _ in range(600):
            if tools.exists() and tools.read_text().endswith("\n"):
                break
            time.sleep(0.05)
        self.assertTrue(list(temporary.iterdir()))
        process.send_signal(number)
        self.assertEqual(process.wait(30), -number)
        self.assertEqual(list(temporary.iterdir()), [])
        with self.assertRaises(ProcessLookupError):
            os.kill(int(tools.read_text().split()[-1]), 0)

    def test_interrupted(self):
        self.interrupted(signal.SIGINT)

    def test_terminated(self):
        self.interrupted(signal.SIGTERM)


if __name__ == "__main__":
    main()
