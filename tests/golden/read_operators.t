# What operators say about fields that do not fit their input.
@ net.json
{ "name": "net", "input": { "shape": [6, 4, 4] }, "layers": [
    { "op": "prelu", "from": "x", "num_parameters": 4 },
    { "op": "group_norm", "from": "x", "groups": 4 },
    { "op": "channel_shuffle", "from": "x", "groups": 5 },
    { "op": "maxout", "from": "x", "pieces": 4 },
    { "op": "crop", "from": "x", "lo": 2, "hi": 2 },
    { "op": "split", "from": "x", "parts": 2, "part": 2 },
    { "op": "split", "from": "x", "parts": 2, "axis": 3 },
    { "op": "transpose", "from": "x", "order": [0, 1, 1] },
    { "op": "layer_norm", "from": "x", "axis": 3 },
    { "op": "flatten", "from": "x", "name": "f" },
    { "op": "instance_norm", "from": "f" },
    { "op": "conv_transpose", "from": "x", "filters": 1, "kernel": 1, "pad": 2 } ],
  "outputs": ["prelu1", "group_norm1", "channel_shuffle1", "maxout1", "crop1", "split1", "split2", "transpose1",
              "layer_norm1", "instance_norm1", "conv_transpose1"] }
@ deep.json
{ "name": "net", "input": { "shape": [4] }, "layers": [
    { "op": "reshape", "name": "deep", "shape": [4, 1, 1, 1, 1, 1, 1] },
    { "op": "group_norm", "from": "deep", "groups": 2 },
    { "op": "channel_shuffle", "from": "deep", "groups": 2 } ],
  "outputs": ["group_norm1", "channel_shuffle1"] }
@ loss.json
{ "name": "net", "input": { "shape": [6] }, "layers": [{ "op": "dense", "units": 3 }],
  "loss": { "op": "cross_entropy", "class_weights": [1, 2] }, "optimizer": { "op": "sgd", "lr": 1 } }
$ cnnc check net.json
net.json:2:53: error: 4 slopes do not fit 6 channels: there is one slope, or one for each
    2 |     { "op": "prelu", "from": "x", "num_parameters": 4 },
      |                                                     ^
net.json:3:50: error: 4 groups do not divide the 6 channels
    3 |     { "op": "group_norm", "from": "x", "groups": 4 },
      |                                                  ^
net.json:4:55: error: 5 groups do not divide the 6 channels
    4 |     { "op": "channel_shuffle", "from": "x", "groups": 5 },
      |                                                       ^
net.json:5:46: error: 4 pieces do not divide the 6 channels
    5 |     { "op": "maxout", "from": "x", "pieces": 4 },
      |                                              ^
net.json:6:5: error: nothing is left of an axis of 4 after cutting 4
    6 |     { "op": "crop", "from": "x", "lo": 2, "hi": 2 },
      |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
net.json:7:55: error: part 2 of 2 of an axis of 6 does not exist
    7 |     { "op": "split", "from": "x", "parts": 2, "part": 2 },
      |                                                       ^
net.json:8:55: error: axis 3 does not exist: the input has 0 to 2
    8 |     { "op": "split", "from": "x", "parts": 2, "axis": 3 },
      |                                                       ^
net.json:9:48: error: order must hold each of the numbers 0 to 2 once
    9 |     { "op": "transpose", "from": "x", "order": [0, 1, 1] },
      |                                                ^~~~~~~~~
net.json:10:48: error: axis 3 does not exist: the input has 0 to 2
   10 |     { "op": "layer_norm", "from": "x", "axis": 3 },
      |                                                ^
net.json:12:5: error: instance_norm needs channels with positions, [c,w] to [c,d,h,w]
   12 |     { "op": "instance_norm", "from": "f" },
      |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
net.json:13:78: error: pad cuts off everything: 0 positions are left
   13 | ..._transpose", "from": "x", "filters": 1, "kernel": 1, "pad": 2 } ],
      |                                                                ^
= 1
$ cnnc check loss.json
loss.json:2:53: error: class_weights must be a list of 3 numbers, one per class
    2 |   "loss": { "op": "cross_entropy", "class_weights": [1, 2] }, "optimizer": { "op": "sgd", "lr": 1 } }
      |                                                     ^~~~~~
= 1
$ cnnc check deep.json
deep.json:3:5: error: groups need an axis of their own, and f32[n,4,1,1,1,1,1,1] has as many as there can be
    3 |     { "op": "group_norm", "from": "deep", "groups": 2 },
      |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
deep.json:4:5: error: groups need an axis of their own, and f32[n,4,1,1,1,1,1,1] has as many as there can be
    4 |     { "op": "channel_shuffle", "from": "deep", "groups": 2 } ],
      |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
= 1
