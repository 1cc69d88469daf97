# In train_step an update runs where its gradient is finished, unless somebody else needs that, or the old parameter.
@ net.json
{ "name": "net", "input": { "shape": [16, 12, 12] },
  "layers": [{ "op": "conv", "name": "c1", "filters": 16, "kernel": 3, "bias": false }, { "op": "relu" },
             { "op": "conv", "name": "c2", "filters": 32, "kernel": 3, "bias": false }, { "op": "dense", "name": "d", "units": 2, "bias": false }],
  "loss": { "op": "cross_entropy" }, "optimizer": { "op": "sgd", "lr": 0.1, "momentum": 0.9 } }
@ leaves
# Kernels and what they write.
/^choice/d; s/ bind .*//; /^  *run/d; /^  *in[0-9]/d; /^  *acc/d; p
$ cnnc net.json --train --batch 2 --target avx512 --dump=update -o net.c | sed -n '/^entry train_step/,/^choice/p' | sed -nf leaves
entry train_step work 0 worker 0 live 0
    loss dgrad:
      %loss.9[] = 1/in0
    loss dgrad: n<n class<2
      %loss.10[n, class] = in1*select(eq(in0, -100), 0, select(eq(in0, class), -1, 0))
    loss dgrad: n<n | c<2
      %loss.11[n] = acc0*(1/in1)
    loss: n<n c<2
      %loss.12[n, c] = in0 + in1*in2
  parallel n<n by 1 {
      d dgrad: n<n c<32 h<8 w<8 | k<2
        %d.3[n, c, h, w] = acc0
  }
  parallel k<2 by 1 {
      d wgrad: k<2 c<32 h<8 w<8 | n<n
        %d.weight.2[k, 64*c + 8*h + w] = acc0
  }
  parallel kh<3 by 2 {
      c2 wgrad: k<32 kh<3 kw<3 c<16 | n<n oh<8 ow<10
        %c2.sums[k, kh, kw, c] = acc0
  }
    c2 wgrad: k<32 c<16 kh<3 kw<3
      %c2.weight.momentum[k, c, kh, kw] = in0 + in2*0.9
      %c2.weight[k, c, kh, kw] = in1 - scalar1*(in0 + in2*0.9)
  parallel n<n by 1 {
      c2 dgrad: n<n c<16 h<10 w<10 | kh<3 kw<3 k<32
        %c2.3[n, c, h, w] = acc0*select(lt(0, in2), 1, 0)
  }
  parallel c<16 by 8 {
      c1 wgrad: k<16 kh<3 kw<3 c<16 | n<n oh<10 ow<12
        %c1.sums[k, kh, kw, c] = acc0
  }
    c1 wgrad: k<16 c<16 kh<3 kw<3
      %c1.weight.momentum[k, c, kh, kw] = in0 + in2*0.9
      %c1.weight[k, c, kh, kw] = in1 - scalar1*(in0 + in2*0.9)
    d.weight: i0<2 i1<2048
      %d.weight.momentum[i0, i1] = in1 + in2*0.9
      %d.weight[i0, i1] = in0 - scalar1*(in1 + in2*0.9)
= 0
$ cnnc net.json --train --batch 2 --target avx512 --dump=update -o net.c | sed -n '/^entry step/,/^entry train_step/p' | sed -nf leaves
entry step work 0 worker 0 live 0
    c1.weight: i0<16 i1<16 i2<3 i3<3
      %c1.weight.momentum[i0, i1, i2, i3] = in1 + in2*0.9
      %c1.weight[i0, i1, i2, i3] = in0 - scalar1*(in1 + in2*0.9)
    c2.weight: i0<32 i1<16 i2<3 i3<3
      %c2.weight.momentum[i0, i1, i2, i3] = in1 + in2*0.9
      %c2.weight[i0, i1, i2, i3] = in0 - scalar1*(in1 + in2*0.9)
    d.weight: i0<2 i1<2048
      %d.weight.momentum[i0, i1] = in1 + in2*0.9
      %d.weight[i0, i1] = in0 - scalar1*(in1 + in2*0.9)
