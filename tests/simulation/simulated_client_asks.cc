// What clients ask about: questions, and old events.
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/clock.h"
#include "client/verdict_lookup.h"
#include "ipc/question_key.h"
#include "tests/simulation/simulated_client.h"

namespace roost {
namespace {

using std::chrono::milliseconds;

Question AnyQuestion(RandomChoice* random) {
  Question question;
  question.kind = random->OneIn(4) ? "ruled.commit" : "review.code";
  // The same values, written in this way or that.
  const uint64_t file = random->Below(3);
  question.input = random->OneIn(2) ? fmt::format(R"({{"file":{},"of":"x"}})", file)
                                    : fmt::format(R"({{ "of" : "x", "file" : {}.0 }})", file);
  return question;
}

}  // namespace

// ---- questions ----

void SimulatedClient::Ask() {
  RandomChoice& random = *world_->random;
  std::vector<Question> questions;
  for (size_t i = 0; i < 1 + random.Below(2); ++i) questions.push_back(AnyQuestion(&random));
  const milliseconds wait(random.OneIn(2) ? 0 : random.Below(5000));
  const uint64_t wait_ns = static_cast<uint64_t>(wait.count()) * kNsPerMs;
  const VerdictPromises::Asked asked = world_->verdicts->AskedAt(world_->head(), MonotonicNs());
  const uint64_t ticket = connection_->Validate(
      questions, wait, Deadline(wait_ns),
      [this, questions, asked, note = Expecting("questions answered: client",
                                                MonotonicNs() + wait_ns)](
          const Result<std::vector<Answer>>& answers) {
        note(answers.status());
        if (!answers.ok()) return;
        for (size_t i = 0; i < questions.size(); ++i) OnAnswer(questions[i], (*answers)[i], asked);
      });
  if (ticket != 0) tickets_.push_back(ticket);
}

void SimulatedClient::OnAnswer(const Question& question, const Answer& answer,
                               const VerdictPromises::Asked& asked) {
  world_->verdicts->Answered(question, answer, asked, connection_->info().session, world_->head(),
                             MonotonicNs());
  if (answer.you_decide) to_decide_.push_back(answer);
}

void SimulatedClient::Decide() {
  if (to_decide_.empty()) return;
  RandomChoice& random = *world_->random;
  const size_t chosen = random.Below(to_decide_.size());
  Decision decision;
  decision.key = to_decide_[chosen].key;
  decision.token = {to_decide_[chosen].token, 0};
  decision.verdict = random.Of(std::array{Verdict::kAllow, Verdict::kDeny, Verdict::kAsk});
  decision.reason = world_->verdicts->NextReason();
  if (random.OneIn(4)) decision.ttl = milliseconds(random.Magnitude(128, 20'000));
  // It may well decide once more, with a token that is not good any more.
  if (!random.OneIn(4)) to_decide_.erase(to_decide_.begin() + static_cast<ptrdiff_t>(chosen));
  world_->verdicts->Decides(decision, Label());
  connection_->Decide(decision, Deadline(),
                      [this, decision, note = Expecting("decision answered: client", 0)](
                          const Result<DecideResult>& result) {
                        note(result.status());
                        if (!result.ok()) return;
                        world_->verdicts->Decided(decision, *result, world_->head());
                      });
}

void SimulatedClient::LookUp() {
  const RingReader* ring = connection_->ring();
  if (ring == nullptr) return;
  const Question question = AnyQuestion(world_->random);
  const auto key = QuestionKey(question.kind, question.input);
  if (!key.ok()) return world_->promises->Violation(key.status().message());
  const auto answer = LookUpVerdict(*ring, *key, ::geteuid(), MonotonicNs());
  if (answer.has_value()) world_->verdicts->Found(question, *answer, world_->head());
}

// ---- old events ----

void SimulatedClient::Read() {
  const RingReader* ring = connection_->ring();
  if (reading_ || ring == nullptr || ring->head() == 0) return;
  RandomChoice& random = *world_->random;
  query_ = {};
  query_.after = random.OneIn(3) ? 0 : random.Below(ring->head());
  query_.limit = static_cast<uint32_t>(random.From(1, 40));
  if (random.OneIn(2)) query_.order = Order::kNewestFirst;
  if (random.OneIn(2)) query_.filter.stream = StreamOf(random.Below(kStreams));
  if (!reader_.has_value() || reader_generation_ != connection_->generation()) {
    reader_generation_ = connection_->generation();
    reader_.emplace(ring, &connection_->segments());
  }
  reading_ = true;
  ReadOn(reader_->Begin(query_, &page_));
}

void SimulatedClient::ReadOn(LogReader::Step step) {
  if (step == LogReader::Step::kNeedsSegment) return FetchForReader();
  reading_ = false;
  if (step == LogReader::Step::kFailed) {
    return world_->promises->Violation("a reader failed: " + reader_->status().message());
  }
  for (size_t i = 0; i < page_.size(); ++i) {
    RecordHeader header;
    std::memcpy(&header, page_.record(i).data(), sizeof(header));
    world_->promises->Saw(header);
  }
  world_->readings->Read(query_, page_, world_->oldest());
}

void SimulatedClient::FetchForReader() {
  const uint64_t sequence = reader_->needed_sequence();
  const uint64_t position = reader_->needed_position();
  connection_->FetchSegment(
      sequence, position, Deadline(),
      [this, sequence, position,
       note = Expecting("segment for a reader: client", 0)](const Status& status) {
        note(status);
        const bool is_gone = status.code() == StatusCode::kGone;
        if (reader_generation_ != connection_->generation() || (!status.ok() && !is_gone)) {
          reading_ = false;
          return;
        }
        if (status.ok()) return ReadOn(reader_->Continue());
        // As roost::Client does.
        const uint64_t oldest =
            std::max(connection_->oldest_told(), connection_->ring()->log_oldest());
        if (position == 0) world_->readings->Gone(sequence, oldest, world_->oldest());
        ReadOn(reader_->ContinueWithout(oldest));
      });
}

}  // namespace roost
