#include "bench/engine/llama.h"

#include <gtest/gtest.h>

namespace jade::bench {
namespace {

TEST(LlamaTest, Placeholder) {
  EXPECT_FALSE(ReadLlamaBench("").ok());
}

}  // namespace
}  // namespace jade::bench
