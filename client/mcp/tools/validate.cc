// The tool `validate`: what is allowed, answered from shared memory when all of it was decided before, else by the
// broker: by a rule, by whoever decides it, or by asking this agent to.
#include <fmt/core.h>
#include <unistd.h>

#include <optional>

#include "base/clock.h"
#include "client/mcp/answer_json.h"
#include "client/mcp/arguments.h"
#include "client/mcp/event_json.h"
#include "client/mcp/tools/tool.h"
#include "client/verdict_lookup.h"

namespace roost {
namespace {

constexpr uint64_t kWaitMsDefault = 25'000;

// Looks again whether shared memory still says what was answered from it.
class SameVerdicts : public ResultCache::Condition {
 public:
  SameVerdicts(const Shim& shim, const std::vector<Answer>& answers) : shim_(shim) {
    for (const Answer& answer : answers) {
      told_.push_back({answer.key, answer.verdict, answer.decided_ns, Hash(answer)});
    }
  }

  bool Holds() const override {
    // A broker that has gone takes nothing back any more.
    if (!shim_.log->attached()) return false;
    const RingReader* ring = shim_.log->ring();
    if (ring == nullptr) return false;
    const uint64_t now_ns = shim_.clock.monotonic_ns();
    for (const Told& told : told_) {
      const auto answer = LookUpVerdict(*ring, told.key, ::geteuid(), now_ns);
      if (!answer.has_value() || answer->verdict != told.verdict ||
          answer->decided_ns != told.decided_ns || Hash(*answer) != told.texts) {
        return false;
      }
    }
    return true;
  }

  size_t bytes() const override { return sizeof(*this) + told_.capacity() * sizeof(Told); }

 private:
  struct Told {
    VerdictKey key;
    Verdict verdict;
    uint64_t decided_ns;
    size_t texts;  // a hash of them
  };

  static size_t Hash(const Answer& answer) {
    return std::hash<std::string>()(answer.reason) * 31 + std::hash<std::string>()(answer.by);
  }

  const Shim& shim_;
  std::vector<Told> told_;
};

class ValidateOperation : public Operation {
 public:
  // `one`: a single question was given by itself. `call`: whose answer is to be kept.
  ValidateOperation(Shim* shim, const Responder& responder, std::vector<Question> questions,
                    bool one, uint64_t wait_ms, std::optional<ResultCache::Call> call)
      : Operation(shim, responder),
        questions_(std::move(questions)),
        one_(one),
        wait_ms_(wait_ms),
        call_(std::move(call)) {}

  ~ValidateOperation() override {
    if (asked_ != 0) log().Cancel(asked_);
  }

  bool waits() const override { return wait_ms_ > 0; }

  void Start() override {
    WithRing([this] { LookUp(); });
  }

 private:
  void LookUp() {
    if (FindAll()) return Answered(true);
    WithBroker([this] { Ask(); });
  }

  // False: the broker has to be asked, and for all of them, since what is known now may not hold any more when
  // the others are answered. Without a broker nobody says what still holds.
  bool FindAll() {
    if (!log().attached()) return false;
    const uint64_t now_ns = NowNs();
    answers_.resize(questions_.size());
    for (size_t i = 0; i < questions_.size(); ++i) {
      const auto key = QuestionKey(questions_[i].kind, questions_[i].input);
      if (!key.ok()) {
        answers_[i].error = key.status().message();
        continue;
      }
      auto answer = LookUpVerdict(*log().ring(), *key, ::geteuid(), now_ns);
      if (!answer.has_value()) return false;
      answers_[i] = *std::move(answer);
    }
    return true;
  }

  void Ask() {
    log().own_work()->CountCache(false);
    asked_ = log().Validate(
        questions_, std::chrono::milliseconds(wait_ms_), DeadlineNs() + wait_ms_ * kNsPerMs,
        Guarded([this](const Result<std::vector<Answer>>& answers) { OnValidated(answers); }));
  }

  void OnValidated(const Result<std::vector<Answer>>& answers) {
    asked_ = 0;
    if (!answers.ok()) return Failed(answers.status());
    if (answers->size() != questions_.size()) {
      return FinishWithToolError("the broker's answer is damaged; call validate again");
    }
    answers_ = *answers;
    Answered(false);
  }

