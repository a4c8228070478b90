#pragma once
// A backbone behind a server that speaks OpenAI's protocol: llama.cpp, vLLM, SGLang, or a hosted one. Calls become
// requests of runtime/http, many at once; what the server says of tokens, log-probabilities and usage becomes the
// reply. What differs between servers is asked for by their kind, which the list of models tells.
//
// The engine has the threads of its HTTP client; Submit and Cancel from any thread. docs/remote.md says what is sent.

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/engine/clock.h"
#include "runtime/engine/engine.h"
#include "runtime/tokenizer/chat.h"

namespace jade::remote {

enum class Api { kCompletions, kChat };

// Whose extensions of the protocol a server knows.
enum class ServerKind { kOpenAi, kLlamaCpp, kVllm, kSglang };
std::string_view ServerKindName(ServerKind kind);  // "openai", "llama.cpp", "vllm", "sglang"
std::optional<ServerKind> ServerKindNamed(std::string_view name);

struct RemoteOptions {
  std::string url;  // "http://host:8000/v1"
  Api api = Api::kCompletions;
  std::string model;                            // empty: the only one the server has
  std::map<std::string, std::string> policies;  // Request::policy to the server's model
  std::string api_key_env;                      // environment variable of the key; empty: no key. Never shown
  std::optional<ServerKind> server;             // none: as the list of models tells
  // The model's own tokenizer and chat form, for `completions`: prompts are sent as ids. None: as text in this style.
  std::optional<tokenizer::ChatFormat> chat;
  tokenizer::ChatStyle style = tokenizer::ChatStyle::kChatMl;
  bool log_probs = true;  // ask for them
  int concurrency = 64;
  int retries = 4;
  std::chrono::microseconds timeout = std::chrono::seconds(60);  // of one attempt
  double requests_per_second = 0;                                // 0: no limit
  std::shared_ptr<engine::Clock> clock;                          // null: real time
};

// What GET /models says.
struct ServerFacts {
  ServerKind kind = ServerKind::kOpenAi;
  std::vector<std::string> models;  // empty: the server has no such list
};
// Asks the server; waits for it. Fails when it cannot be reached or refuses the key, with what to do.
Result<ServerFacts> Probe(const RemoteOptions& options);

// Probes the server, so that what is wrong is known before a run begins. kNotFound when the model is not there.
Result<std::unique_ptr<engine::Engine>> MakeRemoteEngine(const RemoteOptions& options);

}  // namespace jade::remote
