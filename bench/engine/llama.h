#pragma once
// llama.cpp's own bench tools, run on the same shapes beside ours: one process a sample, its output read back. Each
// case is tried with every setting that may matter (flash attention, unified or split cache), and from then on measured
// with the best of them. One thread.

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/engine/role_calls.h"
#include "bench/engine/work.h"
#include "compiler/result/result.h"

namespace jade::bench {

struct LlamaOptions {
  std::string folder;         // with llama-bench, llama-batched-bench and llama-server
  std::string model;          // a GGUF of the shape that is measured
  std::string server_script;  // bench_llama_server.py
  int threads = 1;
  const std::atomic<bool>* cancel = nullptr;
};

struct LlamaSettings {
  bool flash = true;
  bool unified = false;  // one buffer of keys and values for all sequences
  std::string ToString() const;
};

// What the tools print, among log lines: tokens/s of the last test that processed a prompt, and of the last batch.
// kCorrupt when there is none.
Result<double> ReadLlamaBench(std::string_view output);
Result<double> ReadBatchedBench(std::string_view output, int64_t batch);
Result<double> ReadServerBench(std::string_view output);

// A case of llama.cpp. Nothing runs before the first Sample.
class LlamaCase {
 public:
  static LlamaCase Step(const LlamaOptions& options, const StepShape& shape, int64_t steps);
  // `prompts_path`: the file that bench_llama_server.py reads.
  static LlamaCase Server(const LlamaOptions& options, std::string prompts_path, int slots);

  // One more sample of the best settings; the first call tries all, the server with a part of its calls. Fails with
  // what the tool printed last.
  Status Sample();

  const std::vector<double>& samples() const { return samples_; }
  const LlamaSettings& best() const { return best_; }

 private:
  enum class Kind { kPrompt, kDecode, kServer };
  LlamaCase(const LlamaOptions& options, Kind kind) : options_(options), kind_(kind) {}
  std::vector<LlamaSettings> Candidates() const;
  std::vector<std::string> Command(const LlamaSettings& settings, bool trial) const;
  Result<double> Measure(const LlamaSettings& settings, bool trial) const;

  LlamaOptions options_;
  Kind kind_;
  StepShape shape_;
  int64_t steps_ = 1;
  std::string prompts_path_;
  int slots_ = 0;
  LlamaSettings best_;
  std::vector<double> samples_;
};

// kNotFound names the tool or the model that is missing.
Status CheckLlama(const LlamaOptions& options);

// {"reply_tokens": …, "prompts": [[ids]]}
std::string PromptsJson(const RoleCalls& calls);

}  // namespace jade::bench
