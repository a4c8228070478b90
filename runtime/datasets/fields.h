#pragma once
// Fields of a record, read with errors that say what was expected: they name the field, and whoever reads the file adds
// where in it. Pure functions.

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/result/result.h"

namespace jade::datasets {

// The first of the fields that the record has and that is not null; null when it has none.
const nlohmann::json* Find(const nlohmann::json& record, std::initializer_list<const char*> names);

// The same, or an error that names the first and the fields there are.
Result<const nlohmann::json*> Need(const nlohmann::json& record, std::initializer_list<const char*> names);

// A text that is not blank, or a whole number as text; `name` for errors.
Result<std::string> TextOf(const nlohmann::json& value, std::string_view name);

// The same, of the first of the fields that the record has.
Result<std::string> Text(const nlohmann::json& record, std::initializer_list<const char*> names);

// What may be missing: the text or whole number under `name`; empty when there is none.
std::string TextIfAny(const nlohmann::json& record, const char* name);

// Texts of a list, or a single one; `name` for errors.
Result<std::vector<std::string>> Texts(const nlohmann::json& value, std::string_view name);

// A list that stands inside a text, as in a column of a table, or as it is.
Result<std::vector<std::string>> TextsInText(const nlohmann::json& value, std::string_view name);

// Those that are not blank, each once, in order.
std::vector<std::string> Distinct(std::vector<std::string> texts);

// Sentences as one text, a space between two where neither brings one.
std::string JoinSentences(const std::vector<std::string>& sentences);

}  // namespace jade::datasets
