#define JADE_KERNEL_NAMESPACE baseline
#define JADE_KERNEL_TABLE kBaselineKernels
#define JADE_KERNEL_NAME "baseline"
#define JADE_VECTOR_BYTES 16
#include "runtime/backbone/cpu_kernels_impl.h"
