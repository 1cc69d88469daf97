# A convolution by Fourier transforms: three kernels whose matrices are constants; what it refuses.
@ conv.json
{ "name": "conv", "input": { "shape": [16, 20, 20] },
  "layers": [{ "op": "conv", "name": "c", "filters": 16, "kernel": 7, "pad": 3, "bias": false }, { "op": "relu" }] }
@ dilated.json
{ "name": "dilated", "input": { "shape": [16, 20, 20] },
  "layers": [{ "op": "conv", "name": "c", "filters": 16, "kernel": 7, "dilation": 2 }] }
@ long.json
{ "name": "long", "input": { "shape": [16, 100] },
  "layers": [{ "op": "conv", "name": "c", "filters": 16, "kernel": 32, "pad": "same", "bias": false }] }
@ deep.json
{ "name": "deep", "input": { "shape": [16, 20, 20, 20] },
  "layers": [{ "op": "conv", "name": "c", "filters": 16, "kernel": 3 }] }
@ steady
# Numbers of matrices are the unit tests' concern.
s/ tile [^ ]*//; s/ value .*//; /^choice/d; /^bytes/d; /^entry prepare/d
$ cnnc conv.json --target avx512 --algo c=fft16 --dump=choose | sed -f steady
---- choose
plan conv target avx512 batch 1
buffer %x: f32[n,16,20,20] input 0 call
buffer %c.weight: f32[16,16,7,7] param 0 load
buffer %relu1: f32[n,16,20,20] output 0 call
buffer %x.moved: f32[n,16,20,20] work 0 call lanes 1:16 margin 0:0,0:0,3:3,3:3
buffer %relu1.moved: f32[n,16,20,20] work 0 call lanes 1:16
buffer %fft16.bt_10_7: f32[23,16] const 0 const
buffer %c.input_tiles: f32[n,16,23,23,2,2] work 0 call lanes 1:16
buffer %c.output_tiles: f32[n,16,23,23,2,2] work 0 call lanes 1:16
buffer %c.weights: f32[16,23,23,16] derived 0 load lanes 0:16
buffer %fft16.g_10_7: f64[23,7] const 0 const
buffer %fft16.at_10_7: f32[16,23] const 0 const
  run plain f64
    c: qh<23 qw<23 k<16 c<16 | rh<7 rw<7
      in0 = %c.weight[k, c, rh, rw]
      in1 = %fft16.g_10_7[qh, rh]
      in2 = %fft16.g_10_7[qw, rw]
      acc0 = sum f64 in2*(in0*in1)
      %c.weights[k, qh, qw, c] = acc0
entry forward work 0 worker 0 live 0
  run plain f32
    x.moved: n<n c<16 h<20 w<20
      in0 = %x[n, c, h, w]
      %x.moved[n, c, h, w] = in0
  run fft16 f32
    c: n<n c<16 qh<23 qw<23 th<2 tw<2 | jh<16 jw<16
      in0 = %x.moved[n, c, 10*th + jh - 3, 10*tw + jw - 3] fill 0
      in1 = %fft16.bt_10_7[qh, jh]
      in2 = %fft16.bt_10_7[qw, jw]
      acc0 = sum in2*(in0*in1)
      %c.input_tiles[n, c, qh, qw, th, tw] = acc0
  run fft16 f32 macs 5017600
    c: qh<23 qw<23 k<16 n<n th<2 tw<2 | c<16
      in0 = %c.input_tiles[n, c, qh, qw, th, tw]
      in1 = %c.weights[k, qh, qw, c]
      acc0 = sum in0*in1
      %c.output_tiles[n, k, qh, qw, th, tw] = acc0
  run fft16 f32 covers "c + relu1"
    c: n<n k<16 oh<20 ow<20 | qh<23 qw<23
      in0 = %c.output_tiles[n, k, qh, qw, oh/10, ow/10]
      in1 = %fft16.at_10_7[oh%10, qh]
      in2 = %fft16.at_10_7[ow%10, qw]
      acc0 = sum in2*(in0*in1)
      %relu1.moved[n, k, oh, ow] = max(0, acc0)
  run plain f32
    relu1: n<n c<16 h<20 w<20
      in0 = %relu1.moved[n, c, h, w]
      %relu1[n, c, h, w] = in0
= 0
$ cnnc dilated.json --target avx512 --algo c=fft16 -o out.c
cnnc: error: --algo c=fft16: fft16 cannot compute this layer: windows do not overlap, are dilated or have too many taps
= 2
$ cnnc long.json --target avx512 --algo c=fft16 --dump=choose | sed -n 's/ tile [^ ]*//; /run fft16.*macs/,/acc0/p'
  run fft16 f32 macs 819200
    c: qw<23 k<16 n<n tw<13 | c<16 sw<4
      in0 = %c.input_tiles[n, c, qw, tw + sw]
      in1 = %c.weights[k, qw, c, sw]
      acc0 = sum in0*in1
= 0
$ cnnc deep.json --target avx512 --algo c=fft16 -o out.c
cnnc: error: --algo c=fft16: fft16 cannot compute this layer: a tile would have more points than caches hold
= 2
