# Files that lie about themselves: a message and status 1, at once; and what a command line can get wrong about a network: 2.
@ net.json
{ "name": "net", "input": { "shape": [1, 8, 8] },
  "layers": [{ "op": "conv", "name": "c", "filters": 2, "kernel": 3, "bias": false }] }
@ pixels.json
{ "name": "pixels",
  "inputs": { "x": { "shape": [1, 8, 8] }, "y": { "shape": [8, 8], "dtype": "i32" } },
  "layers": [{ "op": "conv", "filters": 4, "kernel": 3, "pad": 1 }],
  "losses": [{ "op": "cross_entropy", "target": "y" }], "optimizer": { "op": "sgd", "lr": 0.1 } }
@ make.py
# FILE KIND: a NumPy array or a safetensors file whose header says KIND.
import json, struct, sys
path, kind = sys.argv[1:]
arrays = {"good": ("<f4", "(1, 8, 8)"), "many": ("<f4", "(9223372036854775807, 9223372036854775807)"),
          "more": ("<f4", "(1, 8, 9)"), "axes": ("<f4", "(" + "1, " * 50 + ")"), "complex": ("<c8", "(1, 8, 8)"),
          "big": (">f4", "(1, 8, 8)"), "minus": ("<f4", "(-1, 8, 8)")}
weights = {"fit": ([2, 1, 3, 3], [0, 72]), "far": ([2, 1, 3, 3], [0, 1 << 62]), "back": ([2, 1, 3, 3], [72, 0]),
           "vast": ([1 << 62, 1 << 62], [0, 72]), "less": ([2, 1, 3, 3], [0, 68]), "gap": ([2, 1, 3, 2], [24, 72])}
if kind in arrays:
    text = "{'descr': '%s', 'fortran_order': False, 'shape': %s, }\n" % arrays[kind]
    data = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + bytes(256)
else:
    shape, offsets = weights[kind]
    text = json.dumps({"c.weight": {"dtype": "F32", "shape": shape, "data_offsets": offsets}}).encode()
    data = struct.pack("<Q", len(text)) + text + bytes(72)
