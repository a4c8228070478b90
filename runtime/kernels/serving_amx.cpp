#define JADE_KERNEL_NAMESPACE serving_amx
#define JADE_SERVING_TABLE kServingAmx
#define JADE_KERNEL_NAME "amx"
#define JADE_VECTOR_BYTES 64
#define JADE_HAS_BF16_DOT
#define JADE_HAS_TILES
#include "runtime/kernels/serving_kernels_impl.h"
