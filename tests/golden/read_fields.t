# An operator's fields: kinds and ranges of values, required and unknown keys.
@ fields.json
{ "name": "net", "input": { "shape": [3, 8, 8] },
  "layers": [
    { "op": "conv", "filters": 4 },
    { "op": "conv", "filters": 0, "kernel": 3 },
    { "op": "conv", "filters": 4.5, "kernel": [3, -1] },
    { "op": "conv", "filters": 4, "kernel": 3, "stide": 2 },
    { "op": "conv", "filters": 4, "kernel": 3, "wibble": 2 },
    { "op": "conv", "filters": 4, "kernel": [] },
    { "op": "conv", "filters": 4, "kernel": 3, "pad": "smae" },
    { "op": "conv", "filters": 4, "kernel": 3, "pad": { "lo": 1, "high": 1 } },
    { "op": "conv", "filters": 4, "kernel": 3, "pad": -1 },
    { "op": "conv", "filters": 4, "kernel": 3, "bias": 1 },
    { "op": "conv", "filters": 4, "kernel": 3, "bias": "chanel" },
    { "op": "conv", "filters": 4, "kernel": 3, "flip": "yes" },
    { "op": "conv", "filters": 99999999999, "kernel": 3 },
    { "op": "conv", "filters": 4, "kernel": 3, "connections": [[1, 1, 2]] },
    { "op": "conv", "filters": 4, "kernel": 3, "connections": 5 },
    { "op": "conv", "filters": 4, "kernel": 3, "weights": [[1, 2], [3]] },
    { "op": "conv", "filters": 4, "kernel": 3, "weights": [] },
    { "op": "conv", "filters": 4, "kernel": 3, "weights": [[1, "a"]] },
    { "op": "pool", "kind": "avg", "kernel": 2 },
    { "op": "pool", "kind": 2, "kernel": 2 },
    { "op": "dropout", "p": 1.5 },
    { "op": "leaky_relu", "slope": true },
    { "op": "slice", "step": 0 }
  ] }
$ cnnc check fields.json
fields.json:3:5: error: conv needs "kernel": extents of the window
    3 |     { "op": "conv", "filters": 4 },
      |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
fields.json:4:32: error: filters must be at least 1, not 0
    4 |     { "op": "conv", "filters": 0, "kernel": 3 },
      |                                ^
fields.json:5:32: error: filters must be an integer, not a number with a fraction
    5 |     { "op": "conv", "filters": 4.5, "kernel": [3, -1] },
      |                                ^~~
fields.json:5:51: error: kernel must be at least 1, not -1
    5 |     { "op": "conv", "filters": 4.5, "kernel": [3, -1] },
      |                                                   ^~
fields.json:6:48: error: unknown key "stide"; did you mean "stride"?
    6 |     { "op": "conv", "filters": 4, "kernel": 3, "stide": 2 },
      |                                                ^~~~~~~
fields.json:7:48: error: unknown key "wibble"; expected "filters", "kernel", "stride", "dilation", "pad", "groups", "bias", "connections", "flip", "weights", "op", "name", "from", "share", "freeze", "lr_scale", "decay" or "init"
    7 |     { "op": "conv", "filters": 4, "kernel": 3, "wibble": 2 },
      |                                                ^~~~~~~~
fields.json:8:45: error: kernel must be a list of 1 to 7 integers, not of 0
    8 |     { "op": "conv", "filters": 4, "kernel": [] },
      |                                             ^~
fields.json:9:55: error: pad must be "valid", "same" or "full", not "smae"; did you mean "same"?
    9 |     { "op": "conv", "filters": 4, "kernel": 3, "pad": "smae" },
      |                                                       ^~~~~~
fields.json:10:66: error: unknown key "high"; did you mean "hi"?
   10 | ... "op": "conv", "filters": 4, "kernel": 3, "pad": { "lo": 1, "high": 1 } },
      |                                                                ^~~~~~
fields.json:11:55: error: pad must be at least 0, not -1
   11 |     { "op": "conv", "filters": 4, "kernel": 3, "pad": -1 },
      |                                                       ^~
fields.json:12:56: error: bias must be true, false, "none", "channel" or "position", not an integer
   12 |     { "op": "conv", "filters": 4, "kernel": 3, "bias": 1 },
      |                                                        ^
fields.json:13:56: error: bias must be "none", "channel" or "position", not "chanel"; did you mean "channel"?
   13 |     { "op": "conv", "filters": 4, "kernel": 3, "bias": "chanel" },
      |                                                        ^~~~~~~~
fields.json:14:56: error: flip must be true or false, not a string
   14 |     { "op": "conv", "filters": 4, "kernel": 3, "flip": "yes" },
      |                                                        ^~~~~
fields.json:15:32: error: filters must be at most 2147483647, not 99999999999
   15 |     { "op": "conv", "filters": 99999999999, "kernel": 3 },
      |                                ^~~~~~~~~~~
fields.json:16:63: error: connections must be a table of 0 and 1: a row per output, a column per input channel
   16 | ...  { "op": "conv", "filters": 4, "kernel": 3, "connections": [[1, 1, 2]] },
      |                                                                ^~~~~~~~~~~
fields.json:17:63: error: connections must be a list, not an integer
   17 | ...  { "op": "conv", "filters": 4, "kernel": 3, "connections": 5 },
      |                                                                ^
fields.json:18:68: error: this must be a list of 2 like the first of its level
   18 | ...op": "conv", "filters": 4, "kernel": 3, "weights": [[1, 2], [3]] },
      |                                                                ^~~
fields.json:19:59: error: weights must be numbers in 1 to 8 nested lists, none of them empty
   19 |     { "op": "conv", "filters": 4, "kernel": 3, "weights": [] },
      |                                                           ^~
fields.json:20:64: error: weights must be a number, not a string
   20 | ... { "op": "conv", "filters": 4, "kernel": 3, "weights": [[1, "a"]] },
      |                                                                ^~~
fields.json:21:29: error: kind must be "max", "average" or "l2", not "avg"; did you mean "average"?
   21 |     { "op": "pool", "kind": "avg", "kernel": 2 },
      |                             ^~~~~
fields.json:22:29: error: kind must be "max", "average" or "l2", not an integer
   22 |     { "op": "pool", "kind": 2, "kernel": 2 },
      |                             ^
fields.json:23:29: error: p must be from 0 to 1, not 1.5
   23 |     { "op": "dropout", "p": 1.5 },
      |                             ^~~
fields.json:24:36: error: slope must be a number, not true or false
   24 |     { "op": "leaky_relu", "slope": true },
      |                                    ^~~~
fields.json:25:30: error: step must be at least 1, not 0
   25 |     { "op": "slice", "step": 0 }
      |                              ^
= 1
