# Losses, targets, outputs, the optimiser.
@ losses.json
{ "name": "net", "inputs": { "x": { "shape": [3, 8, 8] }, "y": { "shape": [], "dtype": "i32" }, "z": { "shape": [2] } },
  "layers": [
    { "op": "flatten", "name": "f" },
    { "op": "dense", "name": "fc", "units": 10 },
    { "op": "relu", "name": "r", "from": "y" }
  ],
  "losses": [
    { "op": "cross_entropy", "from": "fcc", "target": "y" },
    { "op": "cross_entropy", "from": "fc", "target": "f" },
    { "op": "cross_entropy", "from": "fc", "target": "z" },
    { "op": "mse", "from": "fc", "target": "y" },
    { "op": "contrastive", "from": "fc" }, { "op": "relu" }, 7,
    { "op": "mse", "from": 3, "target": 4, "weight": -1, "wieght": 1 }
  ],
  "outputs": ["x", "fc", "fc", "none"],
  "optimizer": { "op": "adm", "lr": 1 } }
@ types.json
{ "name": "net", "inputs": { "x": { "shape": [3, 8, 8] }, "y": { "shape": [], "dtype": "i32" }, "z": { "shape": [2] } },
  "layers": [
    { "op": "dense", "name": "fc", "units": 10 }
  ],
  "losses": [
    { "op": "cross_entropy", "from": "fc", "target": "z" },
    { "op": "mse", "from": "fc", "target": "y" }
  ],
  "outputs": ["fc"], "optimizer": { "op": "sgd", "lr": -1, "nesterov": 1 } }
@ target.json
{ "name": "net", "inputs": { "x": { "shape": [3, 8, 8] }, "y": { "shape": [10] } },
  "layers": [
    { "op": "dense", "name": "fc", "units": 10 },
    { "op": "relu", "from": "y" }
  ],
  "losses": [{ "op": "mse", "from": "fc", "target": "y" }] }
@ both.json
{ "name": "net", "input": { "shape": [3, 8, 8] },
  "layers": [
    { "op": "relu" }
  ], "loss": { "op": "mse" }, "losses": [] }
@ kind.json
{ "name": "net", "input": { "shape": [3, 8, 8] },
  "layers": [
    { "op": "relu" }
  ], "losses": {} }
@ implied.json
{ "name": "net", "input": { "shape": [3, 8, 8] },
  "layers": [
    { "op": "dense", "name": "a", "units": 10 },
    { "op": "dense", "name": "b", "units": 5 }
  ],
  "losses": [{ "op": "mse", "from": "a" }, { "op": "mse", "from": "b" }] }
@ train.json
{ "name": "net", "input": { "shape": [3, 8, 8] },
  "layers": [
    { "op": "relu" }
  ] }
@ unused.json
{ "name": "net", "input": { "shape": [3, 8, 8] },
  "layers": [
    { "op": "relu", "name": "a" },
    { "op": "conv", "name": "b", "from": "a", "filters": 4, "kernel": 3 },
    { "op": "relu", "name": "c" },
    { "op": "tanh", "name": "d", "from": "a" }
  ] }
$ cnnc check losses.json
losses.json:15:15: error: "x" is an input; an output is a layer
   15 |   "outputs": ["x", "fc", "fc", "none"],
      |               ^~~
losses.json:15:26: error: "fc" is an output twice
   15 |   "outputs": ["x", "fc", "fc", "none"],
      |                          ^~~~
losses.json:15:32: error: there is no layer "none"
   15 |   "outputs": ["x", "fc", "fc", "none"],
      |                                ^~~~~~
losses.json:8:38: error: there is no layer "fcc"; did you mean "fc"?
    8 |     { "op": "cross_entropy", "from": "fcc", "target": "y" },
      |                                      ^~~~~
losses.json:9:54: error: a target must be an input, and "f" is a layer
    9 |     { "op": "cross_entropy", "from": "fc", "target": "f" },
      |                                                      ^~~
losses.json:12:13: error: unknown loss "contrastive"; `cnnc ops` lists what there is
   12 |     { "op": "contrastive", "from": "fc" }, { "op": "relu" }, 7,
      |             ^~~~~~~~~~~~~
