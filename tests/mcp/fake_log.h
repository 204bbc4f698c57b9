// A log without a broker, for tests of the shim: a ring in this process, written by the test, and a
// LogAccess over it. What a broker would answer later is answered when the test says so.
#ifndef ROOST_TESTS_MCP_FAKE_LOG_H_
#define ROOST_TESTS_MCP_FAKE_LOG_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/mcp/log_access.h"
#include "log/log_writer.h"

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

 private:
  struct Waiting {
    uint64_t registration;
    Filter filter;
    uint64_t after;
    Done done;
  };

  void Open();
  void Answer(std::function<void()> answer);
  uint64_t Store(const NewEvent& event, const std::string& id, uint64_t* revision);
  void Wake();

  std::unique_ptr<LogWriter> writer_;
  std::optional<RingReader> ring_;
  SegmentCache segments_;
  bool was_attached_ = false;
  uint64_t generation_ = 0;
  uint64_t last_registration_ = 0;
  std::vector<Waiting> waits_;
  std::vector<std::function<void()>> later_;
};

}  // namespace roost

#endif  // ROOST_TESTS_MCP_FAKE_LOG_H_
