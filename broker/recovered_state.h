// What the broker knows from the log alone: while the journal is recovered it sees every event, and rebuilds
// who was attached, which requests were answered, and which ids were used; events of Roost's own streams
// go on to the tables of coordination.
//
// What it knows can be put into a checkpoint and taken from there again (RecoveryObserver). One that only does that,
// folding old events, runs by the times of the events alone: FoldedState (broker/folded_state.h).
//
// The thread that opens the log, or the one that folds.
#ifndef ROOST_BROKER_RECOVERED_STATE_H_
#define ROOST_BROKER_RECOVERED_STATE_H_

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/answer_window.h"
#include "broker/coordination/room.h"
#include "broker/id_table.h"
#include "broker/session_table.h"
#include "log/log_writer.h"

namespace roost {

class RecoveredState : public RecoveryObserver {
 public:
  // As many sessions that never left are kept; of more the older half is forgotten.
  static constexpr size_t kJoinedMax = 65'536;

  // By which clock ids grow old.
  enum class Time {
    kNow,       // ours: what is too old is forgotten
    kOfEvents,  // theirs, as it will be asked for later
  };

  // `ids` and the tables outlive this.
  explicit RecoveredState(IdTable* ids, std::vector<RecoveredTable*> tables = {},
                          Time time = Time::kNow);

  void OnEvent(const RecordHeader& header, Bytes body) override;
  void SaveState(std::vector<StateSection>* sections) const override;
  Status LoadState(const Checkpoint& checkpoint) override;

  // Puts the sessions into the table: those that had not left as kAway, the others, as far as they are kept,
  // as kEnded. Once.
  void FillSessions(SessionTable* sessions);

 private:
  struct Known {
    bool has_left = false;
    uint64_t leave = 0;  // where it is in left_, while it has left
    bool is_idle = false;
    std::string identity;
    uint64_t joined_ns = 0;
    AnswerWindow answers;
  };

  void OnOwnEvent(const RecordHeader& header, Bytes body);
  void OnAgentsEvent(const RecordHeader& header, const wire::Event& event);
  void OnJoined(uint64_t session, uint64_t joined_ns, std::string_view data);
  void ForgetOldest();
  void OnLeft(uint64_t session);
  void OnAppended(const RecordHeader& header);
  // `answer` says all but the number of the request.
  void OnAnswered(const RecordHeader& header, KeptAnswer answer);
  void OnBatchWithId(const RecordHeader& header, Bytes body);
  Known* Find(uint64_t session);
  void SaveSessions(StateWriter* out) const;
  bool LoadSessions(StateReader* in);
  bool LoadSession(StateReader* in);

  static constexpr size_t kIdentityBytesMax = 64 << 10;

  IdTable* const ids_;
  const std::vector<RecoveredTable*> tables_;
  const Time time_;
  const uint64_t monotonic_ns_;
  const int64_t offset_ns_;  // of the clock of ids to CLOCK_REALTIME

  std::unordered_map<uint64_t, Known> known_;
  std::map<uint64_t, uint64_t> left_;  // who has left and is not back, by leave: longest ago first
  uint64_t leaves_ = 0;
  uint64_t last_found_ = 0;  // events of one session often come side by side
  Known* last_known_ = nullptr;

  std::vector<std::vector<uint64_t>> batch_bodies_;  // of a batch with an id, so far
  size_t batch_size_ = 0;
};

}  // namespace roost

#endif  // ROOST_BROKER_RECOVERED_STATE_H_
