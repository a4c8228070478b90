#pragma once
// What a tag of metrics.jsonl is called in the report and how it is drawn. Tags that are not known keep their own
// names. Pure.

#include <optional>
#include <string>
#include <string_view>

#include "runtime/report/html.h"

namespace jade::report {

struct TagLook {
  std::string title;
  std::string note;
  Unit unit = Unit::kNumber;
  bool logarithmic = false;
  bool to_one = false;
  bool from_zero = false;
  std::optional<double> limit;
  std::string limit_name;
};

// Of a tag, or of the last part of a role's tag ("valid", "entropy").
TagLook LookOf(std::string_view tag);

struct RoleTag {
  bool is_dev = false;
  std::string role;
  std::string figure;  // "valid"
};

// role/ROLE/FIGURE or dev/role/ROLE/FIGURE.
std::optional<RoleTag> AsRoleTag(std::string_view tag);
std::string RoleTagText(const RoleTag& tag);

}  // namespace jade::report
