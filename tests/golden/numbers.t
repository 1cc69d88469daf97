# Numbers beyond 32 bits: refused where they are read; what is computed from readable ones may overflow.
@ clip.json
{ "name": "net", "input": { "shape": [4] }, "layers": [{ "op": "clip", "lo": 0, "hi": 1e39 }] }
@ leaky.json
{ "name": "net", "input": { "shape": [4] }, "layers": [{ "op": "leaky_relu", "slope": -1e39 }] }
@ pad.json
{ "name": "net", "input": { "shape": [1, 4] }, "layers": [{ "op": "pad", "lo": 1, "hi": 1, "value": 1e200 }] }
@ lrn.json
{ "name": "net", "input": { "shape": [4] }, "layers": [{ "op": "lrn", "size": 3, "beta": 1e300 }] }
@ weights.json
{ "name": "net", "input": { "shape": [1, 1] },
  "layers": [{ "op": "conv", "filters": 1, "kernel": 1, "weights": [[[1e300]]] }] }
@ input.json
{ "name": "net", "input": { "shape": [1, 4], "scale": 1e39, "mean": -1e39 },
  "layers": [{ "op": "relu" }] }
@ std.json
{ "name": "net", "input": { "shape": [1, 4], "std": [1e39] }, "layers": [{ "op": "relu" }] }
@ large.json
{ "name": "net", "input": { "shape": [2, 4] },
  "layers": [{ "op": "clip", "lo": -3e38, "hi": 3.4028234e38 }, { "op": "leaky_relu", "slope": 3e38 },
             { "op": "lrn", "size": 2, "alpha": 3e38, "k": 3e38, "beta": 1e30 },
             { "op": "batch_norm", "eps": 1e30 }] }
$ cnnc check clip.json
clip.json:1:87: error: hi must be a number that 32 bits hold, at most 3.40282347e+38, not 1e+39
    1 | ...{ "shape": [4] }, "layers": [{ "op": "clip", "lo": 0, "hi": 1e39 }] }
      |                                                                ^~~~
= 1
$ cnnc check leaky.json
leaky.json:1:87: error: slope must be a number that 32 bits hold, at least -3.40282347e+38, not -1e+39
    1 | ...{ "shape": [4] }, "layers": [{ "op": "leaky_relu", "slope": -1e39 }] }
      |                                                                ^~~~~
= 1
$ cnnc check pad.json
pad.json:1:101: error: value must be a number that 32 bits hold, at most 3.40282347e+38, not 1e+200
    1 | ... 4] }, "layers": [{ "op": "pad", "lo": 1, "hi": 1, "value": 1e200 }] }
      |                                                                ^~~~~
= 1
$ cnnc check lrn.json
lrn.json:1:90: error: beta must be a number that 32 bits hold, at most 3.40282347e+38, not 1e+300
    1 | ...shape": [4] }, "layers": [{ "op": "lrn", "size": 3, "beta": 1e300 }] }
      |                                                                ^~~~~
= 1
$ cnnc check weights.json
weights.json:2:71: error: weights must be a number that 32 bits hold, at most 3.40282347e+38, not 1e+300
    2 | ...: [{ "op": "conv", "filters": 1, "kernel": 1, "weights": [[[1e300]]] }] }
      |                                                                ^~~~~
= 1
$ cnnc check input.json
input.json:1:55: error: scale must be a number that 32 bits hold, at most 3.40282347e+38, not 1e+39
    1 | { "name": "net", "input": { "shape": [1, 4], "scale": 1e39, "mean": -1e39 },
      |                                                       ^~~~
input.json:1:69: error: mean must be a number that 32 bits hold, at least -3.40282347e+38, not -1e+39
    1 | ...: "net", "input": { "shape": [1, 4], "scale": 1e39, "mean": -1e39 },
      |                                                                ^~~~~
= 1
$ cnnc check std.json
std.json:1:54: error: std must be a number that 32 bits hold, at most 3.40282347e+38, not 1e+39
    1 | { "name": "net", "input": { "shape": [1, 4], "std": [1e39] }, "layers": [{ "op": "relu" }] }
      |                                                      ^~~~
= 1
$ cnnc large.json --target generic -o large.c && cc -std=c11 -Wall -Wextra -pedantic -Werror -c large.c && ls large.o
large.o
= 0
