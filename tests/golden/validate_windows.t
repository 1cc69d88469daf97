# Windows of every kind, forward and backward, are proved in range: pools that overlap, pads that clip, three axes, and
# mean losses, whose weights depend on the number of samples.
@ volume.json
{ "name": "net", "input": { "shape": [33, 5, 6, 7] },
  "layers": [{ "op": "pool", "kind": "max", "kernel": 3, "stride": 2, "pad": "same" }],
  "loss": { "op": "mse" }, "optimizer": { "op": "sgd", "lr": 0.1 } }
@ picture.json
{ "name": "net", "input": { "shape": [16, 13, 13] },
  "layers": [{ "op": "conv", "filters": 16, "kernel": 4, "stride": [1, 3], "pad": 1 },
             { "op": "pool", "kind": "max", "kernel": 3, "stride": 2 },
             { "op": "pool", "kind": "l2", "kernel": 3, "stride": 2, "pad": 1, "ceil_mode": true },
             { "op": "dense", "units": 10 }],
  "loss": { "op": "cross_entropy" }, "optimizer": { "op": "sgd", "lr": 0.1, "momentum": 0.9 } }
@ row.json
{ "name": "net", "input": { "shape": [3, 29] },
  "layers": [{ "op": "conv_transpose", "filters": 19, "kernel": 4, "stride": 3 }, { "op": "relu" },
             { "op": "pool", "kind": "max", "kernel": 3, "stride": 2, "dilation": 2 },
             { "op": "conv", "filters": 4, "kernel": 4, "stride": 2, "dilation": 2 }],
  "loss": { "op": "mae" }, "optimizer": { "op": "sgd", "lr": 0.1 } }
$ for net in volume picture row; do for target in generic avx512; do for train in "" --train; do cnnc $net.json $train --batch 2 --target $target -o net.c || exit; done; done; done; echo proved
proved
= 0
