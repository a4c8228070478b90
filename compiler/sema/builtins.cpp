#include "compiler/sema/builtins.h"

namespace jade::sema {

const std::vector<BuiltinRow>& AllBuiltins() {
  static const std::vector<BuiltinRow> kRows = {
      {"em", "em", "T[T]>F", "answer, gold"},
      {"f1", "f1", "T[T]>F", "answer, gold"},
      {"accuracy", "accuracy", "T[T]>F", "answer, gold"},
      {"yes_no", "yes_no", "[T]>B", "gold"},
      {"normalise", "normalise", "T>T", "text"},
      {"words", "words", "T>I", "text"},
      {"terms", "terms", "T>I", "text"},
      {"len", "len", "[a]>I", "list"},
      {"len", "length", "T>I", "text"},
      {"distinct", "distinct", "[a]>B", "list"},
      {"contains", "in", "[a]a>B", "list, item", true},
      {"contains", "contains", "TT>B", "text, part"},
      {"starts_with", "starts_with", "TT>B", "text, start"},
      {"ends_with", "ends_with", "TT>B", "text, end"},
      {"lower", "lower", "T>T", "text"},
      {"upper", "upper", "T>T", "text"},
      {"trim", "trim", "T>T", "text"},
      {"join", "join", "[T]T>T", "texts, separator"},
      {"split", "split", "TT>[T]", "text, separator"},
      {"min", "min", "NN>N", "a, b"},
      {"max", "max", "NN>N", "a, b"},
      {"abs", "abs", "N>N", "number"},
      {"round", "round", "F>I", "number"},
      {"floor", "floor", "F>I", "number"},
      {"parse_int", "parse_int", "T>I?", "text"},
      {"parse_float", "parse_float", "T>F?", "text"},
      {"first", "first", "[a]>a?", "list"},
      {"last", "last", "[a]>a?", "list"},
      {"take", "take", "[a]I>[a]", "list, count"},
      {"drop", "drop", "[a]I>[a]", "list, count"},
      {"reverse", "reverse", "[a]>[a]", "list"},
      {"range", "range", "I>[I]", "count"},
      {"sum", "sum", "[N]>N", "numbers"},
  };
  return kRows;
}

std::vector<const BuiltinRow*> FindBuiltin(std::string_view name) {
  std::vector<const BuiltinRow*> rows;
  for (const BuiltinRow& row : AllBuiltins()) {
    if (row.name == name) rows.push_back(&row);
  }
  return rows;
}

}  // namespace jade::sema
