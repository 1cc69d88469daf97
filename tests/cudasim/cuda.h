/* cuda.h - stands in for the driver's: maps of tensors are made by the simulator (boxes.c). */
#include "../../runtime/validate/cuda.h"
