# Shapes that do not fit an operator.
@ shapes.json
{ "name": "net", "inputs": { "x": { "shape": [3, 8, 8] }, "y": { "shape": [4] } },
  "layers": [
    { "op": "conv", "from": "x", "filters": 4, "kernel": 9 },
    { "op": "conv", "from": "x", "filters": 4, "kernel": [3, 3, 3] },
    { "op": "conv", "from": "x", "filters": 4, "kernel": 3, "groups": 2 },
    { "op": "conv", "from": "x", "filters": 4, "kernel": 3, "groups": 3 },
    { "op": "conv", "from": "x", "filters": 4, "kernel": 3, "connections": [[1, 0, 1]] },
    { "op": "conv", "from": "x", "filters": 4, "kernel": 3, "weights": [[1, 0], [0, 1]] },
    { "op": "conv", "from": "x", "filters": 2147483647, "kernel": 8 },
    { "op": "conv", "from": "x", "filters": 2147483647, "kernel": 1, "pad": 100, "weights": [[1]] },
    { "op": "pool", "from": "x", "kind": "max", "kernel": 2, "pad": 2 },
    { "op": "reshape", "from": "x", "shape": [5, -1] },
    { "op": "reshape", "from": "x", "shape": [-1, -1] },
    { "op": "concat", "from": ["x", "y"] },
    { "op": "concat", "from": "x", "axis": 3 },
    { "op": "add", "from": ["x", "y"] },
    { "op": "slice", "from": "x", "axis": 4 },
    { "op": "slice", "from": "x", "start": 2, "stop": 1 },
    { "op": "pad", "from": "x", "axis": 5 },
    { "op": "mean", "from": "x", "axes": [0, 3] },
    { "op": "softmax", "from": "x", "axis": 3 },
    { "op": "pool", "from": "y", "kind": "max", "kernel": 2 },
    { "op": "lrn", "from": "y", "size": 3, "across": "within" }
  ] }
$ cnnc check shapes.json
shapes.json:3:58: error: kernel 9x9 does not fit the input of 8x8 (8x8 with padding)
    3 |     { "op": "conv", "from": "x", "filters": 4, "kernel": 9 },
      |                                                          ^
shapes.json:4:58: error: kernel has 3 numbers, but the input has 2 spatial axes
    4 |     { "op": "conv", "from": "x", "filters": 4, "kernel": [3, 3, 3] },
      |                                                          ^~~~~~~~~
shapes.json:5:71: error: 2 groups do not divide the 3 input channels
    5 | ...: "conv", "from": "x", "filters": 4, "kernel": 3, "groups": 2 },
      |                                                                ^
shapes.json:6:71: error: 3 groups do not divide the 4 filters
    6 | ...: "conv", "from": "x", "filters": 4, "kernel": 3, "groups": 3 },
      |                                                                ^
shapes.json:7:76: error: connections must be 4 rows of 3, not 1 of 3
    7 | ...nv", "from": "x", "filters": 4, "kernel": 3, "connections": [[1, 0, 1]] },
      |                                                                ^~~~~~~~~~~
shapes.json:8:72: error: weights do not fit the shape f32[4,3,3,3] or its last axes
    8 | ... "conv", "from": "x", "filters": 4, "kernel": 3, "weights": [[1, 0], [0, 1]] },
      |                                                                ^~~~~~~~~~~~~~~~
shapes.json:9:5: error: weight would have the shape f32[2147483647,3,8,8], more than 2147483647 elements
    9 |     { "op": "conv", "from": "x", "filters": 2147483647, "kernel": 8 },
      |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
shapes.json:10:93: error: weights do not fit the shape f32[2147483647,3,1,1] or its last axes
   10 | ... "filters": 2147483647, "kernel": 1, "pad": 100, "weights": [[1]] },
      |                                                                ^~~~~
shapes.json:11:69: error: with padding 2, windows of 2 lie in the padding alone
   11 | ...p": "pool", "from": "x", "kind": "max", "kernel": 2, "pad": 2 },
      |                                                                ^
shapes.json:12:46: error: f32[n,3,8,8] has 192 elements for each sample, which do not fill this shape
   12 |     { "op": "reshape", "from": "x", "shape": [5, -1] },
      |                                              ^~~~~~~
shapes.json:13:46: error: f32[n,3,8,8] has 192 elements for each sample, which do not fill this shape
   13 |     { "op": "reshape", "from": "x", "shape": [-1, -1] },
      |                                              ^~~~~~~~
shapes.json:14:5: error: f32[n,3,8,8] and f32[n,4] cannot be joined along axis 0
   14 |     { "op": "concat", "from": ["x", "y"] },
      |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
shapes.json:16:5: error: shapes f32[n,3,8,8] and f32[n,4] do not agree
   16 |     { "op": "add", "from": ["x", "y"] },
      |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
shapes.json:17:43: error: axis 4 does not exist: the input has 0 to 2
   17 |     { "op": "slice", "from": "x", "axis": 4 },
      |                                           ^
shapes.json:18:5: error: the slice of an axis of 3 from 2 to 1 is empty
   18 |     { "op": "slice", "from": "x", "start": 2, "stop": 1 },
      |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
shapes.json:19:41: error: axis 5 does not exist: the input has 0 to 2
   19 |     { "op": "pad", "from": "x", "axis": 5 },
      |                                         ^
shapes.json:20:42: error: axis 3 does not exist: the input has 0 to 2
   20 |     { "op": "mean", "from": "x", "axes": [0, 3] },
      |                                          ^~~~~~
shapes.json:21:45: error: axis 3 does not exist: the input has 0 to 2
   21 |     { "op": "softmax", "from": "x", "axis": 3 },
      |                                             ^
shapes.json:22:5: error: a window slides over channels with 1 to 3 axes, not over f32[n,4]
   22 |     { "op": "pool", "from": "y", "kind": "max", "kernel": 2 },
      |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
shapes.json:23:5: error: lrn needs channels with positions
   23 |     { "op": "lrn", "from": "y", "size": 3, "across": "within" }
      |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
= 1
