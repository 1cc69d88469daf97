/* lanes.h - channels that lie in lanes: a thread has all of a block, by accesses of 16 bytes. The
 * writer's kernel is one whose loop of lanes counts blocks. */
#ifndef CUDA_LANES_H
#define CUDA_LANES_H

#include "writer.h"

/* The loop counts blocks of so many, which move views as before. */
void lanes_count_blocks(Kernel *, int loop, int lanes);
/* for (int lane ...), as a line without its body or as an open block. */
void lanes_each(Emit *, int lanes, const char *body);
void lanes_open(Emit *, int lanes);
/* A block of an input, whose coordinates are declared, goes to this array of numbers. */
void lanes_load(Writer *, const char *array, int input);
/* Declares the array and loads such a block; outside it is the fill. Declares the coordinates as
 * well, but not those of SKIP views, whose tests come before. */
void lanes_read(Writer *, const char *array, int lanes, int input);
/* The array is stored where out 0 of the writer's kernel is. */
void lanes_store(Writer *, const char *array);

#endif
