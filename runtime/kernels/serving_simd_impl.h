// Words of numbers (serving_kernels.h) in vectors; included like simd_impl.h, after it.

typedef uint32_t WordVec __attribute__((vector_size(JADE_VECTOR_BYTES)));
typedef uint32_t UnalignedWordVec __attribute__((vector_size(JADE_VECTOR_BYTES), aligned(4), may_alias));
typedef int16_t ShortVec __attribute__((vector_size(JADE_VECTOR_BYTES / 2)));
typedef int16_t UnalignedShortVec __attribute__((vector_size(JADE_VECTOR_BYTES / 2), aligned(1), may_alias));

inline WordVec LoadWords(const void* p) {
  return *static_cast<const UnalignedWordVec*>(p);
}
inline Vec AsFloat(WordVec v) {
  Vec f;
  __builtin_memcpy(&f, &v, sizeof(f));
  return f;
}
inline float BitsAsFloat(uint32_t bits) {
  float f;
  __builtin_memcpy(&f, &bits, sizeof(f));
  return f;
}

// a·b + c, rounded once where the processor can; always in the same way.
inline Vec Fma(Vec a, Vec b, Vec c) {
#if JADE_VECTOR_BYTES == 64
  return (Vec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif JADE_VECTOR_BYTES == 32
  return (Vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
  return a * b + c;
#endif
}

// A vector of kLanes words of weights of some kind, and sum += word · vector.
template <Number kNumber>
struct Words;

template <>
struct Words<Number::kFp32> {
  static constexpr int64_t kBytes = 4;  // of a word as stored
  Vec v;
  explicit Words(const char* p) : v(AsFloat(LoadWords(p))) {}
  Vec MultiplyAdd(uint32_t a, Vec sum) const { return Fma(Splat(BitsAsFloat(a)), v, sum); }
};

#ifdef JADE_HAS_BF16_DOT
template <>
struct Words<Number::kBf16> {
  static constexpr int64_t kBytes = 4;
  WordVec v;
  explicit Words(const char* p) : v(LoadWords(p)) {}
  Vec MultiplyAdd(uint32_t a, Vec sum) const {
    return (Vec)_mm512_dpbf16_ps((__m512)sum, (__m512bh)_mm512_set1_epi32(static_cast<int>(a)), (__m512bh)v);
  }
};

template <>
struct Words<Number::kInt8> {
  static constexpr int64_t kBytes = 2;
  WordVec v;
  explicit Words(const char* p) {
    const auto* bytes = reinterpret_cast<const __m128i_u*>(p);
    const __m512 low = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes[0]));
    const __m512 high = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes[1]));
    v = (WordVec)_mm512_cvtne2ps_pbh(high, low);
  }
  Vec MultiplyAdd(uint32_t a, Vec sum) const {
    return (Vec)_mm512_dpbf16_ps((__m512)sum, (__m512bh)_mm512_set1_epi32(static_cast<int>(a)), (__m512bh)v);
  }
};
#else
template <>
struct Words<Number::kBf16> {
  static constexpr int64_t kBytes = 4;
  Vec low, high;
  explicit Words(const char* p) {
    const WordVec v = LoadWords(p);
    low = AsFloat(v << 16);
    high = AsFloat(v & 0xffff0000U);
  }
  Vec MultiplyAdd(uint32_t a, Vec sum) const {
    return Fma(Splat(BitsAsFloat(a & 0xffff0000U)), high, Fma(Splat(BitsAsFloat(a << 16)), low, sum));
  }
};

template <>
struct Words<Number::kInt8> {
  static constexpr int64_t kBytes = 2;
  Vec low, high;
  explicit Words(const char* p) {
    const ShortVec pairs = *reinterpret_cast<const UnalignedShortVec*>(p);
    const IntVec wide = __builtin_convertvector(pairs, IntVec);
    low = __builtin_convertvector((wide << 24) >> 24, Vec);
    high = __builtin_convertvector(wide >> 8, Vec);
  }
  Vec MultiplyAdd(uint32_t a, Vec sum) const {
    return Fma(Splat(BitsAsFloat(a & 0xffff0000U)), high, Fma(Splat(BitsAsFloat(a << 16)), low, sum));
  }
};
#endif

// Of all lanes, in a fixed order.
inline float LargestOf(Vec v) {
#if JADE_VECTOR_BYTES == 64
  return _mm512_reduce_max_ps((__m512)v);
#else
  float most = v[0];
  for (int64_t i = 1; i < kLanes; ++i) most = v[i] > most ? v[i] : most;
  return most;
#endif
}
inline float SumOf(Vec v) {
#if JADE_VECTOR_BYTES == 64
  return _mm512_reduce_add_ps((__m512)v);
#else
  return Sum(v);
#endif
}

// 2^x for x ≤ 0 or a little above: by rounding and a polynomial of degree 6, relative error below 2e-7 (coefficients of
// Moshier's Cephes, exp2f). 0 below 2^-126; NaN stays NaN.
inline Vec PowerOfTwo(Vec x) {
#if JADE_VECTOR_BYTES == 64
  const __m512 whole = _mm512_roundscale_ps((__m512)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const Vec f = x - (Vec)whole;
#else
  const Vec half = x < 0.0f ? Splat(-0.5f) : Splat(0.5f);
  const IntVec exponent = __builtin_convertvector(x + half, IntVec);
  const Vec f = x - __builtin_convertvector(exponent, Vec);
#endif
  Vec p = Splat(1.535336188e-4f);
  p = Fma(p, f, Splat(1.339887440e-3f));
  p = Fma(p, f, Splat(9.618437358e-3f));
  p = Fma(p, f, Splat(5.550332471e-2f));
  p = Fma(p, f, Splat(2.402264791e-1f));
  p = Fma(p, f, Splat(6.931472029e-1f));
  p = Fma(p, f, Splat(1.0f));
#if JADE_VECTOR_BYTES == 64
  const Vec result = (Vec)_mm512_scalef_ps((__m512)p, whole);
#else
  const IntVec power = (exponent + 127) << 23;
  Vec two_to_n;
  __builtin_memcpy(&two_to_n, &power, sizeof(power));
  const Vec result = p * two_to_n;
#endif
  return x < -126.0f ? Vec{} : result;
}

// As RoundToBf16.
inline void StoreBf16(uint16_t* p, Vec v) {
#ifdef JADE_HAS_BF16_DOT
  *reinterpret_cast<__m256i_u*>(p) = (__m256i)_mm512_cvtneps_pbh((__m512)v);
#else
  WordVec bits;
  __builtin_memcpy(&bits, &v, sizeof(bits));
  const WordVec rounded = (bits + 0x7fffU + (bits >> 16 & 1U)) >> 16;
  const WordVec nan = (bits >> 16) | 0x40U;
  const HalfVec half = __builtin_convertvector((bits & 0x7fffffffU) > 0x7f800000U ? nan : rounded, HalfVec);
  __builtin_memcpy(p, &half, sizeof(half));
#endif
}

void Convert(const float* x, void* y, Number number, int64_t width) {
  if (number == Number::kFp32) {
    if (x != y) __builtin_memcpy(y, x, static_cast<unsigned long>(width) * sizeof(float));
    return;
  }
  auto* to = static_cast<uint16_t*>(y);
  int64_t i = 0;
  for (; i + kLanes <= width; i += kLanes) StoreBf16(to + i, Load(x + i));
  for (; i < width; ++i) to[i] = RoundToBf16(x[i]);
}
