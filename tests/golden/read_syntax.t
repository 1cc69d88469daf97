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
$ cnnc check empty.json
empty.json:1:1: error: the file ends too early
    1 | 
      | ^
= 1
$ cnnc check truncated.json
truncated.json:1:40: error: unexpected newline near '"co'
    1 | { "name": "net", "layers": [ { "op": "co
      |                                        ^
= 1
$ cnnc check comma.json
comma.json:1:17: error: string or '}' expected near ','
    1 | { "name": "net",, }
      |                 ^
= 1
$ cnnc check twice.json
twice.json:2:8: error: duplicate object key near '"name"'
    2 |   "name": "net" }
      |        ^
= 1
$ cnnc check nan.json
nan.json:1:13: error: invalid token near 'NaN'
    1 | { "name": NaN }
      |             ^
= 1
$ cnnc check large.json
large.json:1:15: error: the number is too large
    1 | { "name": 1e999 }
      |               ^
= 1
$ cnnc check integer.json
integer.json:1:29: error: the number is too large
    1 | { "name": 9223372036854775808 }
      |                             ^
= 1
$ cnnc check list.json
list.json:1:1: error: a network is a JSON object, not a list
    1 | [1, 2]
      | ^~~~~~
= 1
$ cnnc check trailing.json
trailing.json:1:19: error: end of file expected near '}'
    1 | { "name": "net" } }
      |                   ^
= 1
