#pragma once
// The keys of `backbone: { kind: remote }` and of the retrievers on other machines. Values.

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/config/yaml.h"

namespace jade::settings {

struct RemoteBackbone {
  std::string url;                  // "http://host:8000/v1"
  std::string api = "completions";  // completions, chat
  std::string api_key_env;          // environment variable with the key
  std::string server = "auto";      // auto, openai, llama.cpp, vllm, sglang
  std::string tokenizer;            // a model's folder or GGUF, or a shipped or pulled model; empty: prompts as text
  std::string chat_template = "chatml";  // chatml, llama3: of prompts as text
  bool log_probs = true;
  int64_t concurrency = 64;
  int64_t retries = 4;
  double timeout = 60;             // seconds, of one attempt
  double requests_per_second = 0;  // 0: no limit
};

struct RemoteRetriever {
  std::string url;
  std::string authorization_env;  // environment variable with the value of the Authorization header
  std::string id_field;           // empty: the hit's own `_id`
  std::string title_field = "title";
  std::string text_field = "text";
  std::vector<std::string> search_fields{"title^2", "text"};
  int64_t concurrency = 16;
  int64_t retries = 3;
  double timeout = 10;  // seconds, of one attempt
  double requests_per_second = 0;
  int64_t batch = 64;  // the most questions in one request of an endpoint
};

// Whether a retriever of this kind is on another machine: opensearch, endpoint.
bool IsRemoteRetriever(const std::string& kind);

// Read the keys out of the map of the backbone or the retriever; what is there but not for its kind is reported.
void ReadRemoteBackbone(config::MapReader& reader, const std::string& kind, RemoteBackbone* remote);
void ReadRemoteRetriever(const config::Document& document, config::MapReader& reader, const std::string& kind,
                         RemoteRetriever* remote);

}  // namespace jade::settings
