# A mean and the mean of squares around it are one kernel where sums come from memory; where caches hold a sample they are two.
@ net.json
{ "name": "net", "input": { "shape": [4, 8, 8] }, "layers": [{ "op": "instance_norm", "name": "a" }] }
$ cnnc net.json --target sm_80 --dump=fuse -o net.cu | grep 'acc0 = sum\|^ *%'
      acc0 = sum f64 in0 - in1
      %a.2[n, c] = in1 + acc0*0.015625
      %a.3[n, c] = acc1*0.015625 - acc0*0.015625*(acc0*0.015625)
      %a[n, c, h, w] = (in0 - in1)*(1/sqrt(in2 + 1e-05))
= 0
$ cnnc net.json --target generic --dump=fuse -o net_c.c | grep -c 'acc0 = sum'
2
= 0
