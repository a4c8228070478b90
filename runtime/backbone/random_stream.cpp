#include "runtime/backbone/random_stream.h"

namespace jade::backbone {

std::array<uint32_t, 4> Philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t first = uint64_t{0xD2511F53} * counter[0];
    const uint64_t second = uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<uint32_t>(second >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(second),
               static_cast<uint32_t>(first >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(first)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

uint64_t RandomStream::Next() {
  // The block has room for a 128-bit counter and a 64-bit key; half of the stream's key goes into the counter.
  const std::array<uint32_t, 4> out = Philox({static_cast<uint32_t>(position_), static_cast<uint32_t>(position_ >> 32),
                                              static_cast<uint32_t>(key_[1]), static_cast<uint32_t>(key_[1] >> 32)},
                                             {static_cast<uint32_t>(key_[0]), static_cast<uint32_t>(key_[0] >> 32)});
  ++position_;
  return (uint64_t{out[1]} << 32) | out[0];
}

double RandomStream::NextUniform() {
  return static_cast<double>(Next() >> 11) * 0x1.0p-53;
}

}  // namespace jade::backbone
