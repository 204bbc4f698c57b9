// What tests of reading share: a log with a tiny ring and tiny segments, a plain list of what was appended to
// it, and a way to run queries on both.
#ifndef ROOST_TESTS_CLIENT_READ_FIXTURE_H_
#define ROOST_TESTS_CLIENT_READ_FIXTURE_H_

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/log_reader.h"
#include "client/segment_cache.h"
#include "tests/log/log_fixture.h"

namespace roost {

struct ModelEvent {
  uint64_t sequence;
  uint64_t revision;
  uint64_t time_ns;
  std::string stream, type, agent, data;
};

inline std::string Describe(const ReadQuery& query) {
  std::string types;
  for (const std::string& type : query.filter.types) types += type + " ";
  return fmt::format(
      "stream='{}' prefix='{}' types='{}' agent='{}' since={} after={} before={} "
      "from_revision={} limit={} {}",
      query.filter.stream, query.filter.stream_prefix, types, query.filter.agent,
      query.filter.since_ns, query.after, query.before, query.from_revision, query.limit,
      query.order == Order::kOldestFirst ? "oldest first" : "newest first");
}

class ReadFixture : public ::testing::Test {
 protected:
  ReadFixture() {
    options_.directory = scratch_.path() + "/data";
    options_.ring_bytes = 64 << 10;
    options_.segment_bytes = 64 << 10;
    options_.streams_max = 1000;
  }

  void Open() {
    RecoveryReport report;
    auto log = LogWriter::Open(options_, "/tmp/test.sock", nullptr, &report);
    ASSERT_TRUE(log.ok()) << log.status().message();
    log_ = std::move(*log);
    const UniqueFd fd(::fcntl(log_->ring_fd(), F_DUPFD_CLOEXEC, 0));
    auto ring = RingReader::Open(fd);
    ASSERT_TRUE(ring.ok()) << ring.status().message();
    ring_ = std::make_unique<RingReader>(std::move(*ring));
    segments_.Clear();
    reader_ = std::make_unique<LogReader>(ring_.get(), &segments_, &own_work_);
  }
  void Close() {
    reader_.reset();
    ASSERT_TRUE(log_->Close().ok());
    log_.reset();
  }

  struct Event {
    std::string stream;
    std::string data = "{}";
    std::string type = "tested";
    std::string agent = "tester";
  };
  void Append(const std::vector<Event>& events, uint64_t time_ns = 0) {
    std::vector<TestEvent> bodies;
    std::vector<EventToStage> staged;
    for (const Event& event : events) {
      bodies.emplace_back(event.stream, event.data, event.type, event.agent);
    }
    for (const TestEvent& body : bodies) staged.push_back(body.Staged());
    if (time_ns == 0) time_ns = ++clock_ns_;
    BatchPlace place;
    ASSERT_EQ(
        log_->Stage(staged, {.session = 7, .request = 8, .uid = 9, .time_ns = time_ns}, &place),
        StageOutcome::kStaged);
    const Status committed = log_->Commit();
    ASSERT_TRUE(committed.ok()) << committed.message();
    uint64_t sequence = place.first;
    for (const Event& event : events) {
      const uint64_t revision = log_->RevisionOf(event.stream);
      model_.push_back(
          {sequence++, revision, time_ns, event.stream, event.type, event.agent, event.data});
    }
    // A batch's earlier events of a stream have earlier revisions.
    for (size_t i = model_.size() - 1; i-- > model_.size() - events.size();) {
      for (size_t j = i + 1; j < model_.size(); ++j) {
        if (model_[j].stream != model_[i].stream) continue;
        model_[i].revision = model_[j].revision - 1;
        break;
      }
    }
  }
  void Append(const std::string& stream, size_t count = 1, size_t data_bytes = 2) {
    for (size_t i = 0; i < count; ++i) Append({Event{stream, std::string(data_bytes, 'x')}});
  }

