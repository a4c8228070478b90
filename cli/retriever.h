#pragma once
// The retriever that the settings ask for.

#include <atomic>
#include <memory>
#include <string>

#include "compiler/result/result.h"
#include "runtime/engine/engine.h"
#include "runtime/progress/progress.h"
#include "runtime/settings/settings.h"

namespace jade::cli {

// The encoder of an index that JADE builds by itself, when the settings name none.
inline constexpr char kDefaultEncoder[] = "all-minilm-l6-v2";

// Whether it needs LibTorch, cli/backbone.h: queries are encoded.
bool NeedsBackbone(const settings::Retriever& retriever);

// Serves `tool`. An index in the cache (atlas, or a JSONL corpus) gets its vectors when it lacks them.
Result<std::unique_ptr<engine::ToolProvider>> OpenRetriever(const settings::Retriever& retriever,
                                                            const std::string& tool, int max_k,
                                                            progress::Sink& progress, const std::atomic<bool>& cancel);

}  // namespace jade::cli
