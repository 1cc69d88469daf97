# Names of operators and layers, and what "from" may mean.
@ ops.json
{ "name": "net", "input": { "shape": [3, 8, 8] },
  "layers": [
    { "op": "cov", "filters": 4, "kernel": 3 },
    { "op": "transmogrify" },
    { "op": "sgd" },
    { "op": "input" }
  ] }
@ names.json
{ "name": "net", "input": { "shape": [3, 8, 8] },
  "layers": [
    { "op": "relu", "name": "a" },
    { "op": "relu", "name": "a" },
    { "op": "relu", "name": "x" },
    { "op": "relu", "name": "2b" },
    { "op": "relu", "name": "a..b" },
    { "op": "relu", "name": 5 },
    { "op": "relu", "name": "" }
  ] }
@ from.json
{ "name": "net", "input": { "shape": [3, 8, 8] },
  "layers": [
    { "op": "relu", "name": "first" },
    { "op": "relu", "name": "b", "from": "frist" },
    { "op": "add", "from": ["first", "last"] },
    { "op": "add" },
    { "op": "relu", "from": ["first", "b"] },
    { "op": "relu", "from": "@in" },
    { "op": "relu", "from": [] },
    { "op": "relu", "from": 3 },
    { "op": "relu", "from": "nowhere" },
    { "op": "relu", "name": "last" }
  ] }
@ several.json
{ "name": "net", "inputs": { "a": { "shape": [1] }, "b": { "shape": [1] } },
  "layers": [
    { "op": "relu" }
  ] }
$ cnnc check ops.json
ops.json:3:13: error: unknown operator "cov"; did you mean "conv"?
    3 |     { "op": "cov", "filters": 4, "kernel": 3 },
      |             ^~~~~
ops.json:4:13: error: unknown operator "transmogrify"; `cnnc ops` lists what there is
    4 |     { "op": "transmogrify" },
      |             ^~~~~~~~~~~~~~
ops.json:5:13: error: "sgd" is not an operator of a layer
    5 |     { "op": "sgd" },
      |             ^~~~~
ops.json:6:13: error: unknown operator "input"; `cnnc ops` lists what there is
    6 |     { "op": "input" }
      |             ^~~~~~~
= 1
$ cnnc check names.json
names.json:4:29: error: the name "a" is taken
    4 |     { "op": "relu", "name": "a" },
      |                             ^~~
names.json:3:29: note: it is taken here
    3 |     { "op": "relu", "name": "a" },
      |                             ^~~
names.json:5:29: error: the name "x" is taken
    5 |     { "op": "relu", "name": "x" },
      |                             ^~~
names.json:1:27: note: it is taken here
    1 | { "name": "net", "input": { "shape": [3, 8, 8] },
      |                           ^~~~~~~~~~~~~~~~~~~~~~
names.json:6:29: error: "2b" is not a name: letters, digits and _, not beginning with a digit, or parts like that and numbers joined by dots
    6 |     { "op": "relu", "name": "2b" },
      |                             ^~~~
names.json:7:29: error: "a..b" is not a name: letters, digits and _, not beginning with a digit, or parts like that and numbers joined by dots
    7 |     { "op": "relu", "name": "a..b" },
      |                             ^~~~~~
names.json:8:29: error: name must be a string, not an integer
    8 |     { "op": "relu", "name": 5 },
      |                             ^
names.json:9:29: error: "" is not a name: letters, digits and _, not beginning with a digit, or parts like that and numbers joined by dots
    9 |     { "op": "relu", "name": "" }
      |                             ^~
= 1
$ cnnc check from.json
from.json:4:42: error: there is no layer "frist"; did you mean "first"?
    4 |     { "op": "relu", "name": "b", "from": "frist" },
      |                                          ^~~~~~~
from.json:5:38: error: "last" comes later; a layer reads layers above it
    5 |     { "op": "add", "from": ["first", "last"] },
      |                                      ^~~~~~
from.json:6:5: error: add reads at least 2 layers, not 1; name them in "from"
    6 |     { "op": "add" },
      |     ^~~~~~~~~~~~~~~
from.json:7:29: error: relu reads 1 layer, not 2
    7 |     { "op": "relu", "from": ["first", "b"] },
      |                             ^~~~~~~~~~~~~~
from.json:8:29: error: "@in" is the input of a block and means nothing outside
    8 |     { "op": "relu", "from": "@in" },
      |                             ^~~~~
from.json:9:29: error: from names no layer
    9 |     { "op": "relu", "from": [] },
      |                             ^~
from.json:10:29: error: from must be a name or a list of names, not an integer
   10 |     { "op": "relu", "from": 3 },
      |                             ^
from.json:11:29: error: there is no layer "nowhere"
   11 |     { "op": "relu", "from": "nowhere" },
      |                             ^~~~~~~~~
= 1
$ cnnc check several.json
several.json:3:5: error: the first layer needs "from", because there are several inputs
    3 |     { "op": "relu" }
      |     ^~~~~~~~~~~~~~~~
= 1
