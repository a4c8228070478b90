// The kernels of training whose rows are fp32 (Element = float) or bf16 (Element = uint16_t), included by
// cpu_kernels_impl.h in its namespace. Sums are fp32; a bf16 result is rounded once, to nearest even.

inline HalfVec Round(Vec v) {
  IntVec bits;
  __builtin_memcpy(&bits, &v, sizeof(v));
  const IntVec rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  const IntVec quiet = (bits >> 16) | 0x40;  // NaN stays NaN
  return __builtin_convertvector(v != v ? quiet : rounded, HalfVec);
}
inline void Store(uint16_t* p, Vec v) {
  *reinterpret_cast<UnalignedHalfVec*>(p) = Round(v);
}
inline Vec LoadPart(const uint16_t* p, int64_t count) {
  Vec v{};
  for (int64_t i = 0; i < count; ++i) v[i] = Widen(p[i]);
  return v;
}
inline void StorePart(uint16_t* p, Vec v, int64_t count) {
  const HalfVec rounded = Round(v);
  for (int64_t i = 0; i < count; ++i) p[i] = rounded[i];
}

template <typename From, typename To>
void Convert(const From* x, To* y, int64_t count) {
  JADE_FOR_VECTORS(
      i, count, { Store(y + i, Load(x + i)); }, { StorePart(y + i, LoadPart(x + i, rest), rest); });
}

template <typename Element>
void Accumulate(const Element* x, float* y, int64_t count) {
  JADE_FOR_VECTORS(
      i, count, { Store(y + i, Load(y + i) + Load(x + i)); },
      { StorePart(y + i, LoadPart(y + i, rest) + LoadPart(x + i, rest), rest); });
}

template <typename Element>
void SwiGlu(const Element* gate_up, Element* y, int64_t rows, int64_t width) {
  const auto step = [](Vec gate, Vec up) { return gate * up / (1.0f + Exp(-gate)); };
  for (int64_t row = 0; row < rows; ++row, gate_up += 2 * width, y += width) {
    const Element* up = gate_up + width;
    JADE_FOR_VECTORS(
        i, width, { Store(y + i, step(Load(gate_up + i), Load(up + i))); },
        { StorePart(y + i, step(LoadPart(gate_up + i, rest), LoadPart(up + i, rest)), rest); });
  }
}

template <typename Element>
void SwiGluBackward(const Element* dy, const Element* gate_up, Element* d_gate_up, int64_t rows, int64_t width) {
  const FlushDenormals flush;
  const auto step = [](Vec g, Vec gate, Vec up, Vec* d_up) {
    const Vec sigmoid = 1.0f / (1.0f + Exp(-gate));
    *d_up = g * gate * sigmoid;
    return g * up * sigmoid * (1.0f + gate * (1.0f - sigmoid));
  };
  Vec d_up;
  for (int64_t row = 0; row < rows; ++row, gate_up += 2 * width, d_gate_up += 2 * width, dy += width) {
    const Element* up = gate_up + width;
    JADE_FOR_VECTORS(
        i, width,
        {
          Store(d_gate_up + i, step(Load(dy + i), Load(gate_up + i), Load(up + i), &d_up));
          Store(d_gate_up + width + i, d_up);
        },
        {
          StorePart(d_gate_up + i,
                    step(LoadPart(dy + i, rest), LoadPart(gate_up + i, rest), LoadPart(up + i, rest), &d_up), rest);
          StorePart(d_gate_up + width + i, d_up, rest);
        });
  }
}

// sum = x + delta, whose squares are summed on the way.
template <typename Delta>
inline float AddAndSquare(const float* x, const Delta* delta, float* sum, int64_t width) {
  Vec squares{};
  const auto step = [&](Vec v) {
    squares += v * v;
    return v;
  };
  if (delta == nullptr) {
    JADE_FOR_VECTORS(
        i, width, { Store(sum + i, step(Load(x + i))); }, { StorePart(sum + i, step(LoadPart(x + i, rest)), rest); });
  } else {
    JADE_FOR_VECTORS(
        i, width, { Store(sum + i, step(Load(x + i) + Load(delta + i))); },
        { StorePart(sum + i, step(LoadPart(x + i, rest) + LoadPart(delta + i, rest)), rest); });
  }
  return Sum(squares);
}

template <typename Delta, typename Out>
void AddRmsNorm(const AddRmsNormTask& t) {
  const auto* delta = static_cast<const Delta*>(t.delta);
  auto* y = static_cast<Out*>(t.y);
  for (int64_t row = 0; row < t.rows; ++row) {
    const int64_t at = row * t.width;
    float* sum = t.sum + at;
    const float squares = AddAndSquare(t.x + at, delta == nullptr ? nullptr : delta + at, sum, t.width);
    const float inverse = 1.0f / SquareRoot(squares / static_cast<float>(t.width) + t.eps);
    t.inverse_rms[row] = inverse;
    JADE_FOR_VECTORS(
        i, t.width, { Store(y + at + i, Load(sum + i) * inverse * Load(t.weight + i)); },
        { StorePart(y + at + i, LoadPart(sum + i, rest) * inverse * LoadPart(t.weight + i, rest), rest); });
  }
}

