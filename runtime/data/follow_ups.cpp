#include "runtime/data/follow_ups.h"

#include <algorithm>
#include <optional>

#include "runtime/data/phrases.h"

namespace jade::data {
namespace {

constexpr size_t kAttempts = 6;      // for each question wanted
constexpr double kKeepNo = 0.3;      // two subjects seldom agree: some of their "no" are left out
constexpr double kAsQuery = 0.3;     // share of look-ups asked as a rewriter writes them
constexpr size_t kBridgeLength = 2;  // relations of a bridge
constexpr double kPrepared = 0.5;    // share of judgements that follow the look-ups they rest on

// Below these, of a hundred: a look-up, a bridge, a check, a comparison; the rest are agreements.
struct Shares {
  size_t look_up, bridge, check, comparison;
};
constexpr Shares kAllShares = {36, 44, 66, 88};
constexpr Shares kJudgementShares = {8, 8, 30, 65};

class Questioner {
 public:
  Questioner(const Scene& scene, Rng& rng, const Docs& docs, Focus focus)
      : scene_(scene), rng_(rng), shares_(focus == Focus::kAll ? kAllShares : kJudgementShares) {
    for (const Passage* passage : docs) {
      shown_.push_back(static_cast<PassageId>(passage - scene.library().passages.data()));
      if (std::find(subjects_.begin(), subjects_.end(), passage->subject) == subjects_.end()) {
        subjects_.push_back(passage->subject);
      }
    }
  }

  std::optional<Question> Draw() {
    if (subjects_.empty()) return std::nullopt;
    const size_t draw = rng_.Below(100);
    std::optional<Question> question = draw < shares_.look_up      ? LookUp()
                                       : draw < shares_.bridge     ? Bridge()
                                       : draw < shares_.check      ? Check()
                                       : draw < shares_.comparison ? Comparison()
                                                                   : Agreement();
    if (question && !Shown(question->support)) return std::nullopt;
    return question;
  }

  // The look-ups that a question of several, or a check, rests on.
  std::vector<FollowUp> StepsOf(const Question& question) {
    std::vector<FollowUp> steps;
    if (question.steps.size() > 1) {
      for (const Step& step : question.steps) steps.push_back({step.resolved, step.answer, {step.passage}});
    } else if (checked_ && question.type == QuestionType::kYesNo) {
      steps.push_back({checked_->text, checked_->answers[0], checked_->support});
    }
    return steps;
  }

 private:
  bool Shown(const std::vector<PassageId>& support) const {
    return std::all_of(support.begin(), support.end(),
                       [&](PassageId id) { return std::find(shown_.begin(), shown_.end(), id) != shown_.end(); });
  }

  const Asker& asker() const { return scene_.asker(); }

  std::optional<Question> LookUp() {
    const EntityId subject = rng_.Pick(subjects_);
    const auto& facts = scene_.world().At(subject).facts;
    if (facts.empty()) return std::nullopt;
    std::optional<Question> question = asker().Single(subject, rng_.Pick(facts).relation, rng_);
    if (question && rng_.Chance(kAsQuery)) question->text = question->rewritten;
    return question;
  }

  std::optional<Question> Bridge() {
    const EntityId subject = rng_.Pick(subjects_);
    const auto paths = asker().Paths(subject, kBridgeLength);
    if (paths.empty()) return std::nullopt;
    return asker().Path(subject, rng_.Pick(paths), rng_);
  }

  // The place of a random form whose kind is `kind`.
  template <typename Forms>
  std::optional<size_t> FormOf(const Forms& forms, Kind kind) {
    std::vector<size_t> fitting;
    for (size_t i = 0; i < forms.size(); ++i) {
      if (forms[i].kind == kind) fitting.push_back(i);
    }
    if (fitting.empty()) return std::nullopt;
    return rng_.Pick(fitting);
  }

  std::optional<Question> Check() {
    const EntityId subject = rng_.Pick(subjects_);
    const std::optional<size_t> form = FormOf(CheckForms(), scene_.world().At(subject).kind);
    if (!form) return std::nullopt;
    checked_ = asker().Single(subject, CheckForms()[*form].relation, rng_);
    return asker().Check(subject, *form, rng_.Chance(0.5), rng_);
  }

  std::optional<EntityId> Peer(EntityId subject) {
    std::vector<EntityId> peers;
    for (EntityId other : subjects_) {
      if (other != subject && scene_.world().At(other).kind == scene_.world().At(subject).kind) peers.push_back(other);
    }
    if (peers.empty()) return std::nullopt;
    return rng_.Pick(peers);
  }

  std::optional<Question> Comparison() {
    const EntityId subject = rng_.Pick(subjects_);
    const std::optional<EntityId> other = Peer(subject);
    const std::optional<size_t> form = FormOf(ComparisonForms(), scene_.world().At(subject).kind);
    if (!other || !form) return std::nullopt;
    return asker().Comparison(subject, *other, *form, rng_);
  }

  std::optional<Question> Agreement() {
    const EntityId subject = rng_.Pick(subjects_);
    const std::optional<EntityId> other = Peer(subject);
    const std::optional<size_t> form = FormOf(AgreementForms(), scene_.world().At(subject).kind);
    if (!other || !form) return std::nullopt;
    std::optional<Question> question = asker().Agreement(subject, *other, *form, rng_);
    if (question && question->answers[0] == "no" && !rng_.Chance(kKeepNo)) return std::nullopt;
    return question;
  }

  const Scene& scene_;
  Rng& rng_;
  Shares shares_;
  std::vector<PassageId> shown_;
  std::vector<EntityId> subjects_;
  std::optional<Question> checked_;  // the look-up behind the last check
};

}  // namespace

std::vector<FollowUp> FollowUps(const Scene& scene, Rng& rng, const Docs& docs, std::string_view asked, size_t count,
                                Focus focus) {
  std::vector<FollowUp> found;
  Questioner questioner(scene, rng, docs, focus);
  const auto known = [&](const std::string& text) {
    return text == asked ||
           std::any_of(found.begin(), found.end(), [&](const auto& other) { return other.text == text; });
  };
  for (size_t attempt = 0; attempt < count * kAttempts && found.size() < count; ++attempt) {
    std::optional<Question> question = questioner.Draw();
    if (!question || known(question->text)) continue;
    if (rng.Chance(focus == Focus::kAll ? kPrepared : kPrepared / 2)) {
      for (FollowUp& step : questioner.StepsOf(*question)) {
        if (!known(step.text) && found.size() + 1 < count) found.push_back(std::move(step));
      }
    }
    found.push_back({std::move(question->text), std::move(question->answers[0]), std::move(question->support)});
  }
  return found;
}

}  // namespace jade::data
