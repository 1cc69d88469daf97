# Layers that do not fit together: the shapes that meet, one network for each mistake of a beginner.
@ skip.json
{ "name": "net", "input": { "shape": [3, 8, 8] },
  "layers": [
    { "op": "conv", "name": "a", "filters": 4, "kernel": 3 },
    { "op": "conv", "name": "b", "filters": 4, "kernel": 3 },
    { "op": "add", "from": ["a", "b"] }
  ] }
@ join.json
{ "name": "net", "input": { "shape": [3, 8, 8] },
  "layers": [
    { "op": "conv", "name": "a", "filters": 4, "kernel": 3 },
    { "op": "conv", "name": "b", "filters": 4, "kernel": 3 },
    { "op": "concat", "from": ["a", "b"] }
  ] }
@ alone.json
{ "name": "net", "input": { "shape": [3, 8, 8] }, "layers": [{ "op": "sub" }, { "op": "div", "from": ["x", "x", "x"] }] }
@ flat.json
{ "name": "net", "input": { "shape": [3, 8, 8] },
  "layers": [
    { "op": "flatten" },
    { "op": "conv", "filters": 4, "kernel": 3 }
  ] }
@ vector.json
{ "name": "net", "input": { "shape": [40] },
  "layers": [
    { "op": "conv", "filters": 4, "kernel": 3 }
  ] }
@ shrunk.json
{ "name": "net", "input": { "shape": [3, 8, 8] },
  "layers": [
    { "op": "conv", "filters": 4, "kernel": 3 },
    { "op": "pool", "kind": "max", "kernel": 2 },
    { "op": "conv", "filters": 4, "kernel": 3 },
    { "op": "pool", "kind": "max", "kernel": 2 }
  ] }
@ dilated.json
{ "name": "net", "input": { "shape": [3, 8, 8] }, "layers": [{ "op": "conv", "filters": 4, "kernel": 3, "dilation": 5 }] }
@ axes.json
{ "name": "net", "input": { "shape": [2, 50] },
  "layers": [
    { "op": "conv", "from": "x", "filters": 4, "kernel": [3, 3] },
    { "op": "conv", "from": "x", "filters": 4, "kernel": 3, "stride": [1, 1] },
    { "op": "conv", "from": "x", "filters": 4, "kernel": 3, "pad": { "lo": [1, 1], "hi": 0 } },
    { "op": "tiled", "from": "x", "filters": 2, "kernel": 3, "period": [2, 2] },
    { "op": "adaptive_pool", "from": "x", "kind": "max", "output": [3, 3] }
  ],
  "outputs": ["conv1", "conv2", "conv3", "tiled1", "adaptive_pool1"] }
@ table.json
{ "name": "net", "input": { "shape": [3, 8, 8] },
  "layers": [{ "op": "conv", "filters": 4, "kernel": 1, "groups": 2, "connections": [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]] }] }
@ fixed.json
{ "name": "net", "input": { "shape": [3, 8, 8] },
  "layers": [{ "op": "conv", "filters": 1, "kernel": 3, "weights": [[1, 0, -1], [2, 0, -2]] }] }
@ twice.json
{ "name": "net", "input": { "shape": [3, 8, 8] },
  "layers": [{ "op": "pad", "axis": [1, 1], "lo": [1, 1], "hi": 1 }] }
@ output.json
{ "name": "net", "input": { "shape": [3, 8, 8] }, "layers": [{ "op": "relu", "name": "a" }], "outputs": ["A"] }
@ itself.json
{ "name": "net", "input": { "shape": [3, 8, 8] }, "layers": [{ "op": "add", "name": "a", "from": ["x", "a"] }] }
@ classes.json
{ "name": "net", "input": { "shape": [3, 8, 8] }, "layers": [{ "op": "dense", "units": 10 }],
  "loss": { "op": "cross_entropy", "class_weights": [1, 1] }, "optimizer": { "op": "sgd", "lr": 0.1 } }
@ scalar.json
{ "name": "net", "input": { "shape": [] }, "layers": [{ "op": "conv", "filters": 1, "kernel": 1 }, { "op": "softmax" }] }
$ cnnc check skip.json
skip.json:5:5: error: shapes f32[n,4,6,6] and f32[n,4,4,4] do not agree
    5 |     { "op": "add", "from": ["a", "b"] }
      |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
= 1
$ cnnc check join.json
join.json:5:5: error: f32[n,4,6,6] and f32[n,4,4,4] cannot be joined along axis 0
    5 |     { "op": "concat", "from": ["a", "b"] }
      |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
= 1
$ cnnc check alone.json
alone.json:1:62: error: sub reads 2 layers, not 1; name them in "from"
    1 | ... "name": "net", "input": { "shape": [3, 8, 8] }, "layers": [{ "op": "sub" }, { "op": "div", "from": ["x", "x", "x"] }] }
      |                                                                ^~~~~~~~~~~~~~~
