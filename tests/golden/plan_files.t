# Plan files: what --save-plan writes --plan reads; a line speaks of its kernel alone; every mistake has its place.
@ net.json
{ "name": "net", "input": { "shape": [16, 14, 14] },
  "layers": [{ "op": "conv", "name": "c1", "filters": 32, "kernel": 3, "pad": 1 }, { "op": "relu" },
             { "op": "conv", "name": "c2", "filters": 32, "kernel": 3, "pad": 1 },
             { "op": "pool", "name": "p", "kind": "max", "kernel": 2 },
             { "op": "dense", "name": "d", "units": 10 }],
  "loss": { "op": "cross_entropy" }, "optimizer": { "op": "sgd", "lr": 0.1 } }
@ deep.json
{ "name": "deep", "input": { "shape": [16, 28, 28] },
  "layers": [{ "op": "conv", "name": "wide", "filters": 2048, "kernel": 3, "pad": 1 },
             { "op": "conv", "name": "deep", "filters": 32, "kernel": 3, "pad": 1 }] }
@ hand.json
{
  "plan": 1, "network": "net", "target": "avx512", "dtype": "f32", "batch": 2, "train": false,
  "forward": {
    "c1": {"algorithm": "direct", "tiles": [{"r": 7, "k": 2, "unroll": 1}], "result": "plain"},
    "c2": {"algorithm": "winograd2"},
    "p": {"layout": "plain"}
  }
}
@ other.json
{
  "plan": 2, "network": "next", "target": "avx2", "dtype": "f64", "batch": 2, "train": true
}
@ words.json
{
  "plan": 1, "network": "net", "target": "avx512", "dtype": "f32", "batch": 1, "train": false,
  "foward": {},
  "forward": {
    "c1": {"algorithm": "winograd7", "result": "lane"},
    "c2": {"algoritm": "direct"},
    "p": 5, "d": {"algorithm": 7, "tiles": {"r": 1}}
  }
}
@ wrong.json
{
  "plan": 1, "network": "net", "target": "avx512", "dtype": "f32", "batch": 1, "train": false,
  "forward": {
    "c1": {"algorithm": "depthwise"},
    "c2": {"algorithm": "direct", "tiles": [{"r": 29}]},
    "c22": {"algorithm": "direct"},
    "p": {"algorithm": "direct"},
    "d": {"algorithm": "gemm", "tiles": [{"r": 1}, {"r": 1}], "result": "lanes"}
  },
  "backward": { "c1:dgrad": {} }
}
@ rows.json
{ "name": "rows", "input": { "shape": [16, 14, 14] },
  "layers": [{ "op": "conv", "name": "a", "filters": 64, "kernel": 1 }, { "op": "conv", "name": "b", "filters": 64, "kernel": 1 },
             { "op": "conv", "name": "c", "filters": 64, "kernel": 3, "pad": 1, "from": "a" },
             { "op": "add", "from": ["b", "c"] }] }
