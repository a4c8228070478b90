#include "runtime/backbone/stop_text.h"

#include <gtest/gtest.h>

#include "runtime/backbone/byte_tokenizer.h"

namespace jade::backbone {
namespace {

TEST(ReplyText, HoldsBackWhatMayBecomeAStopString) {
  ReplyText text(ByteTokenizer(), {"</a>", "\n\n"});
  const tokenizer::Tokenizer tokenizer = ByteTokenizer();
  std::string shown;
  bool stopped = false;
  for (const int32_t id : tokenizer.Encode("one\ntwo < 3 </b> é</a> more")) {
    stopped = text.Push(id);
    shown += text.TakeDelta();
    EXPECT_EQ(shown.find("</a"), std::string::npos);
    if (stopped) break;
  }
  EXPECT_TRUE(stopped);
  EXPECT_EQ(text.text(), "one\ntwo < 3 </b> é");
  EXPECT_EQ(shown, text.text());
}

TEST(ReplyText, FinishReleasesWhatWasHeldBack) {
  ReplyText text(ByteTokenizer(), {"</answer>"});
  std::string shown;
  for (const int32_t id : ByteTokenizer().Encode("x</ans")) {
    EXPECT_FALSE(text.Push(id));
    shown += text.TakeDelta();
  }
  EXPECT_EQ(shown, "x");
  text.Finish();
  EXPECT_EQ(shown + text.TakeDelta(), "x</ans");
}

}  // namespace
}  // namespace jade::backbone
