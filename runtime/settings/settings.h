#pragma once
// The YAML that says with what a workflow runs: backbone, retriever, store, budget, sampling. Every key has a default,
// so no file is needed. docs/configuration.md lists the keys.

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "compiler/result/result.h"
#include "runtime/settings/remote.h"

namespace jade::settings {

// The model that answers from a file.
inline constexpr char kScript[] = "script";

struct Backbone {
  std::string kind = "local";       // local, remote
  std::string model = "nano";       // a path, shipped or pulled, or kScript; remote: the server's name
  std::string replies;              // of kScript: a file, runtime/session/script.h
  std::string device = "auto";      // auto, cpu, cuda
  std::string dtype = "auto";       // auto, fp32, bf16, int8
  uint64_t kv_cache = 1ULL << 30U;  // bytes
  int64_t threads = 0;              // 0: all cores
  bool deterministic = false;
  std::string prompts = "auto";  // auto, full (std.rag) or brief (std.rag_brief)
  std::string decode = "free";   // free, constrained
  // Named weight sets beside `model`, as `model` names one: a path, shipped or pulled; remote: the server's name.
  std::map<std::string, std::string> policies;
  RemoteBackbone remote;  // of kind remote
  bool is_remote() const { return kind == "remote"; }
  bool is_script() const { return !is_remote() && model == kScript; }
};

struct Retriever {
  std::string kind = "bm25";    // bm25, dense, hybrid
  std::string index = "atlas";  // `atlas`, an index file, or a JSONL corpus (indexed into the cache)
  std::string model;            // of dense and hybrid: the encoder; empty: the one the vectors were built with
  int64_t top_k = 0;            // the most passages a call returns; 0: what suits the model
  RemoteRetriever remote;       // of a kind on another machine
  // An index or corpus on this machine, whatever was searched before.
  void SearchHere(const std::string& corpus) {
    if (IsRemoteRetriever(kind)) kind = "bm25";
    index = corpus;
  }
};

struct Store {
  std::string path = ".jade/experience.db";
  bool durable = false;
};

struct Budget {
  int64_t depth = 4;
  int64_t calls = 64;
  int64_t tokens = 8192;  // generated
  double seconds = 120;
};

// A role's sampling; what is absent comes from the .jade file, then from `default`.
struct Sampling {
  std::optional<double> temperature;
  std::optional<int64_t> top_k;
  std::optional<double> top_p;
  std::optional<int64_t> max_tokens;
  std::optional<std::string> policy;  // one of Backbone::policies; "": the weights of `model`
};

struct Settings {
  std::string path;  // of the file, empty for the defaults
  Backbone backbone;
  Retriever retriever;
  Store store;
  Budget budget;
  Sampling sampling_default;
  std::map<std::string, Sampling> sampling;   // by role
  std::map<std::string, std::string> params;  // `param` declarations, as JSON scalars
  std::string reward;                         // name of the reward, empty: the module's only one
  std::string normalise = "jade";             // jade, squad: answers before they are compared
};

// Fails with every problem of the file, each with its line.
Result<Settings> LoadSettings(const std::string& path);
Result<Settings> ParseSettings(const std::string& name, const std::string& text);

}  // namespace jade::settings
