# What each pass makes of a small network, in text form.
@ fold.json
{ "name": "fold", "input": { "shape": [8, 4, 4] },
  "layers": [{ "op": "conv", "name": "c1", "filters": 4, "kernel": 1 },
             { "op": "batch_norm", "name": "b1" }, { "op": "relu" }] }
@ residual.json
{ "name": "residual", "input": { "shape": [8, 4, 4] },
  "layers": [{ "op": "conv", "name": "c1", "filters": 16, "kernel": 1, "bias": false }, { "op": "relu", "name": "r1" },
             { "op": "conv", "name": "c2", "filters": 16, "kernel": 3, "pad": 1, "bias": false },
             { "op": "add", "from": ["c2", "r1"] }, { "op": "relu" }] }
@ concat.json
{ "name": "concat", "input": { "shape": [8, 4, 4] },
  "layers": [{ "op": "conv", "name": "c1", "filters": 16, "kernel": 1, "bias": false },
             { "op": "conv", "name": "c2", "from": "c1", "filters": 32, "kernel": 1, "bias": false },
             { "op": "conv", "name": "c3", "from": "c1", "filters": 16, "kernel": 1, "bias": false },
             { "op": "concat", "name": "both", "from": ["c2", "c3"] }] }
@ pool.json
{ "name": "pool", "input": { "shape": [1, 28, 28] },
  "layers": [{ "op": "conv", "name": "c1", "filters": 6, "kernel": 5, "pad": 2, "bias": false }, { "op": "relu" },
             { "op": "pool", "name": "s2", "kind": "max", "kernel": 2 }] }
@ pad.json
{ "name": "pad", "input": { "shape": [2, 3] }, "layers": [{ "op": "pad", "name": "p", "axis": 1, "lo": 1, "hi": 1 }] }
@ step.json
{ "name": "step", "input": { "shape": [4] }, "layers": [{ "op": "dense", "name": "d", "units": 3, "bias": false }],
  "loss": { "op": "mse" }, "optimizer": { "op": "sgd", "momentum": 0.9 } }
@ moments.json
{ "name": "moments", "input": { "shape": [4] }, "layers": [{ "op": "dense", "name": "d", "units": 3, "bias": false }],
  "loss": { "op": "mse" }, "optimizer": { "op": "rmsprop", "momentum": 0.9, "centered": true } }
@ steady
# Tiles, estimates and places follow the machine model; what the passes do does not.
s/ tile [^ ]*//; /^choice/d; /^bytes/d; /^entry prepare/d
$ cnnc fold.json --dump=fold -o fold.c
cnnc: note: target native is avx512
---- fold
graph fold
%0 = input x : f32[n,8,4,4]
%1 = param c1.weight : f32[4,8,1,1] weight init default fan 8 4 trainable decay
%2 = param c1.bias : f32[4] bias init default fan 8 4 trainable decay
%3 = param b1.weight : f32[4] scale init constant value 1 fan 4 4 trainable decay
%4 = param b1.bias : f32[4] scale init constant fan 4 4 trainable decay
%5 = param b1.running_mean : f32[4] statistic init constant fan 4 4 decay
%6 = param b1.running_var : f32[4] statistic init constant value 1 fan 4 4 decay
%7 = conv(%0, %1) {filters 4 kernel [1,1] stride [1,1] dilation [1,1] pad [0,0]:[0,0] bias none} : f32[n,4,4,4] # c1
%8 = broadcast(%2) {axis [1] per_n [1,0,0,0] plus [0,4,4,4]} : f32[n,4,4,4] # c1
%9 = add(%7, %8) : f32[n,4,4,4] # c1
%10 = broadcast(%5) {axis [1] per_n [1,0,0,0] plus [0,4,4,4]} : f32[n,4,4,4] # b1
%11 = broadcast(%6) {axis [1] per_n [1,0,0,0] plus [0,4,4,4]} : f32[n,4,4,4] # b1
%12 = broadcast(%3) {axis [1] per_n [1,0,0,0] plus [0,4,4,4]} : f32[n,4,4,4] # b1
%13 = broadcast(%4) {axis [1] per_n [1,0,0,0] plus [0,4,4,4]} : f32[n,4,4,4] # b1
%14 = kernel(%1, %6, %3) {
_: i0<4 i1<8
  in0 = %1[i0, i1, 0, 0]
  in1 = %6[i0]
  in2 = %3[i0]
  %14[i0, i1, 0, 0] = in0*(in2*(1/sqrt(in1 + 1e-05)))
} : f32[4,8,1,1] # c1
%15 = conv(%0, %14) {filters 4 kernel [1,1] stride [1,1] dilation [1,1] pad [0,0]:[0,0] bias none} : f32[n,4,4,4] # c1
%16 = kernel(%5, %6, %3, %4, %2) {
_: i0<4
  in0 = %5[i0]
  in1 = %6[i0]
  in2 = %3[i0]
  in3 = %4[i0]
  in4 = %2[i0]
  %16[i0] = in3 + (in4 - in0)*(in2*(1/sqrt(in1 + 1e-05)))
} : f32[4] # b1
%17 = broadcast(%16) {axis [1] per_n [1,0,0,0] plus [0,4,4,4]} : f32[n,4,4,4] # b1
%18 = add(%15, %17) : f32[n,4,4,4] # b1
%19 = relu(%18) : f32[n,4,4,4] # relu1
layer c1 conv (%0) -> %9 params 0 2 {filters 4 kernel [1] pad [0]}
layer b1 batch_norm (%9) -> %18 params 2 4
layer relu1 relu (%18) -> %19 params 0 0
entry forward
  want relu1 = %19
