#include "tools/monitor/stream_tally.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "base/clock.h"

namespace roost {
namespace {

constexpr uint32_t kTallyPage = 1'000;
constexpr uint64_t kNewestAtFirst = 1'000;

// So that sorting by it puts the busiest first.
auto Rank(const StreamRate& stream) {
  return std::make_tuple(-stream.events_per_second, ~stream.sequence);
}

}  // namespace

void StreamTally::Count(const EventView& event, size_t record_bytes) {
  Stream& stream = streams_[std::string(event.stream)];
  stream.round_events += 1;
  stream.round_bytes += record_bytes;
  StreamRate& newest = stream.newest;
  if (event.sequence < newest.sequence) return;
  newest.revision = event.revision;
  newest.sequence = event.sequence;
  newest.time_ns = event.time_ns;
  newest.type = event.type;
  newest.agent = event.agent;
}

void StreamTally::EndRound(double seconds, double scale) {
  const double left = std::exp(-seconds / kMemorySeconds);
  // What the weight comes to over the round, and so what its events weigh.
  const double weighted_seconds = kMemorySeconds * (1 - left);
  scale = seconds == 0 ? 0 : scale * weighted_seconds / seconds;
  seconds_ = seconds_ * left + weighted_seconds;
  for (auto& [name, stream] : streams_) {
    stream.events = stream.events * left + static_cast<double>(stream.round_events) * scale;
    stream.bytes = stream.bytes * left + static_cast<double>(stream.round_bytes) * scale;
    stream.round_events = 0;
    stream.round_bytes = 0;
  }
  if (streams_.size() <= kStreamsMax) return;
  const std::vector<StreamRate> ranked = Streams();
  for (size_t i = kStreamsMax; i < ranked.size(); ++i) streams_.erase(ranked[i].stream);
}

std::vector<StreamRate> StreamTally::Streams() const {
  std::vector<StreamRate> rates;
  rates.reserve(streams_.size());
  for (const auto& [name, stream] : streams_) {
    StreamRate& rate = rates.emplace_back(stream.newest);
    rate.stream = name;
    if (seconds_ == 0) continue;
    rate.events_per_second = stream.events / seconds_;
    rate.bytes_per_second = stream.bytes / seconds_;
  }
  std::ranges::sort(rates, {}, Rank);
  return rates;
}

Status StreamWatch::Look(Client& client, uint64_t now_ns) {
  const auto info = client.Info();
  if (!info.ok()) return info.status();
  if (info->log_id != log_id_ || info->head < after_) *this = StreamWatch();
  log_id_ = info->log_id;
  const uint64_t before_ns = std::exchange(looked_ns_, now_ns);
  if (before_ns == 0) return CountNewest(client);
  return CountSince(client, static_cast<double>(now_ns - before_ns) / double{kNsPerSecond});
}

Status StreamWatch::CountNewest(Client& client) {
  ReadQuery query;
  query.limit = kNewestAtFirst;
  query.order = Order::kNewestFirst;
  const Status read = client.Read(query, &page_);
  if (!read.ok()) return read;
  after_ = page_.head();
  for (size_t i = 0; i < page_.size(); ++i) tally_.Count(page_[i], page_.record(i).size());
  tally_.EndRound(0, 0);
  return {};
}

Status StreamWatch::CountSince(Client& client, double seconds) {
  const auto info = client.Info();
  if (!info.ok()) return info.status();
  const uint64_t head = std::max(info->head, after_);
  const uint64_t appended = head - after_;
  ReadQuery query;
  query.limit = kTallyPage;
  query.after = head - std::min(appended, kEventsMax);
  uint64_t counted = 0;
  while (query.after < head) {
    const Status read = client.Read(query, &page_);
    if (!read.ok()) return read;
    for (size_t i = 0; i < page_.size() && page_[i].sequence <= head; ++i) {
      tally_.Count(page_[i], page_.record(i).size());
      counted += 1;
    }
    if (page_.next() <= query.after) break;
    query.after = page_.next();
  }
  after_ = head;
  tally_.EndRound(seconds, counted == 0 ? 1.0
                                        : static_cast<double>(appended) /
                                              static_cast<double>(counted));
  return {};
}

}  // namespace roost
