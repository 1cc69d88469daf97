# Keys of the document: what is missing, unknown or of the wrong kind, all in one run.
@ nothing.json
{}
@ keys.json
{ "name": "net", "inptu": { "shape": [3, 8, 8] }, "layer": [], "colour": 1,
  "source": 1, "layers": {}, "blocks": [] }
@ name.json
{ "name": "my net", "input": { "shape": [1, 4, 4] }, "layers": [{ "op": "relu" }] }
@ number.json
{ "name": "3d", "input": { "shape": [1, 4, 4] }, "layers": [{ "op": "relu" }] }
@ dotted.json
{ "name": "a.b", "input": { "shape": [1, 4, 4] }, "layers": [{ "op": "relu" }] }
@ kinds.json
{ "name": 7, "input": [1, 4, 4], "layers": [7, { "op": "relu" }, { "name": "x" }, { "op": 7 }],
  "outputs": 3, "loss": "mse", "optimizer": "sgd" }
$ cnnc check nothing.json
nothing.json:1:1: error: a network needs a "name"
    1 | {}
      | ^~
nothing.json:1:1: error: a network needs "input": { "shape": [...] }
    1 | {}
      | ^~
nothing.json:1:1: error: a network needs "layers": a list
    1 | {}
      | ^~
= 1
$ cnnc check keys.json
keys.json:1:18: error: unknown key "inptu"; did you mean "input"?
    1 | { "name": "net", "inptu": { "shape": [3, 8, 8] }, "layer": [], "colour": 1,
      |                  ^~~~~~~
keys.json:1:51: error: unknown key "layer"; did you mean "layers"?
    1 | { "name": "net", "inptu": { "shape": [3, 8, 8] }, "layer": [], "colour": 1,
      |                                                   ^~~~~~~
keys.json:1:64: error: unknown key "colour"; expected "name", "source", "input", "inputs", "outputs", "layers", "blocks", "loss", "losses" or "optimizer"
    1 | ...name": "net", "inptu": { "shape": [3, 8, 8] }, "layer": [], "colour": 1,
      |                                                                ^~~~~~~~
keys.json:2:13: error: source must be a string, not an integer
    2 |   "source": 1, "layers": {}, "blocks": [] }
      |             ^
keys.json:1:1: error: a network needs "input": { "shape": [...] }
    1 | { "name": "net", "inptu": { "shape": [3, 8, 8] }, "layer": [], "colour": 1,
      | ^
keys.json:2:40: error: blocks must be an object of names and blocks, not a list
    2 |   "source": 1, "layers": {}, "blocks": [] }
      |                                        ^~
keys.json:2:26: error: layers must be a list of at least one layer, not an object
    2 |   "source": 1, "layers": {}, "blocks": [] }
      |                          ^~
= 1
$ cnnc check name.json
name.json:1:11: error: "my net" cannot begin the names of a library: up to 100 letters, digits and _, not beginning with a digit
    1 | { "name": "my net", "input": { "shape": [1, 4, 4] }, "layers": [{ "op": "relu" }] }
      |           ^~~~~~~~
= 1
$ cnnc check number.json
number.json:1:11: error: "3d" cannot begin the names of a library: up to 100 letters, digits and _, not beginning with a digit
    1 | { "name": "3d", "input": { "shape": [1, 4, 4] }, "layers": [{ "op": "relu" }] }
      |           ^~~~
= 1
$ cnnc check dotted.json
dotted.json:1:11: error: "a.b" cannot begin the names of a library: up to 100 letters, digits and _, not beginning with a digit
    1 | { "name": "a.b", "input": { "shape": [1, 4, 4] }, "layers": [{ "op": "relu" }] }
      |           ^~~~~
= 1
$ cnnc check kinds.json
kinds.json:1:11: error: name must be a string, not an integer
    1 | { "name": 7, "input": [1, 4, 4], "layers": [7, { "op": "relu" }, { "name": "x" }, { "op": 7 }],
      |           ^
kinds.json:1:23: error: an input must be an object with "shape", not a list
    1 | { "name": 7, "input": [1, 4, 4], "layers": [7, { "op": "relu" }, { "name": "x" }, { "op": 7 }],
      |                       ^~~~~~~~~
kinds.json:1:45: error: a layer must be an object, not an integer
    1 | { "name": 7, "input": [1, 4, 4], "layers": [7, { "op": "relu" }, { "name": "x" }, { "op": 7 }],
      |                                             ^
kinds.json:1:66: error: "op" must name an operator of a layer
    1 | ...me": 7, "input": [1, 4, 4], "layers": [7, { "op": "relu" }, { "name": "x" }, { "op": 7 }],
      |                                                                ^~~~~~~~~~~~~~~
kinds.json:1:76: error: the name "x" is taken
    1 | ...nput": [1, 4, 4], "layers": [7, { "op": "relu" }, { "name": "x" }, { "op": 7 }],
      |                                                                ^~~
kinds.json:1:23: note: it is taken here
    1 | { "name": 7, "input": [1, 4, 4], "layers": [7, { "op": "relu" }, { "name": "x" }, { "op": 7 }],
      |                       ^~~~~~~~~
kinds.json:1:91: error: "op" must name an operator of a layer, not an integer
    1 | ...], "layers": [7, { "op": "relu" }, { "name": "x" }, { "op": 7 }],
      |                                                                ^
kinds.json:2:14: error: outputs must be a name or a list of names, not an integer
    2 |   "outputs": 3, "loss": "mse", "optimizer": "sgd" }
      |              ^
kinds.json:2:25: error: a loss must be an object with "op", not a string
    2 |   "outputs": 3, "loss": "mse", "optimizer": "sgd" }
      |                         ^~~~~
kinds.json:2:45: error: optimizer must be an object with "op", not a string
    2 |   "outputs": 3, "loss": "mse", "optimizer": "sgd" }
      |                                             ^~~~~
= 1
