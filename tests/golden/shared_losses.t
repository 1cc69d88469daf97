# Layers with the same parameters, of which inference needs the one that shares them and training both: they are made once.
@ shared.json
{ "name": "shared", "input": { "shape": [4] },
  "layers": [
    { "op": "dense", "name": "a", "units": 4 },
    { "op": "dense", "name": "b", "from": "x", "units": 4, "share": "a" }
  ],
  "losses": [{ "op": "cross_entropy", "from": "a" }, { "op": "cross_entropy", "from": "b" }],
  "optimizer": { "op": "sgd", "lr": 0.1 } }
$ cnnc info shared.json --train --target generic | head -n 4
layer  op             output          parameters           MACs     operations      field      saved
a      dense          4                       20              0              0                     0
b      dense          4                        0             16             32                    16
total                                         20             16             32                    16
= 0
$ cnnc info shared.json --target generic | head -n 4
layer  op             output          parameters           MACs     operations      field      saved
b      dense          4                       20             16             32                     0
total                                         20             16             32                     0

= 0
$ cnnc shared.json --train --target generic -o shared.c
= 0
