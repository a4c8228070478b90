// Vectors of fp32 numbers, for sources that are compiled once for each instruction set: set JADE_VECTOR_BYTES and
// include this inside the namespace of that instruction set. No library header with inline functions is included: those
// would be compiled for this instruction set and could be picked by the linker for all of the program. (Intrinsics are
// always inlined.)

constexpr int64_t kLanes = JADE_VECTOR_BYTES / 4;
typedef float Vec __attribute__((vector_size(JADE_VECTOR_BYTES)));
typedef int32_t IntVec __attribute__((vector_size(JADE_VECTOR_BYTES)));
typedef float UnalignedVec __attribute__((vector_size(JADE_VECTOR_BYTES), aligned(4), may_alias));

// While it lives, numbers below 2^-126 are zero: sharp attention makes many, and arithmetic on them traps
// (benchmarks.md).
struct FlushDenormals {
#if defined(__SSE__)
  FlushDenormals() {
    __builtin_ia32_ldmxcsr(saved | 0x8040U);
  }
  ~FlushDenormals() {
    __builtin_ia32_ldmxcsr(saved);
  }
  const unsigned saved = __builtin_ia32_stmxcsr();
#else
  FlushDenormals() {}
#endif
};

inline Vec Load(const float* p) {
  return *reinterpret_cast<const UnalignedVec*>(p);
}
inline void Store(float* p, Vec v) {
  *reinterpret_cast<UnalignedVec*>(p) = v;
}
// Weights as they are stored, in fp32 or bf16; a bf16 number is the upper half of an fp32 number.
typedef uint16_t HalfVec __attribute__((vector_size(JADE_VECTOR_BYTES / 2)));
typedef uint16_t UnalignedHalfVec __attribute__((vector_size(JADE_VECTOR_BYTES / 2), aligned(2), may_alias));
inline Vec Load(const uint16_t* p) {
  const HalfVec half = *reinterpret_cast<const UnalignedHalfVec*>(p);
  const IntVec bits = __builtin_convertvector(half, IntVec) << 16;
  Vec v;
  __builtin_memcpy(&v, &bits, sizeof(v));
  return v;
}
inline float Widen(float x) {
  return x;
}
inline float Widen(uint16_t x) {
  const uint32_t bits = static_cast<uint32_t>(x) << 16;
  float v;
  __builtin_memcpy(&v, &bits, sizeof(v));
  return v;
}
inline Vec Splat(float x) {
  return x - Vec{};
}
inline Vec LoadPart(const float* p, int64_t count) {
  Vec v{};
  for (int64_t i = 0; i < count; ++i) v[i] = p[i];
  return v;
}
inline void StorePart(float* p, Vec v, int64_t count) {
  for (int64_t i = 0; i < count; ++i) p[i] = v[i];
}
inline float Sum(Vec v) {
  float total = 0.0f;
  for (int64_t i = 0; i < kLanes; ++i) total += v[i];
  return total;
}

// exp by range reduction to |r| <= ln2/2 and a polynomial of degree 6; relative error below 2e-7. Saturates outside
// [-87, 88]; NaN stays NaN.
inline Vec Exp(Vec x) {
  const Vec low = Splat(-87.0f), high = Splat(88.0f);
  Vec clamped = x < low ? low : x;
  clamped = clamped > high ? high : clamped;
  const Vec scaled = clamped * 1.44269504089f;
  const Vec half = scaled < 0.0f ? Splat(-0.5f) : Splat(0.5f);
  const IntVec exponent = __builtin_convertvector(scaled + half, IntVec);
  const Vec n = __builtin_convertvector(exponent, Vec);
  const Vec r = (clamped - n * 0.693359375f) + n * 2.12194440e-4f;
  Vec p = Splat(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const IntVec power = (exponent + 127) << 23;
  Vec two_to_n;
  __builtin_memcpy(&two_to_n, &power, sizeof(power));
  const Vec result = p * two_to_n;
  return x != x ? x : result;
}

// f(offset, load, store) over a row, vector by vector, the tail through partial loads.
#define JADE_FOR_VECTORS(offset, width, full, part)          \
  int64_t offset = 0;                                        \
  for (; offset + kLanes <= (width); offset += kLanes) full; \
  if (const int64_t rest = (width)-offset; rest > 0) part

float Dot(const float* a, const float* b, int64_t width) {
  Vec sum{};
  JADE_FOR_VECTORS(
      i, width, { sum += Load(a + i) * Load(b + i); }, { sum += LoadPart(a + i, rest) * LoadPart(b + i, rest); });
  return Sum(sum);
}