losses.json:12:52: error: "relu" is not a loss
   12 |     { "op": "contrastive", "from": "fc" }, { "op": "relu" }, 7,
      |                                                    ^~~~~~
losses.json:12:62: error: a loss must be an object with "op", not an integer
   12 | ...   { "op": "contrastive", "from": "fc" }, { "op": "relu" }, 7,
      |                                                                ^
losses.json:13:58: error: unknown key "wieght"; did you mean "weight"?
   13 |     { "op": "mse", "from": 3, "target": 4, "weight": -1, "wieght": 1 }
      |                                                          ^~~~~~~~
losses.json:13:54: error: weight must be at least 0, not -1
   13 |     { "op": "mse", "from": 3, "target": 4, "weight": -1, "wieght": 1 }
      |                                                      ^~
losses.json:13:28: error: from must be the name of a layer, not an integer
   13 |     { "op": "mse", "from": 3, "target": 4, "weight": -1, "wieght": 1 }
      |                            ^
losses.json:13:41: error: target must be the name of an input, not an integer
   13 |     { "op": "mse", "from": 3, "target": 4, "weight": -1, "wieght": 1 }
      |                                         ^
losses.json:16:24: error: unknown optimizer "adm"; did you mean "adam"?
   16 |   "optimizer": { "op": "adm", "lr": 1 } }
      |                        ^~~~~
losses.json:5:42: error: "y" is the target of a loss; a layer cannot read it
    5 |     { "op": "relu", "name": "r", "from": "y" }
      |                                          ^~~
losses.json:10:54: error: cross_entropy of f32[n,10] needs labels i32 without its axis of classes, not f32[n,2]
   10 |     { "op": "cross_entropy", "from": "fc", "target": "z" },
      |                                                      ^~~
losses.json:11:44: error: mse compares tensors of one shape, not f32[n,10] and i32[n]
   11 |     { "op": "mse", "from": "fc", "target": "y" },
      |                                            ^~~
= 1
$ cnnc check types.json
types.json:9:56: error: lr must be at least 0, not -1
    9 |   "outputs": ["fc"], "optimizer": { "op": "sgd", "lr": -1, "nesterov": 1 } }
      |                                                        ^~
types.json:9:72: error: nesterov must be true or false, not an integer
    9 | ...: ["fc"], "optimizer": { "op": "sgd", "lr": -1, "nesterov": 1 } }
      |                                                                ^
types.json:6:54: error: cross_entropy of f32[n,10] needs labels i32 without its axis of classes, not f32[n,2]
    6 |     { "op": "cross_entropy", "from": "fc", "target": "z" },
      |                                                      ^~~
types.json:7:44: error: mse compares tensors of one shape, not f32[n,10] and i32[n]
    7 |     { "op": "mse", "from": "fc", "target": "y" }
      |                                            ^~~
= 1
$ cnnc check target.json
target.json:4:29: error: "y" is the target of a loss; a layer cannot read it
    4 |     { "op": "relu", "from": "y" }
      |                             ^~~
= 1
$ cnnc check both.json
both.json:4:31: error: a network has either "loss" or "losses"
    4 |   ], "loss": { "op": "mse" }, "losses": [] }
      |                               ^~~~~~~~
= 1
$ cnnc check kind.json
kind.json:4:16: error: losses must be a list, not an object
    4 |   ], "losses": {} }
      |                ^~
= 1
$ cnnc check implied.json
implied.json:6:44: error: losses of several shapes need a "target" each
    6 |   "losses": [{ "op": "mse", "from": "a" }, { "op": "mse", "from": "b" }] }
      |                                            ^~~~~~~~~~~~~~~~~~~~~~~~~~~~
= 1
$ cnnc check train.json --train
train.json:1:1: error: training needs a "loss", for example { "op": "cross_entropy" }
    1 | { "name": "net", "input": { "shape": [3, 8, 8] },
      | ^
train.json:1:1: error: training needs an "optimizer", for example { "op": "sgd" }
    1 | { "name": "net", "input": { "shape": [3, 8, 8] },
      | ^
= 1
$ cnnc check unused.json
unused.json:5:5: warning: "c" is left out: no output and no loss needs it
    5 |     { "op": "relu", "name": "c" },
      |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~
= 0
