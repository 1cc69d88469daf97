# Values of fields that no operator can take, family by family.
@ convolution.json
{ "name": "net", "input": { "shape": [3, 8, 8] },
  "layers": [
    { "op": "conv", "filters": 4, "kernel": 3, "stride": 0 },
    { "op": "conv", "filters": 4, "kernel": 3, "groups": 0 },
    { "op": "conv", "filters": 4, "kernel": 3, "pad": true },
    { "op": "conv", "filters": 4, "kernel": 1, "connections": [[1, 0, 0], [0, 0]] },
    { "op": "conv", "filters": 1, "kernel": 1, "weights": 3 },
    { "op": "conv", "filters": 1, "kernel": 1, "weights": [[[[[[[[[1]]]]]]]]] },
    { "op": "depthwise", "kernel": 3, "multiplier": 0 },
    { "op": "depthwise", "kernel": 3, "filters": 6 },
    { "op": "separable", "kernel": 3 },
    { "op": "local", "filters": 2, "kernel": 3, "bias": "per" },
    { "op": "tiled", "filters": 2, "kernel": 3 },
    { "op": "conv_transpose", "filters": 2, "kernel": 3, "stride": 2, "pad": "wide" },
    { "op": "dense", "units": 0 },
    { "op": "rbf", "units": 10, "kernel": 3 }
  ] }
@ pooling.json
{ "name": "net", "input": { "shape": [3, 8, 8] },
  "layers": [
    { "op": "pool", "kind": "max" },
    { "op": "pool", "kind": "max", "kernel": 0 },
    { "op": "pool", "kind": "max", "kernel": 2, "ceil_mode": 1 },
    { "op": "adaptive_pool", "kind": "max", "output": 0 },
    { "op": "global_pool", "kind": "max", "kernel": 2 },
    { "op": "global_pool" },
    { "op": "gaussian_pool", "kernel": 3, "sigma": 0 },
    { "op": "maxout", "pieces": 0 }
  ] }
@ normalisation.json
{ "name": "net", "input": { "shape": [3, 8, 8] },
  "layers": [
    { "op": "lrn" },
    { "op": "lrn", "size": 3, "across": "channel" },
    { "op": "batch_norm", "eps": -1 },
    { "op": "batch_norm", "momentum": 2 },
    { "op": "group_norm" },
    { "op": "softmax", "axis": -1 },
    { "op": "gelu", "approximate": true },
    { "op": "dropout", "p": -0.1 }
  ] }
@ moves.json
{ "name": "net", "input": { "shape": [3, 8, 8] },
  "layers": [
    { "op": "upsample" },
    { "op": "upsample", "scale": 0 },
    { "op": "upsample", "scale": 2, "mode": "cubic" },
    { "op": "reshape" },
    { "op": "reshape", "shape": [-2, 3] },
    { "op": "crop", "lo": -1 },
    { "op": "split", "parts": 0 },
    { "op": "mean", "axes": [] },
    { "op": "transpose", "order": [0, 7] },
    { "op": "channel_shuffle" },
    { "op": "clip", "lo": 0 }
  ] }
@ null.json
{ "name": null, "input": null, "layers": null, "blocks": null }
@ nulls.json
{ "name": "net", "input": { "shape": null },
  "layers": [
    { "op": "conv", "name": null, "from": null, "filters": null, "kernel": null, "stride": null,
      "pad": null, "bias": null, "weights": null, "share": null, "freeze": null, "init": null }
  ] }
@ strings.json
{ "name": "net", "input": { "shape": ["3", 8, 8] },
  "layers": [
    { "op": "conv", "filters": "4", "kernel": "3x3" },
    { "op": "conv", "filters": 4.0, "kernel": 3e0 },
    { "op": "elu", "alpha": "1" }
  ] }
@ empty.json
{ "name": "", "input": { "shape": [3, 8, 8] }, "layers": [] }
$ cnnc check convolution.json
convolution.json:3:58: error: stride must be at least 1, not 0
    3 |     { "op": "conv", "filters": 4, "kernel": 3, "stride": 0 },
      |                                                          ^
