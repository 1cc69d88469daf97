# What does not fit --max-memory is computed again in backward; what nothing can make fit is said.
@ chain.json
{ "name": "chain", "input": { "shape": [4, 8, 8] },
  "layers": [{ "op": "conv", "name": "c1", "filters": 4, "kernel": 3, "pad": 1, "bias": false },
             { "op": "batch_norm", "name": "b1" }, { "op": "relu", "name": "r1" },
             { "op": "conv", "name": "c2", "filters": 4, "kernel": 3, "pad": 1, "bias": false },
             { "op": "tanh", "name": "t2" }, { "op": "dense", "name": "d", "units": 2, "bias": false }],
  "loss": { "op": "mse" }, "optimizer": { "op": "sgd" } }
$ cnnc info chain.json --train --batch 8 --target generic | grep '^training'
training in bytes: state 0, gradients 3328, kept activations 29376, work 21120, in all with one thread 71040
= 0
$ cnnc chain.json --train --batch 8 --target generic --max-memory 70000 --explain --dump=recompute | sed -n '/^entry backward/,/^entry step/p; /^computed/,$p'
cnnc: note: --max-memory: training takes 66432 bytes; 1 of 4 activations, 8192 bytes, are computed again in backward: 19.4 % more multiply-adds, about 19 % more time
entry backward work 0 worker 0 live 0
  run plain f32 macs 9216 covers "conv + tanh, again"
    c2: n<n k<4 oh<8 ow<8 | c<4 kh<3 kw<3
      %c2.again[n, k, oh, ow] = tanh(acc0)
    d wgrad: k<2 c<4 h<8 w<8 | n<n
      in0 = %c2.again[n, c, h, w]
      in2 = %c2.again[n, c, h, w]
computed again in backward
    c2                                     8192 bytes
= 0
$ cnnc chain.json --train --batch 8 --target generic --max-memory 1M --dump=recompute | head -n 1
cnnc: note: --max-memory: training takes 71040 bytes; nothing has to be computed again
---- recompute (unchanged)
= 0
$ cnnc chain.json --train --batch 8 --target generic --max-memory 1000 --dump=recompute
cnnc: error: --max-memory 1000: training needs at least 62784 bytes, 61784 more, with --batch 8 (71040 bytes if nothing is computed again)
= 2
