"""Chains of kernels that take a sample together: their contractions fetch what the next sample's kernels read and write."""
import collections
import json
import unittest

from support import BEST, UNPROVED, Case, main

SAMPLES, LINE = 3, 16  # floats of a line
PROGRAM = f"""#include "net.h"
static _Alignas(64) unsigned char params[net_PARAMS_BYTES], state[net_STATE_BYTES], grads[net_GRADS_BYTES],
    work[net_TRAIN_WORK_BYTES(1)];
static float x[{SAMPLES} * IN_SIZE], loss;
int main(void) {{
  static const int target[{SAMPLES}];
  net ctx;
  const net_memory m = {{.hash = net_HASH, .params = params, .params_bytes = sizeof params, .state = state,
    .state_bytes = sizeof state, .grads = grads, .grads_bytes = sizeof grads, .work = work, .work_bytes = sizeof work}};
  int status = net_init(&ctx, &m, 1);
  if (!status) status = net_init_params(&ctx, 1);
  if (!status) status = net_train_step(&ctx, {SAMPLES}, x, target, &loss);
  return status != 0;
}}
"""


def block(name, channels):
    return [{"op": "conv", "name": name, "filters": channels, "kernel": 3, "pad": 1, "bias": False},
            {"op": "batch_norm", "name": f"{name}_norm"}, {"op": "relu", "name": f"{name}_out"}]


@unittest.skipIf(BEST == "generic", "this processor has no vectors")
class Ahead(Case):
    def training(self, channels, side):
        (self.folder / "net.json").write_text(json.dumps({
            "name": "net", "input": {"shape": [channels, side, side]},
            "layers": [*block("c1", channels), *block("c2", channels), {"op": "dense", "name": "d", "units": 2}],
            "loss": {"op": "cross_entropy"}, "optimizer": {"op": "sgd", "lr": 0.1}}))
        return self.emit(self.folder / "net.json", "net", "--train", "--batch", 128, "--target", BEST, UNPROVED)

    def fetched(self, library):
        """{(kernel, pointer): {line: times}}: what is printed in place of fetching it."""
        text = library.source.read_text().replace(f"{BEST}_fetch_far(ahead", "FETCHED(ahead")
        library.source.write_text("#include <stdio.h>\n#define FETCHED(pointer, at) "
                                  '((void)(pointer), (void)printf("%s %s %d\\n", __func__, #pointer, at))\n' + text)
        (self.folder / "program.c").write_text(PROGRAM)
        self.run_command("gcc", "-O1", f"-DIN_SIZE={library.in_size}", "program.c", "net.c", "-o", "program", "-lm", "-pthread")
        lines = collections.defaultdict(collections.Counter)
        for row in self.run_command(self.folder / "program").splitlines():
            kernel, pointer, at = row.split()
            lines[kernel, pointer][int(at) // LINE] += 1
        return lines

    def test_each_line_of_the_next_sample(self):
        lines = self.fetched(self.training(16, 32))
        self.assertLessEqual({"net_c1", "net_c2"}, {kernel.split("_kernel")[0] for kernel, _ in lines})
        for (kernel, pointer), times in lines.items():
            with self.subTest(f"{kernel} {pointer}"):
                sample = max(times) // (SAMPLES + 1)
                missed = set(range(sample, (SAMPLES + 1) * sample)) - set(times)
                self.assertLess(len(missed), SAMPLES * sample / 10)  # where windows reach into the padding tiles have fewer terms
                self.assertLess(sum(times.values()), 1.5 * SAMPLES * sample)

    def test_samples_larger_than_the_cache(self):
        self.assertNotIn("_fetch_far(ahead", self.training(16, 256).source.read_text())


if __name__ == "__main__":
    main()
