# What does not fit --max-memory is computed again in backward; what nothing can make fit is said.
@ chain.json
{ "name": "chain", "input": { "shape": [4, 8, 8] },
  "layers": [{ "op": "conv", "name": "c1", "filters": 4, "kernel": 3, "pad": 1, "bias": false },
             { "op": "batch_norm", "name": "b1" }, { "op": "relu", "name": "r1" },
             { "op": "conv", "name": "c2", "filters": 4, "kernel": 3, "pad": 1, "bias": false },
             { "op": "tanh", "name": "t2" }, { "op": "dense", "name": "d", "units": 2, "bias": false }],
  "loss": { "op": "mse" }, "optimizer": { "op": "sgd" } }
$ cnnc info chain.json --train --batch 8 --target generic | grep '^training'
?
= 0
$ cnnc chain.json --train --batch 8 --target generic --max-memory 70000 --explain --dump=recompute | sed -n '/^entry backward/,/^entry step/p; /^computed/,$p'
?
= 0
$ cnnc chain.json --train --batch 8 --target generic --max-memory 1M --dump=recompute | head -n 1
?
= 0
$ cnnc chain.json --train --batch 8 --target generic --max-memory 1000 --dump=recompute
?
= 2
