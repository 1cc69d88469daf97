# Data sets that are not what they should be: every fault is named with its file.
@ net.json
{ "name": "net", "input": { "shape": [1, 4, 4] }, "layers": [{ "op": "dense", "units": 2 }],
  "loss": { "op": "cross_entropy" }, "optimizer": { "op": "sgd", "lr": 0.1 } }
@ sound.json
{ "name": "sound", "input": { "shape": [1, 8] }, "layers": [{ "op": "dense", "units": 2 }] }
@ colour.json
{ "name": "colour", "input": { "shape": [3, 32, 32] }, "layers": [{ "op": "dense", "units": 2 }] }
@ wave
# wave NAME FORMAT CHANNELS RATE_LOW FRAME BITS SIZE BYTES: a RIFF file of one byte numbers
printf 'RIFF\44\0\0\0WAVEfmt \20\0\0\0\'$2'\0\'$3'\0\'$4'\0\0\0\0\0\0\0\'$5'\0\'$6'\0data\'$7'\0\0\0' > $1
printf "$8" >> $1
$ cnnc eval net.json --data nowhere
nowhere: error: there is no such folder
= 1
$ mkdir empty; cnnc eval net.json --data empty
empty: error: no data set in this folder; looked for t10k-images-idx3-ubyte (.gz); x_test.npy, x.npy; test*.bin; test/CLASS/*.wav, test/CLASS_*.wav; test/CLASS/*.png (.jpg, .ppm, .pgm)
= 1
$ mkdir idx; printf '\0\0\13\3\0\0\0\1\0\0\0\4\0\0\0\4' > idx/t10k-images-idx3-ubyte; cnnc eval net.json --data idx
idx/t10k-images-idx3-ubyte: error: not an idx file of bytes with one to four axes, as MNIST's files are
= 1
$ printf '\0\0\10\3\0\0\0\1\0\0\0\4\0\0\0\4' > idx/t10k-images-idx3-ubyte; cnnc eval net.json --data idx
idx/t10k-images-idx3-ubyte: error: the file has 16 bytes, which is not what its header says
= 1
$ printf '0123456789abcdef' >> idx/t10k-images-idx3-ubyte; cnnc eval net.json --data idx
idx/t10k-labels-idx1-ubyte: error: cannot read the file: No such file or directory
= 1
$ printf '\0\0\10\1\0\0\0\2\0\1' > idx/t10k-labels-idx1-ubyte; cnnc eval net.json --data idx
idx/t10k-labels-idx1-ubyte: error: 2 labels for 1 samples
= 1
$ printf '\0\0\10\1\0\0\0\1\2' > idx/t10k-labels-idx1-ubyte; cnnc eval net.json --data idx
idx: error: label 2 of sample 0: the network has 2 classes
= 1
$ mkdir npy; printf 'PK\3\4' > npy/x.npy; cnnc eval net.json --data npy
npy/x.npy: error: not a NumPy array (.npy), or a truncated one
= 1
$ mkdir cifar; head -c 3072 /dev/zero > cifar/test_batch.bin; cnnc eval colour.json --data cifar
cifar/test_batch.bin: error: not a CIFAR file: 3072 bytes are not records of 3073 (CIFAR-10) or 3074
= 1
$ mkdir -p pictures/a pictures/b; printf 'P5 4 4 255\n0123456789abcdef' > pictures/a/1.pgm; printf 'P5 4 4 255\n0123' > pictures/b/1.pgm; printf 'GIF89a' > pictures/b/2.png; printf '\211PNG\r\n\32\n' > pictures/b/3.png; printf '\377\330\377\340' > pictures/b/4.jpg; cnnc eval net.json --data pictures
pictures/b/1.pgm: error: the picture is cut off: 4 x 4 pixels need 16 bytes
pictures/b/2.png: error: not a picture: PNG, JPEG, or binary PGM or PPM (P5, P6)
pictures/b/3.png: error: not a complete PNG picture: the file is cut off
pictures/b/4.jpg: error: not a complete JPEG picture: Premature end of JPEG file
= 1
$ cnnc eval sound.json --data pictures
pictures: error: pictures are for networks that read [channels,height,width]
= 1
$ mkdir -p parts/train/a parts/train/b parts/test/a parts/test/c; for n in train/a train/b test/a test/c; do cp pictures/a/1.pgm parts/$n; done; cnnc eval net.json --data parts
parts/test/c/1.pgm: error: there is no class "c" in the training part
= 1
$ mkdir sounds; printf 'RIFX' > sounds/0_a.wav; sh wave sounds/0_b.wav 6 1 100 1 10 2 ab; sh wave sounds/0_c.wav 1 1 100 2 20 11 ab; sh wave sounds/0_d.wav 1 1 100 1 20 2 ab; sh wave sounds/0_e.wav 1 1 100 2 20 0 ""; printf 'RIFF\0\0\0\0WAVE' > sounds/1_f.wav; cnnc eval sound.json --data sounds
sounds/0_a.wav: error: not a RIFF wave file (.wav)
sounds/0_b.wav: error: samples of format 6 with 8 bits; known are integers of 8 to 32 bits (format 1) and floats (3)
sounds/0_c.wav: error: the file is cut off: its chunk "data" should have 9 bytes, not 2
sounds/0_d.wav: error: 1 channels of 16 bits do not take 1 bytes
sounds/0_e.wav: error: there is no sample in this file
sounds/1_f.wav: error: the file has no chunk "data", or an incomplete one
= 1
$ rm sounds/*; sh wave sounds/0_a.wav 1 1 100 2 20 2 ab; sh wave sounds/1_a.wav 1 1 101 2 20 2 ab; cnnc eval sound.json --data sounds
sounds/1_a.wav: error: 65 samples a second; the files before it have 64
= 1
$ cnnc eval net.json --data sounds
sounds: error: sounds are for networks that read [channels,samples]
= 1
$ cnnc train net.json --data pictures --augment saturation=0.5,shfit=1,scale=2
cnnc: error: --augment shfit: no such change; did you mean "shift"?
cnnc: error: --augment scale=2: scale=F is expected, with a number from 0 to 0.9
= 1
