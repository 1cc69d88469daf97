# Machines: given by --machine they decide what is estimated, plan files keep them, mistakes have their place.
@ net.json
{ "name": "net", "input": { "shape": [128, 14, 14] },
  "layers": [{ "op": "conv", "name": "c1", "filters": 128, "kernel": 3, "pad": 1, "bias": false }, { "op": "relu" },
             { "op": "conv", "name": "c2", "filters": 128, "kernel": 3, "pad": 1, "bias": false }] }
@ slow.json
{ "machine": 1, "target": "avx512", "name": "a slow memory", "l3": 1000000, "dram_bandwidth": 3e8 }
@ own.json
{ "machine": 1, "target": "avx512", "name": "Zen 4" }
@ wrong.json
{
  "machine": 2, "target": "avx2",
  "flops": 0, "l1": "32K", "l2": -1e6, "l3_bandwidth": 1e99,
  "cores": 1.5, "dram_bandwith": 3e8, "units": 108, "name": 7
}
@ empty.json
{}
@ list.json
[1]
@ broken.json
{ "machine": 1, "target": "avx512", "flops": 117e9, }
@ plan.json
{ "plan": 1, "network": "net", "target": "avx512", "dtype": "f32", "batch": 1, "train": false,
  "machine": { "l2": 0, "speed": 1 } }
$ cnnc info net.json --target avx512 --explain --machine slow.json | grep -E '^estimates|^  [*]' | sed 's/  *[0-9.]* [mu]s.*//'
estimates are of a slow memory: 2 cores of 117 GFLOP/s, L1 31 KiB, L2 977 KiB at 116 GB/s, L3 977 KiB at 84 GB/s, memory at 0.3 GB/s
  * direct
  * direct
= 0
$ cnnc info net.json --target avx512 --explain | grep -E '^estimates|^  [*]' | sed 's/  *[0-9.]* [mu]s.*//; s/winograd[2-6]/winograd/'
estimates are of Zen 4: 2 cores of 117 GFLOP/s, L1 31 KiB, L2 977 KiB at 116 GB/s, L3 31250 KiB at 84 GB/s, memory at 27 GB/s
  * winograd
  * winograd
= 0
$ cnnc net.json --target avx512 -o net.c && mv net.c a.c && cnnc net.json --target avx512 --machine own.json -o net.c && diff a.c net.c | sed -n 's/^> .*--machine/--machine/p' | cut -c 1-18; diff a.c net.c | grep -c '^>'
--machine own.json
1
= 0
$ cnnc net.json --target avx512 --machine slow.json -o net.c --save-plan a.json && mv net.c a.c && cnnc net.json --target avx512 -o net.c --plan a.json --save-plan b.json && cmp a.json b.json && diff a.c net.c | grep '^[<>]' | grep -vc -- '--target avx512'; grep machine a.json
0
  "machine": {"name": "a slow memory", "cores": 2, "flops": 1.17e+11, "fma_per_cycle": 1, "l1": 32000, "l2": 1e+06, "l3": 1e+06, "l2_bandwidth": 1.16e+11, "l3_bandwidth": 8.4e+10, "dram_bandwidth": 3e+08, "launch": 2e-06},
= 0
$ cnnc net.json -o net.c 2> /dev/null && mv net.c a.c && cnnc net.json -o net.c 2> /dev/null && cmp a.c net.c && cnnc net.json -o net.c --machine native 2> /dev/null && echo twice the same
twice the same
= 0
$ cnnc net.json --target avx512,generic --machine slow.json -o net.c
cnnc: error: --machine: a machine file is for one target; give --target one of avx512,generic
= 2
$ cnnc net.json --target sm_80 --machine native -o device.cu
cnnc: error: --machine native: this machine has no sm_80; give --machine a file
= 2
$ cnnc info net.json --target avx512 --machine nowhere.json
nowhere.json: error: cannot read the file: No such file or directory
= 1
$ cnnc info net.json --target avx512 --machine wrong.json
wrong.json:2:14: error: the machine is of version 2, not 1
    2 |   "machine": 2, "target": "avx2",
      |              ^