alone.json:1:102: error: div reads 2 layers, not 3
    1 | ...8, 8] }, "layers": [{ "op": "sub" }, { "op": "div", "from": ["x", "x", "x"] }] }
      |                                                                ^~~~~~~~~~~~~~~
= 1
$ cnnc check flat.json
flat.json:4:5: error: a window slides over channels with 1 to 3 axes, not over f32[n,192]
    4 |     { "op": "conv", "filters": 4, "kernel": 3 }
      |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
= 1
$ cnnc check vector.json
vector.json:3:5: error: a window slides over channels with 1 to 3 axes, not over f32[n,40]
    3 |     { "op": "conv", "filters": 4, "kernel": 3 }
      |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
= 1
$ cnnc check shrunk.json
shrunk.json:6:46: error: kernel 2x2 does not fit the input of 1x1 (1x1 with padding)
    6 |     { "op": "pool", "kind": "max", "kernel": 2 }
      |                                              ^
= 1
$ cnnc check dilated.json
dilated.json:1:102: error: kernel 11x11, dilated, does not fit the input of 8x8 (8x8 with padding)
    1 | ...8, 8] }, "layers": [{ "op": "conv", "filters": 4, "kernel": 3, "dilation": 5 }] }
      |                                                                ^
= 1
$ cnnc check axes.json
axes.json:3:58: error: kernel has 2 numbers, but the input has 1 spatial axis
    3 |     { "op": "conv", "from": "x", "filters": 4, "kernel": [3, 3] },
      |                                                          ^~~~~~
axes.json:4:71: error: stride has 2 numbers, but the input has 1 spatial axis
    4 | ...: "conv", "from": "x", "filters": 4, "kernel": 3, "stride": [1, 1] },
      |                                                                ^~~~~~
axes.json:5:68: error: pad has 2 numbers, but the input has 1 spatial axis
    5 | ...op": "conv", "from": "x", "filters": 4, "kernel": 3, "pad": { "lo": [1, 1], "hi": 0 } },
      |                                                                ^~~~~~~~~~~~~~~~~~~~~~~~~
axes.json:6:72: error: period has 2 numbers, but the input has 1 spatial axis
    6 | ... "tiled", "from": "x", "filters": 2, "kernel": 3, "period": [2, 2] },
      |                                                                ^~~~~~
axes.json:7:68: error: output has 2 numbers, but the input has 1 spatial axis
    7 | ...op": "adaptive_pool", "from": "x", "kind": "max", "output": [3, 3] }
      |                                                                ^~~~~~
= 1
$ cnnc check table.json
table.json:2:67: error: 2 groups do not divide the 3 input channels
    2 | ...ers": [{ "op": "conv", "filters": 4, "kernel": 1, "groups": 2, "connections": [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]] }] }
      |                                                                ^
= 1
$ cnnc check fixed.json
fixed.json:2:68: error: weights do not fit the shape f32[1,3,3,3] or its last axes
    2 | ...rs": [{ "op": "conv", "filters": 1, "kernel": 3, "weights": [[1, 0, -1], [2, 0, -2]] }] }
      |                                                                ^~~~~~~~~~~~~~~~~~~~~~~~
= 1
$ cnnc check twice.json
twice.json:2:37: error: axis 1 is there twice
    2 |   "layers": [{ "op": "pad", "axis": [1, 1], "lo": [1, 1], "hi": 1 }] }
      |                                     ^~~~~~
= 1
$ cnnc check output.json
output.json:1:106: error: there is no layer "A"; did you mean "a"?
    1 | ...] }, "layers": [{ "op": "relu", "name": "a" }], "outputs": ["A"] }
      |                                                                ^~~
= 1
$ cnnc check itself.json
itself.json:1:104: error: "a" comes later; a layer reads layers above it
    1 | ... 8] }, "layers": [{ "op": "add", "name": "a", "from": ["x", "a"] }] }
      |                                                                ^~~
= 1
$ cnnc check classes.json
classes.json:2:53: error: class_weights must be a list of 10 numbers, one per class
    2 |   "loss": { "op": "cross_entropy", "class_weights": [1, 1] }, "optimizer": { "op": "sgd", "lr": 0.1 } }
      |                                                     ^~~~~~
= 1
$ cnnc check scalar.json
scalar.json:1:55: error: a window slides over channels with 1 to 3 axes, not over f32[n]
    1 | { "name": "net", "input": { "shape": [] }, "layers": [{ "op": "conv", "filters": 1, "kernel": 1 }, { "op": "softmax" }] }
      |                                                       ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
= 1
