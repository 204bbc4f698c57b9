// The shared memory as a client sees it, with words in it that no broker would write: header, stream table, names,
// index, records, verdicts. Readers stay within the memory, come to an end, and keep their promises on what they return.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "client/log_reader.h"
#include "client/segment_cache.h"
#include "log/log_writer.h"
#include "log/record.h"
#include "log/ring_reader.h"
#include "log/verdict_reader.h"
#include "log/verdict_table_writer.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/log/log_fixture.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

namespace roost {
namespace {

constexpr std::array<std::string_view, 4> kStreams = {"a", "tasks/1", "inbox/x", "$leases"};
constexpr size_t kEvents = 40;
constexpr size_t kVerdicts = 3;
constexpr uint64_t kFetchesMax = 64;

PublishedVerdict VerdictNumber(size_t number) {
  PublishedVerdict verdict;
  verdict.key.fill(static_cast<uint8_t>(number + 1));
  verdict.policy_version = 0;
  verdict.sequence = number + 1;
  verdict.verdict = 1;
  verdict.by = "someone";
  verdict.reason = "because";
  return verdict;
}

// A log of a few events, as a broker would have left it.
std::unique_ptr<LogWriter> MakeLog() {
  LogOptions options;
  options.durability = Durability::kMemory;
  options.ring_bytes = 64 << 10;
  options.streams_max = 64;
  auto log = LogWriter::Open(options, "/nowhere", nullptr, nullptr).value();
  for (size_t i = 0; i < kEvents; ++i) {
    const std::string data(i % 7 * 40, 'x');
    const TestEvent event(std::string(kStreams[i % 3 * (i % 2) + (i % 11 == 0)]), data);
    const EventToStage staged = event.Staged();
    BatchPlace place;
    ROOST_CHECK(log->Stage({&staged, 1}, {1, 1, 1, i + 1}, &place) == StageOutcome::kStaged);
    ROOST_CHECK(log->Commit().ok());
  }
  VerdictTableWriter writer(log->verdict_memory());
  for (size_t i = 0; i < kVerdicts; ++i) writer.Publish(VerdictNumber(i), 0);
  return log;
}

// A copy of the log's ring that can be written by us and by nobody else, and is put right again after each try.
class Ring {
 public:
  Ring() : log_(MakeLog()), fd_(::memfd_create("ring", MFD_CLOEXEC | MFD_ALLOW_SEALING)) {
    const UniqueFd original(::fcntl(log_->ring_fd(), F_DUPFD_CLOEXEC, 0));
    auto reader = RingReader::Open(original);
    ROOST_CHECK(reader.ok(), "{}", reader.status().message());
    layout_ = reader->layout();
    ROOST_CHECK(::ftruncate(fd_.get(), static_cast<off_t>(layout_.size)) == 0);
    void* memory = ::mmap(nullptr, layout_.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
    ROOST_CHECK(memory != MAP_FAILED);
    memory_ = static_cast<std::byte*>(memory);
    CopyPages(original.get());
    const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL;
    ROOST_CHECK(::fcntl(fd_.get(), F_ADD_SEALS, seals) == 0);
    ChooseRegions();
  }

  const UniqueFd& fd() const { return fd_; }
  const RingLayout& layout() const { return layout_; }

  // One word becomes another.
  void Change(FuzzInput* input) {
    const Region& region = regions_[input->Below(regions_.size())];
    const uint64_t word = input->Take<uint16_t>() % (region.size / 8);
    auto* at = reinterpret_cast<uint64_t*>(memory_ + region.offset + word * 8);
    changes_.push_back({at, *at});
    switch (input->Below(4)) {
      case 0:
        *at = input->Take<uint64_t>();
        break;
      case 1:
        *at += static_cast<uint64_t>(static_cast<int8_t>(input->Byte()));
        break;
      case 2:  // what another word says, so that links lead somewhere
        *at = *reinterpret_cast<uint64_t*>(memory_ + region.offset +
                                           input->Take<uint16_t>() % (region.size / 8) * 8);
        break;
      case 3:
        *at ^= 1ull << (input->Byte() % 64);
        break;
    }
  }
  void PutRight() {
    for (size_t i = changes_.size(); i-- > 0;) *changes_[i].at = changes_[i].before;
    changes_.clear();
  }

 private:
  struct Region {
    uint64_t offset;
    uint64_t size;
  };
  struct Changed {
    uint64_t* at;
    uint64_t before;
  };

  void CopyPages(int from) {
    std::array<std::byte, kRingPage> page;
    for (uint64_t offset = 0; offset < layout_.size; offset += page.size()) {
      const ssize_t size = ::pread(from, page.data(), page.size(), static_cast<off_t>(offset));
      ROOST_CHECK(size > 0);
      const bool is_blank = std::all_of(page.begin(), page.begin() + size,
                                        [](std::byte b) { return b == std::byte{}; });
      if (!is_blank) std::copy_n(page.begin(), size, memory_ + offset);
    }
  }
  // Where something is; changes of pages that are all zeros would rarely be seen.
  void ChooseRegions() {
    const auto& header = *reinterpret_cast<const RingHeader*>(memory_);
    regions_ = {{offsetof(RingHeader, head), sizeof(RingHeader) - offsetof(RingHeader, head)},
                {0, offsetof(RingHeader, head)},
                {layout_.hash_offset, layout_.hash_slots * sizeof(uint32_t)},
                {layout_.streams_offset, (header.stream_count + 1) * sizeof(StreamEntry)},
                {layout_.names_offset, 64},
                {layout_.index_offset, (kEvents + 2) * 8},
                {layout_.records_offset + kFirstPosition, kEvents * 256},
                {layout_.records_offset + kFirstPosition, kEvents * 256}};
    for (size_t i = 0; i < kVerdicts; ++i) {
      const uint64_t entry = VerdictBucket(VerdictNumber(i).key.data(), layout_.verdicts_slots);
      regions_.push_back(
          {layout_.verdicts_offset + entry * sizeof(VerdictEntry), 2 * sizeof(VerdictEntry)});
    }
  }

  std::unique_ptr<LogWriter> log_;
  UniqueFd fd_;
  RingLayout layout_{};
  std::byte* memory_ = nullptr;
  std::vector<Region> regions_;
  std::vector<Changed> changes_;
};

void ReadRecords(const RingReader& ring) {
  const uint64_t end = std::min<uint64_t>(ring.head(), kEvents + 8);
  for (uint64_t sequence = 0; sequence <= end; ++sequence) {
    RecordHeader header;
    uint64_t position = 0;
    if (ring.ReadHeader(sequence, &header, &position) != RingReader::Outcome::kEvent) continue;
    ROOST_CHECK(header.sequence == sequence && header.size <= kRecordBytesMax);
    std::vector<std::byte> record;
    if (ring.ReadRecordAt(position, &record) == RingReader::Outcome::kEvent) {
      ROOST_CHECK(record.size() >= kRecordHeaderBytes &&
                  record.size() <= ring.layout().records_size);
    } else {
      ROOST_CHECK(record.empty());
    }
    ring.Prefetch(header.previous);
    for (const uint64_t link : {header.previous, header.jump}) {
      if (IsAligned(link, kRecordAlignment)) ring.PeekLinks(link);
    }
  }
}

void ReadStreams(const RingReader& ring) {
  const uint64_t count = ring.stream_count();
  ROOST_CHECK(count <= ring.layout().streams_max, "{}", count);
  for (uint32_t id = 0; id < count; ++id) {
    const StreamSummary stream = ring.Stream(id);
    ROOST_CHECK(stream.name.size() <= ring.layout().names_size);
    // Touches each byte.
    ROOST_CHECK(std::count(stream.name.begin(), stream.name.end(), '\n') >= 0);
  }
  for (const std::string_view name : kStreams) {
    const auto id = ring.FindStream(name);
    if (id.has_value()) ROOST_CHECK(*id < ring.layout().streams_max);
  }
}

void ReadVerdicts(const RingReader& ring) {
  const VerdictReader reader(ring.verdicts());
  for (size_t i = 0; i < kVerdicts; ++i) {
    const auto key = VerdictNumber(i).key;
    const auto found = reader.Find(key.data(), 1000, 1'000'000);
    if (!found.has_value()) continue;
    ROOST_CHECK(found->key == key && found->verdict >= 1 && found->verdict <= 3);
    ROOST_CHECK(found->by.size() <= kVerdictByBytesMax &&
                found->reason.size() <= kVerdictReasonBytesMax);
    ROOST_CHECK(found->expires_ns > 1'000'000 && found->policy_version == reader.policy_version());
  }
}

void CheckPage(const ReadQuery& query, const Page& page) {
  ROOST_CHECK(page.size() <= query.limit);
  uint64_t last = 0;
  for (size_t i = 0; i < page.size(); ++i) {
    const EventView event = page[i];
    const bool is_oldest_first = query.order == Order::kOldestFirst;
    ROOST_CHECK(i == 0 || (is_oldest_first ? event.sequence > last : event.sequence < last));
    ROOST_CHECK(event.sequence > query.after);
    ROOST_CHECK(query.before == 0 || event.sequence < query.before);
    if (!query.filter.stream.empty()) ROOST_CHECK(event.stream == query.filter.stream);
    ROOST_CHECK(event.stream.starts_with(query.filter.stream_prefix));
    last = event.sequence;
  }
}

void RunQuery(LogReader* reader, const ReadQuery& query) {
  Page page;
  LogReader::Step step = reader->Begin(query, &page);
  // A broker that deletes old events under the reader, each time twice as many: it comes past any head in the end.
  for (uint64_t i = 0; step == LogReader::Step::kNeedsSegment; ++i) {
    ROOST_CHECK(i < kFetchesMax, "no end");
    const uint64_t needed = reader->needed_sequence();
    const uint64_t gone = uint64_t{1} << i;
    step = reader->ContinueWithout(gone < UINT64_MAX - needed ? needed + gone : UINT64_MAX);
  }
  if (step == LogReader::Step::kFailed) {
    ROOST_CHECK(!reader->status().ok());
    return;
  }
  CheckPage(query, page);
}

void RunQueries(const RingReader& ring, FuzzInput* input) {
  SegmentCache segments;
  LogReader reader(&ring, &segments);
  RunQuery(&reader, {});
  RunQuery(&reader, {.order = Order::kNewestFirst});
  RunQuery(&reader, {.filter = {.stream_prefix = "i"}});
  for (const std::string_view stream : kStreams) {
    for (const Order order : {Order::kOldestFirst, Order::kNewestFirst}) {
      RunQuery(&reader, {.filter = {.stream = std::string(stream)},
                         .after = input->Byte() % kEvents,
                         .from_revision = input->Byte() % 16u,
                         .limit = 1 + input->Byte() % 16u,
                         .order = order});
    }
  }
}

void Try(FuzzInput input) {
  static Ring ring;
  const size_t changes = input.Below(24);
  for (size_t i = 0; i < changes; ++i) ring.Change(&input);
  auto reader = RingReader::Open(ring.fd());
  if (reader.ok()) {
    ReadRecords(*reader);
    ReadStreams(*reader);
    ReadVerdicts(*reader);
    RunQueries(*reader, &input);
  } else {
    ROOST_CHECK(!reader.status().message().empty());
  }
  ring.PutRight();
}

}  // namespace
}  // namespace roost

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  roost::Try(roost::FuzzInput(data, size));
  return 0;
}
