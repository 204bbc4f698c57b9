#include "tests/simulation/reading_promises.h"

#include <fmt/core.h>

#include <algorithm>

namespace roost {

void ReadingPromises::Read(const ReadQuery& query, const Page& page, uint64_t oldest) {
  Reading reading{query.filter.stream, query.after + 1, page.next()};
  if (query.order == Order::kNewestFirst) {
    reading.first = std::max(query.after + 1, page.next());
    reading.last = page.head();
  }
  for (size_t i = 0; i < page.size(); ++i) reading.found.push_back(page[i].sequence);
  if (query.order == Order::kNewestFirst) std::ranges::reverse(reading.found);
  if (page.gap().has_value()) {
    reading.gone_first = page.gap()->first;
    reading.gone_last = page.gap()->last;
    if (page.gap()->last >= page.gap()->oldest || page.gap()->oldest > oldest) {
      violations_->push_back(fmt::format(
          "a reader was told that {} to {} are gone and {} is the oldest, while it is {}",
          page.gap()->first, page.gap()->last, page.gap()->oldest, oldest));
    }
  }
  readings_.push_back(std::move(reading));
}

void ReadingPromises::Gone(uint64_t sequence, uint64_t oldest_told, uint64_t oldest) {
  if (sequence < oldest_told && oldest_told <= oldest) return;
  violations_->push_back(fmt::format("event {} is gone and {} the oldest, was said while it is {}",
                                     sequence, oldest_told, oldest));
}

void ReadingPromises::FoundAfterPowerCut(uint64_t head) {
  std::erase_if(readings_, [head](const Reading& reading) { return reading.last > head; });
}

void ReadingPromises::Check(const std::vector<LogEvent>& events) {
  for (const Reading& reading : readings_) {
    std::vector<uint64_t> wanted;
    for (uint64_t at = reading.first; at <= reading.last && at <= events.size(); ++at) {
      if (at >= reading.gone_first && at <= reading.gone_last) continue;
      if (!reading.stream.empty() && events[at - 1].stream != reading.stream) continue;
      wanted.push_back(at);
    }
    if (wanted == reading.found) continue;
    violations_->push_back(fmt::format(
        "a reader of '{}' was given {} events of {} to {} (gone: {} to {}), and not {}",
        reading.stream, reading.found.size(), reading.first, reading.last, reading.gone_first,
        reading.gone_last, wanted.size()));
  }
}

}  // namespace roost
