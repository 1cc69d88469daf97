# Mistakes on the command line: a message, the nearest word, status 2.
@ net.json
{ "name": "net", "input": { "shape": [1, 8, 8] }, "layers": [{ "op": "relu" }] }
@ train.json
{ "name": "train", "input": { "shape": [8, 8, 8] },
  "layers": [{ "op": "conv", "name": "c1", "filters": 16, "kernel": 3, "pad": 1 },
             { "op": "conv", "name": "c2", "filters": 16, "kernel": 3, "pad": 1 }],
  "loss": { "op": "mse" }, "optimizer": { "op": "sgd", "lr": 0.1 } }
@ beta.json
{ "name": "beta", "input": { "shape": [4] }, "layers": [{ "op": "dense", "units": 2 }], "loss": { "op": "mse" },
  "optimizer": { "op": "adam", "beta1": 1, "beta2": 0.999 } }
@ taken
# Which algorithm is taken for which layer and role; estimates follow the machine model.
/^ *[*]/!{/^ /d}; s/^  [*] \([a-z0-9]*\).*/  * \1/
$ cnnc net.json --trian
cnnc: error: unknown option "--trian"; did you mean "--train"?
= 2
$ cnnc net.json --dtype f8 --bathc 3 --batch 0 --max-memory
cnnc: error: --dtype f8: this version knows f32, f64, tf32, bf16, f16, f32x3
cnnc: error: unknown option "--bathc"; did you mean "--batch"?
cnnc: error: --batch 0: a whole number from 1 to 1048576 is expected
cnnc: error: --max-memory needs a value: BYTES
= 2
$ cnnc net.json --target avx51,foo -o net.c
cnnc: error: unknown target "avx51"; did you mean "avx512"?
cnnc: error: unknown target "foo"; `cnnc targets` lists them
= 2
$ cnnc chekc net.json
cnnc: error: unknown command "chekc"; did you mean "check"?
= 2
$ cnnc
cnnc: error: no network given; usage: cnnc NET.json [options], or cnnc --help
= 2
$ cnnc nonsense
cnnc: error: "nonsense" is neither a command nor a file; `cnnc --help` lists the commands
= 2
$ cnnc help
cnnc: error: help: `cnnc --help` prints the commands, `cnnc COMMAND --help` one of them
= 2
$ cnnc net.json --dtype f64 -o net.cu
cnnc: error: --dtype f64: this version has no f64 in CUDA
= 2
$ cnnc info net.json --dtype f64 --target sm_80
cnnc: error: --dtype f64: this version has no f64 in CUDA
= 2
$ cnnc net.json --dtype bf16 -o net.c
cnnc: error: --dtype bf16: libraries in C compute in f32 or f64
= 2
$ cnnc net.json -o -
cnnc: error: -o -: a library is more than one file; -o names its source, such as net.c
= 2
$ cnnc net.json -o 'a"b.c'
cnnc: error: -o a"b.c: a name for #include has no quotes, backslashes or line breaks
= 2
$ cnnc check net.json --input-shape 8x8
cnnc: error: --input-shape 8x8: input "x" has 3 extents, not 2: x=1x8x8
= 2
$ sed 's/"net"/"state"/' net.json > state.json && cnnc state.json --target generic -o state.c && grep -o 'net_state_forward' state.h && cnnc state.json --target generic --prefix mine -o state.c && rm state.*
cnnc: note: the prefix is net_state: state has a meaning in C, C++ or emitted files; --prefix chooses another
net_state_forward
= 0
$ cnnc net.json -o net.cpp
cnnc: error: -o net.cpp: the name of the output ends in .c or .cu
= 2
$ cnnc net.json --prefix 3d-net -o net.c
cnnc: error: --prefix 3d-net: an identifier is expected, such as net_3d_net
= 2
$ cnnc net.json --prefix printf -o net.c
cnnc: error: --prefix printf: the word has a meaning in C, C++ or emitted files; net_printf has none
= 2
$ cnnc net.json --target generic --prefix bars -o bars.c && ls bars.* && rm bars.*
bars.c
bars.h
= 0
$ cnnc net.json --target avx12
cnnc: error: unknown target "avx12"; did you mean "avx512"?
= 2
$ cnnc net.json --algo 'relu1=fast'
cnnc: error: --algo relu1=fast: unknown algorithm "fast"
= 2
$ cnnc train.json --train --algo c1:nonsense=direct
cnnc: error: --algo c1:nonsense=direct: unknown role "nonsense"
= 2
$ cnnc train.json --train --algo c2:dgra=direct
cnnc: error: --algo c2:dgra=direct: unknown role "dgra"; did you mean "dgrad"?
= 2
$ cnnc train.json --train --algo c1:dgrad=loops
cnnc: error: --algo c1:dgrad=loops: no contraction belongs to a layer of this name in this role
= 2
$ cnnc train.json --train --target avx512 --explain --algo c2:dgrad=im2col --algo c1:fwd=loops | sed -f taken
c1
  * loops
