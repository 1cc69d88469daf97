# What bench refuses, at the places of a table's mistakes.
@ net.json
{ "name": "net", "input": { "shape": [4, 8, 8] }, "layers": [{ "op": "conv", "filters": 4, "kernel": 3 }] }
@ missing.csv
layer,N,C,H,W,K,kh
a,1,4,8,8,4,3
@ wrong.csv
layer,N,C,H,W,K,kh,kw,ph,OH
a,0,4,8,8,4,3,3,0,6
b,1,4,8,8,4,3,3,x,6
c,1,4,8,8,4,3,3
d,1,4,8,8,4,3,3,0,7
e,1,4,8,8,4,9,3,0,0
$ cnnc bench
cnnc: error: no network given; usage: cnnc bench NET.json [options], or cnnc --help
= 2
$ cnnc bench net.json --shapes missing.csv
cnnc: error: --shapes missing.csv stands in place of a network: not both
missing.csv:1:1: error: the table has no column "kw"
    1 | layer,N,C,H,W,K,kh
      | ^~~~~~~~~~~~~~~~~~
= 1
$ cnnc bench --shapes missing.csv --save-plan plan.json
cnnc: error: --save-plan: a plan belongs to a network, and --shapes measures none
missing.csv:1:1: error: the table has no column "kw"
    1 | layer,N,C,H,W,K,kh
      | ^~~~~~~~~~~~~~~~~~
= 1
$ cnnc bench --shapes missing.csv
missing.csv:1:1: error: the table has no column "kw"
    1 | layer,N,C,H,W,K,kh
      | ^~~~~~~~~~~~~~~~~~
= 1
$ cnnc bench --shapes wrong.csv
wrong.csv:2:3: error: N is an integer from 1 to 1099511627776
    2 | a,0,4,8,8,4,3,3,0,6
      |   ^
wrong.csv:3:17: error: ph is an integer from 0 to 1099511627776
    3 | b,1,4,8,8,4,3,3,x,6
      |                 ^
wrong.csv:4:1: error: the line has no "ph"
    4 | c,1,4,8,8,4,3,3
      | ^~~~~~~~~~~~~~~
wrong.csv:4:1: error: the line has no "OH"
    4 | c,1,4,8,8,4,3,3
      | ^~~~~~~~~~~~~~~
wrong.csv:5:1: error: OH is 6 by the other columns
    5 | d,1,4,8,8,4,3,3,0,7
      | ^~~~~~~~~~~~~~~~~~~
wrong.csv, layer e:1:203: error: kernel 9x3 does not fit the input of 8x8 (8x8 with padding)
    1 | ...sured", "filters": 4, "groups": 1, "bias": false, "kernel": [9, 3], "stride": [1, 1], "dilation": [1, 1], "pad": { "lo": [0, 0], "hi": [0, 0] } }, { "...
      |                                                                ^~~~~~
= 1
$ cnnc bench --shapes nowhere.csv
nowhere.csv: error: cannot read the file: No such file or directory
= 1
$ cnnc bench net.json --csv nowhere/rows.csv
nowhere/rows.csv: error: cannot write the file: No such file or directory
= 1
$ cnnc bench net.json --within 0.5
cnnc: error: --within 0.5: the best estimate itself is 1 times as long
= 2
$ cnnc bench net.json --seconds 0
cnnc: error: --seconds 0: a positive number is expected
= 2
$ cnnc bench net.json --epochs 3
cnnc: error: `cnnc bench` has no option --epochs
= 2
$ cnnc bench net.json --target sm_80
cnnc: error: target sm_80 is for CUDA; this command builds and runs libraries in C
= 2
$ cnnc bench net.json --cc 'cc --no-such-flag' 2>&1 | sed 's/cnnc-[A-Za-z0-9]*/FOLDER/g' | head -n 1 | cut -c 1-40; cnnc bench net.json --cc nowhere-cc > /dev/null 2>&1
cnnc: error: this failed: cc --no-such-f
= 3
$ cnnc net.json -o net.c --seconds 1
cnnc: error: --threads, --runner and --seconds say how --tune measures; it is not given
= 2
$ cnnc net.json -o net.cu --tune
cnnc: error: --tune: kernels in CUDA cannot be measured by this version
= 2
$ cnnc net.json -o net.c --tune --save-plan nowhere/plan.json
nowhere/plan.json: error: cannot write the file: No such file or directory
= 1