convolution.json:4:58: error: groups must be at least 1, not 0
    4 |     { "op": "conv", "filters": 4, "kernel": 3, "groups": 0 },
      |                                                          ^
convolution.json:5:55: error: pad must be an integer, not true or false
    5 |     { "op": "conv", "filters": 4, "kernel": 3, "pad": true },
      |                                                       ^~~~
convolution.json:6:75: error: this must be a list of 3 like the first of its level
    6 | ...onv", "filters": 4, "kernel": 1, "connections": [[1, 0, 0], [0, 0]] },
      |                                                                ^~~~~~
convolution.json:7:59: error: weights must be a list, not an integer
    7 |     { "op": "conv", "filters": 1, "kernel": 1, "weights": 3 },
      |                                                           ^
convolution.json:8:59: error: weights must be numbers in 1 to 8 nested lists, none of them empty
    8 |     { "op": "conv", "filters": 1, "kernel": 1, "weights": [[[[[[[[[1]]]]]]]]] },
      |                                                           ^~~~~~~~~~~~~~~~~~~
convolution.json:9:53: error: multiplier must be at least 1, not 0
    9 |     { "op": "depthwise", "kernel": 3, "multiplier": 0 },
      |                                                     ^
convolution.json:10:39: error: unknown key "filters"; expected "multiplier", "kernel", "stride", "dilation", "pad", "bias", "flip", "weights", "op", "name", "from", "share", "freeze", "lr_scale", "decay" or "init"
   10 |     { "op": "depthwise", "kernel": 3, "filters": 6 },
      |                                       ^~~~~~~~~
convolution.json:11:5: error: separable needs "filters": number of output channels
   11 |     { "op": "separable", "kernel": 3 },
      |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
convolution.json:12:57: error: bias must be "none", "channel" or "position", not "per"
   12 |     { "op": "local", "filters": 2, "kernel": 3, "bias": "per" },
      |                                                         ^~~~~
convolution.json:13:5: error: tiled needs "period": positions this far apart share their weights; 1: a convolution
   13 |     { "op": "tiled", "filters": 2, "kernel": 3 },
      |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
convolution.json:14:78: error: pad must be "valid", "same" or "full", not "wide"
   14 | ..._transpose", "filters": 2, "kernel": 3, "stride": 2, "pad": "wide" },
      |                                                                ^~~~~~
convolution.json:15:31: error: units must be at least 1, not 0
   15 |     { "op": "dense", "units": 0 },
      |                               ^
convolution.json:16:33: error: unknown key "kernel"; expected "units", "weights", "op", "name", "from", "share", "freeze", "lr_scale", "decay" or "init"
   16 |     { "op": "rbf", "units": 10, "kernel": 3 }
      |                                 ^~~~~~~~
= 1
$ cnnc check pooling.json
pooling.json:3:5: error: pool needs "kernel": extents of the window
    3 |     { "op": "pool", "kind": "max" },
      |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
pooling.json:4:46: error: kernel must be at least 1, not 0
    4 |     { "op": "pool", "kind": "max", "kernel": 0 },
      |                                              ^
pooling.json:5:62: error: ceil_mode must be true or false, not an integer
    5 | ...   { "op": "pool", "kind": "max", "kernel": 2, "ceil_mode": 1 },
      |                                                                ^
pooling.json:6:55: error: output must be at least 1, not 0
    6 |     { "op": "adaptive_pool", "kind": "max", "output": 0 },
      |                                                       ^
pooling.json:7:43: error: unknown key "kernel"; expected "kind", "op", "name", "from", "share", "freeze", "lr_scale", "decay" or "init"
    7 |     { "op": "global_pool", "kind": "max", "kernel": 2 },
      |                                           ^~~~~~~~
pooling.json:8:5: error: global_pool needs "kind": max, average, or l2: the root of the sum of squares
    8 |     { "op": "global_pool" },
      |     ^~~~~~~~~~~~~~~~~~~~~~~
