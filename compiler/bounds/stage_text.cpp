#include "compiler/bounds/stage_text.h"

#include <utility>

namespace jade::bounds {
namespace {

class StageReader {
 public:
  explicit StageReader(std::string_view text) : text_(text) {}

  StageNode Alternatives() {
    StageNode all{StageNode::Kind::kAlternatives, "", {}};
    do all.children.push_back(Sequence());
    while (Take('|'));
    return all;
  }

 private:
  StageNode Sequence() {
    StageNode sequence;
    while (true) {
      if (Take('[')) {
        sequence.children.push_back(Alternatives());
        Take(']');
        continue;
      }
      std::string name = Name();
      if (name.empty()) return sequence;
      StageNode stage{StageNode::Kind::kStage, std::move(name), {}};
      if (Take('(')) {
        stage.children.push_back(Alternatives());
        Take(')');
      }
      sequence.children.push_back(std::move(stage));
    }
  }

  bool Take(char wanted) {
    SkipSpace();
    if (text_.empty() || text_.front() != wanted) return false;
    text_.remove_prefix(1);
    return true;
  }

  std::string Name() {
    SkipSpace();
    const size_t end = std::min(text_.find_first_of("[]()| "), text_.size());
    std::string name(text_.substr(0, end));
    text_.remove_prefix(end);
    return name;
  }

  void SkipSpace() {
    while (!text_.empty() && text_.front() == ' ') text_.remove_prefix(1);
  }

  std::string_view text_;
};

}  // namespace

StageNode ReadStages(std::string_view text) {
  return StageReader(text).Alternatives();
}

}  // namespace jade::bounds
