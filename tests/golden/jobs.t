# Kernels are cut into jobs between whole vectors, also of what lies in rows.
@ wide.json
{ "name": "wide", "input": { "shape": [4096] }, "layers": [{ "op": "dense", "name": "d", "units": 1000, "bias": false }],
  "loss": { "op": "cross_entropy" }, "optimizer": { "op": "sgd", "lr": 0.1 } }
$ cnnc wide.json --train --batch 8 --target avx512 --dump=nest -o wide.c | grep -B 3 'd wgrad:' | sed 's/ tile [^ ]*//'
  parallel k<1000 by 16 {
    parallel c<4096 by 2048 {
      run gemm f32 bind k=0:1,0,1 c=1:1,0,1
        d wgrad: k<1000 c<4096 | n<n
= 0