pooling.json:9:52: error: sigma must be from 0.001 to 1000000000, not 0
    9 |     { "op": "gaussian_pool", "kernel": 3, "sigma": 0 },
      |                                                    ^
pooling.json:10:33: error: pieces must be at least 1, not 0
   10 |     { "op": "maxout", "pieces": 0 }
      |                                 ^
= 1
$ cnnc check normalisation.json
normalisation.json:3:5: error: lrn needs "size": extent of the window
    3 |     { "op": "lrn" },
      |     ^~~~~~~~~~~~~~~
normalisation.json:4:41: error: across must be "channels" or "within", not "channel"; did you mean "channels"?
    4 |     { "op": "lrn", "size": 3, "across": "channel" },
      |                                         ^~~~~~~~~
normalisation.json:5:34: error: eps must be at least 1e-30, not -1
    5 |     { "op": "batch_norm", "eps": -1 },
      |                                  ^~
normalisation.json:6:39: error: momentum must be from 0 to 1, not 2
    6 |     { "op": "batch_norm", "momentum": 2 },
      |                                       ^
normalisation.json:7:5: error: group_norm needs "groups": channels are cut into this many groups, each normalised by itself
    7 |     { "op": "group_norm" },
      |     ^~~~~~~~~~~~~~~~~~~~~~
normalisation.json:8:32: error: axis must be from 0 to 6, not -1
    8 |     { "op": "softmax", "axis": -1 },
      |                                ^~
normalisation.json:9:36: error: approximate must be "none" or "tanh", not true or false
    9 |     { "op": "gelu", "approximate": true },
      |                                    ^~~~
normalisation.json:10:29: error: p must be from 0 to 1, not -0.1
   10 |     { "op": "dropout", "p": -0.1 }
      |                             ^~~~
= 1
$ cnnc check moves.json
moves.json:3:5: error: upsample needs "scale": how many times larger, one number or one per spatial axis
    3 |     { "op": "upsample" },
      |     ^~~~~~~~~~~~~~~~~~~~
moves.json:4:34: error: scale must be from 1 to 32768, not 0
    4 |     { "op": "upsample", "scale": 0 },
      |                                  ^
moves.json:5:45: error: mode must be "nearest", "linear", "bilinear" or "trilinear", not "cubic"
    5 |     { "op": "upsample", "scale": 2, "mode": "cubic" },
      |                                             ^~~~~~~
moves.json:6:5: error: reshape needs "shape": extents without the batch; -1 for one that follows from the others
    6 |     { "op": "reshape" },
      |     ^~~~~~~~~~~~~~~~~~~
moves.json:7:34: error: shape must be at least -1, not -2
    7 |     { "op": "reshape", "shape": [-2, 3] },
      |                                  ^~
moves.json:8:27: error: lo must be at least 0, not -1
    8 |     { "op": "crop", "lo": -1 },
      |                           ^~
moves.json:9:31: error: parts must be at least 1, not 0
    9 |     { "op": "split", "parts": 0 },
      |                               ^
moves.json:10:29: error: axes must be a list of 1 to 7 integers, not of 0
   10 |     { "op": "mean", "axes": [] },
      |                             ^~
moves.json:11:39: error: order must be from 0 to 6, not 7
   11 |     { "op": "transpose", "order": [0, 7] },
      |                                       ^
moves.json:12:5: error: channel_shuffle needs "groups": neighbours in the result come from different ones of this many groups
   12 |     { "op": "channel_shuffle" },
      |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~
moves.json:13:5: error: clip needs "hi": largest result
   13 |     { "op": "clip", "lo": 0 }
      |     ^~~~~~~~~~~~~~~~~~~~~~~~~
= 1
$ cnnc check null.json
null.json:1:11: error: name must be a string, not null
    1 | { "name": null, "input": null, "layers": null, "blocks": null }
      |           ^~~~
null.json:1:26: error: an input must be an object with "shape", not null
    1 | { "name": null, "input": null, "layers": null, "blocks": null }
      |                          ^~~~
null.json:1:58: error: blocks must be an object of names and blocks, not null
    1 | { "name": null, "input": null, "layers": null, "blocks": null }
      |                                                          ^~~~
