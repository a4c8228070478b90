#pragma once
// The declarations that a prompt has, as texts, and the module they make together. Each knows where it was typed, so
// that what the front end says about the module can be shown at that place. A value: a change is tried on a copy.

#include <string>
#include <vector>

#include "compiler/ast/decl.h"
#include "compiler/diag/diagnostic.h"
#include "compiler/source/source.h"

namespace jade::repl {

// What a change did, for people: "defined workflow `Solve`", "using `std.rag`".
using DefinitionChange = std::vector<std::string>;

class Definitions {
 public:
  // Adds the `use`s and declarations of a module that parsed without errors. A declaration takes the place of those it
  // shares a name with, unless they are in the same module: that mistake is left to the checker.
  DefinitionChange Add(const ast::Module& module);
  // Drops what has this name (a test: this title; a `use`: this path); false when nothing has.
  bool Remove(const std::string& name);

  bool empty() const { return uses_.empty() && items_.empty(); }
  // The module's text, rebuilt by every change.
  const std::string& text() const { return text_; }

  // One for each declaration, in order.
  struct Item {
    ast::DeclKind kind = ast::DeclKind::kWorkflow;
    std::string name;  // of tests their title
    std::string text;  // with the comments above it
    source::SourceFilePtr origin;
    uint32_t origin_begin = 0;
  };
  const std::vector<Item>& items() const { return items_; }
  std::vector<std::string> Uses() const;  // "use std.rag"

  // What is said about the module's text (a file called `module`), said about what was typed.
  void Translate(const std::string& module, diag::Diagnostic* diagnostic) const;
  // The same for one place; false when it is not in the module.
  bool Translate(const std::string& module, source::SourceFilePtr* file, source::Span* span) const;

 private:
  struct UseItem {
    std::string path;
    std::string text;
    source::SourceFilePtr origin;
    uint32_t origin_begin = 0;
  };
  struct Segment {
    source::Span span;  // of the module's text
    source::SourceFilePtr origin;
    uint32_t origin_begin = 0;
  };
  void AddUse(const source::SourceFilePtr& file, const ast::Use& use, DefinitionChange* change);
  void Rebuild();
  const Segment* Find(uint32_t byte) const;

  std::vector<UseItem> uses_;
  std::vector<Item> items_;
  std::string text_;
  std::vector<Segment> segments_;  // in order
};

// "workflow `Solve`", "test \"a title\"".
std::string DescribeItem(const Definitions::Item& item);

}  // namespace jade::repl
