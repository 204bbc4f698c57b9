#include "log/ring_writer.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <string>

#include "base/check.h"
#include "base/clock.h"
#include "log/record.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U  // Linux 6.3
#endif

namespace roost {
namespace {

UniqueFd CreateMemfd() {
  constexpr unsigned kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  UniqueFd fd(::memfd_create("roost-ring", kFlags | MFD_NOEXEC_SEAL));
  if (!fd.valid() && errno == EINVAL) fd.Reset(::memfd_create("roost-ring", kFlags));
  return fd;
}

// Whether the record behind the first of `records` is of the same stream, whose entry only the last of them makes.
bool IsFollowedInStream(Bytes records, const RecordHeader& first) {
  if (records.size() == first.size) return false;
  uint32_t stream;
  std::memcpy(&stream, records.data() + first.size + offsetof(RecordHeader, stream), sizeof(stream));
  return stream == first.stream;
}

// The same memory, opened so that it cannot even be tried to write it. The seals hold without this,
// so where /proc is not mounted the descriptor stays as it is.
UniqueFd ReopenReadOnly(UniqueFd fd) {
  const std::string path = "/proc/self/fd/" + std::to_string(fd.get());
  UniqueFd read_only(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return read_only.valid() ? std::move(read_only) : std::move(fd);
}

// Places the regions one behind another, in the order of ring_format.h.
void LayOut(const RingSpec& spec, RingHeader* header) {
  uint64_t end = kRingPage;
  const auto place = [&end](uint64_t size, uint64_t alignment) {
    const uint64_t offset = AlignUp(end, alignment);
    end = offset + size;
    return offset;
  };
  header->streams_max = spec.streams_max;
  header->hash_slots = std::bit_ceil(spec.streams_max * 2);
  header->names_size = spec.streams_max * kStreamNameBytesMax;
  header->records_size = spec.records_size;
  header->index_slots = std::bit_ceil(spec.records_size / kEventBytesMin);
  header->hash_offset = place(header->hash_slots * sizeof(uint32_t), kRingPage);
  header->streams_offset = place(header->streams_max * sizeof(StreamEntry), kRingPage);
  header->names_offset = place(header->names_size, kRingPage);
  header->index_offset = place(header->index_slots * sizeof(uint64_t), kRingPage);
  header->verdicts_slots = kVerdictSlots;
  header->verdicts_offset = place(kVerdictSlots * sizeof(VerdictEntry), kRingPage);
  header->records_offset = place(header->records_size, kRecordsAlignment);
  header->size = end;
}

void Describe(const RingSpec& spec, RingHeader* header) {
  header->magic = kRingMagic;
  header->version = kRingVersion;
  header->record_version = kRecordVersion;
  header->durability = spec.durability;
  header->broker_pid = static_cast<uint32_t>(::getpid());
  header->started_ns = WallNs();
  header->event_data_bytes_max = spec.event_data_bytes_max;
  header->batch_events_max = spec.batch_events_max;
  header->batch_bytes_max = spec.batch_bytes_max;
}

}  // namespace

Result<RingWriter> RingWriter::Create(const RingSpec& spec) {
  ROOST_CHECK(std::has_single_bit(spec.records_size) && spec.records_size >= kRingBytesMin &&
                  spec.records_size <= kRingBytesMax,
              "records_size={}", spec.records_size);
  ROOST_CHECK(spec.streams_max >= 1 && spec.streams_max <= kStreamsMaxMax, "streams_max={}",
              spec.streams_max);
  RingHeader layout{};
  LayOut(spec, &layout);

  UniqueFd fd = CreateMemfd();
  if (!fd.valid()) return Status::FromErrno(errno, "create the ring's memfd");
  if (::ftruncate(fd.get(), static_cast<off_t>(layout.size)) != 0) {
    return Status::FromErrno(errno, "size the ring's memfd");
  }
  // Nobody else may open it again for writing; the seals below stop those who may override this.
  if (::fchmod(fd.get(), 0400) != 0) return Status::FromErrno(errno, "chmod the ring's memfd");
  auto mapping = Mapping::Map(fd.get(), layout.size, Mapping::Access::kReadWrite, "the ring");
  if (!mapping.ok()) return mapping.status();
  // After the mapping: F_SEAL_FUTURE_WRITE leaves this one writable and refuses every later one.
  constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL;
  if (::fcntl(fd.get(), F_ADD_SEALS, kSeals) != 0) {
    return Status::FromErrno(errno, "seal the ring's memfd (Linux 5.1 or later is needed)");
  }

  RingWriter ring;
  ring.mapping_ = std::move(*mapping);
  ring.fd_ = ReopenReadOnly(std::move(fd));
  LayOut(spec, &ring.header());
  Describe(spec, &ring.header());
  ring.records_ = ring.mapping_.data() + layout.records_offset;
  ring.index_ = reinterpret_cast<std::atomic<uint64_t>*>(ring.mapping_.data() + layout.index_offset);
  ring.streams_ = reinterpret_cast<StreamEntry*>(ring.mapping_.data() + layout.streams_offset);
  ring.records_size_ = layout.records_size;
  ring.index_slots_ = layout.index_slots;
  ring.hash_slots_ = layout.hash_slots;
  ring.log_oldest_follows_ = spec.durability == Durability::kMemory;
  return ring;
}

RingHeader& RingWriter::header() const { return *reinterpret_cast<RingHeader*>(mapping_.data()); }

std::atomic<uint32_t>& RingWriter::hash_slot(uint64_t probe) const {
  auto* slots = reinterpret_cast<std::atomic<uint32_t>*>(mapping_.data() + header().hash_offset);
  return slots[probe & (hash_slots_ - 1)];
}

VerdictMemory RingWriter::verdicts() const {
  return {mapping_.data() + header().verdicts_offset, header().verdicts_slots,
          &header().policy_version};
}

std::span<char> RingWriter::names() const {
  return {reinterpret_cast<char*>(mapping_.data() + header().names_offset), header().names_size};
}

void RingWriter::Identify(const uint8_t (&log_id)[16], uint64_t epoch) {
  std::memcpy(header().log_id, log_id, sizeof(log_id));
  header().epoch = epoch;
}

void RingWriter::StartAt(uint64_t position, uint64_t sequence) {
  ROOST_CHECK(position >= kFirstPosition, "position={}", position);
  reclaimed_ = position;
  head_ = sequence;
  oldest_ = sequence + 1;
  header().reclaimed.store(position, std::memory_order_relaxed);
  header().oldest.store(oldest_, std::memory_order_relaxed);
  header().log_oldest.store(oldest_, std::memory_order_relaxed);
  header().head.store(sequence, std::memory_order_relaxed);
}

void RingWriter::SetLogOldest(uint64_t sequence) {
  header().log_oldest.store(sequence, std::memory_order_relaxed);
}

void RingWriter::Reclaim(uint64_t end) {
  if (end <= reclaimed_ + records_size_) return;
  reclaimed_ = end - records_size_;
  header().reclaimed.store(reclaimed_, std::memory_order_relaxed);  // step 1
  std::atomic_thread_fence(std::memory_order_release);
  AdvanceOldest();
}

void RingWriter::StoreRecord(uint64_t position, Bytes record, const RecordHeader& record_header) {
  const uint64_t offset = position & (records_size_ - 1);
  const uint64_t first = std::min<uint64_t>(record.size(), records_size_ - offset);
  CopyWordsToShared(records_ + offset, record.data(), first);  // step 2
  CopyWordsToShared(records_, record.data() + first, record.size() - first);
  if (record_header.kind == RecordKind::kEvent) {
    index_slot(record_header.sequence).store(position, std::memory_order_release);
  }
}

void RingWriter::StoreStream(uint64_t position, const RecordHeader& record_header) {
  if (record_header.kind != RecordKind::kEvent) return;
  StreamEntry& stream = entry(record_header.stream);
  stream.revision.store(record_header.revision, std::memory_order_relaxed);  // step 3
  stream.last_sequence.store(record_header.sequence, std::memory_order_relaxed);
  stream.last_time_ns.store(record_header.time_ns, std::memory_order_relaxed);
  stream.last_position.store(position, std::memory_order_release);
}

void RingWriter::DescribeStreams(const StreamDirectory& streams) {
  for (; streams_described_ < streams.count(); ++streams_described_) {
    const std::string_view name = streams.Name(streams_described_);
    StreamEntry& stream = entry(streams_described_);
    stream.name_hash = StreamHash(name);
    stream.name_offset = streams.NameOffset(streams_described_);
    stream.name_length = static_cast<uint32_t>(name.size());
  }
}

void RingWriter::PublishStreams() {
  for (; streams_published_ < streams_described_; ++streams_published_) {
    const StreamEntry& stream = entry(streams_published_);
    if (stream.name_length == 0) continue;
    uint64_t probe = stream.name_hash;
    while (hash_slot(probe).load(std::memory_order_relaxed) != 0) {
      ++probe;  // ends: hash_slots is at least twice streams_max
    }
    hash_slot(probe).store(streams_published_ + 1, std::memory_order_release);  // step 3
  }
  header().stream_count.store(streams_published_, std::memory_order_release);
}

bool RingWriter::HasRoomForStream(std::string_view name) const {
  const uint64_t hash = StreamHash(name);
  for (uint64_t probe = 0; probe < kHashProbesMax; ++probe) {
    if (hash_slot(hash + probe).load(std::memory_order_relaxed) == 0) return true;
  }
  return false;
}

// Called before step 2, which may reuse the very index slots that this looks at.
void RingWriter::AdvanceOldest() {
  while (oldest_ <= head_ && index_slot(oldest_).load(std::memory_order_relaxed) < reclaimed_) {
    ++oldest_;
  }
  header().oldest.store(oldest_, std::memory_order_relaxed);
  if (log_oldest_follows_) header().log_oldest.store(oldest_, std::memory_order_relaxed);
}

void RingWriter::Publish(uint64_t position, Bytes records, const StreamDirectory& streams) {
  Reclaim(position + records.size());
  const auto for_each = [&](auto&& store) {
    for (size_t offset = 0; offset < records.size();) {
      RecordHeader record_header;
      std::memcpy(&record_header, records.data() + offset, sizeof(record_header));
      store(position + offset, records.subspan(offset), record_header);
      offset += record_header.size;
    }
  };
  for_each([this](uint64_t at, Bytes rest, const RecordHeader& record_header) {
    StoreRecord(at, rest.first(record_header.size), record_header);
    head_ = record_header.sequence;
  });
  DescribeStreams(streams);
  for_each([this](uint64_t at, Bytes rest, const RecordHeader& record_header) {
    if (!IsFollowedInStream(rest, record_header)) StoreStream(at, record_header);
  });
  if (streams_published_ < streams_described_) PublishStreams();
  header().head.store(head_, std::memory_order_release);  // step 4
}

void RingWriter::Load(uint64_t position, Bytes record) {
  RecordHeader record_header;
  std::memcpy(&record_header, record.data(), sizeof(record_header));
  StoreStream(position, record_header);
  if (position < reclaimed_ || record.size() > records_size_) {
    // One larger than the ring comes from a broker with a larger one: everything up to its end is gone.
    reclaimed_ = std::max(reclaimed_, position + record.size());
    header().reclaimed.store(reclaimed_, std::memory_order_relaxed);
    head_ = record_header.sequence;
    oldest_ = head_ + 1;
    return;
  }
  Reclaim(position + record.size());
  StoreRecord(position, record, record_header);
  head_ = record_header.sequence;
}

void RingWriter::LoadStream(uint32_t id, const StreamTail& tail) {
  StreamEntry& stream = entry(id);
  stream.revision.store(tail.revision, std::memory_order_relaxed);
  stream.last_sequence.store(tail.sequence, std::memory_order_relaxed);
  stream.last_time_ns.store(tail.time_ns, std::memory_order_relaxed);
  stream.last_position.store(tail.position, std::memory_order_release);
  SetKeptFrom(id, tail.revision + 1);
}

// Most streams have no event in a segment; their pages stay as they are.
void RingWriter::SetKeptFrom(uint32_t id, uint64_t revision) {
  StreamEntry& stream = entry(id);
  if (stream.kept_from.load(std::memory_order_relaxed) >= revision) return;
  stream.kept_from.store(revision, std::memory_order_relaxed);
}

uint64_t RingWriter::kept_from(uint32_t id) const {
  return std::max<uint64_t>(1, entry(id).kept_from.load(std::memory_order_relaxed));
}

void RingWriter::FinishLoading(const StreamDirectory& streams) {
  DescribeStreams(streams);
  PublishStreams();
  AdvanceOldest();
  header().head.store(head_, std::memory_order_release);
}

}  // namespace roost
