# A constant window of rank 1 as passes along its axes; what is refused.
@ blur.json
{ "name": "blur", "input": { "shape": [3, 20, 20] },
  "layers": [{ "op": "depthwise", "name": "c", "kernel": 3, "pad": 1, "weights": [[1, 2, 1], [2, 4, 2], [1, 2, 1]] }] }
@ edge.json
{ "name": "edge", "input": { "shape": [3, 20, 20] },
  "layers": [{ "op": "depthwise", "name": "c", "kernel": 3, "weights": [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]] }] }
@ free.json
{ "name": "free", "input": { "shape": [3, 20, 20] }, "layers": [{ "op": "depthwise", "name": "c", "kernel": 3 }] }
$ cnnc blur.json --target generic --algo c=separable --dump=choose | sed 's/ tile [^ ]*//; /^choice/d; /^bytes/d'
---- choose
plan blur target generic batch 1
buffer %x: f32[n,3,20,20] input 0 call
buffer %c: f32[n,3,20,20] output 0 call
buffer %c.first: f32[3,3] const 0 const value 0.5,1,0.5,0.5,1,0.5,0.5,1,0.5
buffer %c.pass: f32[n,3,20,20] work 0 call margin 0:0,0:0,0:0,1:1
buffer %c.packed: f32[3,3] derived 0 load
buffer %c.rest: f32[3,3] const 0 const value 2,4,2,2,4,2,2,4,2
buffer %c.packed.2: f32[3,3] derived 0 load
buffer %x.moved: f32[n,3,20,20] work 0 call margin 0:0,0:0,1:1,0:0
entry prepare work 0 worker 0 live 0
  run plain f32
    c: g<3 kh<3
      in0 = %c.first[g, kh]
      %c.packed[g, kh] = in0
  run plain f32
    c: g<3 kw<3
      in0 = %c.rest[g, kw]
      %c.packed.2[g, kw] = in0
entry forward work 0 worker 0 live 0
  run plain f32
    x.moved: n<n c<3 h<20 w<20
      in0 = %x[n, c, h, w]
      %x.moved[n, c, h, w] = in0
  run separable f32
    c: n<n g<3 oh<20 i3<20 | kh<3
      in0 = %x.moved[n, g, oh + kh - 1, i3] fill 0
      in1 = %c.packed[g, kh]
      acc0 = sum in0*in1
      %c.pass[n, g, oh, i3] = acc0
  run separable f32 macs 10800
    c: n<n g<3 oh<20 ow<20 | kw<3
      in0 = %c.pass[n, g, oh, ow + kw - 1] fill 0
      in1 = %c.packed.2[g, kw]
      acc0 = sum in0*in1
      %c[n, g, oh, ow] = acc0
= 0
$ cnnc edge.json --target avx512 --algo c=separable -o out.c
cnnc: error: --algo c=separable: separable cannot compute this layer: its window is of a higher rank than 1
= 2
$ cnnc free.json --target avx512 --algo c=separable -o out.c
cnnc: error: --algo c=separable: separable cannot compute this layer: its weights are not constants
= 2
