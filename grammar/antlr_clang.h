#pragma once
// Clang 14 refuses ANTLR's Vocabulary: its const members have no initialiser and std::vector's constructor is
// defaulted. Included before everything else under Clang, this gives them one; the layout stays the same.
#include <string>
#include <vector>
#define _literalNames \
  _literalNames {}
#define _symbolicNames \
  _symbolicNames {}
#define _displayNames \
  _displayNames {}
// clang-format off
#include "antlr4-common.h"
#include "Vocabulary.h"
// clang-format on
#undef _literalNames
#undef _symbolicNames
#undef _displayNames
