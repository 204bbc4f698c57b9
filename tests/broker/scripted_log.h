// A log in memory whose commits fail when a test says so. One thread.
#ifndef ROOST_TESTS_BROKER_SCRIPTED_LOG_H_
#define ROOST_TESTS_BROKER_SCRIPTED_LOG_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "log/log_writer.h"

namespace roost {

class ScriptedLog : public LogWriter {
 public:
  struct Event {
    std::string stream;
    std::string body;
    BatchOrigin origin;
  };

  ScriptedLog() { options_.durability = Durability::kProcess; }

  // What the test decides.
  std::map<std::string, uint64_t, std::less<>> kept_from;  // by stream
  Status next_commit;                                      // for all commits, until it is set anew
  size_t staged_max = SIZE_MAX;                            // batches in a turn
  bool is_degraded = false;
  std::string full_stream;  // one that there is no room for (--max-streams)
  int commits = 0;

  const std::vector<Event>& events() const { return events_; }

  uint64_t RevisionOf(std::string_view stream) const override {
    const auto found = revisions_.find(std::string(stream));
    return found == revisions_.end() ? 0 : found->second;
  }
  uint64_t KeptFrom(std::string_view stream) const override {
    const auto found = kept_from.find(stream);
    return found == kept_from.end() ? 1 : found->second;
  }
  StageOutcome Stage(std::span<const EventToStage> events, const BatchOrigin& origin,
                     BatchPlace* place) override {
    if (batches_ >= staged_max) return StageOutcome::kStageFull;
    for (const EventToStage& event : events) {
      if (event.stream == full_stream) return StageOutcome::kTooManyStreams;
    }
    ++batches_;
    place->first = events_.size() + staged_.size() + 1;
    for (const EventToStage& event : events) {
      staged_.push_back({std::string(event.stream), std::string(AsText(event.body)), origin});
      place->revision = ++revisions_[std::string(event.stream)];
    }
    place->last = events_.size() + staged_.size();
    return StageOutcome::kStaged;
  }
  bool HasStaged() const override { return batches_ > 0; }
  Status Commit() override {
    ++commits;
    if (!next_commit.ok()) {
      Abandon();
      return next_commit;
    }
    events_.insert(events_.end(), staged_.begin(), staged_.end());
    staged_.clear();
    batches_ = 0;
    return {};
  }
  void Abandon() override {
    for (const Event& event : staged_) --revisions_[event.stream];
    staged_.clear();
    batches_ = 0;
  }
  uint64_t head() const override { return events_.size(); }
  Status Close() override { return {}; }

  const LogOptions& options() const override { return options_; }
  int ring_fd() const override { return -1; }
  const uint8_t* log_id() const override { return key_; }
  uint64_t epoch() const override { return 1; }
  const uint8_t* session_key() const override { return key_; }
  Status SyncJournal() override { return {}; }
  Status MaintainJournal() override { return {}; }
  bool CondenseRing() override { return false; }
  Result<SegmentPlace> FindSegment(uint64_t, uint64_t) override {
    return {StatusCode::kNotFound, "no segments"};
  }
  uint64_t journal_bytes() const override { return 0; }
  bool degraded() const override { return is_degraded; }
  Degradation degradation() const override {
    return is_degraded ? Degradation{1, "as the test wants it"} : Degradation();
  }

 private:
  LogOptions options_;
  uint8_t key_[32] = {};
  std::map<std::string, uint64_t> revisions_;
  std::vector<Event> events_;
  std::vector<Event> staged_;
  size_t batches_ = 0;
};

}  // namespace roost

#endif  // ROOST_TESTS_BROKER_SCRIPTED_LOG_H_
