/* device.h - numbers that all CUDA devices with a target of their own (target.c) have in common. */
#ifndef CUDA_DEVICE_H
#define CUDA_DEVICE_H

enum {
  DEVICE_WARP = 32,         /* threads that run together */
  DEVICE_THREADS = 2048,    /* that a multiprocessor holds */
  DEVICE_REGISTERS = 65536, /* of a multiprocessor, of 32 bits */
  DEVICE_BANKS = 32         /* of shared memory, which gives a word each per cycle */
};

#endif
