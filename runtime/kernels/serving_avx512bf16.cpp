#define JADE_KERNEL_NAMESPACE serving_avx512bf16
#define JADE_SERVING_TABLE kServingAvx512Bf16
#define JADE_KERNEL_NAME "avx512bf16"
#define JADE_VECTOR_BYTES 64
#define JADE_HAS_BF16_DOT
#include "runtime/kernels/serving_kernels_impl.h"
