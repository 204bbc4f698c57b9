#include "tools/event_source.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/clock.h"
#include "client/directory_log.h"

namespace roost {
namespace {

constexpr uint32_t kPageEvents = 1000;

class BrokerSource : public EventSource {
 public:
  explicit BrokerSource(Client client) : client_(std::move(client)) {}
  Status Read(const ReadQuery& query, Page* page) override { return client_.Read(query, page); }
  Result<std::vector<StreamInfo>> ListStreams(std::string_view prefix, size_t limit) override {
    return client_.ListStreams(prefix, limit);
  }
  const std::vector<LostStretch>& lost() const override { return nothing_; }

 private:
  Client client_;
  const std::vector<LostStretch> nothing_;
};

class DirectorySource : public EventSource {
 public:
  explicit DirectorySource(std::unique_ptr<DirectoryLog> log) : log_(std::move(log)) {}
  Status Read(const ReadQuery& query, Page* page) override { return log_->Read(query, page); }
  Result<std::vector<StreamInfo>> ListStreams(std::string_view prefix, size_t limit) override {
    return log_->ListStreams(prefix, limit);
  }
  const std::vector<LostStretch>& lost() const override { return log_->lost(); }

 private:
  std::unique_ptr<DirectoryLog> log_;
};

}  // namespace

Result<std::unique_ptr<EventSource>> OpenEventSource(const Program& program,
                                                     const std::string& data_directory) {
  if (data_directory.empty()) {
    return std::unique_ptr<EventSource>(std::make_unique<BrokerSource>(program.MakeClient()));
  }
  auto log = DirectoryLog::Open(data_directory);
  if (!log.ok()) return log.status();
  return std::unique_ptr<EventSource>(std::make_unique<DirectorySource>(*std::move(log)));
}

Status ReadPages(EventSource& source, ReadQuery query, uint64_t limit,
                 const std::function<bool(const Page&)>& show, ReadEnd* end) {
  Page page;
  uint64_t shown = 0;
  size_t lost = 0;
  do {
    query.limit = limit == 0
                      ? kPageEvents
                      : static_cast<uint32_t>(std::min<uint64_t>(limit - shown, kPageEvents));
    ROOST_RETURN_IF_ERROR(source.Read(query, &page));
    if (page.gap()) PrintGap(*page.gap());
    shown += page.size();
    (query.order == Order::kOldestFirst ? query.after : query.before) = page.next();
    query.from_revision = 0;  // it said where to begin; the marks say where to go on
    if (end != nullptr) *end = {page.next(), page.head(), page.more()};
    const bool goes_on = show(page);
    lost += PrintLost(source.lost());
    if (!goes_on) break;
  } while (page.more() && (limit == 0 || shown < limit));
  return LostStatus(lost);
}

void SetStream(const std::string& text, Filter* filter) {
  if (!text.empty() && text.back() == '*') {
    filter->stream_prefix = text.substr(0, text.size() - 1);
  } else {
    filter->stream = text;
  }
}

Result<uint64_t> ParseSince(const std::string& text) {
  if (const auto ago = ParseDurationNs(text); ago.ok()) {
    const uint64_t now = WallNs();
    return *ago < now ? now - *ago : 0;
  }
  if (auto time = ParseTime(text); time.ok()) return time;
  return Status(
      StatusCode::kInvalidArgument,
      fmt::format("--since {}: say a time like 2026-01-31T12:00:00Z or how long ago, like 10m",
                  text));
}

void PrintGap(const Gap& gap) {
  PrintError(fmt::format("events {} to {} are not there any more; the oldest is {}", gap.first,
                         gap.last, gap.oldest));
}

size_t PrintLost(const std::vector<LostStretch>& lost) {
  size_t errors = 0;
  for (const LostStretch& stretch : lost) {
    std::string events = "no event is missing";
    if (stretch.has_no_end) {
      events = fmt::format("event {} and what was behind it are missing", stretch.first);
    } else if (stretch.first == stretch.last) {
      events = fmt::format("event {} is missing", stretch.first);
    } else if (stretch.first < stretch.last) {
      events = fmt::format("events {} to {} are missing", stretch.first, stretch.last);
    }
    PrintError(fmt::format("{} at offset {}: {}{}; {}", stretch.file, stretch.offset, stretch.what,
                           stretch.was_accepted ? " (damage that was accepted)" : "", events));
    if (!stretch.was_accepted) ++errors;
  }
  return errors;
}

Status LostStatus(size_t count) {
  if (count == 0) return {};
  return {StatusCode::kCorruption,
          fmt::format("{} damaged {} passed over; `roost verify` says all that is wrong there",
                      count, count == 1 ? "place was" : "places were")};
}

}  // namespace roost
