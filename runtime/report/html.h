#pragma once
// Texts and numbers as they stand in the report. Whatever a model wrote is hostile: every text goes through Escape, and
// nothing else makes a text part of the page. Pure.

#include <string>
#include <string_view>

namespace jade::report {

// For element content and for attribute values in double or single quotes. Control characters become spaces but for
// tabs and line ends; those that turn the direction of text are shown by name.
std::string Escape(std::string_view text);

// The first `most` bytes, cut between characters and marked with an ellipsis.
std::string Shortened(std::string_view text, size_t most);

enum class Unit { kNumber, kShare, kSeconds };

// "0.4312", "12.3k", "3.1e-05"; "43.1 %" of a share; "2 min 05 s" of seconds. "–" of what is not finite.
std::string Figure(double value, Unit unit = Unit::kNumber);
// The same of a difference, with its sign: "+12.1 points", "−0.31".
std::string Change(double difference, Unit unit = Unit::kNumber);
// `value` with so many decimals, as a tick of an axis.
std::string TickLabel(double value, int decimals, Unit unit);

}  // namespace jade::report
