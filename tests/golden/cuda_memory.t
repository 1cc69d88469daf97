# Inference by tensor cores: channels lie in blocks of 8, weights are packed with channels last, and memory of what has space
# beside its channels holds as many bits as are multiplied. So it goes for training in bf16; any other keeps f32.
@ net.json
{ "name": "net", "input": { "shape": [3, 8, 8] },
  "layers": [{ "op": "conv", "name": "a", "filters": 16, "kernel": 3, "pad": 1 },
             { "op": "conv", "name": "b", "filters": 12, "kernel": 3 },
             { "op": "conv", "name": "c", "filters": 8, "kernel": 1 },
             { "op": "global_pool", "kind": "average" }, { "op": "dense", "units": 4 }],
  "loss": { "op": "cross_entropy" }, "optimizer": { "op": "sgd" } }
$ cnnc net.json --target sm_80 --dtype bf16 --algo '*=implicit_gemm' --dump=choose -o net.cu | grep buffer
buffer %x: f32[n,3,8,8] input 0 call
buffer %a.weight: f32[16,3,3,3] param 0 load
buffer %a.bias: f32[16] param 1 load
buffer %b.weight: f32[12,16,3,3] param 2 load
buffer %b.bias: f32[12] param 3 load
buffer %c.weight: f32[8,12,1,1] param 4 load
buffer %c.bias: f32[8] param 5 load
buffer %dense1.weight: f32[4,8] param 6 load
buffer %dense1.bias: f32[4] param 7 load
buffer %dense1: f32[n,4] output 0 call
buffer %a: f32[n,16,8,8] work 0 call as bf16 lanes 1:8
buffer %b: f32[n,12,6,6] work 0 call as bf16
buffer %c: f32[n,8,6,6] work 0 call as bf16 lanes 1:8
buffer %global_pool1: f32[n,8,1,1] work 0 call lanes 1:8
buffer %a.packed: f32[16,3,3,3] derived 0 load as bf16
buffer %b.packed: f32[12,3,3,16] derived 0 load as bf16
buffer %c.packed: f32[8,12] derived 0 load as bf16
buffer %dense1.packed: f32[4,8] derived 0 load as bf16
= 0
$ cnnc net.json --target sm_80 --dtype tf32 --algo '*=implicit_gemm' --dump=choose -o net.cu | grep 'buffer %[abc][:.]'
buffer %a.weight: f32[16,3,3,3] param 0 load
buffer %a.bias: f32[16] param 1 load
buffer %b.weight: f32[12,16,3,3] param 2 load
buffer %b.bias: f32[12] param 3 load
buffer %c.weight: f32[8,12,1,1] param 4 load
buffer %c.bias: f32[8] param 5 load
buffer %a: f32[n,16,8,8] work 0 call lanes 1:8
buffer %b: f32[n,12,6,6] work 0 call
buffer %c: f32[n,8,6,6] work 0 call lanes 1:8
buffer %a.packed: f32[16,3,3,3] derived 0 load
buffer %b.packed: f32[12,3,3,16] derived 0 load
buffer %c.packed: f32[8,12] derived 0 load
= 0
$ cnnc net.json --target sm_80 --dtype f32 --algo '*=implicit_gemm' --dump=choose -o net.cu | grep 'buffer %[abc][:.]'
buffer %a.weight: f32[16,3,3,3] param 0 load
buffer %a.bias: f32[16] param 1 load
buffer %b.weight: f32[12,16,3,3] param 2 load
buffer %b.bias: f32[12] param 3 load
buffer %c.weight: f32[8,12,1,1] param 4 load
buffer %c.bias: f32[8] param 5 load
buffer %a: f32[n,16,8,8] work 0 call
buffer %b: f32[n,12,6,6] work 0 call
buffer %c: f32[n,8,6,6] work 0 call
= 0
$ cnnc net.json --target sm_80 --dtype bf16 --train --algo '*=implicit_gemm' --dump=choose -o net.cu | grep 'buffer %[abc]:'
buffer %a: f32[n,16,8,8] work 0 call as bf16 lanes 1:8
buffer %b: f32[n,12,6,6] work 0 call as bf16
buffer %c: f32[n,8,6,6] work 0 call as bf16 lanes 1:8
= 0
$ cnnc net.json --target sm_80 --dtype f16 --train --algo '*=implicit_gemm' --dump=choose -o net.cu | grep 'buffer %[abc]:'
buffer %a: f32[n,16,8,8] work 0 call
buffer %b: f32[n,12,6,6] work 0 call
buffer %c: f32[n,8,6,6] work 0 call
= 0
