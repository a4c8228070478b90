#define JADE_KERNEL_NAMESPACE serving_baseline
#define JADE_SERVING_TABLE kServingBaseline
#define JADE_KERNEL_NAME "baseline"
#define JADE_VECTOR_BYTES 16
#include "runtime/kernels/serving_kernels_impl.h"
