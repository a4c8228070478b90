#include "compiler/parse/parse.h"

#include <gtest/gtest.h>

#include "compiler/diag/render.h"

namespace jade::parse {
namespace {

TEST(WarmUpTest, SampleParses) {
  WarmUp();
}

}  // namespace
}  // namespace jade::parse
