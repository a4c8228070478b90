#include "runtime/builtins/metrics.h"

#include <gtest/gtest.h>

namespace jade::builtins {
namespace {

constexpr auto kJade = Normalisation::kJade;
constexpr auto kSquad = Normalisation::kSquad;

TEST(Metrics, SquadNormalisationIsTheOfficialScripts) {
  // Left: input; right: what evaluate-v2.0.py's normalize_answer returns.
  EXPECT_EQ(NormaliseAnswer("The  Eiffel Tower!", kSquad), "eiffel tower");
  EXPECT_EQ(NormaliseAnswer("U.S.A.", kSquad), "usa");
  EXPECT_EQ(NormaliseAnswer("rock-n-roll, a theatre", kSquad), "rocknroll theatre");
  EXPECT_EQ(NormaliseAnswer("an A the", kSquad), "");
  EXPECT_EQ(NormaliseAnswer("the\u2013end", kSquad), "\u2013end");
  EXPECT_EQ(NormaliseAnswer("\u00c9mile\u00a0Zola", kSquad), "\u00e9mile zola");
  EXPECT_EQ(NormaliseAnswer("a_b", kSquad), "ab");
  EXPECT_EQ(NormaliseAnswer("\t\n", kSquad), "");
}

TEST(Metrics, JadeNormalisationFoldsAndSpaces) {
  EXPECT_EQ(NormaliseAnswer("U.S.A.", kJade), "u s");
  EXPECT_EQ(NormaliseAnswer("\u00c9mile Zola\u2019s", kJade), "emile zola s");
  EXPECT_EQ(NormaliseAnswer("\uff21\uff22 Stra\u00dfe", kJade), "ab strasse");
  EXPECT_EQ(NormaliseAnswer("rock-n-roll", kJade), "rock n roll");
}

TEST(Metrics, F1ByHand) {
  EXPECT_DOUBLE_EQ(TokenF1("the cat sat", {"cat sat down"}, kSquad), 0.8);  // 2 of 2, 2 of 3
  EXPECT_DOUBLE_EQ(TokenF1("x x x", {"x x y"}, kSquad), 2.0 / 3);
  EXPECT_DOUBLE_EQ(TokenF1("nothing", {"Paris", "nothing at all"}, kSquad), 0.5);
  EXPECT_DOUBLE_EQ(TokenF1("", {"the"}, kSquad), 1.0);
  EXPECT_DOUBLE_EQ(TokenF1("x", {"the"}, kSquad), 0.0);
  EXPECT_DOUBLE_EQ(TokenF1("x", {}, kSquad), 0.0);
}

TEST(Metrics, MatchAccuracyYesNo) {
  EXPECT_EQ(ExactMatch("The Paris.", {"London", "paris"}, kSquad), 1.0);
  EXPECT_EQ(ExactMatch("Paris, France", {"paris"}, kSquad), 0.0);
  EXPECT_EQ(Accuracy("It is Paris, France", {"paris"}, kSquad), 1.0);
  EXPECT_EQ(Accuracy("anything", {"the"}, kSquad), 0.0);
  EXPECT_TRUE(IsYesNo({"Yes."}, kSquad));
  EXPECT_FALSE(IsYesNo({"yes", "maybe"}, kSquad));
  EXPECT_FALSE(IsYesNo({}, kSquad));
}

TEST(Metrics, CaseAndDecomposition) {
  EXPECT_EQ(LowerCase("\u0130zmir"), "i\u0307zmir");
  EXPECT_EQ(Capitalise("\u00c9TATS Unis"), "\u00c9tats unis");
  EXPECT_EQ(Capitalise("\u01c6"), "\u01c5");  // a letter with a form for titles
  EXPECT_EQ(Capitalise(""), "");
  EXPECT_EQ(Decompose("\u00c9mile"), "E\u0301mile");
  EXPECT_EQ(Decompose("\xff\u00c9"), "\xff\u00c9");
}

TEST(Metrics, Counts) {
  EXPECT_EQ(CountWords("  one\u3000two-three\nfour "), 3);
  EXPECT_EQ(CountWordTokens("  one\u3000two-three_3\nfour. "), 4);
  EXPECT_EQ(CountWords(""), 0);
  EXPECT_EQ(CountWordTokens("..."), 0);
  EXPECT_EQ(CountWordTokens("\xff\xfe"), 0);
  EXPECT_EQ(Trim("\u00a0 x y\n"), "x y");
  EXPECT_EQ(Trim(" \n"), "");
}

}  // namespace
}  // namespace jade::builtins