template <typename Delta, typename Out>
void AddRmsNormBackward(const AddRmsNormBackwardTask& t) {
  const auto* dy_all = static_cast<const Out*>(t.dy);
  auto* delta_all = static_cast<Delta*>(t.d_delta);
  for (int64_t row = 0; row < t.rows; ++row) {
    const int64_t at = row * t.width;
    const Out* dy = dy_all + at;
    const float *x = t.sum + at, *d_sum = t.d_sum == nullptr ? nullptr : t.d_sum + at;
    float* dx = t.dx + at;
    Delta* d_delta = delta_all == nullptr ? nullptr : delta_all + at;
    const float inverse = t.inverse_rms[row];
    Vec products{};
    {
      JADE_FOR_VECTORS(
          i, t.width, { products += Load(dy + i) * Load(t.weight + i) * Load(x + i); },
          { products += LoadPart(dy + i, rest) * LoadPart(t.weight + i, rest) * LoadPart(x + i, rest); });
    }
    const float pull = Sum(products) * inverse * inverse * inverse / static_cast<float>(t.width);
    JADE_FOR_VECTORS(
        i, t.width,
        {
          const Vec g = Load(dy + i);
          const Vec v = Load(x + i);
          Store(t.d_weight + i, Load(t.d_weight + i) + g * v * inverse);
          Vec d = g * Load(t.weight + i) * inverse - v * pull;
          if (d_sum != nullptr) d += Load(d_sum + i);
          Store(dx + i, d);
          if (d_delta != nullptr) Store(d_delta + i, d);
        },
        {
          const Vec g = LoadPart(dy + i, rest);
          const Vec v = LoadPart(x + i, rest);
          StorePart(t.d_weight + i, LoadPart(t.d_weight + i, rest) + g * v * inverse, rest);
          Vec d = g * LoadPart(t.weight + i, rest) * inverse - v * pull;
          if (d_sum != nullptr) d += LoadPart(d_sum + i, rest);
          StorePart(dx + i, d, rest);
          if (d_delta != nullptr) StorePart(d_delta + i, d, rest);
        });
  }
}

template <typename Element>
float LogSumExp(const Element* x, int64_t width) {
  float highest = Widen(x[0]);
  {
    Vec most = Splat(highest);
    JADE_FOR_VECTORS(
        i, width,
        {
          const Vec v = Load(x + i);
          most = v > most ? v : most;
        },
        {
          for (int64_t j = i; j < width; ++j) highest = Widen(x[j]) > highest ? Widen(x[j]) : highest;
        });
    for (int64_t lane = 0; lane < kLanes; ++lane) highest = most[lane] > highest ? most[lane] : highest;
  }
  Vec sum{};
  float tail = 0.0f;
  JADE_FOR_VECTORS(
      i, width, { sum += Exp(Load(x + i) - highest); },
      {
        const Vec last = Exp(LoadPart(x + i, rest) - highest);
        for (int64_t j = 0; j < rest; ++j) tail += last[j];
      });
  return highest + __builtin_logf(Sum(sum) + tail);
}

template <typename Element>
void ScaledSoftmax(const Element* x, float log_sum, float scale, Element* y, int64_t width) {
  const FlushDenormals flush;
  JADE_FOR_VECTORS(
      i, width, { Store(y + i, Exp(Load(x + i) - log_sum) * scale); },
      { StorePart(y + i, Exp(LoadPart(x + i, rest) - log_sum) * scale, rest); });
}

// Turns logits into weight · (softmax − onehot of the target), in place; returns −log softmax of the target.
template <typename Element>
float CrossEntropyGradient(Element* logits, int64_t width, int64_t target, float weight) {
  const float log_sum = LogSumExp(logits, width);
  const float loss = log_sum - Widen(logits[target]);
  ScaledSoftmax(logits, log_sum, weight, logits, width);
  // From the loss, not from what was rounded.
  StorePart(logits + target, Exp(Splat(-loss)) * weight - weight, 1);
  return loss;
}

void AdamW(const AdamWFactors& f, int64_t count, const float* grad, float* first, float* second, float* weight) {
  const auto step = [&](Vec g, Vec* m, Vec* v, Vec w) {
    g *= f.scale;
    *m = f.beta1 * *m + (1.0f - f.beta1) * g;
    *v = f.beta2 * *v + (1.0f - f.beta2) * g * g;
    return f.keep * w - f.step_size * *m / (SquareRoot(*v) * f.inverse_correction + f.epsilon);
  };
  Vec m, v;
  JADE_FOR_VECTORS(
      i, count,
      {
        m = Load(first + i);
        v = Load(second + i);
        Store(weight + i, step(Load(grad + i), &m, &v, Load(weight + i)));
        Store(first + i, m);
        Store(second + i, v);
      },
      {
        m = LoadPart(first + i, rest);
        v = LoadPart(second + i, rest);
        StorePart(weight + i, step(LoadPart(grad + i, rest), &m, &v, LoadPart(weight + i, rest)), rest);
        StorePart(first + i, m, rest);
        StorePart(second + i, v, rest);
      });
}

double SumOfSquares(const float* x, int64_t count) {
  constexpr int64_t kPiece = 4096;  // summed in fp32, the pieces in fp64
  double total = 0;
  for (int64_t begin = 0; begin < count; begin += kPiece) {
    const int64_t length = count - begin < kPiece ? count - begin : kPiece;
    total += static_cast<double>(Dot(x + begin, x + begin, length));
  }
  return total;
}