  void Answered(bool from_memory) {
    if (one_ && !answers_[0].error.empty()) return FinishWithToolError(answers_[0].error);
    std::string json = one_ ? AnswerJson(answers_[0]) : AnswersJson(answers_);
    if (!from_memory) return FinishWithToolResult(std::move(json));
    log().own_work()->CountCache(true);
    if (call_.has_value() && AllDecided()) {
      FinishWithToolResult(std::move(json), *call_, ResultCache::Head::kNone,
                           std::make_unique<SameVerdicts>(shim(), answers_));
    } else {
      FinishWithToolResult(std::move(json));
    }
    RecordCall(shim(), ClientWork::Validate, began_ns());
  }

  bool AllDecided() const {
    for (const Answer& answer : answers_) {
      if (!answer.error.empty()) return false;
    }
    return true;
  }

  std::vector<Question> questions_;
  bool one_;
  uint64_t wait_ms_;
  std::optional<ResultCache::Call> call_;
  std::vector<Answer> answers_;
  uint64_t asked_ = 0;  // number of the request under way; 0: none
};

void ReadQuestion(JsonSlice kind, JsonSlice input, std::string_view where, Arguments* arguments,
                  Question* question) {
  arguments->Require("kind", kind);
  arguments->Text("kind", kind, kQuestionKindBytesMax, &question->kind);
  // null is a value like any other here.
  if (!input.present()) {
    return arguments->Wrong(fmt::format("{}{}input is missing; any JSON value is one", where,
                                        where.empty() ? "" : "."));
  }
  if (input.raw().size() > kQuestionInputBytesMax) {
    return arguments->Wrong(fmt::format(
        "{}{}input must be at most 64 KiB of JSON; got {} bytes: ask about a digest of it", where,
        where.empty() ? "" : ".", input.raw().size()));
  }
  question->input = input.raw();
}

void ReadQuestions(JsonSlice list, Arguments* arguments, std::vector<Question>* questions) {
  for (JsonWalk walk(list); walk.Next() && arguments->ok();) {
    const std::string where = fmt::format("questions[{}]", questions->size());
    if (questions->size() == kQuestionsMax) {
      return arguments->Wrong(
          fmt::format("questions must be at most {}; ask the others after", kQuestionsMax));
    }
    if (!walk.value().is_object()) {
      return arguments->Wrong(fmt::format("{} must be an object with kind and input; got {}", where,
                                          ShowValue(walk.value())));
    }
    JsonSlice kind, input;
    arguments->Read(walk.value(), where, {{"kind", &kind}, {"input", &input}});
    ReadQuestion(kind, input, where, arguments, &questions->emplace_back());
  }
  if (questions->empty()) arguments->Wrong("questions must be at least one question");
}

}  // namespace

std::unique_ptr<Operation> MakeValidate(Shim* shim, const Responder& responder, JsonSlice given) {
  std::optional<ResultCache::Call> call;
  if (AnswerFromCache(shim, responder, "validate", given, &call)) {
    shim->log->own_work()->CountCache(true);
    RecordCall(*shim, ClientWork::Validate, shim->line_received_ns);
    return nullptr;
  }
  JsonSlice kind, input, list, wait;
  Arguments arguments;
  arguments.Read(given, "",
                 {{"kind", &kind}, {"input", &input}, {"wait_ms", &wait}, {"questions", &list}});
  uint64_t wait_ms = kWaitMsDefault;
  arguments.Number("wait_ms", wait, 0, kWaitMsMax, &wait_ms);
  std::vector<Question> questions;
  const bool one = !Arguments::Given(list);
  if (one) {
    ReadQuestion(kind, input, "", &arguments, &questions.emplace_back());
  } else if (Arguments::Given(kind) || Arguments::Given(input)) {
    arguments.Wrong("give either kind and input for one question, or questions, not both");
  } else if (arguments.Array("questions", list)) {
    ReadQuestions(list, &arguments, &questions);
  }
  if (!arguments.ok()) {
    RefuseCall(*shim, responder, arguments.trouble());
    return nullptr;
  }
  return std::make_unique<ValidateOperation>(shim, responder, std::move(questions), one, wait_ms,
                                             std::move(call));
}

}  // namespace roost
