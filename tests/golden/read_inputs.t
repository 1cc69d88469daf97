# Inputs: shapes, types, scaling.
@ shape.json
{ "name": "net", "inputs": {
    "a": { "shape": [0, 8, 8] },
    "b": { "shape": [1, 2, 3, 4, 5] },
    "c": { "shape": "3x8x8" },
    "d": {},
    "e": { "shape": [3, 2.5, 8] },
    "f": 7,
    "0.x": { "shape": [1] }, "-": { "shape": [1] }
  },
  "layers": [
    { "op": "relu" }
  ] }
@ both.json
{ "name": "net", "input": { "shape": [1] }, "inputs": { "x": { "shape": [1] } },
  "layers": [
    { "op": "relu" }
  ] }
@ none.json
{ "name": "net", "inputs": {},
  "layers": [
    { "op": "relu" }
  ] }
@ options.json
{ "name": "net", "input": { "shape": [3, 8, 8], "dtype": "f16", "layout": "hcw", "sclae": 1, "scale": "x",
    "mean": [1, 2], "std": 0 },
  "layers": [
    { "op": "relu" }
  ] }
@ std.json
{ "name": "net", "input": { "shape": [3, 8, 8], "std": [1, 2], "mean": [] },
  "layers": [
    { "op": "relu" }
  ] }
@ huge.json
{ "name": "net", "input": { "shape": [2147483647, 2147483647] },
  "layers": [
    { "op": "relu" }
  ] }
@ larger.json
{ "name": "net", "input": { "shape": [2147483648, 1] },
  "layers": [
    { "op": "relu" }
  ] }
@ override.json
{ "name": "net", "input": { "shape": [3, 8, 8] },
  "layers": [
    { "op": "relu" }
  ] }
$ cnnc check shape.json
shape.json:2:22: error: shape must be at least 1, not 0
    2 |     "a": { "shape": [0, 8, 8] },
      |                      ^
shape.json:3:21: error: shape must be a list of at most 4 extents: channels and up to three axes, without the batch
    3 |     "b": { "shape": [1, 2, 3, 4, 5] },
      |                     ^~~~~~~~~~~~~~~
shape.json:4:21: error: shape must be a list of at most 4 extents: channels and up to three axes, without the batch
    4 |     "c": { "shape": "3x8x8" },
      |                     ^~~~~~~
shape.json:5:10: error: input "d" needs "shape"
    5 |     "d": {},
      |          ^~
shape.json:6:25: error: shape must be an integer, not a number with a fraction
    6 |     "e": { "shape": [3, 2.5, 8] },
      |                         ^~~
shape.json:7:10: error: an input must be an object with "shape", not an integer
    7 |     "f": 7,
      |          ^
shape.json:8:35: error: "-" is not a name: letters, digits and _, not beginning with a digit, or parts like that and numbers joined by dots
    8 |     "0.x": { "shape": [1] }, "-": { "shape": [1] }
      |                                   ^~~~~~~~~~~~~~~~
shape.json:11:5: error: the first layer needs "from", because there are several inputs
   11 |     { "op": "relu" }
      |     ^~~~~~~~~~~~~~~~
= 1
$ cnnc check both.json
both.json:1:45: error: a network has either "input" or "inputs"
    1 | { "name": "net", "input": { "shape": [1] }, "inputs": { "x": { "shape": [1] } },
      |                                             ^~~~~~~~
= 1
$ cnnc check none.json
none.json:1:28: error: inputs must be an object of names and inputs
    1 | { "name": "net", "inputs": {},
      |                            ^~
none.json:1:1: error: a network needs "input": { "shape": [...] }
    1 | { "name": "net", "inputs": {},
      | ^
= 1
$ cnnc check options.json
options.json:1:82: error: unknown key "sclae"; did you mean "scale"?
    1 | ...ut": { "shape": [3, 8, 8], "dtype": "f16", "layout": "hcw", "sclae": 1, "scale": "x",
      |                                                                ^~~~~~~
options.json:1:58: error: dtype must be "f32", "u8" or "i32", not "f16"
    1 | { "name": "net", "input": { "shape": [3, 8, 8], "dtype": "f16", "layout": "hcw", "sclae": 1, "scale": "x",
      |                                                          ^~~~~
options.json:1:75: error: layout must be "chw" or "hwc", not "hcw"; did you mean "chw"?
    1 | ...", "input": { "shape": [3, 8, 8], "dtype": "f16", "layout": "hcw", "sclae": 1, "scale": "x",
      |                                                                ^~~~~
options.json:1:103: error: scale must be a number, not a string
    1 | ..., 8], "dtype": "f16", "layout": "hcw", "sclae": 1, "scale": "x",
      |                                                                ^~~
options.json:2:13: error: mean has 2 numbers for 3 channels
    2 |     "mean": [1, 2], "std": 0 },
      |             ^~~~~~
options.json:2:28: error: std must be above 0, not 0
    2 |     "mean": [1, 2], "std": 0 },
      |                            ^
= 1
$ cnnc check std.json
std.json:1:72: error: mean must be a list of 1 to 4 numbers, not of 0
    1 | ...net", "input": { "shape": [3, 8, 8], "std": [1, 2], "mean": [] },
      |                                                                ^~
= 1
$ cnnc check huge.json
huge.json:1:38: error: this is more than 2147483647 elements
    1 | { "name": "net", "input": { "shape": [2147483647, 2147483647] },
      |                                      ^~~~~~~~~~~~~~~~~~~~~~~~
= 1
$ cnnc check larger.json
larger.json:1:39: error: shape must be at most 2147483647, not 2147483648
    1 | { "name": "net", "input": { "shape": [2147483648, 1] },
      |                                       ^~~~~~~~~~
= 1
$ cnnc check override.json --input-shape 3x9
cnnc: error: --input-shape 3x9: input "x" has 3 extents, not 2: x=3x8x8
= 2
$ cnnc check override.json --input-shape y=3x9x9
cnnc: error: --input-shape y=3x9x9: the network has no input of that name
= 2
$ cnnc check override.json --input-shape 3x9xq
cnnc: error: --input-shape 3x9xq is not understood; expected [NAME=]CxHxW, for example 3x224x224
= 2
