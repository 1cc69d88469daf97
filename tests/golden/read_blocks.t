# Blocks: parameters, expressions, recursion; a mistake inside shows both places, once.
@ inside.json
{ "name": "net", "input": { "shape": [3, 8, 8] },
  "layers": [
    { "block": "b", "repeat": 3 },
    { "block": "b" }
  ],
  "blocks": { "b": { "layers": [
    { "op": "conv", "filters": 4, "kernel": 3, "padd": 1 },
    { "op": "relu", "from": "@in.1" }
  ] } } }
@ shape.json
{ "name": "net", "input": { "shape": [3, 8, 8] },
  "layers": [
    { "block": "b", "name": "s", "repeat": 4 }
  ],
  "blocks": { "b": { "layers": [
    { "op": "conv", "filters": 4, "kernel": 4 }
  ] } } }
@ use.json
{ "name": "net", "input": { "shape": [3, 8, 8] },
  "layers": [
    { "block": "bb" },
    { "block": 7 },
    { "block": "b" },
    { "block": "b", "width": "wide" },
    { "block": "b", "width": 4, "heigth": 2 },
    { "block": "b", "width": 4, "repeat": 0 },
    { "block": "b", "width": 4, "start": 1 }
  ],
  "blocks": { "b": { "params": { "width": null, "height": 1 }, "layers": [{ "op": "relu" }] } } }
@ define.json
{ "name": "net", "input": { "shape": [3, 8, 8] },
  "layers": [
    { "op": "relu" }
  ],
  "blocks": {
    "b": { "params": { "repeat": 1, "a.b": 1, "c": "x" }, "layers": [{ "op": "relu" }] },
    "c": { "layers": [] }, "d": 7, "e": { "params": 7, "layers": [{ "op": "relu" }], "size": 1 },
    "my block": { "layers": [{ "op": "relu" }] }
  } }
@ recursion.json
{ "name": "net", "input": { "shape": [3, 8, 8] },
  "layers": [
    { "block": "a" }
  ],
  "blocks": {
    "a": { "layers": [{ "block": "b" }] },
    "b": { "layers": [{ "block": "a" }] }
  } }
@ inputs.json
{ "name": "net", "input": { "shape": [3, 8, 8] },
  "layers": [
    { "op": "relu", "name": "r" },
    { "block": "b", "from": ["x", "r"] }
  ],
  "blocks": { "b": { "layers": [
    { "op": "relu" }, { "op": "add", "from": ["@in.0", "@in.2"] }, { "op": "relu", "from": "@in" }, { "op": "relu", "from": "@in.x" }
  ] } } }
@ formulas.json
{ "name": "net", "input": { "shape": [3, 8, 8] },
  "layers": [
    { "block": "b", "width": 7 },
    { "block": "c", "width": 7 },
    { "block": "d", "width": 7 },
    { "block": "e", "width": 7 },
    { "block": "f", "width": 7 },
    { "block": "g", "width": 7 },
    { "block": "h", "width": 7 },
    { "block": "i", "width": 7 },
    { "op": "conv", "filters": "=4*width", "kernel": 1 }
  ],
  "blocks": {
    "b": { "params": { "width": null }, "layers": [{ "op": "conv", "filters": "=width/2", "kernel": 1 }] },
    "c": { "params": { "width": null }, "layers": [{ "op": "conv", "filters": "=widht", "kernel": 1 }] },
    "d": { "params": { "width": null }, "layers": [{ "op": "conv", "filters": "=width/(7-width)", "kernel": 1 }] },
    "e": { "params": { "width": null }, "layers": [{ "op": "conv", "filters": "=2*(width", "kernel": 1 }] },
    "f": { "params": { "width": null }, "layers": [{ "op": "conv", "filters": "=width*width*width*width*width*width*width*width*width*width*width*width", "kernel": 1 }] },
    "g": { "params": { "width": null }, "layers": [{ "op": "conv", "filters": "=4 4", "kernel": 1 }] },
    "h": { "params": { "width": null }, "layers": [{ "op": "conv", "filters": "=", "kernel": 1 }] },
    "i": { "params": { "width": null }, "layers": [{ "op": "conv", "filters": "=1-width", "kernel": 1 }] }
  } }
@ layers.json
{ "name": "net", "input": { "shape": [3, 8, 8] },
  "layers": [
    { "block": "a", "repeat": 10000 }
  ],
  "blocks": { "a": { "layers": [{ "block": "b", "repeat": 10000 }] }, "b": { "layers": [{ "op": "relu" }] } } }
$ cnnc check inside.json
inside.json:7:48: error: unknown key "padd"; did you mean "pad"?
    7 |     { "op": "conv", "filters": 4, "kernel": 3, "padd": 1 },
      |                                                ^~~~~~