wrong.json:2:27: error: the machine is for the target "avx2", not "avx512"
    2 |   "machine": 2, "target": "avx2",
      |                           ^~~~~~
wrong.json:3:12: error: flops is a number from 1e+06 to 1e+18: operations a second and core
    3 |   "flops": 0, "l1": "32K", "l2": -1e6, "l3_bandwidth": 1e99,
      |            ^
wrong.json:3:21: error: l1 is a number from 1000 to 1e+12: bytes
    3 |   "flops": 0, "l1": "32K", "l2": -1e6, "l3_bandwidth": 1e99,
      |                     ^~~~~
wrong.json:3:34: error: l2 is a number from 1000 to 1e+12: bytes
    3 |   "flops": 0, "l1": "32K", "l2": -1e6, "l3_bandwidth": 1e99,
      |                                  ^~~~
wrong.json:3:56: error: l3_bandwidth is a number from 1e+06 to 1e+15: bytes a second
    3 |   "flops": 0, "l1": "32K", "l2": -1e6, "l3_bandwidth": 1e99,
      |                                                        ^~~~
wrong.json:4:12: error: cores is an integer from 1 to 1024: jobs are made for so many
    4 |   "cores": 1.5, "dram_bandwith": 3e8, "units": 108, "name": 7
      |            ^~~
wrong.json:4:17: error: unknown key "dram_bandwith"; did you mean "dram_bandwidth"?
    4 |   "cores": 1.5, "dram_bandwith": 3e8, "units": 108, "name": 7
      |                 ^~~~~~~~~~~~~~~
wrong.json:4:39: error: target avx512 has no "units"
    4 |   "cores": 1.5, "dram_bandwith": 3e8, "units": 108, "name": 7
      |                                       ^~~~~~~
wrong.json:4:61: error: a name is a string, not an integer
    4 |   "cores": 1.5, "dram_bandwith": 3e8, "units": 108, "name": 7
      |                                                             ^
= 1
$ cnnc info net.json --target avx512 --machine empty.json
empty.json:1:1: error: a machine file says its "machine": 1
    1 | {}
      | ^~
empty.json:1:1: error: a machine file says its "target": "avx512"
    1 | {}
      | ^~
= 1
$ cnnc info net.json --target avx512 --machine list.json
list.json:1:1: error: a machine is an object of numbers, not a list
    1 | [1]
      | ^~~
= 1
$ cnnc info net.json --target avx512 --machine broken.json
broken.json:1:53: error: a key in double quotes or "}" is expected, not "}"; the comma before it is one too many
    1 | { "machine": 1, "target": "avx512", "flops": 117e9, }
      |                                                     ^
= 1
$ cnnc info net.json --target avx512 --plan plan.json
plan.json:2:22: error: l2 is a number from 1000 to 1e+12: bytes
    2 |   "machine": { "l2": 0, "speed": 1 } }
      |                      ^
plan.json:2:25: error: unknown key "speed"
    2 |   "machine": { "l2": 0, "speed": 1 } }
      |                         ^~~~~~~
= 1
$ cnnc check net.json --machine slow.json
cnnc: error: `cnnc check` has no option --machine
= 2
$ cnnc machine --target sm_80
cnnc: error: target sm_80 is for CUDA; this command builds and runs libraries in C
= 2
$ cnnc machine net.json
cnnc: error: `cnnc machine` reads no file
= 2
$ cnnc net.json --target avx512 --machine slow.json -o net.c -MF net.d && cat net.d
net.c net.h: net.json slow.json
= 0
$ cnnc targets | grep -c '^native  *is [a-z0-9]* on .*: [0-9]* cores* of .* GB/s$'
1
= 0