c2
  * direct
c1 in train_forward
  * loops
c2 in train_forward
  * direct
c2:wgrad
  * direct
c2:dgrad
  * im2col
c1:wgrad
  * direct
= 0
$ cnnc net.json --dump=fusee
cnnc: error: --dump=fusee: no such pass; did you mean "fuse"?
= 2
$ cnnc net.json --weights-as file
cnnc: error: --weights-as says how --weights FILE is baked in; no file is given
= 2
$ cnnc net.json --max-error -1
cnnc: error: --max-error -1: a positive number is expected
= 2
$ cnnc net.json --max-memory 1G
cnnc: error: --max-memory: what only infers keeps no activations; it is for --train
= 2
$ cnnc net.json --train --max-memory 1GB
cnnc: error: --max-memory 1GB: a number of bytes is expected, such as 1000000, 512M or 2G
= 2
$ cnnc net.json --train --max-memory 9000000000G
cnnc: error: --max-memory 9000000000G: a number of bytes is expected, such as 1000000, 512M or 2G
= 2
$ cnnc net.json --train --max-memory 0
cnnc: error: --max-memory 0: a number of bytes is expected, such as 1000000, 512M or 2G
= 2
$ cnnc net.json --input-grad
cnnc: error: --input-grad: what only infers has no gradients; --train emits them
= 2
$ cnnc info train.json --train --target generic | grep -o 'training in .* kept'
training in bytes: state 0, gradients 13952, kept
= 0
$ cnnc ops | grep '^    stop \|^    axes \|^    beta1 '
    stop               integer; index behind the last; below 0: counted from the end; default: the end
    axes               integers, 0 to 6; axes that are summed; default: all but the batch
    beta1              number, default 0.9, at least 0 and below 1; memory of the mean of gradients
= 0
$ cnnc check beta.json
beta.json:2:41: error: beta1 must be below 1, not 1
= 1
$ cnnc --help
cnnc - compiles a convolutional network to a library in C or CUDA
exit status: 0 done, 1 the input is wrong, 2 the command line is wrong, 3 a tool
             (cc, nvcc) or what was built failed, 130 interrupted
= 0
$ cnnc info --help
passes, in the order of running (--dump):
  read        no pass yet: the network as it is read
  grad        training: losses' gradients and the optimiser's updates join the
              graph
  memory      every buffer gets its place
= 0
$ cnnc check --help | grep -c passes
0
= 1
$ cnnc train net.json
cnnc: error: train needs a data set: give --data DIR
= 1
$ cnnc eval net.json
cnnc: error: eval needs a data set: give --data DIR
= 2
$ cnnc net.json --explain --report net.html --build
cnnc: error: --report: with --explain and without -o no library is written; give -o
cnnc: error: --build: with --explain and without -o no library is written; give -o
= 2
$ cnnc net.json --target generic -o net.c --report none/net.html
none/net.html: error: cannot write the file: No such file or directory
= 1
$ cnnc info net.json --json --explain
cnnc: error: --json prints counts and plan for programs; leave out --explain, which prints text
= 2
$ cnnc run net.json --interpret --target avx2 --input x.npy
cnnc: error: --target says how to build and run; --interpret does neither
= 1
$ cnnc run net.json --input y=x.npy
cnnc: error: --input y=x.npy: the network has no input of that name
= 2
$ cnnc ops --markdown --schema
cnnc: error: --markdown and --schema are two documents: one at a time
= 2
$ cnnc check net.json --dump=fuse
cnnc: error: `cnnc check` has no option --dump
= 2
$ cnnc --version
cnnc 0.1.0
= 0
$ ls
beta.json
net.json
taken
train.json
= 0
