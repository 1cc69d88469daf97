# Words of other tools and of papers: what they are called here.
@ operators.json
{ "name": "net", "input": { "shape": [3, 8, 8] },
  "layers": [
    { "op": "Conv2d", "filters": 4, "kernel": 3 },
    { "op": "convolution", "filters": 4, "kernel": 3 },
    { "op": "MaxPool2d", "kernel": 2 },
    { "op": "avg_pool", "kernel": 2 },
    { "op": "global_average_pool" },
    { "op": "BatchNorm2d" },
    { "op": "Linear", "units": 2 },
    { "op": "fc", "units": 2 },
    { "op": "deconv" },
    { "op": "ReLU" },
    { "op": "swish" },
    { "op": "LogSoftmax" },
    { "op": "hardswish" },
    { "op": "residual" }
  ] }
@ keys.json
{ "name": "net", "input": { "shape": [3, 8, 8] },
  "layers": [
    { "op": "conv", "out_channels": 4, "kernel_size": 3, "padding": 1, "strides": 2 },
    { "op": "dense", "out_features": 3 },
    { "op": "dropout", "rate": 0.5 },
    { "op": "pool", "type": "max", "size": 2 },
    { "op": "leaky_relu", "negative_slope": 0.1 },
    { "op": "batch_norm", "epsilon": 1e-3 },
    { "op": "upsample", "scale_factor": 2, "kind": "bilinear" },
    { "op": "relu", "input": "conv1" },
    { "op": "softmax", "dim": 1 }
  ] }
@ choices.json
{ "name": "net", "input": { "shape": [3, 8, 8] },
  "layers": [
    { "op": "pool", "kind": "avg", "kernel": 2 },
    { "op": "pool", "kind": "mean", "kernel": 2 },
    { "op": "pool", "kind": "MAX", "kernel": 2 },
    { "op": "conv", "filters": 4, "kernel": 3, "init": "kaiming" },
    { "op": "conv", "filters": 4, "kernel": 3, "init": "glorot" },
    { "op": "conv", "filters": 4, "kernel": 3, "pad": "SAME" }
  ] }
@ op.json
{ "name": "net", "input": { "shape": [3, 8, 8] },
  "layers": [
    { "type": "conv", "filters": 4, "kernel": 3 },
    { "Op": "conv", "filters": 4, "kernel": 3 },
    { "filters": 4, "kernel": 3 },
    { "op": ["conv", "relu"] }
  ] }
@ loss.json
{ "name": "net", "input": { "shape": [3, 8, 8] }, "layers": [{ "op": "dense", "units": 3 }],
  "loss": { "op": "CrossEntropyLoss" }, "optimizer": { "op": "SGD", "learning_rate": 1 } }
@ losses.json
{ "name": "net", "input": { "shape": [3, 8, 8] }, "layers": [{ "op": "dense", "units": 3 }],
  "losses": [{ "op": "softmax_loss" }, { "op": "nll" }, { "op": "sgd" }], "optimizer": { "op": "mse", "lr": 1 } }
@ document.json
{ "name": "net", "Input": { "shape": [3, 8, 8] }, "layer": [{ "op": "relu" }], "optimiser": { "op": "sgd", "lr": 1 } }
$ cnnc check operators.json
operators.json:3:13: error: unknown operator "Conv2d"; did you mean "conv"?
    3 |     { "op": "Conv2d", "filters": 4, "kernel": 3 },
      |             ^~~~~~~~
operators.json:4:13: error: unknown operator "convolution"; did you mean "conv"?
    4 |     { "op": "convolution", "filters": 4, "kernel": 3 },
      |             ^~~~~~~~~~~~~
operators.json:5:13: error: unknown operator "MaxPool2d"; did you mean "pool"?
    5 |     { "op": "MaxPool2d", "kernel": 2 },
      |             ^~~~~~~~~~~
operators.json:6:13: error: unknown operator "avg_pool"; did you mean "pool"?
    6 |     { "op": "avg_pool", "kernel": 2 },
      |             ^~~~~~~~~~
operators.json:7:13: error: unknown operator "global_average_pool"; did you mean "global_pool"?
    7 |     { "op": "global_average_pool" },
      |             ^~~~~~~~~~~~~~~~~~~~~
operators.json:8:13: error: unknown operator "BatchNorm2d"; did you mean "batch_norm"?
    8 |     { "op": "BatchNorm2d" },
      |             ^~~~~~~~~~~~~
operators.json:9:13: error: unknown operator "Linear"; did you mean "dense"?
    9 |     { "op": "Linear", "units": 2 },
      |             ^~~~~~~~