= 0
$ cnnc residual.json --target avx512 --dump=fuse --dump=choose -o residual.c | sed -f steady
---- fuse
plan residual target avx512 batch 1
buffer %x: f32[n,8,4,4] input 0 call
buffer %c1.weight: f32[16,8,1,1] param 0 load
buffer %c2.weight: f32[16,16,3,3] param 1 load
buffer %relu1: f32[n,16,4,4] output 0 call
buffer %c1: f32[n,16,4,4] work 0 call
entry forward work 0 worker 0 live 0
  run plain f32 macs 2048 covers "c1 + r1"
    c1: n<n k<16 oh<4 ow<4 | c<8
      in0 = %x[n, c, oh, ow]
      in1 = %c1.weight[k, c, 0, 0]
      acc0 = sum in0*in1
      %c1[n, k, oh, ow] = max(0, acc0)
  run plain f32 macs 36864 covers "c2 + add1 + relu1"
    c2: n<n k<16 oh<4 ow<4 | c<16 kh<3 kw<3
      in0 = %c1[n, c, oh + kh - 1, ow + kw - 1] fill 0
      in1 = %c2.weight[k, c, kh, kw]
      in2 = %c1[n, k, oh, ow]
      acc0 = sum in0*in1
      %relu1[n, k, oh, ow] = max(0, in2 + acc0)
---- choose
plan residual target avx512 batch 1
buffer %x: f32[n,8,4,4] input 0 call
buffer %c1.weight: f32[16,8,1,1] param 0 load
buffer %c2.weight: f32[16,16,3,3] param 1 load
buffer %relu1: f32[n,16,4,4] output 0 call
buffer %c1: f32[n,16,4,4] work 0 call lanes 1:16 margin 0:0,0:0,1:1,1:1
buffer %c1.packed: f32[16,8] derived 0 load lanes 0:16
buffer %relu1.moved: f32[n,16,4,4] work 0 call lanes 1:16
buffer %c2.packed: f32[16,3,3,16] derived 0 load lanes 0:16
  run plain f32
    c1: k<16 c<8
      in0 = %c1.weight[k, c, 0, 0]
      %c1.packed[k, c] = in0
  run plain f32
    c2: k<16 kh<3 kw<3 c<16
      in0 = %c2.weight[k, c, kh, kw]
      %c2.packed[k, kh, kw, c] = in0
entry forward work 0 worker 0 live 0
  run gemm f32 macs 2048 covers "c1 + r1"
    c1: n<n k<16 oh<4 ow<4 | c<8
      in0 = %x[n, c, oh, ow]
      in1 = %c1.packed[k, c]
      acc0 = sum in0*in1
      %c1[n, k, oh, ow] = max(0, acc0)
  run direct f32 macs 36864 covers "c2 + add1 + relu1"
    c2: n<n k<16 oh<4 ow<4 | kh<3 kw<3 c<16
      in0 = %c1[n, c, oh + kh - 1, ow + kw - 1] fill 0
      in1 = %c2.packed[k, kh, kw, c]
      in2 = %c1[n, k, oh, ow]
      acc0 = sum in0*in1
      %relu1.moved[n, k, oh, ow] = max(0, in2 + acc0)
  run plain f32
    relu1: n<n c<16 h<4 w<4
      in0 = %relu1.moved[n, c, h, w]
      %relu1[n, c, h, w] = in0
= 0
$ cnnc concat.json --target avx512 --dump=fuse -o concat.c | sed -f steady
---- fuse
plan concat target avx512 batch 1
buffer %x: f32[n,8,4,4] input 0 call
buffer %c1.weight: f32[16,8,1,1] param 0 load
buffer %c2.weight: f32[32,16,1,1] param 1 load
buffer %c3.weight: f32[16,16,1,1] param 2 load
buffer %both: f32[n,48,4,4] output 0 call
buffer %c1: f32[n,16,4,4] work 0 call
entry forward work 0 worker 0 live 0
  run plain f32 macs 2048
    c1: n<n k<16 oh<4 ow<4 | c<8
      in0 = %x[n, c, oh, ow]
      in1 = %c1.weight[k, c, 0, 0]
      acc0 = sum in0*in1
      %c1[n, k, oh, ow] = acc0
  run plain f32 macs 8192 covers "c2 + both"
    c2: n<n k<32 oh<4 ow<4 | c<16
      in0 = %c1[n, c, oh, ow]
      in1 = %c2.weight[k, c, 0, 0]
      acc0 = sum in0*in1
      %both[n, k, oh, ow] = acc0
  run plain f32 macs 4096 covers "c3 + both"
    c3: n<n k<16 oh<4 ow<4 | c<16
      in0 = %c1[n, c, oh, ow]
      in1 = %c3.weight[k, c, 0, 0]
      acc0 = sum in0*in1
      %both[n, k + 32, oh, ow] = acc0
