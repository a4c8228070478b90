// Modules: finding, reading and ordering them.
#include <algorithm>

#include "compiler/parse/parse.h"
#include "compiler/sema/declare.h"
#include "compiler/sema/sema.h"
#include "compiler/source/suggest.h"
#include "stdlib/stdlib.h"

namespace jade::sema {

uint32_t Program::Find(std::string_view name) const {
  auto value = root().values.find(name);
  bool found = value != root().values.end() && value->second.kind == SymbolKind::kDeclaration;
  return found ? value->second.declaration : kNone;
}

namespace {

bool Same(const Symbol& a, const Symbol& b) {
  return a.kind == b.kind && a.declaration == b.declaration && a.type == b.type && a.case_index == b.case_index;
}

class Loader {
 public:
  Loader(Program& program, const CheckOptions& options, diag::Diagnostics& sink)
      : program_(program), options_(options), sink_(sink) {}

  // Index of the checked module.
  uint32_t Check(const source::SourceFilePtr& file, std::string name, const std::string& key) {
    loading_.push_back(key);
    auto module = std::make_unique<CheckedModule>();
    module->name = std::move(name);
    module->file = file;
    module->tree = parse::ParseModule(file, sink_);
    module->tables.nodes.resize(module->tree->node_count);
    module->types = {{"Text", TypeTable::Text()},
                     {"Int", TypeTable::Int()},
                     {"Float", TypeTable::Float()},
                     {"Bool", TypeTable::Bool()}};
    for (const ast::Use& use : module->tree->uses) Import(*module, use);
    uint32_t index = static_cast<uint32_t>(program_.modules.size());
    program_.modules.push_back(std::move(module));
    CheckedModule& checked = *program_.modules.back();
    DeclareModule(program_, checked, index, sink_);
    CheckBodies(program_, checked, sink_);
    loading_.pop_back();
    loaded_[key] = index;
    return index;
  }

 private:
  static constexpr size_t kMaxDepth = 64;

  void Import(CheckedModule& module, const ast::Use& use) {
    if (use.path.parts.empty() || use.path.parts.back().empty()) return;
    std::optional<uint32_t> index = Find(module, use);
    if (!index) return;
    module.imports.push_back(*index);
    const CheckedModule& from = *program_.modules[*index];
    if (use.alias) {
      if (module.aliases.contains(use.alias->text)) {
        sink_.Report(diag::kDuplicateName, module.file, use.alias->span, use.alias->text);
      }
      module.aliases[use.alias->text] = *index;
      return;
    }
    auto conflict = [&](const std::string& name) {
      std::string other;
      for (uint32_t import : module.imports) {
        const CheckedModule& candidate = *program_.modules[import];
        bool has = candidate.values.contains(name) || candidate.types.contains(name);
        if (has && other.empty()) other = candidate.name;
      }
      sink_.Report(diag::kImportConflict, module.file, use.span, name, other, from.name)
          .Help("import one of them under a name: `use " + use.path.ToString() + " as …`");
    };
    for (const auto& [name, symbol] : from.values) {
      auto [it, fresh] = module.values.try_emplace(name, symbol);
      if (!fresh && !Same(it->second, symbol)) {
        conflict(name);
        return;
      }
    }
    for (const auto& [name, type] : from.types) {
      auto [it, fresh] = module.types.try_emplace(name, type);
      if (!fresh && it->second != type) {
        conflict(name);
        return;
      }
    }
  }

