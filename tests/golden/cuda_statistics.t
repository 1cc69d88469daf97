# Batch norm's mean and variance are made of sums in the epilogue of the convolution before it, where that is in blocks of threads.
@ net.json
{ "name": "net", "input": { "shape": [4, 5, 6] },
  "layers": [{ "op": "conv", "name": "c", "filters": 8, "kernel": 3 }, { "op": "batch_norm", "name": "b" }, { "op": "dense", "name": "d", "units": 2 }],
  "loss": { "op": "mse" }, "optimizer": { "op": "sgd" } }
@ choices
/^  run/{s/ tile .*//}
$ cnnc net.json --train --batch 16 --target sm_80 --algo c=implicit_gemm --dump=statistics -o net.cu | sed -n '/^entry train_forward/,/^entry/p' | sed -f choices | sed -n '/    c:/,/running/p'
    c: n<n k<8 oh<3 ow<4 | c<4 kh<3 kw<3
      in0 = %x[n, c, oh + kh, ow + kw]
      in1 = %c.weight[k, c, kh, kw]
      in2 = %c.bias[k]
      acc0 = sum in0*in1
      %c.2[n, k, oh, ow] = in2 + acc0
      %c.sums[(12*n + 4*oh + ow)/32, k] += in2 + acc0
      %c.squares[(12*n + 4*oh + ow)/32, k] += (in2 + acc0)*(in2 + acc0)
  run plain f64
    b: c<8 | run<6
      in0 = %c.sums[run, c]
      in1 = %c.squares[run, c]
      acc0 = sum f64 select(lt(run*32, scalar0*12), in0, 0)
      acc1 = sum f64 select(lt(run*32, scalar0*12), in1, 0)
      %b[c] = acc0/(scalar0*12)
      %b.2[c] = max(0, acc1/(scalar0*12) - acc0/(scalar0*12)*(acc0/(scalar0*12)))
  run plain f32
    b: i0<8
      in0 = %b.running_mean[i0]
= 0
$ cnnc net.json --train --batch 16 --target sm_80 --algo c=loops --dump=statistics -o net.cu | grep -c squares
0
= 1
$ cnnc net.json --train --batch 16 --target avx2 --dump=statistics -o net_c.c
---- statistics (unchanged)
= 0
