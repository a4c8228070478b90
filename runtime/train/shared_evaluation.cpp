#include "runtime/train/shared_evaluation.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "runtime/train/agreement.h"
#include "runtime/train/update_metrics.h"

namespace jade::train {
namespace {

using nlohmann::ordered_json;

std::string ToText(const ordered_json& json) {
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

// "reward/f1" of an evaluation is "dev/f1".
metrics::Scalars Under(const std::string& place, const metrics::Scalars& scalars) {
  metrics::Scalars out;
  for (const auto& [tag, value] : scalars) {
    std::string name = tag;
    for (const char* prefix : {"reward/", "run/"}) {
      if (name.starts_with(prefix)) name = name.substr(std::string_view(prefix).size());
    }
    if (tag == "reward/mean") name = "reward";
    out[place + "/" + name] = value;
  }
  return out;
}

std::string RowOf(const eval::Question& question, const rollout::Run& run) {
  return ToText({{"id", question.id},
                 {"question", question.question},
                 {"type", question.type},
                 {"gold", question.gold},
                 {"answer", run.answer},
                 {"status", trace::RunStatusName(run.status)},
                 {"em", run.em},
                 {"f1", run.f1},
                 {"accuracy", run.accuracy},
                 {"turns", run.turns},
                 {"retrievals", run.retrievals},
                 {"tokens", run.tokens},
                 {"plan", run.plan}});
}

// What another process sent; it is this program's own, so a mistake in it is a broken connection.
Result<ordered_json> Parse(const std::string& text) {
  ordered_json json = ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded())
    return Error(ErrorCode::kCorrupt, "a process of this job sent something that cannot be read");
  return json;
}

// Process r's i-th row is of question r + i · n. Every question has a row: a run that failed is one too.
Result<std::string> GatherRows(Collective& collective, const std::vector<std::string>& own, size_t questions) {
  JADE_ASSIGN_OR_RETURN(const std::vector<std::string> texts, GatherTexts(collective, ToText(own)));
  std::vector<ordered_json> parts;
  for (const std::string& text : texts) {
    JADE_ASSIGN_OR_RETURN(ordered_json part, Parse(text));
    parts.push_back(std::move(part));
  }
  std::string rows;
  for (size_t i = 0; i < questions; ++i) {
    const ordered_json& part = parts[i % parts.size()];
    const size_t index = i / parts.size();
    if (index < part.size() && part[index].is_string()) rows += part[index].get<std::string>() + "\n";
  }
  return rows;
}

}  // namespace

Result<metrics::Plans> SumPlans(Collective& collective, const metrics::Plans& plans) {
  if (collective.size() == 1) return plans;
  JADE_ASSIGN_OR_RETURN(const std::vector<std::string> texts, GatherTexts(collective, ToText(plans)));
  metrics::Plans sum;
  for (const std::string& text : texts) {
    JADE_ASSIGN_OR_RETURN(const ordered_json json, Parse(text));
    for (const auto& [type, counts] : json.items()) {
      for (const auto& [plan, count] : counts.items()) {
        if (count.is_number_integer()) sum[type][plan] += count.get<int64_t>();
      }
    }
  }
  return sum;
}

Result<SharedEvaluation> EvaluateTogether(Team& team, Collective& collective,
                                          const std::vector<eval::Question>& questions,
                                          const EvaluationRequest& request) {
  std::vector<eval::Question> share;
  for (auto i = static_cast<size_t>(collective.rank()); i < questions.size();
       i += static_cast<size_t>(collective.size())) {
    share.push_back(questions[i]);
  }
  auto evaluated = team.Evaluate(share, request.samples, request.progress, request.cancel);
  JADE_TRY(Agree(collective, evaluated.ok() ? Status{} : Status(evaluated.error()), "evaluating on " + request.place));
  SharedEvaluation out;
  JADE_ASSIGN_OR_RETURN(const metrics::Scalars scalars, RolloutScalars(evaluated->batch, collective));
  out.scalars = Under(request.place, scalars);
  JADE_ASSIGN_OR_RETURN(out.plans, SumPlans(collective, evaluated->plans));
  std::vector<std::string> rows;
  for (const rollout::Run& run : evaluated->batch.runs) rows.push_back(RowOf(share[run.question], run));
  JADE_ASSIGN_OR_RETURN(out.rows, GatherRows(collective, rows, questions.size()));
  out.samples = std::move(evaluated->samples);
  return out;
}

}  // namespace jade::train