null.json:1:42: error: layers must be a list of at least one layer, not null
    1 | { "name": null, "input": null, "layers": null, "blocks": null }
      |                                          ^~~~
= 1
$ cnnc check nulls.json
nulls.json:1:38: error: shape must be a list of at most 4 extents: channels and up to three axes, without the batch
    1 | { "name": "net", "input": { "shape": null },
      |                                      ^~~~
nulls.json:3:29: error: name must be a string, not null
    3 |     { "op": "conv", "name": null, "from": null, "filters": null, "kernel": null, "stride": null,
      |                             ^~~~
nulls.json:4:76: error: freeze must be true or false, not null
    4 | ...ll, "bias": null, "weights": null, "share": null, "freeze": null, "init": null }
      |                                                                ^~~~
nulls.json:4:90: error: init must be "default", "he", "xavier" or "lecun", not null
    4 | ...ll, "weights": null, "share": null, "freeze": null, "init": null }
      |                                                                ^~~~
nulls.json:3:43: error: from must be a name or a list of names, not null
    3 |     { "op": "conv", "name": null, "from": null, "filters": null, "kernel": null, "stride": null,
      |                                           ^~~~
nulls.json:3:60: error: filters must be an integer, not null
    3 |     { "op": "conv", "name": null, "from": null, "filters": null, "kernel": null, "stride": null,
      |                                                            ^~~~
nulls.json:3:76: error: kernel must be an integer, not null
    3 | ...nv", "name": null, "from": null, "filters": null, "kernel": null, "stride": null,
      |                                                                ^~~~
nulls.json:3:92: error: stride must be an integer, not null
    3 | ...l, "from": null, "filters": null, "kernel": null, "stride": null,
      |                                                                ^~~~
nulls.json:4:14: error: pad must be an integer, not null
    4 |       "pad": null, "bias": null, "weights": null, "share": null, "freeze": null, "init": null }
      |              ^~~~
nulls.json:4:28: error: bias must be true, false, "none", "channel" or "position", not null
    4 |       "pad": null, "bias": null, "weights": null, "share": null, "freeze": null, "init": null }
      |                            ^~~~
nulls.json:4:45: error: weights must be a list, not null
    4 |       "pad": null, "bias": null, "weights": null, "share": null, "freeze": null, "init": null }
      |                                             ^~~~
nulls.json:4:60: error: share must be the name of a layer, not null
    4 |       "pad": null, "bias": null, "weights": null, "share": null, "freeze": null, "init": null }
      |                                                            ^~~~
= 1
$ cnnc check strings.json
strings.json:1:39: error: shape must be an integer, not a string
    1 | { "name": "net", "input": { "shape": ["3", 8, 8] },
      |                                       ^~~
strings.json:3:32: error: filters must be an integer, not a string
    3 |     { "op": "conv", "filters": "4", "kernel": "3x3" },
      |                                ^~~
strings.json:3:47: error: kernel must be an integer, not a string
    3 |     { "op": "conv", "filters": "4", "kernel": "3x3" },
      |                                               ^~~~~
strings.json:4:32: error: filters must be an integer, not a number with a point or an exponent
    4 |     { "op": "conv", "filters": 4.0, "kernel": 3e0 },
      |                                ^~~
strings.json:4:47: error: kernel must be an integer, not a number with a point or an exponent
    4 |     { "op": "conv", "filters": 4.0, "kernel": 3e0 },
      |                                               ^~~
strings.json:5:29: error: alpha must be a number, not a string
    5 |     { "op": "elu", "alpha": "1" }
      |                             ^~~
= 1
$ cnnc check empty.json
empty.json:1:11: error: "" cannot begin the names of a library: up to 100 letters, digits and _, not beginning with a digit
    1 | { "name": "", "input": { "shape": [3, 8, 8] }, "layers": [] }
      |           ^~
empty.json:1:58: error: layers must be a list of at least one layer, not an empty one
    1 | { "name": "", "input": { "shape": [3, 8, 8] }, "layers": [] }
      |                                                          ^~
= 1
