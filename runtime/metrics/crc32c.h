#pragma once
// CRC-32C (Castagnoli polynomial, as in RFC 3720) of bytes. Pure.

#include <cstdint>
#include <string_view>

namespace jade::metrics {

uint32_t Crc32c(std::string_view bytes);

// The form in which a TFRecord stores it: rotated and shifted, so that a checksum of data with checksums in it is
// sound.
uint32_t MaskedCrc32c(std::string_view bytes);

}  // namespace jade::metrics
