# Inputs that are wrong: status 1, and nothing is written.
@ net.json
{ "name": "net", "input": { "shape": [1, 8, 8] }, "layers": [{ "op": "relu" }] }
@ bad.json
{ "name": "bad", "input": { "shape": [1, 8, 8] }, "layers": [{ "op": "relyu" }] }
$ cnnc none.json -o net.c
none.json: error: cannot read the file: No such file or directory
= 1
$ cnnc net.onnx -o net.c
net.onnx: error: ONNX is not supported; write the layers in JSON (docs/network.md; `cnnc ops` lists operators) and give their parameters as safetensors with --weights
= 1
$ cnnc bad.json -o net.c
bad.json:1:70: error: unknown operator "relyu"; did you mean "relu"?
= 1
$ cnnc check bad.json
= 1
$ cnnc net.json --weights net.json -o net.c
= 1
$ cnnc net.json -o none/net.c
= 1
$ ls
bad.json
net.json
= 0
