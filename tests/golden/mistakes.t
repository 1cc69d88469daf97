# All mistakes of a command line, and of the files that it names, are told in one run.
# What --outputs and --input-shape ask in vain hides nothing of --algo: names, then what layers cannot do.
@ net.json
{ "name": "net", "input": { "shape": [8, 8, 8] },
  "layers": [{ "op": "conv", "name": "c1", "filters": 16, "kernel": 3 }, { "op": "relu", "name": "r1" },
             { "op": "dense", "name": "fc", "units": 4 }],
  "loss": { "op": "cross_entropy" }, "optimizer": { "op": "sgd", "lr": 0.1 } }
@ bad.json
{ "name": "bad", "input": { "shape": [8] }, "layers": [{ "op": "dens", "units": 4 }] }
@ plan.json
{ "plan": 1, "network": "other", "target": "avx2", "dtype": "f32", "batch": 1, "train": false, "forwards": {} }
$ cnnc net.json --target avx2 -o net.c --outputs c9 --algo c1=winogard2 --algo c8:dgra=direct --algo fc=winograd2 --algo r1=direct --algo c1
cnnc: error: --outputs: there is no layer "c9"; did you mean "c1"?
cnnc: error: --algo c1=winogard2: unknown algorithm "winogard2"; did you mean "winograd2"?
cnnc: error: --algo c8:dgra=direct: unknown layer "c8"; did you mean "c1"?; unknown role "dgra"; did you mean "dgrad"?
cnnc: error: --algo c1: LAYER[:ROLE]=NAME is expected
cnnc: error: --algo fc=winograd2: winograd2 cannot compute this layer: its result has no points beside channels
cnnc: error: --algo r1=direct: no contraction belongs to a layer of this name
= 2
$ cnnc net.json --target avx2 -o net.c --input-shape 8x8 --algo fc=winograd2
cnnc: error: --input-shape 8x8: input "x" has 3 extents, not 2: x=8x8x8
cnnc: error: --algo fc=winograd2: winograd2 cannot compute this layer: its result has no points beside channels
= 2
# Options, the target, the network, and files to be read or written.
$ cnnc bad.json --target avx3 -o none/net.c --prefix 3d --algo c1=dirct --plan plan.json --weights none.safetensors --dump=fusee,choos --report none/r.html
cnnc: error: --prefix 3d: an identifier is expected, such as net_3d
cnnc: error: unknown target "avx3"; did you mean "avx2"?
bad.json:1:64: error: unknown operator "dens"; did you mean "dense"?
    1 | ...name": "bad", "input": { "shape": [8] }, "layers": [{ "op": "dens", "units": 4 }] }
      |                                                                ^~~~~~
none/net.c: error: cannot write the file: No such file or directory
none/r.html: error: cannot write the file: No such file or directory
none.safetensors: error: cannot read the file: No such file or directory
cnnc: error: --dump=fusee: no such pass; did you mean "fuse"?
cnnc: error: --dump=choos: no such pass; did you mean "choose"?
plan.json:1:96: error: unknown key "forwards"; did you mean "forward"?
    1 | ...arget": "avx2", "dtype": "f32", "batch": 1, "train": false, "forwards": {} }
      |                                                                ^~~~~~~~~~
cnnc: error: --algo c1=dirct: unknown algorithm "dirct"; did you mean "direct"?
= 1
$ cnnc net.json --target avx2 -o net.c --plan none.json --weights none.safetensors --algo c1:bwd=direct
none.safetensors: error: cannot read the file: No such file or directory
none.json: error: cannot read the file: No such file or directory
cnnc: error: --algo c1:bwd=direct: unknown role "bwd"; did you mean "fwd"?
= 1
$ cnnc none.json --target avx2 -o net.c --plan none.json --weights none.safetensors --max-memory 1G
none.json: error: cannot read the file: No such file or directory
none.safetensors: error: cannot read the file: No such file or directory
cnnc: error: --max-memory: what only infers keeps no activations; it is for --train
none.json: error: cannot read the file: No such file or directory
= 1
$ cnnc info net.json --target avx3 --input-grad --outputs c9 --plan none.json --algo c1=dirct
cnnc: error: --input-grad: what only infers has no gradients; --train counts them
cnnc: error: unknown target "avx3"; did you mean "avx2"?
cnnc: error: --outputs: there is no layer "c9"; did you mean "c1"?
none.json: error: cannot read the file: No such file or directory
cnnc: error: --algo c1=dirct: unknown algorithm "dirct"; did you mean "direct"?
= 1
# What runs: nothing is built before all was looked at.
$ cnnc eval net.json --target avx3 --algo c1=dirct --predictions none/p --plan none.json
cnnc: error: unknown target "avx3"; did you mean "avx2"?
cnnc: error: the network has parameters: give --weights FILE
cnnc: error: eval needs a data set: give --data DIR
none/p: error: cannot write the file: No such file or directory
none.json: error: cannot read the file: No such file or directory
cnnc: error: --algo c1=dirct: unknown algorithm "dirct"; did you mean "direct"?
= 1
$ cnnc eval net.json --interpret --threads 2 --plan none.json --weights none.safetensors --data none
cnnc: error: --plan says how to build and run; --interpret does neither
cnnc: error: --threads says how to build and run; --interpret does neither
none.safetensors: error: cannot read the file: No such file or directory
none: error: there is no such folder
= 1
$ cnnc run net.json --input y=x.npy --input none.npy --target avx2 --algo c1=dirct --output none/y.npy
cnnc: error: the network has parameters: give --weights FILE or --seed N
none/y.npy: error: cannot write the file: No such file or directory
cnnc: error: --input y=x.npy: the network has no input of that name
none.npy: error: cannot read the file: No such file or directory
cnnc: error: --algo c1=dirct: unknown algorithm "dirct"; did you mean "direct"?
= 1
$ cnnc train net.json --resume --weights a.safetensors --init-from b.safetensors --target avx2 --algo c1=dirct --augment flop
cnnc: error: train needs a data set: give --data DIR
cnnc: error: --resume goes on from the checkpoint beside --save FILE
cnnc: error: --weights gives all parameters, --init-from those that fit: not both
cnnc: error: --augment flop: no such change; did you mean "flip"?
a.safetensors: error: cannot read the file: No such file or directory
cnnc: error: --algo c1=dirct: unknown algorithm "dirct"; did you mean "direct"?
= 1
$ cnnc bench net.json --target avx3 --csv none/b.csv --within 0.5 --outputs c9
cnnc: error: --within 0.5: the best estimate itself is 1 times as long
none/b.csv: error: cannot write the file: No such file or directory
cnnc: error: unknown target "avx3"; did you mean "avx2"?
cnnc: error: --outputs: there is no layer "c9"; did you mean "c1"?
= 1
