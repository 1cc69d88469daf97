# What joins a contraction in its vectors, and what stays behind it: a shortcut with more channels than it begins with is read
# beyond its end, element by element.
@ net.json
{ "name": "net", "input": { "shape": [16, 16, 16] },
  "layers": [{ "op": "conv", "name": "a", "filters": 32, "kernel": 3, "stride": 2, "pad": 1 },
             { "op": "subsample", "kernel": 2, "from": "x" }, { "op": "pad", "name": "wider", "axis": 0, "lo": 8, "hi": 8 },
             { "op": "add", "from": ["a", "wider"] }, { "op": "relu" },
             { "op": "conv", "name": "b", "filters": 32, "kernel": 1, "bias": false }, { "op": "add", "from": ["b", "relu1"] }] }
$ cnnc net.json --target avx512 -o net.c && sed -n 's/  \[.*//; /^\/\* \(a\|b\|add\)/p; s/ vectors,.*//; /^ \*   .* tile /p' net.c
/* a + bias
 *   direct, tile 8x2
/* add1 + relu1
/* b + add2
 *   gemm, tile 13x2
= 0
