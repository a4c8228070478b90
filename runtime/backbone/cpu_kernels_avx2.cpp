#define JADE_KERNEL_NAMESPACE avx2
#define JADE_KERNEL_TABLE kAvx2Kernels
#define JADE_KERNEL_NAME "avx2"
#define JADE_VECTOR_BYTES 32
#include "runtime/backbone/cpu_kernels_impl.h"