entry train_step work 0 worker 0 live 0
= 0
$ sed -n '/^int net_train_step/,/^}/p' net.c
int net_train_step(net *ctx, int n, const float *x, const int *target, float *loss) {
  int status = net_train_forward(ctx, n, x, target, loss);
  if (status) return status;
  ctx->updating = !ctx->bucket;
  if (ctx->updating) status = net_begin_step(ctx);
  if (!status) status = net_backward(ctx, n, 0);
  if (!status) status = net_step(ctx);
  ctx->updating = 0;
  return status;
}
= 0
$ sed -n '/^static void net_run_step.*{/,/^}/p' net.c
static void net_run_step(net *ctx) {
  enum { n = 1 };
  if (!ctx->updating) {
    /* c1.weight */
    {
      net_args args = {
          .in0 = ctx->grads + 0,
          .out0 = ctx->state + 0,
          .out1 = ctx->params + 0,
          .memory = ctx->work + 55296,
          .scalar = ctx->scalar,
          .batch = n};
      net_c1_weight_jobs(&args, 0, 0);
    }
  }
  if (!ctx->updating) {
    /* c2.weight */
    {
      net_args args = {
          .in0 = ctx->grads + 9216,
          .out0 = ctx->state + 9216,
          .out1 = ctx->params + 9216,
          .memory = ctx->work + 55296,
          .scalar = ctx->scalar,
          .batch = n};
      net_c2_weight_jobs(&args, 0, 0);
    }
  }
  /* d.weight */
  {
    net_args args = {
        .in0 = ctx->grads + 27648,
        .out0 = ctx->state + 27648,
        .out1 = ctx->params + 27648,
        .memory = ctx->work + 55296,
        .scalar = ctx->scalar,
        .batch = n};
    net_d_weight_jobs(&args, 0, 0);
  }
}
= 0
$ cnnc info net.json --train --target avx512 | grep '^train_step'
train_step: 3 of 3 updates are part of the kernels of their gradients
= 0
# By its norm a gradient is only known when all are; so is the mean of several passes.
$ sed 's/0.9/0.9, "clip_norm": 1/' net.json > clipped.json; cnnc info clipped.json --train --target avx512 | grep '^train_step'
train_step: 0 of 3 updates are part of the kernels of their gradients
= 0
$ sed 's/0.9/0.9, "accumulate": 2/' net.json > mean.json; cnnc info mean.json --train --target avx512 | grep '^train_step'
train_step: 0 of 3 updates are part of the kernels of their gradients
= 0
# What is frozen has no update; of shared weights the sum of all gradients is taken; other optimisers are other formulas.
$ sed 's/"c1",/"c1", "freeze": true,/' net.json > frozen.json; cnnc info frozen.json --train --target avx512 | grep '^train_step'
train_step: 2 of 2 updates are part of the kernels of their gradients
= 0
$ sed 's/"c2", "filters": 32/"c2", "share": "c1", "filters": 16/' net.json > shared.json; cnnc info shared.json --train --target avx512 | grep '^train_step'
train_step: 1 of 2 updates are part of the kernels of their gradients
= 0
$ sed 's/"sgd", "lr": 0.1, "momentum": 0.9/"adamw"/' net.json > adamw.json; cnnc info adamw.json --train --target avx512 | grep '^train_step'
train_step: 3 of 3 updates are part of the kernels of their gradients
= 0
$ for op in adam rmsprop adagrad; do sed 's/"sgd", "lr": 0.1, "momentum": 0.9/"'$op'", "weight_decay": 0.1/' net.json > $op.json; cnnc info $op.json --train --target avx512 | grep '^train_step'; done
train_step: 3 of 3 updates are part of the kernels of their gradients
train_step: 3 of 3 updates are part of the kernels of their gradients
train_step: 3 of 3 updates are part of the kernels of their gradients
= 0
# Where threads work in blocks, the sum of the parts of a gradient goes on with its update.
$ cnnc net.json --train --batch 64 --target sm_80 --algo '*=implicit_gemm' --dump=update -o device.cu | sed -n '/^entry train_step/,/^choice/p' | sed -nf leaves | grep -A3 'c2 wgrad'
    c2 wgrad: part<8 k<32 c<16 kh<3 kw<3 | n<n ow<8
      %c2.parts[part, k, c, kh, kw] = acc0
    c2 dgrad: n<n part<2 c<16 h<10 w<10 | k<16 kh<3 kw<3
      %c2.parts.2[n, part, c, h, w] = acc0
    c2 wgrad: k<32 c<16 kh<3 kw<3 | part<8
      %c2.weight.momentum[k, c, kh, kw] = acc0 + in2*0.9
      %c2.weight[k, c, kh, kw] = in1 - scalar1*(acc0 + in2*0.9)
    c2 dgrad: n<n c<16 h<10 w<10 | part<2
= 0
