#pragma once
// Holds one program to everything that must hold of every program.

#include <optional>
#include <string>

#include "tests/differential/program.h"

namespace jade::differential {

struct Failure {
  std::string what;     // "passes off" or "format": what broke, the same while a program is shrunk
  std::string details;  // for people
};

// What was seen of a program that passed, so that a batch can tell whether its programs do anything.
struct Seen {
  bool trapped = false;
  bool disturbed = false;
  size_t calls = 0;
  size_t plans = 0;  // accepted
};

class CodeSources;

struct CheckOptions {
  bool tiers = false;  // compiled code too, which takes far longer than all the rest
  Seen* seen = nullptr;
};

std::optional<Failure> Check(const GeneratedProgram& program, CodeSources& code, const CheckOptions& options = {});

// The smallest program found that fails in the same way, by dropping lines as long as it does.
std::string Shrink(const GeneratedProgram& program, const Failure& failure, CodeSources& code);

}  // namespace jade::differential
