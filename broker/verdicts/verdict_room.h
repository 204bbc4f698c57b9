// The room of questions: Validate and Decide. A question is answered by a rule of the policy, else by what was
// decided before, else exactly one of those who ask is told to decide it, and the others wait for it.
//
// Who is to decide has kLeaseNs (question_table.h) for it; when that is over or its session ends, the next who
// waits is told, or, with nobody waiting, the next who asks. An expert that took the question's event may decide
// as well. When the policy changes, questions that are open are forgotten, and whoever waits is told to ask again.
//
// Small questions are examined here (kInlineBytesMax, kInlineStepsMax: some microseconds), all others by the
// Examiner's thread. Sequencer thread.
#ifndef ROOST_BROKER_VERDICTS_VERDICT_ROOM_H_
#define ROOST_BROKER_VERDICTS_VERDICT_ROOM_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "broker/coordination/change_writer.h"
#include "broker/coordination/room.h"
#include "broker/coordination/taken_events.h"
#include "broker/coordination/waiting_budget.h"
#include "broker/verdicts/examiner.h"
#include "broker/verdicts/question_table.h"
#include "broker/verdicts/verdict_publisher.h"
#include "broker/verdicts/verdict_replies.h"
#include "broker/verdicts/waiting_questions.h"

namespace roost {

class VerdictRoom : public CoordinationRoom {
 public:
  static constexpr uint32_t kQuestionsMax = 64;  // of a request
  static constexpr uint32_t kWaitMsMax = 50'000;
  static constexpr uint64_t kTtlMsMax = 366ull * 24 * 3600 * 1000;
  static constexpr size_t kInlineBytesMax = 4096;
  static constexpr uint64_t kInlineStepsMax = 500'000;

  struct Parts {
    QuestionTable* table;
    SessionTable* sessions;
    ChangeWriter* changes;
    SequencerTurn* turn;
    WaitingBudget* waiting;
    VerdictPublisher* publisher;
    Examiner* examiner;
    const TakenEvents* taken;             // nullptr: nobody takes
    uint64_t (*now_ns)() = &MonotonicNs;  // CLOCK_MONOTONIC
  };
  VerdictRoom(const Parts& parts, std::shared_ptr<const Policy> policy);

  // Another policy is in force from now on.
  void SetPolicy(std::shared_ptr<const Policy> policy);
  // The examiner has done some.
  void OnExamined();

  // CoordinationRoom
  TryOutcome Try(const Asked& asked, const wire::Request& request) override;
  Bytes ReplyTo(const KeptAnswer& answer) override;
  void OnStarted(uint64_t now_ns) override;
  void OnSessionEnded(Session& session, std::string_view reason) override;
  void DropWaiting(Session& session) override;
  void Cancel(Session& session, uint64_t number) override;
  void ServeWaiting() override;
  uint64_t NextTimerNs() const override;
  void OnTimer(uint64_t now_ns) override;

 private:
  // What a Validate asks for besides its questions.
  struct Wish {
    uint32_t wait_ms = 0;
    bool only_known = false;
  };
  // A request that the examiner has.
  struct Examined {
    Peer* peer;
    Session* session;
    uint64_t number;
    uint64_t received_ns;
    Wish wish;
  };
  enum class Step { kGoOn, kTurnFull, kRefused };

  TryOutcome TryValidate(const Asked& asked, const wire::Validate& validate);
  bool IsSmall(const wire::Validate& validate) const;
  void Post(const Asked& asked, const wire::Validate& validate, const Wish& wish);
  void Resume(const Examined& request, std::unique_ptr<ExaminationJob> job);
  void RefuseBusy(const Asked& asked, Examiner::Posted posted);

  // Answers, or lets wait. Asking the same again changes nothing more, so it may be tried again from the start.
  TryOutcome Settle(const Asked& asked, std::span<Examination> questions, const Wish& wish);
  Step SettleOne(const Asked& asked, Examination& question, const Wish& wish, QuestionSlot* slot);
  Step ApplyRule(const Asked& asked, const Examination& question, QuestionSlot* slot);
  Step AskAgents(const Asked& asked, const Examination& question, QuestionSlot* slot);
  // Stages the event, as caused by that request, and applies it. kRefused: `why`; nobody was told.
  Step Write(const Asked& asked, QuestionEvent event, Refusal* why, std::string_view input = {},
             std::string_view rule = {});
  void Wait(const Asked& asked, std::vector<QuestionSlot> slots, uint32_t wait_ms);

  TryOutcome TryDecide(const Asked& asked, const wire::Decide& decide);
  bool MayDecide(const Session& session, const OpenQuestion& open,
                 const wire::ItemToken& token) const;

  // Answers with what is known now; nobody waits for it any more.
  void Conclude(const Asked& asked, std::span<const QuestionSlot> slots,
                std::string_view otherwise);
  QuestionAnswer AnswerFor(const Session& session, const QuestionSlot& slot,
                           std::string_view otherwise) const;
  // The answer if nothing can be written down: what rules say holds, and what was decided before. Empty: there is
  // neither, or nothing is to be written down.
  std::vector<std::byte> Unwritten(const Asked& asked, std::span<const QuestionSlot> slots);
  bool HoldsUnwritten(const QuestionSlot& slot) const;
  WaitingRequest TakeWaiting(WaitingQuestions::Place place);

  // To the first who waits for it, or to the next who will ask. False: the turn is full.
  bool HandOver(const QuestionId& freed);

  const Parts parts_;
  std::shared_ptr<const Policy> policy_;
  VerdictReplies replies_;
  WaitingQuestions waiting_;
  std::map<uint64_t, Examined> examined_;  // by the job's id
  uint64_t next_job_ = 1;
  std::set<QuestionId> changed_;  // since ServeWaiting
  std::set<QuestionId> freed_;    // nobody decides them any more, and no event says so yet
};

}  // namespace roost

#endif  // ROOST_BROKER_VERDICTS_VERDICT_ROOM_H_