operators.json:10:13: error: unknown operator "fc"; did you mean "dense"?
   10 |     { "op": "fc", "units": 2 },
      |             ^~~~
operators.json:11:13: error: unknown operator "deconv"; did you mean "conv_transpose"?
   11 |     { "op": "deconv" },
      |             ^~~~~~~~
operators.json:12:13: error: unknown operator "ReLU"; did you mean "relu"?
   12 |     { "op": "ReLU" },
      |             ^~~~~~
operators.json:13:13: error: unknown operator "swish"; did you mean "silu"?
   13 |     { "op": "swish" },
      |             ^~~~~~~
operators.json:14:13: error: unknown operator "LogSoftmax"; did you mean "log_softmax"?
   14 |     { "op": "LogSoftmax" },
      |             ^~~~~~~~~~~~
operators.json:15:13: error: unknown operator "hardswish"; did you mean "hard_swish"?
   15 |     { "op": "hardswish" },
      |             ^~~~~~~~~~~
operators.json:16:13: error: unknown operator "residual"; did you mean "add"?
   16 |     { "op": "residual" }
      |             ^~~~~~~~~~
= 1
$ cnnc check keys.json
keys.json:3:21: error: unknown key "out_channels"; did you mean "filters"?
    3 |     { "op": "conv", "out_channels": 4, "kernel_size": 3, "padding": 1, "strides": 2 },
      |                     ^~~~~~~~~~~~~~
keys.json:3:40: error: unknown key "kernel_size"; did you mean "kernel"?
    3 |     { "op": "conv", "out_channels": 4, "kernel_size": 3, "padding": 1, "strides": 2 },
      |                                        ^~~~~~~~~~~~~
keys.json:3:58: error: unknown key "padding"; did you mean "pad"?
    3 |     { "op": "conv", "out_channels": 4, "kernel_size": 3, "padding": 1, "strides": 2 },
      |                                                          ^~~~~~~~~
keys.json:3:72: error: unknown key "strides"; did you mean "stride"?
    3 | ... "conv", "out_channels": 4, "kernel_size": 3, "padding": 1, "strides": 2 },
      |                                                                ^~~~~~~~~
keys.json:4:22: error: unknown key "out_features"; did you mean "units"?
    4 |     { "op": "dense", "out_features": 3 },
      |                      ^~~~~~~~~~~~~~
keys.json:5:24: error: unknown key "rate"; did you mean "p"?
    5 |     { "op": "dropout", "rate": 0.5 },
      |                        ^~~~~~
keys.json:6:21: error: unknown key "type"; did you mean "kind"?
    6 |     { "op": "pool", "type": "max", "size": 2 },
      |                     ^~~~~~
keys.json:6:36: error: unknown key "size"; did you mean "kernel"?
    6 |     { "op": "pool", "type": "max", "size": 2 },
      |                                    ^~~~~~
keys.json:7:27: error: unknown key "negative_slope"; did you mean "slope"?
    7 |     { "op": "leaky_relu", "negative_slope": 0.1 },
      |                           ^~~~~~~~~~~~~~~~
keys.json:8:27: error: unknown key "epsilon"; did you mean "eps"?
    8 |     { "op": "batch_norm", "epsilon": 1e-3 },
      |                           ^~~~~~~~~
keys.json:9:25: error: unknown key "scale_factor"; did you mean "scale"?
    9 |     { "op": "upsample", "scale_factor": 2, "kind": "bilinear" },
      |                         ^~~~~~~~~~~~~~
keys.json:9:44: error: unknown key "kind"; did you mean "mode"?
    9 |     { "op": "upsample", "scale_factor": 2, "kind": "bilinear" },
      |                                            ^~~~~~
keys.json:10:21: error: unknown key "input"; did you mean "from"?
   10 |     { "op": "relu", "input": "conv1" },
      |                     ^~~~~~~
keys.json:11:24: error: unknown key "dim"; did you mean "axis"?
   11 |     { "op": "softmax", "dim": 1 }
      |                        ^~~~~
= 1
$ cnnc check choices.json
choices.json:3:29: error: kind must be "max", "average" or "l2", not "avg"; did you mean "average"?
    3 |     { "op": "pool", "kind": "avg", "kernel": 2 },
      |                             ^~~~~
choices.json:4:29: error: kind must be "max", "average" or "l2", not "mean"; did you mean "average"?
    4 |     { "op": "pool", "kind": "mean", "kernel": 2 },
      |                             ^~~~~~
choices.json:5:29: error: kind must be "max", "average" or "l2", not "MAX"; did you mean "max"?
    5 |     { "op": "pool", "kind": "MAX", "kernel": 2 },
      |                             ^~~~~