inside.json:3:5: note: used here
    3 |     { "block": "b", "repeat": 3 },
      |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~
inside.json:8:29: error: block "b" has 1 input here, so "@in.1" does not exist
    8 |     { "op": "relu", "from": "@in.1" }
      |                             ^~~~~~~
inside.json:3:5: note: used here
    3 |     { "block": "b", "repeat": 3 },
      |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~
= 1
$ cnnc check shape.json
shape.json:6:45: error: kernel 4x4 does not fit the input of 2x2 (2x2 with padding)
    6 |     { "op": "conv", "filters": 4, "kernel": 4 }
      |                                             ^
shape.json:3:5: note: used here
    3 |     { "block": "b", "name": "s", "repeat": 4 }
      |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
= 1
$ cnnc check use.json
use.json:3:16: error: unknown block "bb"; did you mean "b"?
    3 |     { "block": "bb" },
      |                ^~~~
use.json:4:16: error: block must be the name of a block, not an integer
    4 |     { "block": 7 },
      |                ^
use.json:5:5: error: block "b" needs "width"
    5 |     { "block": "b" },
      |     ^~~~~~~~~~~~~~~~
use.json:6:30: error: width must be an integer, not a string
    6 |     { "block": "b", "width": "wide" },
      |                              ^~~~~~
use.json:7:33: error: unknown key "heigth"; did you mean "height"?
    7 |     { "block": "b", "width": 4, "heigth": 2 },
      |                                 ^~~~~~~~
use.json:8:43: error: repeat must be from 1 to 10000, not 0
    8 |     { "block": "b", "width": 4, "repeat": 0 },
      |                                           ^
use.json:9:33: error: "start" needs "repeat"
    9 |     { "block": "b", "width": 4, "start": 1 }
      |                                 ^~~~~~~
= 1
$ cnnc check define.json
define.json:6:24: error: "repeat" already has a meaning where a block is used
    6 |     "b": { "params": { "repeat": 1, "a.b": 1, "c": "x" }, "layers": [{ "op": "relu" }] },
      |                        ^~~~~~~~
define.json:6:37: error: a parameter's name is letters, digits and _
    6 |     "b": { "params": { "repeat": 1, "a.b": 1, "c": "x" }, "layers": [{ "op": "relu" }] },
      |                                     ^~~~~
define.json:6:52: error: a default is an integer, or null for a parameter that must be given
    6 |     "b": { "params": { "repeat": 1, "a.b": 1, "c": "x" }, "layers": [{ "op": "relu" }] },
      |                                                    ^~~
define.json:7:22: error: block "c" needs "layers": a list
    7 |     "c": { "layers": [] }, "d": 7, "e": { "params": 7, "layers": [{ "op": "relu" }], "size": 1 },
      |                      ^~
define.json:7:33: error: block "d" must be an object with "layers"
    7 |     "c": { "layers": [] }, "d": 7, "e": { "params": 7, "layers": [{ "op": "relu" }], "size": 1 },
      |                                 ^
define.json:7:86: error: unknown key "size"; expected "params" or "layers"
    7 | ..., "d": 7, "e": { "params": 7, "layers": [{ "op": "relu" }], "size": 1 },
      |                                                                ^~~~~~
define.json:7:53: error: params must be an object of names and default values, not an integer
    7 |     "c": { "layers": [] }, "d": 7, "e": { "params": 7, "layers": [{ "op": "relu" }], "size": 1 },
      |                                                     ^
define.json:8:5: error: a block's name is letters, digits and _
    8 |     "my block": { "layers": [{ "op": "relu" }] }
      |     ^~~~~~~~~~
= 1
$ cnnc check recursion.json
recursion.json:7:34: error: block "a" uses itself
    7 |     "b": { "layers": [{ "block": "a" }] }
      |                                  ^~~
recursion.json:6:23: note: used here
    6 |     "a": { "layers": [{ "block": "b" }] },
      |                       ^~~~~~~~~~~~~~~~
recursion.json:3:5: note: used here
    3 |     { "block": "a" }
      |     ^~~~~~~~~~~~~~~~
