#include "runtime/constrain/pipeline_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

namespace jade::constrain {
namespace {

using Move = PipelineTable::Move;
using Place = PipelineTable::Place;
using Types = std::vector<uint32_t>;  // sorted, unique

constexpr uint32_t kNone = PipelineTable::kNone;

void Insert(Types& types, uint32_t type) {
  const auto at = std::lower_bound(types.begin(), types.end(), type);
  if (at == types.end() || *at != type) types.insert(at, type);
}

class TableBuilder {
 public:
  explicit TableBuilder(const PlanScope& scope) : scope_(scope) {
    for (const PlanScope::Grammar& grammar : scope.grammars) {
      edges_.emplace_back(grammar.states);
      for (const PlanScope::Edge& edge : grammar.edges) edges_.back()[edge.from].push_back(edge);
    }
  }

  Result<std::vector<Place>> Build() {
    Start(scope_.grammars.empty() ? kNone : 0, scope_.argument, scope_.result);
    for (size_t i = 0; i < keys_.size(); ++i) {
      std::vector<Move> moves = MovesOf(Key(keys_[i]));
      places_[i].moves = std::move(moves);
      if (keys_.size() > PipelineTable::kMaxPlaces) {
        return Error(ErrorCode::kInvalidArgument,
                     fmt::format("the stages of the plan have more than {} places", PipelineTable::kMaxPlaces));
      }
    }
    Measure();
    return std::move(places_);
  }

 private:
  struct Key {
    uint32_t grammar = kNone;
    uint32_t argument = 0;
    uint32_t result = 0;
    bool ended = false;  // the newest value is of the result's type
    bool begun = false;
    Types states;  // of the grammar
    Types known;
    bool operator<(const Key& other) const {
      return std::tie(grammar, argument, result, ended, begun, states, known) <
             std::tie(other.grammar, other.argument, other.result, other.ended, other.begun, other.states, other.known);
    }
  };

  uint32_t bare(uint32_t type) const {
    return scope_.types[type].shape == PlanScope::Shape::kOptional ? scope_.types[type].element : type;
  }
  bool IsPlan(uint32_t type) const { return scope_.types[type].shape == PlanScope::Shape::kPlan; }
  bool MayMiss(const PlanScope::Parameter& parameter) const {
    return parameter.has_default || scope_.types[parameter.type].shape == PlanScope::Shape::kOptional;
  }

  Types Closure(uint32_t grammar, Types from) const {
    Types reached;
    while (!from.empty()) {
      const uint32_t state = from.back();
      from.pop_back();
      if (std::binary_search(reached.begin(), reached.end(), state)) continue;
      Insert(reached, state);
      for (const PlanScope::Edge& edge : edges_[grammar][state]) {
        if (edge.stage == kNone) from.push_back(edge.to);
      }
    }
    return reached;
  }

  uint32_t PlaceOf(Key key) {
    const auto known = numbers_.find(key);
    if (known != numbers_.end()) return known->second;
    const auto number = static_cast<uint32_t>(keys_.size());
    Place place;
    const bool accepts = key.grammar == kNone ||
                         std::binary_search(key.states.begin(), key.states.end(), scope_.grammars[key.grammar].accept);
    place.complete = key.begun && key.ended && accepts;
    places_.push_back(std::move(place));
    keys_.push_back(key);
    numbers_.emplace(std::move(key), number);
    return number;
  }

  uint32_t Start(uint32_t grammar, uint32_t argument, uint32_t result) {
    Key key{.grammar = grammar, .argument = argument, .result = result, .states = {}, .known = {argument}};
    if (grammar != kNone) key.states = Closure(grammar, {0});
    return PlaceOf(std::move(key));
  }

  // Whether the parameters find their values: BindInputs of compiler/sema.
  bool Binds(const PlanScope::Stage& stage, const Key& key) const {
    return std::all_of(stage.parameters.begin(), stage.parameters.end(), [&](const PlanScope::Parameter& parameter) {
      const uint32_t type = bare(parameter.type);
      if (IsPlan(type) || MayMiss(parameter)) return true;
      if (parameter.from_input && type == key.argument) return true;
      return scope_.types[type].key && std::binary_search(key.known.begin(), key.known.end(), type);
    });
  }

  // Whether it can be a stage without a pattern that says so: CheckStageFits of compiler/sema.
  bool Fits(const PlanScope::Stage& stage) const {
    if (!scope_.types[stage.result].key) return false;
    Types seen;
    for (const PlanScope::Parameter& parameter : stage.parameters) {
      const uint32_t type = bare(parameter.type);
      if (IsPlan(type)) continue;
      if (parameter.from_input) {
        if (type != scope_.argument) return false;
        continue;
      }
      if (!scope_.types[type].key) {
        if (!MayMiss(parameter)) return false;
        continue;
      }
      if (std::binary_search(seen.begin(), seen.end(), type)) return false;
      Insert(seen, type);
    }
    return true;
  }