@ whole.json
{
  "plan": 1, "network": "rows", "target": "avx512", "dtype": "f32", "batch": 1, "train": false,
  "forward": { "b": {"algorithm": "gemm", "tiles": [{"r": 6, "k": 2}]}, "c": {"algorithm": "direct"} }
}
@ broken.json
{ "plan": 1,
$ cnnc net.json --target avx512 -o net.c --save-plan a.json && mv net.c a.c && mv net.h a.h && cnnc net.json --target avx512 -o net.c --plan a.json --save-plan b.json && cmp a.c net.c && cmp a.h net.h && cmp a.json b.json && echo same
same
= 0
$ cnnc net.json --target avx512 --train --batch 4 -o net.c --save-plan a.json && mv net.c a.c && mv net.h a.h && cnnc net.json --target avx512 --train --batch 4 -o net.c --plan a.json --save-plan b.json && cmp a.c net.c && cmp a.h net.h && cmp a.json b.json && echo same
same
= 0
$ cnnc net.json --target sm_80 --dtype bf16 --train --batch 64 -o blocks.cu --save-plan a.json && mv blocks.cu a.cu && grep -c '"threads"' a.json && cnnc net.json --target sm_80 --dtype bf16 --train --batch 64 -o blocks.cu --plan a.json --save-plan b.json && cmp a.cu blocks.cu && cmp a.json b.json && echo same
4
same
= 0
$ cnnc info net.json --target avx512 --batch 2 --plan hand.json --save-plan out.json > /dev/null; grep -v '"d"' out.json | sed '/"c2"/s/, "tiles.*//; s/, "result": "lanes"//; /"p"/s/, "result.*//'
{
  "plan": 1,
  "network": "net",
  "target": "avx512",
  "dtype": "f32",
  "batch": 2,
  "train": false,
  "forward": {
    "c1": {"algorithm": "direct", "tiles": [{"r": 7, "k": 2, "unroll": 1}], "result": "plain"},
    "c2": {"algorithm": "winograd2"
    "p": {"layout": "plain"
  }
}
= 0
$ cnnc info net.json --target avx512 --save-plan a.json > /dev/null; sed '/"c2"/s/"[a-z0-9]*", "tiles": [^]]*]/"im2col"/' a.json > b.json; cnnc info net.json --target avx512 --plan b.json --save-plan c.json > /dev/null; diff a.json c.json | sed -n 's/^> *//p' | cut -c 1-28; diff a.json c.json | grep -c '^[<>]'
"c2": {"algorithm": "im2col"
2
= 0
$ cnnc info net.json --target avx512 --plan hand.json --batch 2 --algo c2=direct --save-plan out.json > /dev/null; grep -c '"c2": {"algorithm": "direct"' out.json
1
= 0
$ cnnc net.json --target avx512 -o net.c --plan other.json
other.json:2:11: error: the plan is for version 2, not 1
    2 |   "plan": 2, "network": "next", "target": "avx2", "dtype": "f64", "batch": 2, "train": true
      |           ^
other.json:2:25: error: the plan is for the network "next", not "net"
    2 |   "plan": 2, "network": "next", "target": "avx2", "dtype": "f64", "batch": 2, "train": true
      |                         ^~~~~~
other.json:2:43: error: the plan is for the target "avx2", not "avx512"
    2 |   "plan": 2, "network": "next", "target": "avx2", "dtype": "f64", "batch": 2, "train": true
      |                                           ^~~~~~
other.json:2:60: error: the plan is for the dtype "f64", not "f32"
    2 |   "plan": 2, "network": "next", "target": "avx2", "dtype": "f64", "batch": 2, "train": true
      |                                                            ^~~~~
other.json:2:76: error: the plan is for batch 2, not 1
    2 | ...etwork": "next", "target": "avx2", "dtype": "f64", "batch": 2, "train": true
      |                                                                ^
other.json:2:88: error: the plan is for --train, not for inference
    2 | ...xt", "target": "avx2", "dtype": "f64", "batch": 2, "train": true
      |                                                                ^~~~
= 1
$ cnnc net.json --target avx512 -o net.c --plan words.json
words.json:3:3: error: unknown key "foward"; did you mean "forward"?
    3 |   "foward": {},
      |   ^~~~~~~~
words.json:5:25: error: unknown algorithm "winograd7"; did you mean "winograd2"?
    5 |     "c1": {"algorithm": "winograd7", "result": "lane"},
      |                         ^~~~~~~~~~~
words.json:5:48: error: a layout is "plain", "lanes" or "batch"; did you mean "lanes"?
    5 |     "c1": {"algorithm": "winograd7", "result": "lane"},
      |                                                ^~~~~~
words.json:6:12: error: unknown key "algoritm"; did you mean "algorithm"?
    6 |     "c2": {"algoritm": "direct"},
      |            ^~~~~~~~~~
words.json:7:10: error: what is decided is an object, not an integer
    7 |     "p": 5, "d": {"algorithm": 7, "tiles": {"r": 1}}
      |          ^
words.json:7:32: error: an algorithm is a string, not an integer
    7 |     "p": 5, "d": {"algorithm": 7, "tiles": {"r": 1}}
      |                                ^
words.json:7:44: error: tiles are a list of at most 4096 objects
    7 |     "p": 5, "d": {"algorithm": 7, "tiles": {"r": 1}}
      |                                            ^~~~~~~~
= 1
$ cnnc net.json --target avx512 -o net.c --plan wrong.json
wrong.json:4:25: error: c1: its algorithm cannot be so: output channels share input channels
    4 |     "c1": {"algorithm": "depthwise"},
      |                         ^~~~~~~~~~~
wrong.json:5:44: error: c2: its tiles cannot be so: it has too many points
    5 |     "c2": {"algorithm": "direct", "tiles": [{"r": 29}]},
      |                                            ^~~~~~~~~~~
wrong.json:6:5: error: no kernel of forward is named "c22"; did you mean "c2"?
    6 |     "c22": {"algorithm": "direct"},
      |     ^~~~~
wrong.json:7:24: error: p: its algorithm cannot be so: the kernel is no contraction
    7 |     "p": {"algorithm": "direct"},
      |                        ^~~~~~~~
wrong.json:8:73: error: d: its result cannot be so: it decides about none: the tensor is the caller's, or another kernel is the first to write it
    8 | ...lgorithm": "gemm", "tiles": [{"r": 1}, {"r": 1}], "result": "lanes"}
      |                                                                ^~~~~~~
wrong.json:10:17: error: no kernel of backward is named "c1:dgrad"
   10 |   "backward": { "c1:dgrad": {} }
      |                 ^~~~~~~~~~
= 1
$ cnnc info rows.json --target avx512 --plan whole.json
whole.json:3:52: error: b: its tiles cannot be so: margins part its rows, which tiles take whole or in equal parts
    3 |   "forward": { "b": {"algorithm": "gemm", "tiles": [{"r": 6, "k": 2}]}, "c": {"algorithm": "direct"} }
      |                                                    ^~~~~~~~~~~~~~~~~~
= 1
$ cnnc info rows.json --target avx512 --algo c=direct --input-shape 16x9x9 --save-plan a.json | sed -n 's/^ *b .*serial, //p'; sed -n '/"b"/p' a.json
r 9 k 2 unroll 1
    "b": {"algorithm": "gemm", "tiles": [{"r": 9, "k": 2, "unroll": 1}], "result": "lanes"},
= 0
$ cnnc net.json --target avx512 -o net.c --plan broken.json
broken.json:1:13: error: the file ends too early
    1 | { "plan": 1,
      |             ^
= 1
$ cnnc net.json --target avx512 -o net.c --plan nowhere.json
nowhere.json: error: cannot read the file: No such file or directory
= 1
$ cnnc check net.json --plan a.json
cnnc: error: `cnnc check` has no option --plan
= 2
$ cnnc info net.json --target avx512 --explain --max-error 1e-9 | grep -A 20 '^c2' | grep winograd | sort -u | sed 's/  */ /g'; cnnc info net.json --target avx512 --explain --max-error 1 | grep -c 'would exceed'
 winograd2 refused its rounding error would exceed 1e-09
 winograd3 refused its rounding error would exceed 1e-09
 winograd4 refused its rounding error would exceed 1e-09
 winograd5 refused its rounding error would exceed 1e-09
 winograd6 refused its rounding error would exceed 1e-09
0
= 1
$ cnnc info deep.json --target avx512 --explain | sed -n '/^wide$/p; /^deep$/p; s/  */ /g; /winograd[56].*exceed/p' # F(5, 3) and F(6, 3) of 16 channels, not of 2048
wide
deep
 winograd5 refused its rounding error would exceed 1e-05
 winograd6 refused its rounding error would exceed 1e-05
= 0