choices.json:6:56: error: init must be "default", "he", "xavier" or "lecun", not "kaiming"; did you mean "he"?
    6 |     { "op": "conv", "filters": 4, "kernel": 3, "init": "kaiming" },
      |                                                        ^~~~~~~~~
choices.json:7:56: error: init must be "default", "he", "xavier" or "lecun", not "glorot"; did you mean "xavier"?
    7 |     { "op": "conv", "filters": 4, "kernel": 3, "init": "glorot" },
      |                                                        ^~~~~~~~
choices.json:8:55: error: pad must be "valid", "same" or "full", not "SAME"; did you mean "same"?
    8 |     { "op": "conv", "filters": 4, "kernel": 3, "pad": "SAME" }
      |                                                       ^~~~~~
= 1
$ cnnc check op.json
op.json:3:7: error: unknown key "type"; did you mean "op"?
    3 |     { "type": "conv", "filters": 4, "kernel": 3 },
      |       ^~~~~~
op.json:4:7: error: unknown key "Op"; did you mean "op"?
    4 |     { "Op": "conv", "filters": 4, "kernel": 3 },
      |       ^~~~
op.json:5:5: error: "op" must name an operator of a layer
    5 |     { "filters": 4, "kernel": 3 },
      |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~
op.json:6:13: error: "op" must name an operator of a layer, not a list
    6 |     { "op": ["conv", "relu"] }
      |             ^~~~~~~~~~~~~~~~
= 1
$ cnnc check loss.json
loss.json:2:19: error: unknown loss "CrossEntropyLoss"; did you mean "cross_entropy"?
    2 |   "loss": { "op": "CrossEntropyLoss" }, "optimizer": { "op": "SGD", "learning_rate": 1 } }
      |                   ^~~~~~~~~~~~~~~~~~
loss.json:2:62: error: unknown optimizer "SGD"; did you mean "sgd"?
    2 | ... "loss": { "op": "CrossEntropyLoss" }, "optimizer": { "op": "SGD", "learning_rate": 1 } }
      |                                                                ^~~~~
= 1
$ cnnc check losses.json
losses.json:2:22: error: unknown loss "softmax_loss"; did you mean "cross_entropy"?
    2 |   "losses": [{ "op": "softmax_loss" }, { "op": "nll" }, { "op": "sgd" }], "optimizer": { "op": "mse", "lr": 1 }...
      |                      ^~~~~~~~~~~~~~
losses.json:2:48: error: unknown loss "nll"; did you mean "cross_entropy"?
    2 |   "losses": [{ "op": "softmax_loss" }, { "op": "nll" }, { "op": "sgd" }], "optimizer": { "op": "mse", "lr": 1 } }
      |                                                ^~~~~
losses.json:2:65: error: "sgd" is not a loss
    2 | ...osses": [{ "op": "softmax_loss" }, { "op": "nll" }, { "op": "sgd" }], "optimizer": { "op": "mse", "lr": 1 } }
      |                                                                ^~~~~
losses.json:2:96: error: "mse" is not an optimizer
    2 | ... }, { "op": "nll" }, { "op": "sgd" }], "optimizer": { "op": "mse", "lr": 1 } }
      |                                                                ^~~~~
= 1
$ cnnc check document.json
document.json:1:18: error: unknown key "Input"; did you mean "input"?
    1 | { "name": "net", "Input": { "shape": [3, 8, 8] }, "layer": [{ "op": "relu" }], "optimiser": { "op": "sgd", ...
      |                  ^~~~~~~
document.json:1:51: error: unknown key "layer"; did you mean "layers"?
    1 | { "name": "net", "Input": { "shape": [3, 8, 8] }, "layer": [{ "op": "relu" }], "optimiser": { "op": "sgd", "lr": 1 } }
      |                                                   ^~~~~~~
document.json:1:80: error: unknown key "optimiser"; did you mean "optimizer"?
    1 | ...nput": { "shape": [3, 8, 8] }, "layer": [{ "op": "relu" }], "optimiser": { "op": "sgd", "lr": 1 } }
      |                                                                ^~~~~~~~~~~
document.json:1:1: error: a network needs "input": { "shape": [...] }
    1 | { "name": "net", "Input": { "shape": [3, 8, 8] }, "layer": [{ "op": "relu" }], "optimiser"...
      | ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
document.json:1:1: error: a network needs "layers": a list
    1 | { "name": "net", "Input": { "shape": [3, 8, 8] }, "layer": [{ "op": "relu" }], "optimiser"...
      | ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
= 1