  // The plan parameter that a sub-plan is bound to.
  uint32_t PlanParameter(const PlanScope::Stage& stage) const {
    for (const PlanScope::Parameter& parameter : stage.parameters) {
      if (IsPlan(bare(parameter.type))) return bare(parameter.type);
    }
    return kNone;
  }
  bool PlansMayMiss(const PlanScope::Stage& stage) const {
    return std::all_of(stage.parameters.begin(), stage.parameters.end(), [&](const PlanScope::Parameter& parameter) {
      return !IsPlan(bare(parameter.type)) || MayMiss(parameter);
    });
  }
  uint32_t PlanCount(const PlanScope::Stage& stage) const {
    return static_cast<uint32_t>(
        std::count_if(stage.parameters.begin(), stage.parameters.end(),
                      [&](const PlanScope::Parameter& parameter) { return IsPlan(bare(parameter.type)); }));
  }

  // Where the pattern goes on after a stage, without and with a sub-plan.
  struct Steps {
    Types plain;
    Types call;
    uint32_t sub_plan = kNone;  // its pattern: the first one's
  };
  std::map<uint32_t, Steps> StepsOf(const Key& key) const {
    std::map<uint32_t, Steps> steps;
    for (const uint32_t state : key.states) {
      for (const PlanScope::Edge& edge : edges_[key.grammar][state]) {
        if (edge.stage == kNone) continue;
        Steps& step = steps[edge.stage];
        Insert(step.plain, edge.to);
        if (edge.sub_plan == kNone) continue;
        if (step.sub_plan == kNone) step.sub_plan = edge.sub_plan;
        Insert(step.call, edge.to);
      }
    }
    return steps;
  }

  std::vector<Move> MovesOf(const Key& key) {
    const bool free = key.grammar == kNone;
    const std::map<uint32_t, Steps> steps = free ? std::map<uint32_t, Steps>() : StepsOf(key);
    std::vector<Move> moves;
    for (uint32_t i = 0; i < scope_.stages.size(); ++i) {
      const PlanScope::Stage& stage = scope_.stages[i];
      const auto step = steps.find(i);
      if (!Binds(stage, key) || (free ? !Fits(stage) : step == steps.end())) continue;
      Key next = key;
      next.begun = true;
      next.ended = stage.result == key.result;
      Insert(next.known, stage.result);
      Move move{.stage = i};
      const auto after = [&](const Types* states) {
        Key there = next;
        if (states != nullptr) there.states = Closure(key.grammar, *states);
        return PlaceOf(std::move(there));
      };
      if (PlansMayMiss(stage)) move.after = after(free ? nullptr : &step->second.plain);
      const uint32_t plan = PlanParameter(stage);
      if (plan != kNone && PlanCount(stage) == 1 && (free || step->second.sub_plan != kNone)) {
        move.after_call = after(free ? nullptr : &step->second.call);
        move.sub_plan =
            Start(free ? kNone : step->second.sub_plan, scope_.types[plan].element, scope_.types[plan].result);
      }
      moves.push_back(move);
    }
    return moves;
  }

  // Shortest ways to the end, until nothing changes. Ways lead to places found later, but for circles.
  void Measure() {
    for (Place& place : places_) {
      place.begin.fill(PipelineTable::kNever);
      place.finish.fill(PipelineTable::kNever);
    }
    for (uint32_t open = 0; open <= PipelineTable::kNesting; ++open) {
      for (bool changed = true; changed;) {
        changed = false;
        for (size_t at = places_.size(); at-- > 0;) {
          Place& place = places_[at];
          uint32_t begin = PipelineTable::kNever;
          for (const Move& move : place.moves) {
            const auto name = static_cast<uint32_t>(scope_.stages[move.stage].name.size());
            begin = std::min(begin, name + PipelineTable::Tail(places_, move, open));
          }
          const uint32_t finish = place.complete ? 0 : std::min(begin + 1, PipelineTable::kNever);
          changed = changed || begin < place.begin[open] || finish < place.finish[open];
          place.begin[open] = std::min(begin, place.begin[open]);
          place.finish[open] = std::min(finish, place.finish[open]);
        }
      }
    }
  }

  const PlanScope& scope_;
  std::vector<std::vector<std::vector<PlanScope::Edge>>> edges_;  // by grammar and state
  std::vector<Key> keys_;
  std::vector<Place> places_;
  std::map<Key, uint32_t> numbers_;
};

}  // namespace

uint32_t PipelineTable::Tail(const std::vector<Place>& places, const Move& move, uint32_t open) {
  uint32_t tail = kNever;
  if (move.after != kNone) tail = places[move.after].finish[open];
  if (move.after_call != kNone && open > 0) {
    const uint64_t call = uint64_t{2} + places[move.sub_plan].begin[open - 1] + places[move.after_call].finish[open];
    tail = static_cast<uint32_t>(std::min<uint64_t>(tail, call));
  }
  return std::min(tail, kNever);
}

Result<PipelineTable> PipelineTable::Make(const PlanScope& scope) {
  PipelineTable table;
  JADE_ASSIGN_OR_RETURN(table.places_, TableBuilder(scope).Build());
  return table;
}

}  // namespace jade::constrain
