#define JADE_KERNEL_NAMESPACE serving_avx512
#define JADE_SERVING_TABLE kServingAvx512
#define JADE_KERNEL_NAME "avx512"
#define JADE_VECTOR_BYTES 64
#include "runtime/kernels/serving_kernels_impl.h"
