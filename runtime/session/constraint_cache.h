#pragma once
// The constraints under which a program's roles write: made from formats and plan scopes, kept for each role and what
// differs from call to call. Bounded. One thread; the constraints themselves may go anywhere.

#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "runtime/call/prompt.h"
#include "runtime/constrain/library.h"
#include "runtime/session/program.h"

namespace jade::session {

class ConstraintCache final : public call::ConstraintSource {
 public:
  // The library is shared by the programs of a session.
  ConstraintCache(ProgramPtr program, constrain::Library library)
      : program_(std::move(program)), library_(std::move(library)) {}

  Result<std::shared_ptr<const engine::Constraint>> For(const call::CallContext& context,
                                                        const engine::Messages& prompt, int max_tokens) override;

  size_t size() const { return constraints_.size(); }
  static constexpr size_t kMaxKept = 1024;

 private:
  using Key = std::tuple<uint32_t, uint32_t, uint32_t, std::string>;  // role, documents, limit, prefix
  Result<constrain::Spec> SpecFor(const call::CallContext& context);

  ProgramPtr program_;
  constrain::Library library_;
  std::map<uint32_t, constrain::Spec> specs_;  // by role
  std::map<Key, constrain::ConstraintPtr> constraints_;
};

}  // namespace jade::session
