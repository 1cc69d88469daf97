# A 1x1 convolution by seven products of halves; what is refused.
@ product.json
{ "name": "product", "input": { "shape": [64, 6, 5] },
  "layers": [{ "op": "conv", "name": "c", "filters": 32, "kernel": 1, "bias": false }, { "op": "relu" }] }
@ odd.json
{ "name": "odd", "input": { "shape": [64, 7, 7] }, "layers": [{ "op": "conv", "name": "c", "filters": 32, "kernel": 1 }] }
@ few.json
{ "name": "few", "input": { "shape": [64, 6, 6] }, "layers": [{ "op": "conv", "name": "c", "filters": 48, "kernel": 1 }] }
@ dense.json
{ "name": "dense", "input": { "shape": [64] }, "layers": [{ "op": "dense", "name": "c", "units": 32 }] }
@ window.json
{ "name": "window", "input": { "shape": [64, 6, 6] }, "layers": [{ "op": "conv", "name": "c", "filters": 32, "kernel": 3 }] }
$ cnnc product.json --target avx512 --algo c=strassen --dump=choose | sed -n 's/ tile [^ ]*//; /^entry forward/,/^choice/p' | sed '/^choice/d'
entry forward work 0 worker 0 live 0
  run plain f32
    x.moved: n<n c<64 h<6 w<5
      in0 = %x[n, c, h, w]
      %x.moved[n, c, h, w] = in0
  run strassen f32 macs 61440 covers "c + relu1"
    c: n<n k<16 oh<3 ow<5 | c<32
      in0 = %x.moved[n, c, oh, ow]
      in1 = %c.packed[k, c]
      acc0 = sum in0*in1
      %c.product[n, k, oh, ow] = acc0
  run strassen f32 covers "c + relu1"
    c: n<n k<16 oh<3 ow<5 | c<32
      in0 = %x.moved[n, c + 32, oh, ow]
      in1 = %c.packed.2[k, c]
      in2 = %c.product[n, k, oh, ow]
      acc0 = sum in0*in1
      %relu1.moved[n, k, oh, ow] = max(0, in2 + acc0)
  run strassen f32
    c: n<n c<32 oh<3 ow<5
      in0 = %x.moved[n, c, oh, ow]
      in1 = %x.moved[n, c + 32, oh + 3, ow]
      in2 = %x.moved[n, c, oh + 3, ow]
      %c.input_sum[n, c, oh, ow] = in0 + in1 - in2
  run strassen f32 covers "c + relu1"
    c: n<n k<16 oh<3 ow<5 | c<32
      in0 = %c.input_sum[n, c, oh, ow]
      in1 = %c.packed.3[k, c]
      in2 = %c.product[n, k, oh, ow]
      acc0 = sum in0*in1
      %c.product.2[n, k, oh, ow] = in2 + acc0
  run strassen f32
    c: n<n c<32 oh<3 ow<5
      in0 = %x.moved[n, c, oh + 3, ow]
      in1 = %x.moved[n, c, oh, ow]
      %c.input_sum.2[n, c, oh, ow] = in0 - in1
  run strassen f32 covers "c + relu1"
    c: n<n k<16 oh<3 ow<5 | c<32
      in0 = %c.input_sum.2[n, c, oh, ow]
      in1 = %c.packed.4[k, c]
      acc0 = sum in0*in1
      %c.product.3[n, k, oh, ow] = acc0
  run strassen f32 covers "c + relu1"
    c: n<n k<16 oh<3 ow<5 | c<32
      in0 = %x.moved[n, c + 32, oh + 3, ow]
      in1 = %c.packed.5[k, c]
      in2 = %c.product.2[n, k, oh, ow]
      in3 = %c.product.3[n, k, oh, ow]
      acc0 = sum in0*in1
      %relu1.moved[n, k, oh + 3, ow] = max(0, in3 + (in2 + acc0))
  run strassen f32
    c: n<n c<32 oh<3 ow<5
      in0 = %x.moved[n, c + 32, oh + 3, ow]
      in1 = %x.moved[n, c, oh + 3, ow]
      %c.input_sum.3[n, c, oh, ow] = in0 - in1
  run strassen f32 covers "c + relu1"
    c: n<n k<16 oh<3 ow<5 | c<32
      in0 = %c.input_sum.3[n, c, oh, ow]
      in1 = %c.packed.6[k, c]
      in2 = %c.product.2[n, k, oh, ow]
      acc0 = sum in0*in1
      %c.product.4[n, k, oh, ow] = in2 + acc0
  run strassen f32
    c: n<n c<32 oh<3 ow<5
      in0 = %x.moved[n, c, oh, ow]
      in1 = %x.moved[n, c + 32, oh + 3, ow]
      in2 = %x.moved[n, c, oh + 3, ow]
      in3 = %x.moved[n, c + 32, oh, ow]
      %c.input_sum.4[n, c, oh, ow] = in0 + in1 - in2 - in3
  run strassen f32 covers "c + relu1"
    c: n<n k<16 oh<3 ow<5 | c<32
      in0 = %c.input_sum.4[n, c, oh, ow]
      in1 = %c.packed.7[k, c]
      in2 = %c.product.4[n, k, oh, ow]
      acc0 = sum in0*in1
      %relu1.moved[n, k + 16, oh, ow] = max(0, in2 - acc0)
  run strassen f32 covers "c + relu1"
    c: n<n k<16 oh<3 ow<5
      in0 = %c.product.4[n, k, oh, ow]
      in1 = %c.product.3[n, k, oh, ow]
      %relu1.moved[n, k + 16, oh + 3, ow] = max(0, in0 + in1)
  run plain f32
    relu1: n<n c<32 h<6 w<5
      in0 = %relu1.moved[n, c, h, w]
      %relu1[n, c, h, w] = in0
= 0
$ for n in odd few dense window; do cnnc $n.json --target avx512 --algo c=strassen -o out.c; done
cnnc: error: --algo c=strassen: strassen cannot compute this layer: no extent of its points is even
cnnc: error: --algo c=strassen: strassen cannot compute this layer: halves of its channels do not fill lanes
cnnc: error: --algo c=strassen: strassen cannot compute this layer: its result has no points beside channels
cnnc: error: --algo c=strassen: strassen cannot compute this layer: a window slides over its input
= 2
