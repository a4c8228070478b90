#define JADE_KERNEL_NAMESPACE serving_avx2
#define JADE_SERVING_TABLE kServingAvx2
#define JADE_KERNEL_NAME "avx2"
#define JADE_VECTOR_BYTES 32
#include "runtime/kernels/serving_kernels_impl.h"