  std::optional<uint32_t> Find(const CheckedModule& user, const ast::Use& use) {
    std::string name = use.path.ToString();
    auto replaced = options_.replace.find(name);
    if (replaced != options_.replace.end()) name = replaced->second;
    bool standard = name.rfind("std.", 0) == 0 || name == "std";
    std::string path = name;
    std::replace(path.begin(), path.end(), '.', '/');
    path += ".jade";
    if (!standard) {
      std::string_view folder = user.file->name();
      size_t slash = folder.rfind('/');
      if (slash != std::string_view::npos) path = std::string(folder.substr(0, slash + 1)) + path;
    }
    const std::string key = standard ? name : path;
    if (auto found = loaded_.find(key); found != loaded_.end()) {
      if (found->second == kNone) return std::nullopt;  // reported before
      return found->second;
    }
    if (auto open = std::find(loading_.begin(), loading_.end(), key); open != loading_.end()) {
      std::string circle;
      for (; open != loading_.end(); ++open) circle += "`" + *open + "` → ";
      sink_.Report(diag::kCyclicUse, user.file, use.span, circle + "`" + key + "`")
          .Help("move what both need into a third module");
      return std::nullopt;
    }
    std::string text;
    if (standard) {
      const std::string_view* embedded = stdlib::Find(name);
      if (embedded == nullptr) return Unknown(user, use, name);
      text = std::string(*embedded);
    } else {
      Result<std::string> read = options_.read ? options_.read(path) : source::ReadFile(path, parse::kMaxSourceBytes);
      if (!read.ok()) {
        loaded_[key] = kNone;
        if (read.error().code() == ErrorCode::kNotFound) {
          return Unknown(user, use, name, "there is no file `" + path + "`");
        }
        sink_.Report(diag::kUnreadableModule, user.file, use.span, name, read.error().ToString());
        return std::nullopt;
      }
      text = std::move(read).value();
    }
    if (loading_.size() >= kMaxDepth) {
      sink_.Report(diag::kUnreadableModule, user.file, use.span, name, "more than 64 modules use each other in a row");
      return std::nullopt;
    }
    return Check(std::make_shared<const source::SourceFile>(path, std::move(text)), name, key);
  }

  std::optional<uint32_t> Unknown(const CheckedModule& user, const ast::Use& use, const std::string& name,
                                  const std::string& note = "") {
    diag::Builder builder = sink_.Report(diag::kUnknownModule, user.file, use.path.span, name);
    std::string_view best = source::Nearest(name, stdlib::Names());
    if (best.empty() && std::string_view(name).find('.') == std::string_view::npos) best = InStandardLibrary(name);
    if (name.ends_with(".jade")) {
      builder.Help("a module is named without `.jade`");
    } else if (!best.empty()) {
      builder.Help("did you mean `" + std::string(best) + "`?").Fix(use.path.span, std::string(best));
    }
    if (!note.empty()) builder.Note(note);
    return std::nullopt;
  }

  // `rag` for `std.rag`; else empty.
  static std::string_view InStandardLibrary(const std::string& name) {
    const std::string full = "std." + name;
    for (const std::string_view module : stdlib::Names()) {
      if (module == full) return module;
    }
    return {};
  }

  Program& program_;
  const CheckOptions& options_;
  diag::Diagnostics& sink_;
  std::map<std::string, uint32_t> loaded_;
  std::vector<std::string> loading_;
};

void FindMain(Program& program, diag::Diagnostics& sink) {
  const CheckedModule& root = program.root();
  uint32_t only = kNone;
  size_t workflows = 0;
  for (uint32_t id : root.declarations) {
    const auto* workflow = ast::As<ast::WorkflowDecl>(program.declarations[id].decl);
    if (workflow == nullptr) continue;
    ++workflows;
    only = id;
    if (!workflow->is_main) continue;
    if (program.main != kNone) {
      sink.Report(diag::kTwoMains, root.file, workflow->name.span)
          .Note(root.file, program.declarations[program.main].decl->name.span, "the first is here");
      continue;
    }
    program.main = id;
  }
  if (program.main == kNone && workflows == 1) program.main = only;
}

}  // namespace

ProgramPtr CheckProgram(const source::SourceFilePtr& file, const CheckOptions& options, diag::Diagnostics& sink) {
  size_t before = sink.error_count();
  auto program = std::make_shared<Program>();
  Loader(*program, options, sink).Check(file, "", file->name());
  FindMain(*program, sink);
  program->ok = sink.error_count() == before;
  return program;
}

}  // namespace jade::sema
