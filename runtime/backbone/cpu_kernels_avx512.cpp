#define JADE_KERNEL_NAMESPACE avx512
#define JADE_KERNEL_TABLE kAvx512Kernels
#define JADE_KERNEL_NAME "avx512"
#define JADE_VECTOR_BYTES 64
#include "runtime/backbone/cpu_kernels_impl.h"
