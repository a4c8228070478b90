#include "runtime/metrics/crc32c.h"

#include <gtest/gtest.h>

#include <string>

namespace jade::metrics {
namespace {

// RFC 3720, appendix B.4.
TEST(Crc32cTest, HasTheValuesOfTheStandard) {
  std::string rising;
  std::string falling;
  for (int i = 0; i < 32; ++i) {
    rising += static_cast<char>(i);
    falling += static_cast<char>(31 - i);
  }
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62A8AB43U);
  EXPECT_EQ(Crc32c(rising), 0x46DD794EU);
  EXPECT_EQ(Crc32c(falling), 0x113FDB5CU);
  EXPECT_EQ(Crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(Crc32c(""), 0U);
}

TEST(Crc32cTest, MasksByRotationAndConstant) {
  EXPECT_EQ(MaskedCrc32c(""), 0xA282EAD8U);
  // 0xE3069283 rotated right by 15 is 0x2507C60D.
  EXPECT_EQ(MaskedCrc32c("123456789"), 0x2507C60DU + 0xA282EAD8U);
}

}  // namespace
}  // namespace jade::metrics