open(path, "wb").write(data)
$ python3 make.py x.npy good; cnnc run net.json --seed 1 --input x.npy --interpret --output y.npy | grep -o interpreted
interpreted
= 0
$ python3 make.py x.npy many; cnnc run net.json --seed 1 --input x.npy --interpret
x.npy: error: the array has 256 bytes of data, which is not what [9223372036854775807,9223372036854775807] of '<f4' needs
= 1
$ python3 make.py x.npy more; cnnc run net.json --seed 1 --input x.npy --interpret
x.npy: error: the array has 256 bytes of data, which is not what [1,8,9] of '<f4' needs
= 1
$ python3 make.py x.npy axes; cnnc run net.json --seed 1 --input x.npy --interpret
x.npy: error: the header of this NumPy array cannot be read; it must give descr, fortran_order and a shape of at most 8 axes
= 1
$ python3 make.py x.npy complex; cnnc run net.json --seed 1 --input x.npy --interpret
x.npy: error: elements of type '<c8'; known are f2, f4, f8, u1, i1, i2, i4, i8, b1
= 1
$ python3 make.py x.npy big; cnnc run net.json --seed 1 --input x.npy --interpret
x.npy: error: big-endian elements '>f4'; save the array in little-endian order
= 1
$ python3 make.py x.npy minus; cnnc run net.json --seed 1 --input x.npy --interpret
x.npy: error: the header of this NumPy array cannot be read; it must give descr, fortran_order and a shape of at most 8 axes
= 1
$ python3 make.py x.npy good; head -c 200 x.npy > cut.npy; cnnc run net.json --seed 1 --input cut.npy --interpret
cut.npy: error: the array has 127 bytes of data, which is not what [1,8,8] of '<f4' needs
= 1
$ head -c 9 x.npy > cut.npy; cnnc run net.json --seed 1 --input cut.npy --interpret
cut.npy: error: not a NumPy array (.npy), or a truncated one
= 1
$ : > cut.npy; cnnc run net.json --seed 1 --input cut.npy --interpret
cut.npy: error: not a NumPy array (.npy), or a truncated one
= 1
$ python3 make.py w.safetensors fit; cnnc run net.json --weights w.safetensors --input x.npy --interpret | tail -n 1 | grep -o interpreted
interpreted
= 0
$ python3 make.py w.safetensors far; cnnc net.json --weights w.safetensors --target generic -o net.c
w.safetensors: error: tensor "c.weight" lies at bytes 0 to 4611686018427387904, outside the file's 72 bytes of data
= 1
$ python3 make.py w.safetensors back; cnnc net.json --weights w.safetensors --target generic -o net.c
w.safetensors: error: tensor "c.weight" lies at bytes 72 to 0, outside the file's 72 bytes of data
= 1
$ python3 make.py w.safetensors vast; cnnc net.json --weights w.safetensors --target generic -o net.c
w.safetensors: error: tensor "c.weight": the shape is too large
= 1
$ python3 make.py w.safetensors less; cnnc net.json --weights w.safetensors --target generic -o net.c
w.safetensors: error: tensor "c.weight" has 68 bytes of data, but [2,1,3,3] of F32 need 72
= 1
$ python3 make.py w.safetensors gap; cnnc net.json --weights w.safetensors --target generic -o net.c
w.safetensors: error: 24 bytes before tensor "c.weight" belong to no tensor
= 1
$ python3 make.py w.safetensors fit; head -c 100 w.safetensors > cut; cnnc net.json --weights cut --target generic -o net.c
cut: error: tensor "c.weight" lies at bytes 0 to 72, outside the file's 14 bytes of data
= 1
$ head -c 5 w.safetensors > cut; cnnc net.json --weights cut --target generic -o net.c
cut: error: not a safetensors file: it has only 5 bytes
= 1
$ printf '\377\377\377\377\377\377\377\177{}' > cut; cnnc net.json --weights cut --target generic -o net.c
cut: error: not a safetensors file, or a truncated one: a header of 9223372036854775807 bytes in a file of 10
= 1
$ printf '\010\0\0\0\0\0\0\0{"a": 1]' > cut; cnnc net.json --weights cut --target generic -o net.c
cut: error: not a safetensors file: the header is not JSON, at byte 16
= 1
$ (printf '%s' '{ "layers": '; yes '[' | head -n 100000) > deep.json; cnnc check deep.json
deep.json:2048:1: error: the nesting is too deep
 2048 | [
      | ^
= 1
$ printf 'P5 99999 99999 255 x' > cut.pgm; cnnc run net.json --seed 1 --input cut.pgm --interpret
cut.pgm: error: the picture's header is damaged, or it is larger than 32768 x 32768
= 1
$ cnnc check net.json --input-shape 1x2147483648x2147483648
cnnc: error: --input-shape 1x2147483648x2147483648 is more than 2147483647 elements
= 2
$ cnnc check net.json --input-shape 1x2147483647x2 --outputs d --diagnostics=json
{"file": "cnnc", "line": 0, "column": 0, "length": 0, "severity": "error", "message": "--input-shape 1x2147483647x2 is more than 2147483647 elements"}
{"file": "cnnc", "line": 0, "column": 0, "length": 0, "severity": "error", "message": "--outputs: there is no layer \"d\"; did you mean \"x\"?"}
= 2
$ cnnc check net.json --outputs d
cnnc: error: --outputs: there is no layer "d"; did you mean "x"?
= 2
$ cnnc check net.json --outputs ''
cnnc: error: --outputs is empty; LAYER,... is expected
= 2
$ cnnc check net.json --outputs c,,c
cnnc: error: --outputs c,,c: there is nothing before a comma
= 2
$ cnnc net.json --diagnostics=json --bach 3 -o net.c
{"file": "cnnc", "line": 0, "column": 0, "length": 0, "severity": "error", "message": "unknown option \"--bach\"; did you mean \"--batch\"?"}
= 2
$ cnnc net.json --cc ' ' -o net.c
cnnc: error: --cc is empty; CC is expected
= 2
$ cnnc net.json --target generic -o net.c && cnnc net.json --target sm_80 -o net.cu
cnnc: error: -o net.cu: net.h belongs to net.c; another name, such as net_cuda.cu, keeps both
= 2
$ cnnc net.json --target sm_80 -o net_cuda.cu && ls net*
net.c
net.h
net.json
net_cuda.cu
net_cuda.h
= 0
$ cnnc net.json --target generic -o net.c --build --cc no-compiler
cannot start no-compiler: No such file or directory
= 3
$ cnnc run net.json --target generic --seed 1 --input x.npy --cc no-compiler 2>&1 | grep -c 'no-compiler:'
1
= 0
$ cnnc check pixels.json --train --input-shape x=1x12x10
= 0
$ cnnc check pixels.json --train --input-shape x=1x12x10 --input-shape y=8x8
pixels.json:4:49: error: cross_entropy of f32[n,4,12,10] needs labels i32 without its axis of classes, not i32[n,8,8]
    4 |   "losses": [{ "op": "cross_entropy", "target": "y" }], "optimizer": { "op": "sgd", "lr": 0.1 } }
      |                                                 ^~~
= 1
