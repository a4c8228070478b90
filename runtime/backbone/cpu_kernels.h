#pragma once
// Kernels for the processor, in fp32, where LibTorch's eager operators make too many passes over memory. One source
// (cpu_kernels_impl.h) is compiled for several instruction sets; CpuKernels() picks the best that this processor has.
// All are single-threaded and touch only what they are given; callers split the rows among threads. The result of a row
// does not depend on which other rows are in the call.

#include <cstdint>

namespace jade::backbone {

// Keys and values lie in blocks of this many tokens; see AttentionTask.
inline constexpr int64_t kBlockTokens = 64;
// Query rows (query × group member) whose scores are held at once.
inline constexpr int64_t kAttentionChunkRows = 24;

// Queries of one sequence that share one key head, against the blocks of that head. Query i (of group g) attends to
// keys 0 … first_position + i.
struct AttentionTask {
  int64_t head_dim = 0;
  int64_t queries = 0;
  int64_t group = 0;           // query heads that share the key head
  int64_t first_position = 0;  // of query 0 among the keys
  float scale = 1.0f;
  const float* q = nullptr;  // query i, group member g at q + i·q_stride + g·head_dim
  int64_t q_stride = 0;
  const float* const* k_blocks = nullptr;  // block b: keys 64b … 64b+63, transposed: [head_dim][64]
  const float* const* v_blocks = nullptr;  // block b: value of key 64b + t at v_blocks[b] + t·v_stride
  int64_t v_stride = 0;
  float* out = nullptr;  // as q
  int64_t out_stride = 0;
  float* log_sum = nullptr;  // [queries][group] logarithm of the softmax denominators; may be null
  float* scratch = nullptr;  // AttentionScratch(…) floats
};

struct AttentionBackwardTask {
  AttentionTask forward;                    // with `out` and `log_sum` as computed; `v_blocks` is not read
  const float* const* vt_blocks = nullptr;  // values transposed as the keys are
  const float* k = nullptr;                 // key t at k + t·k_stride
  int64_t k_stride = 0;
  const float* d_out = nullptr;  // as out
  float* d_q = nullptr;          // as q, with q_stride
  float* d_k = nullptr;          // key t at d_k + t·k_stride; added to
  float* d_v = nullptr;          // the same for values
};

// Floats of scratch for a task over `keys` keys.
int64_t AttentionScratch(int64_t head_dim, int64_t keys);
int64_t AttentionBackwardScratch(int64_t head_dim, int64_t keys);

// Rows of hidden states, fp32, with what a layer adds to them and the norm of the sum. `delta` and `y` are fp32 or
// bf16, as the kernel says; `delta` may be null.
struct AddRmsNormTask {
  const float* x = nullptr;
  const void* delta = nullptr;
  const float* weight = nullptr;
  float* sum = nullptr;
  void* y = nullptr;
  float* inverse_rms = nullptr;  // [rows]
  int64_t rows = 0, width = 0;
  float eps = 0.0f;
};

struct AddRmsNormBackwardTask {
  const void* dy = nullptr;
  const float* d_sum = nullptr;  // what comes down the residual stream; may be null
  const float* sum = nullptr;
  const float* weight = nullptr;
  const float* inverse_rms = nullptr;
  float* dx = nullptr;
  void* d_delta = nullptr;    // the same, in the type of delta; may be null
  float* d_weight = nullptr;  // added to
  int64_t rows = 0, width = 0;
};

struct AdamWFactors {
  float beta1 = 0.0f, beta2 = 0.0f;
  float step_size = 0.0f;           // lr / (1 − beta1^t)
  float inverse_correction = 0.0f;  // 1 / sqrt(1 − beta2^t)
  float epsilon = 0.0f;
  float keep = 1.0f;   // 1 − lr · weight_decay
  float scale = 1.0f;  // of the gradient
};

// Types of what a layer adds and of what it takes.
enum RowTypes { kFloatRows, kHalfRows, kHalfToFloatRows };

struct KernelTable {
  const char* name;
  void (*rms_norm)(const float* x, const float* weight, float* y, float* inverse_rms, int64_t rows, int64_t width,
                   float eps);
  // d_weight is added to.
  void (*rms_norm_backward)(const float* dy, const float* x, const float* weight, const float* inverse_rms, float* dx,
                            float* d_weight, int64_t rows, int64_t width);
  void (*add_rms_norm[3])(const AddRmsNormTask& task);  // by RowTypes
  void (*add_rms_norm_backward[3])(const AddRmsNormBackwardTask& task);
  void (*swiglu)(const float* gate_up, float* y, int64_t rows, int64_t width);
  void (*swiglu_bf16)(const uint16_t* gate_up, uint16_t* y, int64_t rows, int64_t width);
  void (*swiglu_backward)(const float* dy, const float* gate_up, float* d_gate_up, int64_t rows, int64_t width);
  void (*swiglu_backward_bf16)(const uint16_t* dy, const uint16_t* gate_up, uint16_t* d_gate_up, int64_t rows,
                               int64_t width);
  // Between fp32 and bf16, to nearest even.
  void (*round)(const float* x, uint16_t* y, int64_t count);
  void (*widen)(const uint16_t* x, float* y, int64_t count);
  // y += x.
  void (*accumulate)(const float* x, float* y, int64_t count);
  void (*accumulate_bf16)(const uint16_t* x, float* y, int64_t count);
  // A row of logits becomes weight · (softmax − onehot of the target); returns −log softmax of the target.
  float (*cross_entropy_gradient)(float* logits, int64_t width, int64_t target, float weight);
  float (*cross_entropy_gradient_bf16)(uint16_t* logits, int64_t width, int64_t target, float weight);
  // One step of AdamW (runtime/train/optimiser.h).
  void (*adamw)(const AdamWFactors& factors, int64_t count, const float* grad, float* first, float* second,
                float* weight);
  double (*sum_of_squares)(const float* x, int64_t count);
  // Rotates the first `heads` heads of rows of `row_width`, copies the rest; sign -1 rotates back; y may be x.
  void (*rotary)(const float* x, const float* cos, const float* sin, float* y, int64_t rows, int64_t heads,
                 int64_t head_dim, int64_t row_width, float sign);
  void (*attention)(const AttentionTask& task);
  void (*attention_backward)(const AttentionBackwardTask& task);
  // Rows t of [tokens][stride] into blocks of [head_dim][64], unused columns zero.
  void (*transpose_blocks)(const float* x, int64_t stride, int64_t tokens, int64_t head_dim, float* blocks);
  // Columns [first, last) of y[rows][y_stride] = x[rows][depth] · weightᵀ, weight [columns][depth] as stored: reads the
  // weights once and packs nothing, for few rows.
  void (*skinny_linear)(const float* x, const float* weight, float* y, int64_t rows, int64_t depth, int64_t first,
                        int64_t last, int64_t y_stride);
  // The same with weights in bf16; products and sums are fp32.
  void (*skinny_linear_bf16)(const float* x, const uint16_t* weight, float* y, int64_t rows, int64_t depth,
                             int64_t first, int64_t last, int64_t y_stride);
  // log Σ exp of a row.
  float (*log_sum_exp)(const float* x, int64_t width);
  float (*log_sum_exp_bf16)(const uint16_t* x, int64_t width);
  // y = scale · exp(x - log_sum); y may be x.
  void (*scaled_softmax)(const float* x, float log_sum, float scale, float* y, int64_t width);
  void (*scaled_softmax_bf16)(const uint16_t* x, float log_sum, float scale, uint16_t* y, int64_t width);
  // The largest of a row; NaN when one of them is.
  float (*highest)(const float* x, int64_t width);
  // y = exp(scale · (x - highest)), zero below exp(-87), and the sum; y may be x. For x <= highest and scale > 0, x may
  // be -inf.
  float (*weights)(const float* x, float highest, float scale, float* y, int64_t width);
};

const KernelTable& CpuKernels();

// Whether this processor has instructions that multiply bf16 (AVX-512 BF16 or AMX).
bool ProcessorMultipliesBf16();

// The tables that this processor can run, slowest first; for tests.
int AvailableKernels(const KernelTable* tables[3]);

extern const KernelTable kBaselineKernels;
extern const KernelTable kAvx2Kernels;
extern const KernelTable kAvx512Kernels;

}  // namespace jade::backbone
