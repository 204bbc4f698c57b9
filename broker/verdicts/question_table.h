// Which questions are open and who decides them, and which verdicts are known: what the events of $questions and
// $verdicts say, applied one after another, live and at recovery alike.
//
// Bounded. Open questions: kOpenMax; beyond it the longest abandoned one is forgotten, and where there is none the
// caller must not ask (HasRoomFor). Verdicts: kRuledMax of rules and kDecidedMax of agents, kDecidedPerUidMax of
// a uid; beyond it the oldest is forgotten, so that it is asked anew. Some 300 bytes each, and its reason.
// When the policy changes, open questions of the one before are forgotten.
//
// Sequencer thread, and before it starts the thread that recovers.
#ifndef ROOST_BROKER_VERDICTS_QUESTION_TABLE_H_
#define ROOST_BROKER_VERDICTS_QUESTION_TABLE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/coordination/room.h"
#include "broker/coordination/undo_log.h"
#include "broker/verdicts/question_event.h"

namespace roost {

struct OpenQuestion {
  std::string kind;
  uint64_t sequence = 0;       // of question.asked
  uint64_t revision = 0;       // of it, in $questions
  uint64_t last_revision = 0;  // of question.reassigned, if that came last
  uint64_t session = 0;        // that was told last to decide it,
  uint64_t token = 0;          //   and its token
  std::string agent = {};      //   and its label
  bool is_assigned = true;     // false: abandoned; the next who asks decides
  uint64_t lease_end_ns = 0;   // CLOCK_MONOTONIC; of who decides it
};

struct KnownVerdict {
  std::string kind;
  wire::Verdict verdict = wire::Verdict::Undecided;
  std::string reason;
  std::string by;
  uint64_t decided_ns = 0;  // CLOCK_REALTIME
  uint64_t sequence = 0;
  uint64_t ttl_ms = 0;
  uint64_t expires_ns = UINT64_MAX;  // CLOCK_MONOTONIC
};

class QuestionTable : public RecoveredTable {
 public:
  static constexpr size_t kOpenMax = 65'536;
  static constexpr size_t kOpenPerSessionMax = 4'096;
  static constexpr size_t kRuledMax = 65'536;
  static constexpr size_t kDecidedMax = 65'536;
  static constexpr size_t kDecidedPerUidMax = 32'768;
  static constexpr uint64_t kLeaseNs = 60'000'000'000;

  // `undo`: nullptr where nothing is taken back. Events that make no sense here are skipped.
  void Apply(const QuestionEvent& event, uint64_t now_ns, UndoLog* undo);
  // Another policy is in force. The caller has finished the turn.
  void SetPolicy(uint64_t version);
  // All that was running begins anew. Verdicts of agents whose time is over at `wall_ns` (CLOCK_REALTIME), or may
  // be, are forgotten, and so is every verdict of a rule that does not hold for ever.
  void RestartTimes(uint64_t now_ns, uint64_t wall_ns);

  // RecoveredTable
  void OnOwnEvent(const RecordHeader& header, const wire::Event& event) override;
  void FillAnswer(const wire::Event& event, KeptAnswer* answer) override;
  SectionKind section() const override { return SectionKind::kQuestions; }
  void Save(StateWriter* out) const override;
  bool Load(StateReader* in) override;

  const OpenQuestion* FindOpen(const QuestionId& id) const;
  // nullptr as well when its time is over.
  const KnownVerdict* FindVerdict(const QuestionId& id, uint64_t now_ns) const;

  // Whether this session may be told to decide one more.
  bool HasRoomFor(uint64_t session) const;
  // The questions that this session is to decide.
  std::vector<QuestionId> DecidedBy(uint64_t session) const;
  // The question whose decider's time ends first, if it ends by `now_ns`.
  std::optional<QuestionId> FirstLate(uint64_t now_ns) const;
  uint64_t NextLeaseEndNs() const;  // UINT64_MAX: none
  // Its decider's time is over and has been seen to; it does not end again.
  void StopLease(const QuestionId& id);

  uint64_t policy() const { return policy_; }
  const std::map<QuestionId, OpenQuestion>& open() const { return open_; }
  const std::map<QuestionId, KnownVerdict>& verdicts() const { return verdicts_; }

 private:
  using Verdicts = std::map<QuestionId, KnownVerdict>;

  void ApplyAsked(const QuestionEvent& event, uint64_t now_ns, UndoLog* undo);
  void ApplyHandedOver(const QuestionEvent& event, uint64_t now_ns, UndoLog* undo);
  void ApplyVerdict(const QuestionEvent& event, uint64_t now_ns, UndoLog* undo);
  void MakeRoom(uint32_t uid, UndoLog* undo);
  bool LoadOpen(StateReader* in);
  bool LoadVerdict(StateReader* in);

  // The only functions that change what the maps hold; each keeps the indices right.
  void PutOpen(const QuestionId& id, OpenQuestion question);
  void DropOpen(const QuestionId& id);
  void PutVerdict(const QuestionId& id, KnownVerdict verdict);
  void DropVerdict(const QuestionId& id);
  // The same, with what undoes it.
  void ChangeOpen(const QuestionId& id, std::optional<OpenQuestion> to, UndoLog* undo);
  void ChangeVerdict(const QuestionId& id, std::optional<KnownVerdict> to, UndoLog* undo);

  uint64_t policy_ = 0;
  std::map<QuestionId, OpenQuestion> open_;
  std::map<uint64_t, QuestionId> by_sequence_;         // open questions
  std::set<uint64_t> abandoned_;                       // sequences of those nobody decides
  std::set<std::pair<uint64_t, uint64_t>> leases_;     // end and sequence of those somebody does
  std::map<uint64_t, std::set<uint64_t>> by_session_;  // sequences of those
  Verdicts verdicts_;
  std::map<uint32_t, std::map<uint64_t, QuestionId>> by_uid_;  // verdicts in order of sequence
  size_t decided_ = 0;                                         // verdicts of agents
};

}  // namespace roost

#endif  // ROOST_BROKER_VERDICTS_QUESTION_TABLE_H_
