#include "tests/simulation/whole_log.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <algorithm>

#include "base/unique_fd.h"
#include "broker/folded_state.h"
#include "log/checkpoint_file.h"
#include "log/record.h"
#include "log/segment_file.h"
#include "log/segment_reader.h"
#include "log/segment_scanner.h"
#include "schemas/event_generated.h"
#include "tests/log/disk_calls.h"

namespace roost {
namespace {

std::string TextOf(const flatbuffers::String* text) {
  return text == nullptr ? std::string() : text->str();
}

LogEvent EventOf(const RecordHeader& header, Bytes body) {
  const wire::Event* event = DecodeEventBody(body);
  if (event == nullptr) return {header, {}, {}, {}, {}, {}, {}};
  const auto* data = event->data();
  return {header,
          TextOf(event->stream()),
          TextOf(event->type()),
          TextOf(event->agent()),
          TextOf(event->id()),
          std::string(reinterpret_cast<const char*>(data->data()), data->size()),
          {body.begin(), body.end()}};
}

}  // namespace

std::string LogEvent::Text() const {
  return fmt::format("{} {}@{} {} session {} request {} {} {:.200}", header.sequence, stream,
                     header.revision, type, header.session, header.request, id, data);
}

void WholeLog::ReadWhatGoes(const std::string& directory, uint64_t first) {
  const UnwatchedCalls unwatched;
  const auto segments = ListSegments(directory);
  if (!segments.ok()) return;
  for (const SegmentFile& segment : *segments) {
    if (segment.base_sequence >= first) break;
    const UniqueFd fd(::open(segment.path.c_str(), O_RDONLY | O_CLOEXEC));
    const auto header = ReadSegmentHeader(fd.get(), segment.path);
    if (!header.ok()) continue;
    SegmentScanner scanner(fd.get(), segment.path, *header, header->base_position + header->size);
    while (scanner.Next() == SegmentScanner::Outcome::kRecord) {
      const RecordHeader& record = scanner.record_header();
      if (record.kind != RecordKind::kEvent || record.sequence >= first) continue;
      const auto [known, is_new] =
          gone_.try_emplace(record.sequence, EventOf(record, scanner.body()));
      if (!is_new && known->second.header.crc32c != record.crc32c) {
        trouble_.push_back(fmt::format("event {} went as another one", record.sequence));
      }
    }
  }
}

void WholeLog::CutAfter(uint64_t head) { gone_.erase(gone_.upper_bound(head), gone_.end()); }

uint64_t WholeLog::OldestIn(const std::string& directory) {
  const UnwatchedCalls unwatched;
  const auto checkpoints = ListCheckpoints(directory);
  return checkpoints.ok() && !checkpoints->empty() ? checkpoints->back() : 1;
}

void WholeLog::OnEvent(const RecordHeader& header, Bytes body) {
  events_.push_back(EventOf(header, body));
}

void WholeLog::Join(std::vector<std::string>* violations) {
  violations->insert(violations->end(), trouble_.begin(), trouble_.end());
  const uint64_t oldest = events_.empty() ? UINT64_MAX : events_.front().header.sequence;
  std::vector<LogEvent> front;
  for (auto& [sequence, event] : gone_) {
    if (sequence < oldest) {
      front.push_back(std::move(event));
    } else if (sequence - oldest < events_.size() &&
               events_[sequence - oldest].header.crc32c != event.header.crc32c) {
      violations->push_back(fmt::format("event {} was to go and is another one", sequence));
    }
  }
  events_.insert(events_.begin(), std::make_move_iterator(front.begin()),
                 std::make_move_iterator(front.end()));
}

void WholeLog::CheckState(const std::vector<StateSection>& state,
                          std::vector<std::string>* violations) const {
  FoldedState whole;
  for (const LogEvent& event : events_) whole.OnEvent(event.header, event.body);
  std::vector<StateSection> wanted;
  whole.SaveState(&wanted);
  for (size_t i = 0; i < wanted.size(); ++i) {
    // Ids are kept under a secret of each table's own; whether they are known is asked with AppendAgain.
    if (wanted[i].kind == SectionKind::kIds) continue;
    if (i < state.size() && wanted[i].kind == state[i].kind && wanted[i].bytes == state[i].bytes) {
      continue;
    }
    violations->push_back(fmt::format("section {} of what the broker knows is not what all events come to",
                                      static_cast<int>(wanted[i].kind)));
  }
}

}  // namespace roost
