# Where products are multiply-adds, large convolutions of many samples are computed by fewer of them; one sample does not fill
# the device, and what is rounded refuses.
@ net.json
{ "name": "net", "input": { "shape": [64, 56, 56] },
  "layers": [{ "op": "conv", "name": "c", "filters": 64, "kernel": 3, "pad": 1, "bias": false }] }
@ names
s/ \{2,\}[0-9.]* [num]*s *$//
$ cnnc net.json --target sm_90 --batch 128 --explain -o net.cu | sed -f names | grep '^  [*]'
  * winograd6
= 0
$ cnnc net.json --target sm_90 --batch 1 --explain -o net.cu | sed -f names | grep '^  [*]'
  * implicit_gemm
= 0
$ cnnc net.json --target sm_90 --batch 128 --dtype bf16 --explain -o net.cu | grep 'winograd4\|fft16'
    winograd4        refused  rounded products of transforms would be far off
    fft16            refused  rounded products of transforms would be far off
= 0
# Three kernels.
$ cnnc net.json --target sm_80 --batch 2 --algo c=winograd4 -o net.cu && grep '^ [*] \(Tiles\|Implicit\)' net.cu
 * Tiles through constant matrices of 6 x 6, 6 x 6, 32 to a block of threads. */
 * Implicit GEMM: 196 * batch x 64 results of 64 terms, a block of threads for each 64 x 64, 4
 * Tiles through constant matrices of 4 x 6, 4 x 6, 32 to a block of threads. */
= 0
