#pragma once
// Golden files: source in, text out, both in one file.
//
//   workflow F(x: Text) -> Text { x }
//   // ==== expect ====
//   // workflow F
//   //   …
//
// What stands before the marker is the input; the comment after it is what the stage printed. `jade_golden --update`
// rewrites expectations, `jade_golden` fails when that would change anything.
//
// Input that should not be spelled out is made by directives, a line each:
//   //# repeat N TEXT     TEXT N times, on one line (TEXT may hold \n)
//   //# bytes FF 41       these bytes
//
// To add a stage: write a function `std::string Stage(const source::SourceFilePtr&)`, declare it in stages.h, add a row
// to the table in stages.cpp, and a folder tests/<stage> with a line `jade_golden_folder(<stage>)` in
// tests/CMakeLists.txt.

#include <functional>
#include <string>
#include <vector>

#include "compiler/result/result.h"
#include "compiler/source/source.h"

namespace jade::golden {

struct Stage {
  std::string name;
  std::function<std::string(const source::SourceFilePtr&)> run;
};

// All stages there are.
const std::vector<Stage>& Stages();

struct Case {
  std::string path;
  std::string file;         // all of it
  std::string header;       // as written, up to the marker
  std::string input;        // the header with its directives carried out
  std::string expectation;  // without the comment signs
};

Result<Case> ReadCase(const std::string& path);

// The file with its expectation replaced.
std::string WithExpectation(const Case& golden, const std::string& text);

// All .jade files below a folder, sorted.
std::vector<std::string> CasesIn(const std::string& folder);

}  // namespace jade::golden
