#pragma once
// What settings say of servers elsewhere, made into engines, tools and lines of `jade doctor`. No LibTorch here: a run
// with a remote backbone stays in `jade` itself.

#include <memory>
#include <string>
#include <vector>

#include "cli/backbone.h"
#include "compiler/result/result.h"
#include "runtime/engine/engine.h"
#include "runtime/settings/settings.h"

namespace jade::cli {

Result<std::unique_ptr<engine::Engine>> MakeRemoteBackbone(const settings::Backbone& backbone);

// The tools `tools` over a retriever of a remote kind; a call returns `max_k` passages at most.
Result<std::unique_ptr<engine::ToolProvider>> MakeRemoteRetriever(const settings::Retriever& retriever,
                                                                  std::vector<std::string> tools, int max_k);

// Whether the servers that the settings name answer, and with what.
std::vector<Finding> RemoteFindings(const settings::Settings& settings);

}  // namespace jade::cli
