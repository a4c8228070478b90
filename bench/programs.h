#pragma once
// Internal to bench: programs that are measured.

#include <string_view>

#include "runtime/session/program.h"

namespace jade::bench {

// Ten calls, one after the other.
inline constexpr std::string_view kChain = R"(
executor Step(question: Text) -> Text { user "{question}" emits <answer> Text }
main workflow Ten(question: Text) -> Text {
  Step(Step(Step(Step(Step(Step(Step(Step(Step(Step(question))))))))))
}
)";

Result<session::ProgramPtr> LoadProgram(std::string_view text);

}  // namespace jade::bench
