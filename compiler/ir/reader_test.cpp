#include "compiler/ir/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/ir/printer.h"
#include "compiler/ir/sample_jir.h"

namespace jade::ir {
namespace {

using ::testing::HasSubstr;

std::string ErrorOf(std::string_view text) {
  auto module = Read(text);
  return module.ok() ? "no error" : module.error().ToString();
}

TEST(Reader, PrintingWhatWasReadGivesTheText) {
  auto module = Read(kSampleJir);
  ASSERT_TRUE(module.ok()) << module.error().ToString();
  std::string printed = Print(**module);
  auto again = Read(printed);
  ASSERT_TRUE(again.ok()) << again.error().ToString();
  EXPECT_EQ(Print(**again), printed);
}

TEST(Reader, SampleHasEveryOperation) {
  auto module = Read(kSampleJir);
  ASSERT_TRUE(module.ok()) << module.error().ToString();
  std::vector<bool> seen(kOpcodeCount, false);
  for (uint32_t f = 0; f < (*module)->function_count(); ++f) {
    for (const Op& op : (*module)->function({f}).ops) seen[static_cast<size_t>(op.code)] = true;
  }
  for (int i = 0; i < kOpcodeCount; ++i) EXPECT_TRUE(seen[i]) << OpcodeName(static_cast<Opcode>(i));
}

TEST(Reader, SpansAndFilesSurvive) {
  std::string_view text =
      "jir 1\nfile \"a.jade\"\n\n"
      "workflow W(%0: Int n) -> Int file 0 ~3..9 {\n  %1: Int = int.add(%0, %0) !4 ~5..7\n  yield(%1)\n}\n";
  auto module = Read(text);
  ASSERT_TRUE(module.ok()) << module.error().ToString();
  PrintOptions options;
  options.spans = true;
  EXPECT_EQ(Print(**module, options), text);
  const Function& function = (*module)->function({0});
  EXPECT_EQ(function.ops[0].span, (source::Span{5, 7}));
  EXPECT_EQ(function.ops[0].order, 4U);
  EXPECT_EQ((*module)->file(function.file)->name(), "a.jade");
}

TEST(Reader, FilesAreTakenByName) {
  auto file = std::make_shared<source::SourceFile>("a.jade", "text");
  auto module = Read("jir 1\nfile \"a.jade\"\n", {file});
  ASSERT_TRUE(module.ok()) << module.error().ToString();
  EXPECT_EQ((*module)->file(0), file);
}

TEST(Reader, MistakesNameTheLine) {
  EXPECT_THAT(ErrorOf(""), HasSubstr("expected `jir 1`, got the end"));
  EXPECT_THAT(ErrorOf("jir 2\n"), HasSubstr("line 1: expected version 1"));
  EXPECT_THAT(ErrorOf("jir 1\nnonsense\n"), HasSubstr("line 2: `nonsense` is no declaration"));
  EXPECT_THAT(ErrorOf("jir 1\nmain W\n"), HasSubstr("line 2: no function is called `W`"));
  EXPECT_THAT(ErrorOf("jir 1\nfile \"x\n"), HasSubstr("a string ends on its line"));
  EXPECT_THAT(ErrorOf("jir 1\nfile \"x\\q\"\n"), HasSubstr("unknown escape"));
  EXPECT_THAT(ErrorOf("jir 1\ntype A = new A\n"), HasSubstr("its own base"));
  EXPECT_THAT(ErrorOf("jir 1\ntype A = new B\ntype B = new A\n"), HasSubstr("its own base"));
  EXPECT_THAT(ErrorOf("jir 1\nrecord A {}\nrecord A {}\n"), HasSubstr("line 3: `A` is declared twice"));
  EXPECT_THAT(ErrorOf("jir 1\nworkflow W() -> Int {\n  %1: Int = const.int 1\n"), HasSubstr("line 3: expected `%0`"));
  EXPECT_THAT(ErrorOf("jir 1\nworkflow W() -> Int {\n  yield(%0)\n}\n"), HasSubstr("expected a value defined before"));
  EXPECT_THAT(ErrorOf("jir 1\nworkflow W() -> Int {\n  frob\n}\n"), HasSubstr("`frob` is no operation"));
  EXPECT_THAT(ErrorOf("jir 1\nworkflow W() -> Int {\n  %0: Int = const.int 99999999999999999999\n}\n"),
              HasSubstr("expected an integer"));
}

TEST(Reader, DepthIsBounded) {
  std::string types(100'000, '[');
  EXPECT_THAT(ErrorOf("jir 1\nparam a: " + types), HasSubstr("types are nested too deeply"));
  std::string regions = "jir 1\nworkflow W() -> Int {\n";
  for (int i = 0; i < 100'000; ++i) regions += "spawn {\n";
  EXPECT_THAT(ErrorOf(regions), HasSubstr("regions are nested too deeply"));
}

TEST(Reader, TooLong) {
  EXPECT_THAT(ErrorOf(std::string(kMaxJirBytes + 1, ' ')), HasSubstr("at most"));
}

}  // namespace
}  // namespace jade::ir
