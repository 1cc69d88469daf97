# Text that is not JSON, or not a network: the message says where it stops being one.
@ empty.json

@ truncated.json
{ "name": "net", "layers": [ { "op": "co
@ comma.json
{ "name": "net",, }
@ twice.json
{ "name": "net",
  "name": "net" }
@ nan.json
{ "name": NaN }
@ large.json
{ "name": 1e999 }
@ integer.json
{ "name": 9223372036854775808 }
@ list.json
[1, 2]
@ trailing.json
{ "name": "net" } }
@ comment.json
{ "name": "net", // the smallest one
  "input": { "shape": [1, 4, 4] }, "layers": [{ "op": "relu" }] }
@ quotes.json
{ 'name': 'net', 'input': { 'shape': [1, 4, 4] }, 'layers': [{ 'op': 'relu' }] }
@ tail.json
{ "name": "net", "input": { "shape": [1, 4, 4] },
  "layers": [{ "op": "relu" }, ] }
@ colon.json
{ "name" "net", "input": { "shape": [1, 4, 4] }, "layers": [{ "op": "relu" }] }
@ no_comma.json
{ "name": "net"
  "input": { "shape": [1, 4, 4] }, "layers": [{ "op": "relu" }] }
@ bracket.json
{ "name": "net", "input": { "shape": [1, 4, 4 }, "layers": [{ "op": "relu" }] }
@ true.json
{ "name": "net", "input": { "shape": [1, 4] }, "layers": [{ "op": "conv", "filters": 1, "kernel": 1, "bias": True }] }
@ zero.json
{ "name": "net", "input": { "shape": [1, 04, 4] }, "layers": [{ "op": "relu" }] }
@ point.json
{ "name": "net", "input": { "shape": [4] }, "layers": [{ "op": "leaky_relu", "slope": .1 }] }
@ escape.json
{ "name": "n\qt", "input": { "shape": [4] }, "layers": [{ "op": "relu" }] }
@ character.json
{ "name": "n\u0000t", "input": { "shape": [4] }, "layers": [{ "op": "relu" }] }
$ cnnc check empty.json
empty.json:1:1: error: the file ends too early
    1 | 
      | ^
= 1
$ cnnc check truncated.json
truncated.json:1:38: error: a string ends on its line; a line break in it is \n
    1 | { "name": "net", "layers": [ { "op": "co
      |                                      ^~~
= 1
$ cnnc check comma.json
comma.json:1:17: error: a key in double quotes or "}" is expected, not ","; here is a comma too many
    1 | { "name": "net",, }
      |                 ^
= 1
$ cnnc check twice.json
twice.json:2:3: error: the key "name" is there twice
    2 |   "name": "net" }
      |   ^~~~~~
= 1
$ cnnc check nan.json
nan.json:1:11: error: this is not JSON; a number must be finite
    1 | { "name": NaN }
      |           ^~~
= 1
$ cnnc check large.json
large.json:1:11: error: the number is too large
    1 | { "name": 1e999 }
      |           ^~~~~
= 1
$ cnnc check integer.json
integer.json:1:11: error: the number is too large
    1 | { "name": 9223372036854775808 }
      |           ^~~~~~~~~~~~~~~~~~~
= 1
$ cnnc check list.json
list.json:1:1: error: a network is a JSON object, not a list
    1 | [1, 2]
      | ^~~~~~
= 1
$ cnnc check trailing.json
trailing.json:1:19: error: the file goes on behind the network
    1 | { "name": "net" } }
      |                   ^
= 1
$ cnnc check comment.json
comment.json:1:18: error: a key in double quotes or "}" is expected, not "/"; JSON has no comments
    1 | { "name": "net", // the smallest one
      |                  ^
= 1
$ cnnc check quotes.json
quotes.json:1:3: error: a key in double quotes or "}" is expected, not "'"; strings and keys stand in double quotes
    1 | { 'name': 'net', 'input': { 'shape': [1, 4, 4] }, 'layers': [{ 'op': 'relu' }] }
      |   ^
= 1
$ cnnc check tail.json
tail.json:2:32: error: a value is expected, not "]"; the comma before it is one too many
    2 |   "layers": [{ "op": "relu" }, ] }
      |                                ^
= 1
$ cnnc check colon.json
colon.json:1:10: error: ":" is expected, not "net"
    1 | { "name" "net", "input": { "shape": [1, 4, 4] }, "layers": [{ "op": "relu" }] }
      |          ^~~~~
= 1
$ cnnc check no_comma.json
no_comma.json:2:3: error: "," or "}" is expected, not "input"; a comma is missing before it
    2 |   "input": { "shape": [1, 4, 4] }, "layers": [{ "op": "relu" }] }
      |   ^~~~~~~
= 1
$ cnnc check bracket.json
bracket.json:1:47: error: "," or "]" is expected, not "}"
    1 | { "name": "net", "input": { "shape": [1, 4, 4 }, "layers": [{ "op": "relu" }] }
      |                                               ^
= 1
$ cnnc check true.json
true.json:1:110: error: this is not JSON; JSON writes true
    1 | ...ayers": [{ "op": "conv", "filters": 1, "kernel": 1, "bias": True }] }
      |                                                                ^~~~
= 1
$ cnnc check zero.json
zero.json:1:42: error: this is not JSON; a number has no zeros in front
    1 | { "name": "net", "input": { "shape": [1, 04, 4] }, "layers": [{ "op": "relu" }] }
      |                                          ^
= 1
$ cnnc check point.json
point.json:1:87: error: this is not JSON; a number begins with a digit, such as 0.1
    1 | ...{ "shape": [4] }, "layers": [{ "op": "leaky_relu", "slope": .1 }] }
      |                                                                ^
= 1
$ cnnc check escape.json
escape.json:1:11: error: a string has no such escape
    1 | { "name": "n\qt", "input": { "shape": [4] }, "layers": [{ "op": "relu" }] }
      |           ^~~~
= 1
$ cnnc check character.json
character.json:1:11: error: a string has no character \u0000
    1 | { "name": "n\u0000t", "input": { "shape": [4] }, "layers": [{ "op": "relu" }] }
      |           ^~~~~~~~~~
= 1
$ printf '\357\273\277{ "name": "net" }' > mark.json; cnnc check mark.json
mark.json:1:1: error: "{" is expected, not "﻿"; save the file without a byte order mark
    1 | ﻿{ "name": "net" }
      | ^
= 1
$ printf '{ "name": "n\351t" }' > latin.json; cnnc check latin.json
latin.json:1:11: error: the file is not UTF-8
    1 | { "name": "n?t" }
      |           ^~
= 1
$ printf '\377\376{\000 \000"\000' > wide.json; cnnc check wide.json
wide.json:1:1: error: the file is not UTF-8
    1 | ??{? ?"?
      | ^
= 1
$ (yes '[' | head -n 100000; yes ']' | head -n 100000) > deep.json; cnnc check deep.json
deep.json:2049:1: error: the nesting is too deep
 2049 | [
      | ^
= 1
$ (printf '{ "a": '; yes '{ "a": ' | head -n 2000) > deeper.json; cnnc check deeper.json
deeper.json:2000:8: error: the file ends too early
 2000 | { "a": 
      |        ^
= 1