= 0
$ cnnc pool.json --target avx512 --dump=nest -o pool.c | sed -f steady
---- nest
plan pool target avx512 batch 1
buffer %x: f32[n,1,28,28] input 0 call
buffer %c1.weight: f32[6,1,5,5] param 0 load
buffer %s2: f32[n,6,14,14] output 0 call
buffer %c1: f32[n,6,28,28] work 0 call lanes 1:16 depth 2 part 0:1,0,1,1 1:1,0,1,16 -1:0,0,0,0 -1:0,0,0,0
buffer %c1.packed: f32[6,5,5] derived 0 load lanes 0:16
buffer %s2.moved: f32[n,6,14,14] work 0 call lanes 1:16
buffer %x.moved: f32[n,1,28,28] work 0 call margin 0:0,0:0,2:2,2:2
  run plain f32
    c1: k<6 kh<5 kw<5
      in0 = %c1.weight[k, 0, kh, kw]
      %c1.packed[k, kh, kw] = in0
entry forward work 0 worker 0 live 0
  run plain f32
    x.moved: n<n h<28 w<28
      in0 = %x[n, 0, h, w]
      %x.moved[n, 0, h, w] = in0
  loop n<n by 1 {
    loop c<6 by 16 {
      run direct f32 macs 117600 covers "c1 + relu1" bind n=0:1,0,1 k=1:1,0,1
        c1: n<n k<6 oh<28 ow<28 | kh<5 kw<5
          in0 = %x.moved[n, 0, oh + kh - 2, ow + kw - 2] fill 0
          in1 = %c1.packed[k, kh, kw]
          acc0 = sum in0*in1
          %c1[n, k, oh, ow] = max(0, acc0)
      run plain f32 bind n=0:1,0,1 c=1:1,0,1
        s2: n<n c<6 oh<14 ow<14 | kh<2 kw<2
          in0 = %c1[n, c, 2*oh + kh, 2*ow + kw]
          acc0 = max in0
          %s2.moved[n, c, oh, ow] = acc0
    }
  }
  run plain f32
    s2: n<n c<6 h<14 w<14
      in0 = %s2.moved[n, c, h, w]
      %s2[n, c, h, w] = in0
= 0
$ cnnc pad.json --target avx512 --dump=split -o pad.c | sed -f steady
---- split
plan pad target avx512 batch 1
buffer %x: f32[n,2,3] input 0 call
buffer %p: f32[n,2,5] output 0 call
entry forward work 0 worker 0 live 0
  run plain f32
    p: n<n c<2
      %p[n, c, 0] = 0
  run plain f32
    p: n<n c<2 w<3
      in0 = %x[n, c, w]
      %p[n, c, w + 1] = in0
  run plain f32
    p: n<n c<2
      %p[n, c, 4] = 0
= 0
$ cnnc pad.json --target avx512 --dump=grad,clean -o pad.c
---- grad (not in this mode)
---- clean (unchanged)
= 0
$ cnnc step.json --target avx512 --train --dump=fuse -o step.c | sed -n '/^entry step/,$p'
entry step work 0 worker 0 live 0
  run plain f32
    d.weight: i0<3 i1<4
      in0 = %d.weight[i0, i1]
      in1 = %d.weight.2[i0, i1]
      in2 = %d.weight.momentum[i0, i1]
      %d.weight.momentum[i0, i1] = in1 + in2*0.9
      %d.weight[i0, i1] = in0 - scalar1*(in1 + in2*0.9)
= 0
$ cnnc moments.json --target avx512 --train --dump=fuse -o step.c | sed -n '/^entry step/,$p'
entry step work 0 worker 0 live 0
  run plain f32
    d.weight: i0<3 i1<4
      in0 = %d.weight[i0, i1]
      in1 = %d.weight.2[i0, i1]
      in2 = %d.weight.square[i0, i1]
      in3 = %d.weight.mean[i0, i1]
      in4 = %d.weight.momentum[i0, i1]
      %d.weight.mean[i0, i1] = in1*0.010000000000000009 + in3*0.99
      %d.weight.square[i0, i1] = in2*0.99 + in1*in1*0.010000000000000009
      %d.weight.momentum[i0, i1] = in4*0.9 + in1/(sqrt(in2*0.99 + in1*in1*0.010000000000000009 - (in1*0.010000000000000009 + in3*0.99)*(in1*0.010000000000000009 + in3*0.99)) + 1e-08)
      %d.weight[i0, i1] = in0 - scalar1*(in4*0.9 + in1/(sqrt(in2*0.99 + in1*in1*0.010000000000000009 - (in1*0.010000000000000009 + in3*0.99)*(in1*0.010000000000000009 + in3*0.99)) + 1e-08))
= 0
