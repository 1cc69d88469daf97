# A convolution by F(m, r): three kernels and the weights' transform; what it counts as; what it refuses.
@ conv.json
{ "name": "conv", "input": { "shape": [16, 10, 9] },
  "layers": [{ "op": "conv", "name": "c", "filters": 16, "kernel": 3, "pad": 1, "bias": false }, { "op": "relu" }] }
@ strided.json
{ "name": "strided", "input": { "shape": [16, 10, 9] },
  "layers": [{ "op": "conv", "name": "c", "filters": 16, "kernel": 3, "stride": 2 }] }
@ dilated.json
{ "name": "dilated", "input": { "shape": [16, 10, 9] },
  "layers": [{ "op": "conv", "name": "c", "filters": 16, "kernel": 3, "dilation": 2 }] }
@ depthwise.json
{ "name": "depthwise", "input": { "shape": [16, 10, 9] }, "layers": [{ "op": "depthwise", "name": "c", "kernel": 3 }] }
@ large.json
{ "name": "large", "input": { "shape": [16, 20, 20] },
  "layers": [{ "op": "conv", "name": "c", "filters": 16, "kernel": 9, "pad": 4 }] }
@ steady
# Tiles, estimates and places follow the machine model; what the passes do does not.
s/ tile [^ ]*//; /^choice/d; /^bytes/d; /^entry prepare/d
$ cnnc conv.json --target avx512 --algo c=winograd4 --dump=choose | sed -f steady
---- choose
plan conv target avx512 batch 1
buffer %x: f32[n,16,10,9] input 0 call
buffer %c.weight: f32[16,16,3,3] param 0 load
buffer %relu1: f32[n,16,10,9] output 0 call
buffer %x.moved: f32[n,16,10,9] work 0 call lanes 1:16 margin 0:0,0:0,1:3,1:4
buffer %relu1.moved: f32[n,16,10,9] work 0 call lanes 1:16
buffer %winograd.bt_4_3: f32[6,6] const 0 const value 0.87890625,0,-2.640625,0,1,0,0,-0.5859375,-0.390625,1.5,1,0,0,0.5859375,-0.390625,-1.5,1,0,0,-1.40625,-2.25,0.625,1,0,0,1.40625,-2.25,-0.625,1,0,0,0.87890625,0,-2.640625,0,1
buffer %c.input_tiles: f32[n,16,6,6,3,3] work 0 call lanes 1:16
buffer %c.output_tiles: f32[n,16,6,6,3,3] work 0 call lanes 1:16
buffer %c.weights: f32[16,6,6,16] derived 0 load lanes 0:16
buffer %winograd.g_4_3: f64[6,3] const 0 const value 1.1377777777777778,0,0,0.11951447245564893,0.1792717086834734,0.2689075630252101,0.11951447245564893,-0.1792717086834734,0.2689075630252101,-0.6884033613445378,-0.43025210084033616,-0.2689075630252101,-0.6884033613445378,0.43025210084033616,-0.2689075630252101,0,0,1
buffer %winograd.at_4_3: f32[4,6] const 0 const value 1,1,1,1,1,0,0,1.5,-1.5,0.625,-0.625,0,0,2.25,2.25,0.390625,0.390625,0,0,3.375,-3.375,0.244140625,-0.244140625,1
  run plain f64
    c: qh<6 qw<6 k<16 c<16 | rh<3 rw<3
      in0 = %c.weight[k, c, rh, rw]
      in1 = %winograd.g_4_3[qh, rh]
      in2 = %winograd.g_4_3[qw, rw]
      acc0 = sum f64 in2*(in0*in1)
      %c.weights[k, qh, qw, c] = acc0
entry forward work 0 worker 0 live 0
  run plain f32
    x.moved: n<n c<16 h<10 w<9
      in0 = %x[n, c, h, w]
      %x.moved[n, c, h, w] = in0
  run winograd4 f32
    c: n<n c<16 qh<6 qw<6 th<3 tw<3 | jh<6 jw<6
      in0 = %x.moved[n, c, 4*th + jh - 1, 4*tw + jw - 1] fill 0
      in1 = %winograd.bt_4_3[qh, jh]
      in2 = %winograd.bt_4_3[qw, jw]
      acc0 = sum in2*(in0*in1)
      %c.input_tiles[n, c, qh, qw, th, tw] = acc0
  run winograd4 f32 macs 207360
    c: qh<6 qw<6 k<16 n<n th<3 tw<3 | c<16
      in0 = %c.input_tiles[n, c, qh, qw, th, tw]
      in1 = %c.weights[k, qh, qw, c]
      acc0 = sum in0*in1
      %c.output_tiles[n, k, qh, qw, th, tw] = acc0
  run winograd4 f32 covers "c + relu1"
    c: n<n k<16 oh<10 ow<9 | qh<6 qw<6
      in0 = %c.output_tiles[n, k, qh, qw, oh/4, ow/4]
      in1 = %winograd.at_4_3[oh%4, qh]
      in2 = %winograd.at_4_3[ow%4, qw]
      acc0 = sum in2*(in0*in1)
      %relu1.moved[n, k, oh, ow] = max(0, acc0)
  run plain f32
    relu1: n<n c<16 h<10 w<9
      in0 = %relu1.moved[n, c, h, w]
      %relu1[n, c, h, w] = in0
= 0
$ cnnc info conv.json --target avx512 --algo c=winograd4 | sed -n '/^plan/,$p' | sed '/^memory/d; s/serial,.*/serial/'
plan for avx512, batch 1: 3 kernels in 5 steps, 1 nest
    x.moved                        map           -> NCHW16c +margin  serial
    c                              winograd4     -> (next step)      serial
    c                              winograd4     -> (next step)      serial
  + c                              winograd4     -> NCHW16c          serial
    relu1                          map           -> NCHW             serial
= 0
$ cnnc strided.json --target avx512 --algo c=winograd4 --dump=choose | grep -B2 'phases.* = in0'
    c: k<16 r1<2 r2<2 c<16 kh<2 kw<2
      in0 = %c.weight[k, c, r1 + 2*kh, r2 + 2*kw] fill 0
      %c.filter_phases[k, 32*r1 + 16*r2 + c, kh, kw] = in0
--
    c: a0<n r1<2 r2<2 c<16 oh<5 ow<5
      in0 = %x.moved[a0, c, r1 + 2*oh, r2 + 2*ow] fill 0
      %c.phases[a0, 32*r1 + 16*r2 + c, oh, ow] = in0
= 0
$ cnnc dilated.json --target avx512 --algo c=winograd4 -o out.c
cnnc: error: --algo c=winograd4: winograd4 cannot compute this layer: windows do not overlap, are dilated or have too many taps
= 2
$ cnnc depthwise.json --target avx512 --algo c=winograd4 -o out.c
cnnc: error: --algo c=winograd4: winograd4 cannot compute this layer: output channels that share inputs do not fill lanes
= 2
$ cnnc large.json --target avx512 --algo c=winograd4 -o out.c
cnnc: error: --algo c=winograd4: winograd4 cannot compute this layer: windows do not overlap, are dilated or have too many taps
= 2
