# Frozen layers: no weight gradients, and no data gradients below the lowest layer that is trained.
@ frozen.json
{ "name": "frozen", "input": { "shape": [3, 12, 12] },
  "layers": [{ "op": "conv", "name": "a", "filters": 4, "kernel": 3, "freeze": true }, { "op": "relu" },
             { "op": "conv", "name": "b", "filters": 4, "kernel": 3, "freeze": true }, { "op": "batch_norm", "name": "n", "freeze": true },
             { "op": "conv", "name": "c", "filters": 4, "kernel": 3 }, { "op": "tanh" },
             { "op": "conv", "name": "d", "filters": 4, "kernel": 3, "freeze": true }, { "op": "relu" },
             { "op": "dense", "name": "e", "units": 2 }],
  "loss": { "op": "cross_entropy" }, "optimizer": { "op": "sgd", "lr": 0.1, "momentum": 0.9 } }
@ kernels
# The kernels of layers, in the order in which they run; those of the loss apart.
/^entry/p; /^    loss/d; s/^    \([^:]*\):.*/  \1/p
$ cnnc frozen.json --train --target generic --dump=fuse | sed -n '/^entry backward/,$p' | sed -nf kernels | wc -l
12
= 0
$ cnnc frozen.json --train --target generic --dump=fuse | sed -n '/^entry backward/,$p' | sed -nf kernels
entry backward work 0 worker 0 live 0
  e wgrad
  e dgrad
  d dgrad
  c wgrad
  e wgrad
  c wgrad
entry step work 0 worker 0 live 0
  c.weight
  c.bias
  e.weight
  e.bias
= 0
$ cnnc frozen.json --train --target generic --dump=fuse | grep -c '^buffer .* kept '
6
= 0
$ cnnc frozen.json --train --target generic --dump=fuse | sed -n 's/^buffer %\([^ ]*\): .* \(grad\|state\|kept\) .*/\2 \1/p' | grep -v loss
grad c.weight.2
grad c.bias.2
grad e.weight.2
grad e.bias.2
state c.weight.momentum
state c.bias.momentum
state e.weight.momentum
state e.bias.momentum
kept n.5
kept c.2
kept d.2
= 0
