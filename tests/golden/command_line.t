# Mistakes on the command line: a message, the nearest word, status 2.
@ net.json
{ "name": "net", "input": { "shape": [1, 8, 8] }, "layers": [{ "op": "relu" }] }
$ cnnc net.json --trian
cnnc: error: unknown option "--trian"; did you mean "--train"?
= 2
$ cnnc chekc net.json
cnnc: error: unknown command "chekc"; did you mean "check"?
= 2
$ cnnc net.json -o net.cpp
cnnc: error: -o net.cpp: the name of the output ends in .c or .cu
= 2
$ cnnc net.json --target avx12
cnnc: error: unknown target "avx12"; did you mean "avx512"?
= 2
$ cnnc net.json --algo 'relu1=fast'
cnnc: error: --algo relu1=fast: no algorithm "fast"
= 2
$ cnnc net.json --dump=fusee
cnnc: error: --dump=fusee: no such pass; did you mean "fuse"?
= 2
$ cnnc net.json --weights-as file
cnnc: error: --weights-as says how --weights FILE is baked in; no file is given
= 2
$ cnnc net.json --tune
cnnc: error: --tune: this version estimates instead of measuring; --algo forces an algorithm
= 2
$ cnnc train net.json
cnnc: error: train: this version has no training loop; --train emits a library that trains
= 2
$ cnnc eval net.json
cnnc: error: eval needs a data set: give --data DIR
= 2
$ cnnc --version
cnnc 0.1.0
= 0
$ ls
net.json
= 0