= 1
$ cnnc check inputs.json
inputs.json:7:5: error: the first layer needs "from", because there are several inputs
    7 |     { "op": "relu" }, { "op": "add", "from": ["@in.0", "@in.2"] }, { "op": "relu", "from": "@i...
      |     ^~~~~~~~~~~~~~~~
inputs.json:4:5: note: used here
    4 |     { "block": "b", "from": ["x", "r"] }
      |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
inputs.json:7:56: error: block "b" has 2 inputs here, so "@in.2" does not exist
    7 |     { "op": "relu" }, { "op": "add", "from": ["@in.0", "@in.2"] }, { "op": "relu", "from": "@in" }, { "op": "relu", "from": "@in.x" }
      |                                                        ^~~~~~~
inputs.json:4:5: note: used here
    4 |     { "block": "b", "from": ["x", "r"] }
      |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
inputs.json:7:92: error: block "b" has 2 inputs here; say which: "@in.0" to "@in.1"
    7 | ...add", "from": ["@in.0", "@in.2"] }, { "op": "relu", "from": "@in" }, { "op": "relu", "from": "@in.x" }
      |                                                                ^~~~~
inputs.json:4:5: note: used here
    4 |     { "block": "b", "from": ["x", "r"] }
      |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
inputs.json:7:125: error: "@in.x" is not understood; a block's input is "@in" or "@in.0"
    7 | ...}, { "op": "relu", "from": "@in" }, { "op": "relu", "from": "@in.x" }
      |                                                                ^~~~~~~
inputs.json:4:5: note: used here
    4 |     { "block": "b", "from": ["x", "r"] }
      |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
= 1
$ cnnc check formulas.json
formulas.json:14:79: error: "=width/2": 7 / 2 is not an integer
   14 | ...": { "width": null }, "layers": [{ "op": "conv", "filters": "=width/2", "kernel": 1 }] },
      |                                                                ^~~~~~~~~~
formulas.json:3:5: note: used here
    3 |     { "block": "b", "width": 7 },
      |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~
formulas.json:15:79: error: "=widht": block "c" has no parameter "widht"; did you mean "width"?
   15 | ...": { "width": null }, "layers": [{ "op": "conv", "filters": "=widht", "kernel": 1 }] },
      |                                                                ^~~~~~~~
formulas.json:4:5: note: used here
    4 |     { "block": "c", "width": 7 },
      |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~
formulas.json:16:79: error: "=width/(7-width)": division by zero
   16 | ...": { "width": null }, "layers": [{ "op": "conv", "filters": "=width/(7-width)", "kernel": 1 }] },
      |                                                                ^~~~~~~~~~~~~~~~~~
formulas.json:5:5: note: used here
    5 |     { "block": "d", "width": 7 },
      |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~
formulas.json:17:79: error: "=2*(width": a ")" is missing
   17 | ...": { "width": null }, "layers": [{ "op": "conv", "filters": "=2*(width", "kernel": 1 }] },
      |                                                                ^~~~~~~~~~~
formulas.json:6:5: note: used here
    6 |     { "block": "e", "width": 7 },
      |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~
formulas.json:18:79: error: "=width*width*width*width*width*width*width*width*width*width*width*width": the value is beyond 2147483647
   18 | ...": { "width": null }, "layers": [{ "op": "conv", "filters": "=width*width*width*width*width*width*width*width*width*width*width*width", "kernel": 1 }]...
      |                                                                ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
formulas.json:7:5: note: used here
    7 |     { "block": "f", "width": 7 },
      |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~
formulas.json:19:79: error: "=4 4": "4" is not understood
   19 | ...": { "width": null }, "layers": [{ "op": "conv", "filters": "=4 4", "kernel": 1 }] },
      |                                                                ^~~~~~
formulas.json:8:5: note: used here
    8 |     { "block": "g", "width": 7 },
      |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~
formulas.json:20:79: error: "=": a number or a parameter is missing before ""
   20 | ...": { "width": null }, "layers": [{ "op": "conv", "filters": "=", "kernel": 1 }] },
      |                                                                ^~~
formulas.json:9:5: note: used here
    9 |     { "block": "h", "width": 7 },
      |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~
formulas.json:21:79: error: filters must be at least 1, not -6
   21 | ...": { "width": null }, "layers": [{ "op": "conv", "filters": "=1-width", "kernel": 1 }] }
      |                                                                ^~~~~~~~~~
formulas.json:10:5: note: used here
   10 |     { "block": "i", "width": 7 },
      |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~
formulas.json:11:32: error: "=4*width": parameters exist only inside blocks
   11 |     { "op": "conv", "filters": "=4*width", "kernel": 1 }
      |                                ^~~~~~~~~~
= 1
$ cnnc check layers.json
layers.json:5:89: error: the network has more than 10000 layers
    5 | ...": [{ "block": "b", "repeat": 10000 }] }, "b": { "layers": [{ "op": "relu" }] } } }
      |                                                                ^~~~~~~~~~~~~~~~
layers.json:5:33: note: used here
    5 |   "blocks": { "a": { "layers": [{ "block": "b", "repeat": 10000 }] }, "b": { "layers": [{ "op": "relu" }] } } }
      |                                 ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
layers.json:3:5: note: used here
    3 |     { "block": "a", "repeat": 10000 }
      |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
= 1
