#pragma once
// The sentences of the atlas: how each relation is asked, nested as a noun phrase, and stated in a passage. Templates
// hold `{}` for the subject's phrase; passages hold named slots. Constant data; any thread may read it.

#include <span>
#include <string>
#include <string_view>

#include "runtime/data/world.h"

namespace jade::data {

// Questions about a relation, the plainest first: "What is the capital of {}?"
std::span<const std::string_view> QuestionForms(Relation relation);

// Noun phrases that nest: "the capital of {}". The first is the plainest.
std::span<const std::string_view> NounForms(Relation relation);

// How a follow-up question names what was found before: "that country".
std::string_view ThatPhrase(Kind kind);

// `form` with its one `{}` replaced.
std::string Fill(std::string_view form, std::string_view subject);

// First letter in upper case (ASCII and the accented Latin letters of two bytes).
std::string UpperFirst(std::string text);

// "English", "English and French", "Dutch, French and German".
std::string JoinValues(std::span<const std::string> values);

// A comparison of one number or year: the two questions for the smaller and the larger value.
struct ComparisonForm {
  Kind kind;
  Relation relation;
  bool larger;                // the answer is the one with the larger value
  std::string_view question;  // "Who was born earlier, {a} or {b}?"
};
std::span<const ComparisonForm> ComparisonForms();

// A yes/no question whether two entities agree in a relation.
struct AgreementForm {
  Kind kind;
  Relation relation;
  std::string_view question;  // "Are {a} and {b} on the same continent?"
};
std::span<const AgreementForm> AgreementForms();

// A yes/no question about one fact: {a} the subject, {b} a value, right or wrong.
struct CheckForm {
  Kind kind;
  Relation relation;
  std::string_view question;  // "Is {b} the capital of {a}?"
};
std::span<const CheckForm> CheckForms();

// `form` with {a} and {b} replaced.
std::string FillTwo(std::string_view form, std::string_view a, std::string_view b);

}  // namespace jade::data
