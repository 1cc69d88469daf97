# What a layer says about its parameters: share, freeze, lr_scale, decay, init.
@ settings.json
{ "name": "net", "input": { "shape": [3, 8, 8] },
  "layers": [
    { "op": "conv", "name": "a", "filters": 3, "kernel": 3, "pad": 1, "freeze": 1, "decay": "no" },
    { "op": "relu", "lr_scale": -1, "init": "kaiming" },
    { "op": "relu", "init": { "value": 1 } },
    { "op": "relu", "init": { "constant": "x" } },
    { "op": "conv", "filters": 3, "kernel": 3, "share": "nowhere" },
    { "op": "conv", "filters": 3, "kernel": 3, "share": 3 }
  ] }
@ share.json
{ "name": "net", "input": { "shape": [3, 8, 8] },
  "layers": [
    { "op": "conv", "name": "a", "filters": 3, "kernel": 3, "pad": 1, "bias": false },
    { "op": "conv", "filters": 3, "kernel": 5, "pad": 2, "bias": false, "share": "a" },
    { "op": "conv", "from": "a", "filters": 3, "kernel": 3, "pad": 1, "share": "a" },
    { "op": "batch_norm", "from": "a", "share": "a" }
  ] }
@ block.json
{ "name": "net", "input": { "shape": [3, 8, 8] },
  "layers": [
    { "block": "b", "name": "one" },
    { "block": "c", "name": "two", "share": "one" },
    { "block": "c", "share": "none" },
    { "block": "c", "share": 1 }
  ],
  "blocks": { "b": { "layers": [{ "op": "relu", "name": "r" }] }, "c": { "layers": [{ "op": "relu", "name": "s" }] } } }
$ cnnc check settings.json
settings.json:3:81: error: freeze must be true or false, not an integer
    3 | ..."name": "a", "filters": 3, "kernel": 3, "pad": 1, "freeze": 1, "decay": "no" },
      |                                                                ^
settings.json:3:93: error: decay must be true or false, not a string
    3 | ... "filters": 3, "kernel": 3, "pad": 1, "freeze": 1, "decay": "no" },
      |                                                                ^~~~
settings.json:4:33: error: lr_scale must be at least 0, not -1
    4 |     { "op": "relu", "lr_scale": -1, "init": "kaiming" },
      |                                 ^~
settings.json:4:45: error: init must be "default", "he", "xavier" or "lecun", not "kaiming"; did you mean "he"?
    4 |     { "op": "relu", "lr_scale": -1, "init": "kaiming" },
      |                                             ^~~~~~~~~
settings.json:5:31: error: unknown key "value"; expected "constant"
    5 |     { "op": "relu", "init": { "value": 1 } },
      |                               ^~~~~~~
settings.json:5:29: error: init must be a word or {"constant": a number}
    5 |     { "op": "relu", "init": { "value": 1 } },
      |                             ^~~~~~~~~~~~~~
settings.json:6:43: error: constant must be a number, not a string
    6 |     { "op": "relu", "init": { "constant": "x" } },
      |                                           ^~~
settings.json:7:57: error: there is no layer "nowhere"
    7 |     { "op": "conv", "filters": 3, "kernel": 3, "share": "nowhere" },
      |                                                         ^~~~~~~~~
settings.json:8:57: error: share must be the name of a layer, not an integer
    8 |     { "op": "conv", "filters": 3, "kernel": 3, "share": 3 }
      |                                                         ^
= 1
$ cnnc check share.json
share.json:6:49: error: "a" is conv, and this layer batch_norm: they cannot share parameters
    6 |     { "op": "batch_norm", "from": "a", "share": "a" }
      |                                                 ^~~
share.json:4:82: error: "a.weight" has the shape f32[3,3,3,3], and this layer needs f32[3,3,5,5]
    4 | ...filters": 3, "kernel": 5, "pad": 2, "bias": false, "share": "a" },
      |                                                                ^~~
share.json:5:80: error: "a" has no bias to share
    5 | ... "from": "a", "filters": 3, "kernel": 3, "pad": 1, "share": "a" },
      |                                                                ^~~
= 1
$ cnnc check block.json
block.json:8:85: error: there is no layer "one.s" to share
    8 | ...yers": [{ "op": "relu", "name": "r" }] }, "c": { "layers": [{ "op": "relu", "name": "s" }] } } }
      |                                                                ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~
block.json:4:5: note: used here
    4 |     { "block": "c", "name": "two", "share": "one" },
      |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
block.json:5:30: error: there is no layer "none"; did you mean "one"?
    5 |     { "block": "c", "share": "none" },
      |                              ^~~~~~
block.json:6:30: error: share must be the name of a layer, not an integer
    6 |     { "block": "c", "share": 1 }
      |                              ^
= 1
