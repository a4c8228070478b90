#pragma once
// Everything a run needs beside its program, built from settings: the backbone, the retriever, the store.

#include <memory>
#include <string>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/engine/engine.h"
#include "runtime/progress/progress.h"
#include "runtime/session/session.h"
#include "runtime/settings/settings.h"
#include "runtime/trace/store.h"

namespace jade::cli {

struct Workbench {
  std::unique_ptr<engine::Engine> engine;
  std::vector<std::unique_ptr<engine::ToolProvider>> tools;
  std::unique_ptr<trace::Store> store;  // null when runs are not recorded
  std::vector<engine::ToolProvider*> Tools() const;
};

// Overrides from the command line; empty: as the settings say.
struct WorkbenchOptions {
  std::string model;
  std::string replies;  // a script in the place of a model
  std::string corpus;   // index or JSONL
  std::string store;
};

// Reads the file, or gives the defaults when `path` is empty, and applies the overrides.
Result<settings::Settings> ReadSettings(const std::string& path, const WorkbenchOptions& options);

Result<Workbench> BuildWorkbench(const settings::Settings& settings, const session::Program& program, bool record,
                                 progress::Sink& progress, const std::atomic<bool>& cancel);
// Adds what the program needs and the bench lacks.
struct WorkbenchRequest {
  const settings::Settings& settings;
  const session::Program& program;
  bool record = false;
  bool engine = true;  // false: whoever asks has one
};
Status CompleteWorkbench(const WorkbenchRequest& request, progress::Sink& progress, const std::atomic<bool>& cancel,
                         Workbench* bench);

// Which prompts a model gets, as module replacements for the loader.
session::LoadOptions PromptsFor(const settings::Backbone& backbone);

// The settings as a run takes them. With `greedy`, every role of the program takes the most probable token.
void ApplySettings(const settings::Settings& settings, bool greedy, session::RunRequest* request);

// An index for what the settings name: `atlas`, an index file, or a JSONL corpus, which is indexed into the cache once
// for each version of the file.
Result<std::string> ResolveIndex(const std::string& name, progress::Sink& progress, const std::atomic<bool>& cancel);

}  // namespace jade::cli
