# Several targets: what cannot be a list of them, what speaks of one only, and what is emitted for a list.
@ net.json
{ "name": "net", "input": { "shape": [16, 8, 8] },
  "layers": [{ "op": "conv", "name": "c", "filters": 16, "kernel": 3, "pad": 1 }, { "op": "relu" }] }
@ plain.json
{ "name": "plain", "input": { "shape": [4] }, "layers": [{ "op": "dense", "units": 3 }] }
$ cnnc net.json --target avx512,avx12 -o net.c
cnnc: error: unknown target "avx12"; did you mean "avx512"?
= 2
$ cnnc net.json --target avx512,,generic -o net.c
cnnc: error: --target: there is nothing before or behind a comma
= 2
$ cnnc net.json --target avx2, -o net.c
cnnc: error: --target: there is nothing before or behind a comma
= 2
$ cnnc net.json --target avx2,generic,avx2 -o net.c
cnnc: error: --target avx2,generic,avx2: avx2 is there twice
= 2
$ cnnc net.json --target avx512,generic,avx2 -o net.c
cnnc: error: --target avx512,generic,avx2: avx2 comes after generic, which every processor has; the one that is wanted most comes first
= 2
$ cnnc net.json --target avx512,sm_80 -o net.c
cnnc: error: target sm_80 is for CUDA, but the output is C (.c)
= 2
$ cnnc info net.json --target avx512,generic
cnnc: error: --target avx512,generic: this command is for one target at a time
= 2
$ cnnc net.json --target avx512,generic --save-plan net.plan.json -o net.c
cnnc: error: --save-plan: a plan file is for one target; give --target one of avx512,generic
= 2
$ cnnc net.json --target avx512,generic --plan net.plan.json --tune --report net.html -o net.c
cnnc: error: --plan: a plan file is for one target; give --target one of avx512,generic
cnnc: error: --tune: measuring is for one target, whose plan file it writes; give --target one of avx512,generic
cnnc: error: --report: the page shows the plan of one target; give --target one of avx512,generic
net.plan.json: error: cannot read the file: No such file or directory
= 1
$ cnnc net.json --target avx512,generic --profile --selftest -o net.c
cnnc: error: --profile: timers are named after the kernels of one target; give --target one of avx512,generic
cnnc: error: --selftest: what is tested are the kernels of one target; give --target one of avx512,generic
= 2
$ cnnc net.json --target avx2,generic --dump=memory --explain | grep -E '^====|^plan|^c$'
==== target avx2
plan net target avx2 batch 1
==== target generic
plan net target generic batch 1
==== target avx2
c
==== target generic
c
= 0
$ cnnc net.json --target avx512,avx2,neon,generic -o net.c && sed -n '/^enum { net_AVX/,/^}/p' net.c && sed -n '/^const char .net_info/,/^}/p' net.c | grep -o 'target [a-z0-9]*, plan' && grep -c 'cnnc net.json --target avx512,avx2,neon,generic' net.c
enum { net_AVX512 = 1, net_AVX2, net_NEON, net_GENERIC };
/* The first target that this processor has; 0: it has none of them. */
static int net_cpu(void) {
#ifdef __amd64__
  if (__builtin_cpu_supports("avx512f")) return net_AVX512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return net_AVX2;
#endif
#ifdef __ARM_64BIT_STATE
  return net_NEON;
#endif
  return net_GENERIC;
}
target avx512, plan
target avx2, plan
target neon, plan
target generic, plan
target none, plan
1
= 0
$ cnnc plain.json --target sm_90,sm_80 --build --nvcc false -o deep.cu 2>&1 | grep -o 'failed: false .* -O2'
failed: false -gencode=arch=compute_80,code=sm_80 -gencode=arch=compute_90,code=[sm_90,compute_90] -O2
= 0
$ cnnc plain.json --target sm_90 --build --nvcc false -o deep.cu 2>&1 | grep -o 'failed: false .* -O2'
failed: false -gencode=arch=compute_90,code=[sm_90,compute_90] -O2
= 0
$ cnnc plain.json --target sm_80,sm_90a --build --nvcc false -o deep.cu 2>&1 | grep -o 'failed: false .* -O2'
failed: false -gencode=arch=compute_90a,code=sm_90a -gencode=arch=compute_80,code=[sm_80,compute_80] -O2
= 0
$ mkdir one && cnnc plain.json --target sm_80,sm_90 -o deep.cu && cnnc plain.json --target sm_80 -o one/deep.cu && cmp deep.cu one/deep.cu && echo the source is that of the oldest
the source is that of the oldest
= 0
$ echo '{"name": "products", "input": {"shape": [16, 8, 8]}, "layers": [{"op": "conv", "filters": 16, "kernel": 3, "pad": 1}, {"op": "relu"}]}' > products.json; cnnc products.json --target sm_80 -o products.cu && echo products alone need no plain launches
products alone need no plain launches
= 0
$ echo '{"name": "boxes", "input": {"shape": [8, 8, 8]}, "layers": [{"op": "conv", "filters": 64, "kernel": 1}, {"op": "relu"}, {"op": "conv", "filters": 64, "kernel": 1}]}' > boxes.json; for t in sm_90a sm_80,sm_90a sm_90; do cnnc boxes.json --target $t --dtype bf16 --algo '*=implicit_gemm' --batch 4 --save-plan plan.json -o boxes.cu && echo $t: $(grep -c 'cnnc_box_4(x' boxes.cu) of boxes; done; true
sm_90a: 1 of boxes
sm_80,sm_90a: 0 of boxes
sm_90: 0 of boxes
= 0
$ cnnc boxes.json --target sm_90a --dtype bf16 --batch 4 --algo '*=implicit_gemm' --save-plan plan.json -o boxes.cu; for box in '1, "high": 1' '4, "high": 2' '3, "high": 2'; do sed "/conv2/s/\"wide\": [0-9]*, \"high\": [0-9]*/\"wide\": $box/" plan.json > box.json; rm boxes.cu; cnnc boxes.json --target sm_90a --dtype bf16 --batch 4 --plan box.json -o boxes.cu 2>&1 | grep -o 'its tiles.*'; grep -o 'boxes of .* x .* points of .* images' boxes.cu || echo $box: no boxes; done 2> /dev/null; sed '/conv1/s/"wide": 1, "high": 1/"wide": 8, "high": 8/' plan.json > box.json; cnnc boxes.json --target sm_90a --dtype bf16 --batch 4 --plan box.json -o boxes.cu 2>&1 | grep -o 'its tiles.*'
1, "high": 1: no boxes
boxes of 2 x 4 points of 8 images
its tiles cannot be so: rows are no box of so wide and high images
3, "high": 2: no boxes
its tiles cannot be so: its operands cannot come in boxes
= 0
