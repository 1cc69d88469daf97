# Weights that positions share lie in memory once, whatever algorithm reads them; remainders of what may be negative are
# none of C's.
@ tiled.json
{ "name": "tiled", "input": { "shape": [3, 12, 12] },
  "layers": [{ "op": "tiled", "name": "a", "filters": 16, "period": 2, "kernel": 3, "bias": false },
             { "op": "tiled", "name": "b", "filters": 8, "period": 3, "kernel": 3, "bias": false }],
  "loss": { "op": "mse" }, "optimizer": { "op": "sgd", "lr": 0.1 } }
$ cnnc info tiled.json --target generic | grep -o 'parameters [0-9]*, packed [0-9]*'
parameters 48384, packed 48384
= 0
$ cnnc tiled.json --target generic -o tiled.c && grep -o ' % 2)' tiled.c | sort | uniq -c | tr -s ' '
 2 % 2)
= 0
$ cnnc tiled.json --train --target generic -o train.c && grep -h '_at = ' train.c
            const int in0_0_at = h - kh + 3;
              const int in0_1_at = w - kw + 3;
= 0
