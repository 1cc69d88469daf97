# Which algorithm serves which pass of how many dimensions, as the algorithms answer.
$ cnnc algos | cut -c 1-36
dimensions in  fwd     dgrad   wgrad
gemm           1 2 3   1 2 3   1 2 3
direct         1 2 3   1 2 3   1 2 3
depthwise      1 2 3   1 2 3   1 2 3
winograd2      1 2 3   1 2 3   1 2 3
winograd3      1 2 3   1 2 3   1 2 3
winograd4      1 2 3   1 2 3   1 2 3
winograd5      1 2 3   1 2 3   1 2 3
winograd6      1 2 3   1 2 3   1 2 3
fft8           1 2 3   1 2 3   1 2 3
fft16          1 2 -   1 2 -   1 2 -
fft32          1 2 -   1 2 -   1 2 -
fft64          1 - -   1 - -   1 - -
separable      - 2 3   - 2 3   - - -
strassen       1 2 3   1 2 3   - - -
im2col         1 2 3   1 2 3   - - -
batch          1 2 3   1 2 3   1 2 3
implicit_gemm  1 2 3   1 2 3   1 2 3
loops          1 2 3   1 2 3   1 2 3
= 0