  // Runs a query to its end. `before_fetch` may do anything; it returns the oldest event that there is if
  // the segment is gone.
  using BeforeFetch = std::function<std::optional<uint64_t>()>;
  LogReader::Step Run(const ReadQuery& query, Page* page,
                      const BeforeFetch& before_fetch = nullptr) {
    LogReader::Step step = reader_->Begin(query, page);
    for (int fetches = 0; step == LogReader::Step::kNeedsSegment; ++fetches) {
      EXPECT_LT(fetches, 10'000) << Describe(query);
      if (fetches >= 10'000) return LogReader::Step::kFailed;
      const std::optional<uint64_t> gone = before_fetch ? before_fetch() : std::nullopt;
      if (gone.has_value()) {
        step = reader_->ContinueWithout(*gone);
        continue;
      }
      ++fetched_;
      const uint64_t next = Fetch();
      step = next == 0 ? reader_->Continue() : reader_->ContinueWithout(next);
    }
    if (step == LogReader::Step::kFailed) {
      last_failure_ = reader_->status();
    }
    return step;
  }
  // As the broker and its client do it. The next event that there is, if what is needed was left out; else 0.
  uint64_t Fetch() {
    auto place = log_->FindSegment(reader_->needed_sequence(), reader_->needed_position());
    EXPECT_TRUE(place.ok()) << place.status().message();
    if (!place.ok() || place->next_sequence != 0) return place.ok() ? place->next_sequence : 1;
    auto segment = SegmentReader::Open(std::move(place->fd), "a segment");
    EXPECT_TRUE(segment.ok()) << segment.status().message();
    if (!segment.ok()) return 1;
    SegmentCache::Entry entry{std::move(*segment)};
    if (!entry.TakeFooter()) {
      entry.end_position = place->end_position;
      entry.anchor_sequence = place->anchor_sequence;
      entry.anchor_position = place->anchor_position;
    }
    segments_.Add(std::move(entry));
    return 0;
  }

  // The sequences of all pages of a query, checked event by event against the list.
  std::vector<uint64_t> ReadAll(ReadQuery query, const BeforeFetch& before_fetch = nullptr) {
    std::vector<uint64_t> sequences;
    gaps_.clear();
    Page page;
    for (int pages = 0; pages < 100'000; ++pages) {
      const LogReader::Step step = Run(query, &page, before_fetch);
      EXPECT_EQ(step, LogReader::Step::kDone) << last_failure_.message() << " " << Describe(query);
      if (step != LogReader::Step::kDone) break;
      if (page.gap().has_value()) gaps_.push_back(*page.gap());
      for (size_t i = 0; i < page.size(); ++i) {
        sequences.push_back(page[i].sequence);
        ExpectAsAppended(page[i]);
      }
      EXPECT_LE(page.size(), query.limit);
      if (!page.more()) {
        last_next_ = page.next();
        return sequences;
      }
      if (query.order == Order::kOldestFirst) {
        EXPECT_TRUE(page.next() > query.after) << "no progress: " << Describe(query);
        query.after = page.next();
      } else {
        EXPECT_TRUE(query.before == 0 || page.next() < query.before)
            << "no progress: " << Describe(query);
        query.before = page.next();
      }
    }
    ADD_FAILURE() << "no end: " << Describe(query);
    return sequences;
  }
  void ExpectAsAppended(const EventView& event) {
    ASSERT_LE(event.sequence, model_.size());
    const ModelEvent& expected = model_[event.sequence - 1];
    ASSERT_EQ(event.sequence, expected.sequence);
    EXPECT_EQ(event.revision, expected.revision);
    EXPECT_EQ(event.time_ns, expected.time_ns);
    EXPECT_EQ(event.stream, expected.stream);
    EXPECT_EQ(event.type, expected.type);
    EXPECT_EQ(event.agent, expected.agent);
    EXPECT_EQ(event.data, expected.data);
    EXPECT_EQ(event.content_type, "application/json");
    EXPECT_EQ(event.session, 7u);
    EXPECT_EQ(event.uid, 9u);
  }

  // Where event `sequence` is, by walking through the journal's bytes.
  uint64_t PositionOf(uint64_t sequence) const {
    auto place = log_->FindSegment(sequence, 0);
    EXPECT_TRUE(place.ok());
    auto segment = SegmentReader::Open(std::move(place->fd), "a segment");
    EXPECT_TRUE(segment.ok());
    return segment->FindSequence(sequence).value();
  }
  // Of the oldest one.
  std::string SegmentPath() const { return ListSegments(options_.directory).value().front().path; }

  // What ReadAll should find, by looking at every event there is.
  std::vector<uint64_t> Expected(const ReadQuery& query, uint64_t oldest = 1) const {
    std::vector<uint64_t> sequences;
    for (const ModelEvent& event : model_) {
      const Filter& filter = query.filter;
      const bool oldest_first = query.order == Order::kOldestFirst;
      const bool type_matches =
          filter.types.empty() ||
          std::find(filter.types.begin(), filter.types.end(), event.type) != filter.types.end();
      const bool revision_matches =
          query.from_revision == 0 || (oldest_first ? event.revision >= query.from_revision
                                                    : event.revision <= query.from_revision);
      if (event.sequence >= oldest && event.sequence > query.after &&
          (query.before == 0 || event.sequence < query.before) && type_matches &&
          revision_matches && (filter.stream.empty() || event.stream == filter.stream) &&
          event.stream.starts_with(filter.stream_prefix) &&
          (filter.agent.empty() || event.agent == filter.agent) &&
          event.time_ns >= filter.since_ns) {
        sequences.push_back(event.sequence);
      }
    }
    if (query.order == Order::kNewestFirst) std::reverse(sequences.begin(), sequences.end());
    return sequences;
  }

  ScratchDirectory scratch_;
  LogOptions options_;
  std::unique_ptr<LogWriter> log_;
  std::unique_ptr<RingReader> ring_;
  SegmentCache segments_;
  OwnWork own_work_;
  std::unique_ptr<LogReader> reader_;
  std::vector<ModelEvent> model_;
  std::vector<Gap> gaps_;
  Status last_failure_;
  uint64_t last_next_ = 0;
  uint64_t clock_ns_ = 0;
  uint64_t fetched_ = 0;
};

}  // namespace roost

#endif  // ROOST_TESTS_CLIENT_READ_FIXTURE_H_
