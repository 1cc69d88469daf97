# What info counts, against figures that anybody can check.
@ edges.json
{ "name": "edges", "input": { "shape": [1, 280, 320] },
  "layers": [{ "op": "conv", "name": "edge", "filters": 1, "kernel": [1, 2], "bias": false }] }
@ quarter.json
{ "name": "quarter", "input": { "shape": [1, 70, 320] },
  "layers": [{ "op": "dense", "units": 89320, "bias": false }] }
@ ten.json
{ "name": "ten", "input": { "shape": [3, 32, 32] },
  "layers": [{ "op": "conv", "name": "c", "filters": 10, "kernel": 5, "pad": 2 }] }
@ floor.json
{ "name": "floor", "input": { "shape": [1, 10, 11] },
  "layers": [{ "op": "conv", "name": "a", "filters": 1, "kernel": 3, "stride": 3 },
             { "op": "pool", "name": "b", "kind": "max", "kernel": 2, "stride": 2 }] }
@ stack.json
{ "name": "stack", "input": { "shape": [1, 9, 9] },
  "layers": [{ "op": "conv", "name": "a", "filters": 2, "kernel": 3 }, { "op": "conv", "name": "b", "filters": 2, "kernel": 3 },
             { "op": "conv", "name": "c", "filters": 2, "kernel": 3 }] }
@ drop.json
{ "name": "drop", "input": { "shape": [1, 9] },
  "layers": [{ "op": "conv", "filters": 4, "kernel": 3 }, { "op": "dropout" }, { "op": "dense", "units": 2 }] }
@ bottleneck.json
{ "name": "bottleneck", "input": { "shape": [256, 14, 14] },
  "layers": [{ "op": "conv", "name": "reduce", "filters": 64, "kernel": 1, "bias": false },
             { "op": "conv", "name": "middle", "filters": 64, "kernel": 3, "pad": 1, "bias": false },
             { "op": "conv", "name": "expand", "filters": 256, "kernel": 1, "bias": false }] }
@ plain.json
{ "name": "plain", "input": { "shape": [256, 14, 14] },
  "layers": [{ "op": "conv", "name": "c", "filters": 256, "kernel": 3, "pad": 1, "bias": false }] }
@ shuffle.json
{ "name": "shuffle", "input": { "shape": [8, 9, 7] },
  "layers": [{ "op": "conv", "name": "a", "filters": 8, "kernel": 3 }, { "op": "channel_shuffle", "name": "s", "groups": 2 },
             { "op": "conv", "name": "b", "filters": 4, "kernel": 3, "groups": 4 },
             { "op": "transpose", "name": "t", "order": [0, 2, 1] }, { "op": "conv", "name": "c", "filters": 2, "kernel": [3, 1] },
             { "op": "flatten", "name": "f" }] }
$ cnnc info edges.json --target generic | awk '$1 == "edge" || $1 == "total"' | tr -s ' '
edge conv 1x280x319 2 178640 267960 1x2 0
total 2 178640 267960 0
= 0
$ echo the edges as a dense matrix: 4 times $(cnnc info quarter.json --target generic | awk '$1 == "total" { print $3 }')
the edges as a dense matrix: 4 times 2000768000
= 0
$ cnnc info ten.json --target generic | awk '$1 == "c" { print $3, $4 }'
10x32x32 760
= 0
$ cnnc info floor.json --target generic | awk '$1 == "a" || $1 == "b" { print $3 }'
1x3x3
1x1x1
= 0
$ cnnc info stack.json --target generic | awk '$2 == "conv" { print $7 }'
3x3
5x5
7x7
= 0
$ cnnc info shuffle.json --target generic | awk 'NF == 8 { print $1, $7 }'
layer field
a 3x3
s 3x3
b 5x5
t 5x5
c 5x7
f 9x7
= 0
$ cnnc info drop.json --target generic | awk '$2 == "dropout" { print $3, $7 }'
4x7 3
= 0
$ cnnc info bottleneck.json --target generic | awk '$1 == "total" { print $2 }'
69632
= 0
$ cnnc info plain.json --target generic | awk '$1 == "total" { print $2 }'
589824
= 0
$ cnnc info $MODELS/lenet5.json --json --target generic --weights-as file
cnnc: error: `cnnc info` has no option --weights-as
= 2
$ cnnc info $MODELS/lenet5.json --json --target generic | tr -d ' \n' | cut -c 1-160
{"name":"lenet5","layers":[{"name":"c1","op":"conv","output":[6,28,28],"parameters":156,"macs":117600,"operations":235200,"saved_bytes":0,"receptive_field":[5,5
= 0
$ cnnc info $MODELS/lenet5.json --json --target generic | tr -d ' \n' | grep -o '"totals":{[^}]*}'
"totals":{"parameters":61706,"macs":416520,"operations":833040,"saved_bytes":32336}
= 0
