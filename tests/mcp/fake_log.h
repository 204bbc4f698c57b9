// A log without a broker, for tests of the shim: a ring in this process, written by the test, and a
// LogAccess over it. What a broker would answer later is answered when the test says so.
#ifndef ROOST_TESTS_MCP_FAKE_LOG_H_
#define ROOST_TESTS_MCP_FAKE_LOG_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/mcp/log_access.h"
#include "log/log_writer.h"
#include "log/verdict_table_writer.h"

namespace roost {

class FakeLog : public LogAccess {
 public:
  FakeLog();

  // For the test: what there is and when it answers.
  bool broker = true;          // false: there is none, and Attach fails at once
  bool answers_later = false;  // answers are kept until Deliver()
  size_t Deliver();            // gives the answers kept; returns how many
  void BeginAnew();            // another broker, with an empty log
  std::string agent = "tester";
  Batch last_batch;  // as it was appended last
  size_t waits() const { return waits_.size(); }
  const Filter& waited_for(size_t index) const { return waits_[index].filter; }
  bool refuses_waits = false;

  // What the broker says to the next claim, take and so on; and what it was asked last.
  ClaimResult claim;
  Result<bool> release = true;
  TakeResult take;
  Result<std::vector<bool>> settle = std::vector<bool>{true};
  std::vector<Answer> answers;
  DecideResult decide;
  std::vector<LeaseInfo> leases;
  std::vector<GroupInfo> groups;
  Status refusal;  // what all of these are answered with, unless it is ok
  ClaimRequest last_claim;
  uint64_t last_released = 0;
  TakeRequest last_take;
  struct Settling {
    std::vector<ItemToken> tokens;
    Outcome outcome;
    std::string note;
  };
  std::vector<Settling> settlings;
  std::vector<Question> last_questions;
  std::chrono::milliseconds last_wait{0};
  size_t validations = 0;
  Decision last_decision;
  std::string last_prefix;
  std::vector<uint64_t> cancelled;  // numbers; the first that is given is 1
  size_t activities = 0;
  std::vector<EndedLease> ended;

  // As the broker publishes it in shared memory.
  void Publish(const PublishedVerdict& verdict);
  void SetPolicyVersion(uint64_t version);

  // Appends as another client would, and wakes who waits for it.
  uint64_t Put(const std::string& stream, const std::string& type, const std::string& data,
               const std::string& content_type = "");
  uint64_t head() const { return ring_->head(); }

  void SuggestAgent(const std::string& label) override { suggested = label; }
  std::string suggested;
  void Attach(uint64_t deadline_ns, Done done) override;
  bool attached() const override { return broker && was_attached_; }
  const RingReader* ring() const override { return was_attached_ ? &*ring_ : nullptr; }
  uint64_t generation() const override { return was_attached_ ? generation_ : 0; }
  LogInfo info() const override;
  void Append(const Batch& batch, uint64_t deadline_ns, AppendDone done) override;
  uint64_t Wait(const Filter& filter, uint64_t after, Done done) override;
  void CancelWait(uint64_t registration) override;
  void ListSessions(uint64_t deadline_ns, SessionsDone done) override;
  void FetchSegment(uint64_t sequence, uint64_t position, uint64_t deadline_ns, Done done) override;
  uint64_t oldest_told() const override { return 0; }
  SegmentCache* segments() override { return &segments_; }
  uint64_t Claim(const ClaimRequest& request, uint64_t deadline_ns, ClaimDone done) override;
  void Release(uint64_t token, std::string_view note, uint64_t deadline_ns,
               ReleaseDone done) override;
  uint64_t Take(const TakeRequest& request, uint64_t deadline_ns, TakeDone done) override;
  void Settle(std::span<const ItemToken> tokens, Outcome outcome, std::string_view note,
              uint64_t deadline_ns, SettleDone done) override;
  uint64_t Validate(std::span<const Question> questions, std::chrono::milliseconds wait,
                    uint64_t deadline_ns, ValidateDone done) override;
  void Decide(const Decision& decision, uint64_t deadline_ns, DecideDone done) override;
  void ListLeases(std::string_view prefix, uint64_t deadline_ns, LeasesDone done) override;
  void ListGroups(std::string_view prefix, uint64_t deadline_ns, GroupsDone done) override;
  void Cancel(uint64_t request) override { cancelled.push_back(request); }
  void NoteActivity() override { ++activities; }
  OwnWork* own_work() override { return &work; }
  OwnWork work;
  std::vector<EndedLease> TakeEndedLeases() override { return std::exchange(ended, {}); }

 private:
  struct Waiting {
    uint64_t registration;
    Filter filter;
    uint64_t after;
    Done done;
  };

  void Open();
  void Later(std::function<void()> answer);
  template <typename T>
  uint64_t AnswerWith(const Result<T>& value, std::function<void(const Result<T>&)> done);
  uint64_t Store(const NewEvent& event, const std::string& id, uint64_t* revision);
  void Wake();

  std::unique_ptr<LogWriter> writer_;
  std::optional<RingReader> ring_;
  SegmentCache segments_;
  bool was_attached_ = false;
  uint64_t generation_ = 0;
  uint64_t last_registration_ = 0;
  uint64_t last_request_ = 0;
  std::vector<Waiting> waits_;
  std::vector<std::function<void()>> later_;
};

}  // namespace roost

#endif  // ROOST_TESTS_MCP_FAKE_LOG_H_
