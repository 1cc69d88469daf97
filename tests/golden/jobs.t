# Kernels are cut into jobs between whole vectors, also of what lies in rows.
@ wide.json
{ "name": "wide", "input": { "shape": [16384] }, "layers": [{ "op": "dense", "name": "d", "units": 4, "bias": false }],
  "loss": { "op": "cross_entropy" }, "optimizer": { "op": "sgd", "lr": 0.1 } }
$ cnnc wide.json --train --batch 32 --target avx512 --dump=nest -o wide.c | grep -B 3 'd wgrad:' | sed 's/ tile [^ ]*//'
  parallel c<16384 by 8192 {
    parallel k<4 by 2 {
      run gemm f32 bind k=1:1,0,1 c=0:1,0,1
        d wgrad: k<4 c<16384 | n<n
= 0
# In training samples go one by one through what stands between sums over the batch; such sums are made of each sample's.
@ blocks.json
{ "name": "blocks", "input": { "shape": [16, 32, 32] },
  "layers": [{ "op": "conv", "name": "c1", "filters": 16, "kernel": 3, "pad": 1, "bias": false }, { "op": "batch_norm", "name": "b1" },
             { "op": "relu", "name": "r1" },
             { "op": "conv", "name": "c2", "filters": 16, "kernel": 3, "pad": 1, "bias": false }, { "op": "batch_norm", "name": "b2" },
             { "op": "dense", "name": "d", "units": 2, "bias": false }],
  "loss": { "op": "mse" }, "optimizer": { "op": "sgd" } }
@ leaves
# Steps, and the loops of the kernels in them.
s/ bind .*//; /^  *run/d; /^  *in[0-9]/d; /^  *acc/d; /^  *%/d; p
$ cnnc blocks.json --train --batch 64 --target avx512 --dump=nest -o blocks.c | sed -n '/^entry train_forward/,/^entry backward/p' | sed -nf leaves
entry train_forward work 0 worker 0 live 0
  parallel n<n by 1 {
      c1: n<n c<16 qh<6 qw<6 th<8 tw<8 | jh<6 jw<6
      c1: qh<6 qw<6 k<16 n<n th<8 tw<8 | c<16
      c1: n<n k<16 oh<32 ow<32 | qh<6 qw<6
      b1: n<n c<16 | r2<32 r3<32
      b1: n<n c<16 | r2<32 r3<32
  }
    b1: i0<16 | n<n
    b1: i0<16 | n<n
  parallel n<n by 1 {
      r1: n<n c<16 h<32 w<32
      c2: n<n c<16 qh<6 qw<6 th<8 tw<8 | jh<6 jw<6
      c2: qh<6 qw<6 k<16 n<n th<8 tw<8 | c<16
      c2: n<n k<16 oh<32 ow<32 | qh<6 qw<6
      b2: n<n c<16 | r2<32 r3<32
      b2: n<n c<16 | r2<32 r3<32
  }
= 0
$ cnnc blocks.json --train --batch 64 --target avx512 --dump=nest -o blocks.c | sed -n '/^entry backward/,/^entry step/p' | sed -nf leaves
  parallel n<n by 1 {
      b2 dgrad: n<n c<16 h<32 w<32
      c2 wgrad: n<n c<16 qh<6 qw<6 th<8 tw<8 | jh<4 jw<4
      c2 dgrad: n<n c<16 qh<6 qw<6 th<8 tw<8 | jh<6 jw<6
      c2 dgrad: qh<6 qw<6 c<16 n<n th<8 tw<8 | k<16
      c2 dgrad: n<n c<16 h<32 w<32 | qh<6 qw<6
      b1 wgrad: n<n c<16 | h<32 w<32
  }
  parallel n<n by 1 {
      c2 wgrad: n<n c<16 qh<6 qw<6 th<8 tw<8 | jh<6 jw<6
      c2 wgrad: n<n qh<6 qw<6 k<16 c<16 | sh<8 sw<8
  }
  parallel qh<6 by 2 {
    parallel qw<6 by 3 {
        c2 wgrad: qh<6 qw<6 k<16 c<16 | n<n
    }
  }
= 0
# And without a batch's worth of them nothing changes.
$ cnnc blocks.json --train --batch 4 --target avx512 --dump=nest -o blocks.c | grep -c 'sums\[n'
0
= 1
# In inference a sample goes through all layers that hand on more than they read for all samples, and a worker has what they hand on.
@ deep.json
{ "name": "deep", "input": { "shape": [16, 48, 40] },
  "layers": [{ "op": "conv", "name": "c1", "filters": 32, "kernel": 1, "bias": false }, { "op": "pool", "name": "p1", "kernel": 2, "kind": "max" },
             { "op": "conv", "name": "c2", "filters": 16, "kernel": 1, "bias": false }, { "op": "dense", "name": "d", "units": 10, "bias": false }] }
$ cnnc deep.json --batch 64 --target avx512 --dump=nest -o deep.c | sed -n '/^entry forward/,/^choice/p' | grep -v '^choice' | sed -nf leaves
entry forward work 0 worker 0 live 0
  parallel n<n by 1 {
    parallel c<32 by 32 {
        c1: n<n k<32 oh<48 ow<40 | c<16
        p1: n<n c<32 oh<24 ow<20 | kh<2 kw<2
    }
      c2: n<n k<16 oh<24 ow<20 | c<32
  }
  parallel n<n by 8 {
      d: n<n k<10 | h<24 w<20 c<16
  }
= 0
$ cnnc deep.json --batch 64 --target avx512 --dump=memory -o deep.c | sed -n 's/ call .* depth/ depth/p' | grep depth
buffer %c1: f32[n,32,48,40] work 0 depth 2 part 0:1,0,1,1 1:1,0,1,32 -1:0,0,0,0 -1:0,0,0,0
buffer %p1: f32[n,32,24,20] work 0 depth 1 part 0:1,0,1,1 -1:0,0,0,0 -1:0,0,0,0 -1:0,0,0,0 at 245760
= 0
$ cnnc deep.json --batch 4 --target avx512 --dump=nest -o deep.c | sed -n '/^entry forward/,/^choice/p' | grep -v '^choice' | sed -nf leaves
entry forward work 0 worker 0 live 0
  parallel n<n by 1 {
    parallel c<32 by 32 {
        c1: n<n k<32 oh<48 ow<40 | c<16
        p1: n<n c<32 oh<24 ow<20 | kh<2 kw<2
    }
  }
  parallel n<n by 1 {
      c2: n<n k<16 oh<24 ow<20 | c<32
  }
    d: n<n k<10 | h<24 w<20 c<16
= 0
# A pool whose windows lie within bands of a convolution's tiles takes them with it; others wait for the whole.
@ bands.json
{ "name": "bands", "input": { "shape": [16, 55, 50] },
  "layers": [{ "op": "conv", "name": "c", "filters": 64, "kernel": 3, "pad": 1, "bias": false }, { "op": "relu", "name": "r" },
             { "op": "pool", "name": "p", "kernel": 2, "kind": "max" }] }
@ binds
s/ tile [^ ]*//; /^  *in[0-9]/d; /^  *acc/d; /^  *%/d; p
$ cnnc bands.json --target avx512 --algo c=winograd6 --dump=nest -o bands.c | sed -n '/^  parallel n<n by 1 {/,/^choice/p' | grep -v '^choice' | sed -nf binds
  parallel n<n by 1 {
    parallel th<10 by 5 {
      run winograd6 f32 bind n=0:1,0,1 th=1:1,0,1
        c: n<n c<16 qh<8 qw<8 th<10 tw<9 | jh<8 jw<8
      loop k<64 by 32 {
        run winograd6 f32 macs 25344000 bind k=2:1,0,1 n=0:1,0,1 th=1:1,0,1
          c: qh<8 qw<8 k<64 n<n th<10 tw<9 | c<16
        run winograd6 f32 covers "c + r" bind n=0:1,0,1 k=2:1,0,1 oh=1:6,0,6
          c: n<n k<64 oh<55 ow<50 | qh<8 qw<8
        run plain f32 bind n=0:1,0,1 c=2:1,0,1 oh=1:3,0,3
          p: n<n c<64 oh<27 ow<25 | kh<2 kw<2
      }
    }
  }
  run plain f32
    p: n<n c<64 h<27 w<25
= 0
$ sed 's/"kernel": 2/"kernel": 3, "stride": 2/' bands.json > wider.json; cnnc wider.json --target avx512 --algo c=winograd6 --dump=nest -o wider.c | sed -n '/loop k<64/,/^choice/p' | grep -v '^choice' | sed -nf binds
      loop k<64 by 32 {
        run winograd6 f32 macs 25344000 bind k=2:1,0,1 n=0:1,0,1 th=1:1,0,1
          c: qh<8 qw<8 k<64 n<n th<10 tw<9 | c<16
        run winograd6 f32 covers "c + r" bind n=0:1,0,1 k=2:1,0,1 oh=1:6,0,6
          c: n<n k<64 oh<55 ow<50 | qh<8 qw<8
      }
    }
  }
  parallel n<n by 1 {
    parallel c<64 by 32 {
      run plain f32 bind n=0:1,0,1 c=1:1,0,1
        p: n<n c<64 oh<27 ow<24 | kh<3 kw<3
    }
  }
  run plain f32
    p: n<n c<64 h<27 w<24
= 0
