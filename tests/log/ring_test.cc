// The ring from both sides: what readers see while the writer laps them, and what they refuse to map.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <functional>
#include <string>
#include <thread>

#include "log/record.h"
#include "log/ring_copy.h"
#include "log/ring_reader.h"
#include "log/ring_writer.h"
#include "tests/log/log_fixture.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

namespace roost {
namespace {

using Outcome = RingReader::Outcome;

// A ring of 64 KiB without a journal.
class RingReaderTest : public LogFixture {
 protected:
  RingReaderTest() {
    options_.durability = Durability::kMemory;
    Open();
  }
  // A record of 1000 bytes or so.
  void AppendLarge(int count) {
    for (int i = 0; i < count; ++i) Append("large", std::string(800, 'x'));
  }
};

TEST_F(RingReaderTest, ReadsEventsThatWrapAroundTheEnd) {
  const RingReader reader = Reader();
  bool wrapped = false;
  uint64_t position_before = 0;
  for (uint64_t sequence = 1; sequence <= 500; ++sequence) {
    const std::string data = std::to_string(sequence) + std::string(sequence % 700, 'd');
    Append("s" + std::to_string(sequence % 3), data);
    ASSERT_EQ(Read(reader, sequence).data, data);
    RecordHeader header;
    uint64_t position = 0;
    ASSERT_EQ(reader.ReadHeader(sequence, &header, &position), Outcome::kEvent);
    const uint64_t mask = options_.ring_bytes - 1;
    wrapped |= (position & mask) > ((position + header.size - 1) & mask);
    EXPECT_GT(position, position_before);
    position_before = position;
  }
  EXPECT_TRUE(wrapped);
}

TEST_F(RingReaderTest, SaysThatAnEventIsNotThereYet) {
  const RingReader reader = Reader();
  RecordHeader header;
  uint64_t position = 0;
  EXPECT_EQ(reader.ReadHeader(1, &header, &position), Outcome::kNotYet);
  Append("s", "1");
  EXPECT_EQ(reader.ReadHeader(1, &header, &position), Outcome::kEvent);
  EXPECT_EQ(reader.ReadHeader(2, &header, &position), Outcome::kNotYet);
}

TEST_F(RingReaderTest, SaysThatAnEventIsOverwritten) {
  const RingReader reader = Reader();
  Append("s", "1");
  RecordHeader header;
  uint64_t position = 0;
  ASSERT_EQ(reader.ReadHeader(1, &header, &position), Outcome::kEvent);
  AppendLarge(100);
  uint64_t unused = 0;
  EXPECT_EQ(reader.ReadHeader(1, &header, &unused), Outcome::kOverrun);
  EXPECT_EQ(reader.ReadHeaderAt(position, &header), Outcome::kOverrun);
  std::vector<std::byte> record{std::byte{7}};
  EXPECT_EQ(reader.ReadRecordAt(position, &record), Outcome::kOverrun);
  EXPECT_EQ(record.size(), 1u);
  EXPECT_EQ(reader.ReadHeader(0, &header, &unused), Outcome::kOverrun);
}

TEST_F(RingReaderTest, KnowsTheOldestEventThatIsWhole) {
  const RingReader reader = Reader();
  EXPECT_EQ(reader.oldest(), 1u);
  for (int i = 0; i < 300; ++i) {
    AppendLarge(1);
    RecordHeader header;
    uint64_t position = 0;
    ASSERT_EQ(reader.ReadHeader(reader.oldest(), &header, &position), Outcome::kEvent) << i;
    if (reader.oldest() > 1) {
      ASSERT_EQ(reader.ReadHeader(reader.oldest() - 1, &header, &position), Outcome::kOverrun);
    }
  }
  EXPECT_GT(reader.oldest(), 200u);
  EXPECT_EQ(reader.log_oldest(), reader.oldest());
}

TEST_F(RingReaderTest, KnowsTheOldestEventAlsoWhenAllAreOfTheSmallestSize) {
  // Then each index slot is used anew just when its event is overwritten.
  const RingReader reader = Reader();
  for (int i = 0; i < 2000; ++i) {
    Append({TestEvent("s", "", "", "")});
    RecordHeader header;
    uint64_t position = 0;
    ASSERT_EQ(reader.ReadHeader(reader.oldest(), &header, &position), Outcome::kEvent) << i;
    ASSERT_LE(header.size, 168u);
  }
  EXPECT_GT(reader.oldest(), 1500u);
}

TEST_F(RingReaderTest, FindsStreamsAndWalksTheirLinks) {
  const RingReader reader = Reader();
  for (int i = 1; i <= 60; ++i) Append(i % 2 == 0 ? "even" : "odd", std::to_string(i));
  const auto id = reader.FindStream("even");
  ASSERT_TRUE(id.has_value());
  const StreamSummary summary = reader.Stream(*id);
  EXPECT_EQ(summary.name, "even");
  EXPECT_EQ(summary.revision, 30u);
  EXPECT_EQ(summary.last_sequence, 60u);
  EXPECT_EQ(reader.stream_count(), 2u);
  EXPECT_EQ(reader.FindStream("neither"), std::nullopt);

  uint64_t position = summary.last_position;
  uint64_t revision = 30;
  while (position != 0) {
    RecordHeader header;
    ASSERT_EQ(reader.ReadHeaderAt(position, &header), Outcome::kEvent);
    ASSERT_EQ(header.revision, revision);
    ASSERT_EQ(header.sequence, revision * 2);
    if (header.jump != 0) {
      RecordHeader jumped;
      ASSERT_EQ(reader.ReadHeaderAt(header.jump, &jumped), Outcome::kEvent);
      ASSERT_EQ(jumped.revision, JumpRevision(revision));
    }
    position = header.previous;
    --revision;
  }
  EXPECT_EQ(revision, 0u);
}

TEST_F(RingReaderTest, RefusesAPositionThatNoRecordCanHave) {
  const RingReader reader = Reader();
  Append("s", "1");
  RecordHeader header;
  uint64_t position = 0;
  ASSERT_EQ(reader.ReadHeader(1, &header, &position), Outcome::kEvent);
  EXPECT_EQ(reader.ReadHeaderAt(position + 4, &header), Outcome::kCorrupt);
  EXPECT_EQ(reader.ReadHeaderAt(position + 64, &header), Outcome::kCorrupt);
  EXPECT_EQ(reader.ReadHeaderAt(UINT64_MAX & ~7ull, &header), Outcome::kCorrupt);
}

// The race itself, in slow motion: the writer comes between a reader's copy and its check.
TEST(RingCopyTest, DropsACopyThatTheWriterOvertookBeforeTheCheck) {
  alignas(8) std::byte memory[256] = {};
  std::atomic<uint64_t> reclaimed = 4096;
  const RingRecords records{memory, sizeof(memory), &reclaimed};
  std::byte copy[64];
  EXPECT_TRUE(CopyIntact(records, 4096, copy, sizeof(copy)));
  const auto lap = [&] { reclaimed.store(4104, std::memory_order_relaxed); };
  EXPECT_FALSE(CopyIntact(records, 4096, copy, sizeof(copy), lap));
  EXPECT_TRUE(CopyIntact(records, 4104, copy, sizeof(copy), [] {}));
}

TEST(RingCopyTest, CopiesAroundTheEnd) {
  alignas(8) std::byte memory[64];
  for (size_t i = 0; i < sizeof(memory); ++i) memory[i] = static_cast<std::byte>(i);
  std::atomic<uint64_t> reclaimed = 0;
  std::byte copy[32];
  ASSERT_TRUE(CopyIntact({memory, sizeof(memory), &reclaimed}, 64 * 5 + 48, copy, sizeof(copy)));
  for (size_t i = 0; i < sizeof(copy); ++i)
    EXPECT_EQ(copy[i], static_cast<std::byte>((48 + i) % 64));
}

TEST_F(RingReaderTest, NeverReturnsATornRecordWhileTheWriterLapsIt) {
  std::atomic<bool> stop = false;
  std::atomic<uint64_t> whole = 0;
  const auto read = [&](bool by_stream) {
    const RingReader reader = Reader();
    std::vector<std::byte> record;
    while (!stop.load(std::memory_order_relaxed)) {
      RecordHeader header;
      uint64_t position = 0;
      uint64_t wanted = 0;
      if (by_stream) {
        const auto id = reader.FindStream("lapped");
        if (!id) continue;
        position = reader.Stream(*id).last_position;
      } else {
        wanted = reader.oldest() + 1;  // where the writer is nearest
        if (reader.ReadHeader(wanted, &header, &position) != Outcome::kEvent) continue;
      }
      record.clear();
      const Outcome outcome = reader.ReadRecordAt(position, &record);
      ASSERT_NE(outcome, Outcome::kCorrupt);
      if (outcome != Outcome::kEvent) continue;
      ASSERT_TRUE(RecordIsSound(record));
      std::memcpy(&header, record.data(), sizeof(header));
      ASSERT_TRUE(by_stream || header.sequence == wanted);
      whole.fetch_add(1, std::memory_order_relaxed);
    }
  };
  std::thread by_sequence(read, false);
  std::thread by_stream(read, true);
  const std::vector<TestEvent> sizes = {TestEvent("lapped", ""),
                                        TestEvent("lapped", std::string(900, 'a')),
                                        TestEvent("lapped", std::string(100, 'b'))};
  for (uint64_t i = 0; i < 60'000 || whole.load(std::memory_order_relaxed) < 1000; ++i) {
    ASSERT_EQ(Stage({sizes[i % 3], sizes[(i + 1) % 3]}), StageOutcome::kStaged);
    ASSERT_TRUE(log_->Commit().ok());
  }
  stop.store(true, std::memory_order_relaxed);
  by_sequence.join();
  by_stream.join();
}

// ---- nobody else can write it ----

TEST_F(RingReaderTest, LeavesNobodyAWayToWriteTheRing) {
  Append("s", "unchanged");
  const int fd = log_->ring_fd();
  struct stat info {};
  ASSERT_EQ(::fstat(fd, &info), 0);
  const auto size = static_cast<size_t>(info.st_size);
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  const UniqueFd again(::open(path.c_str(), O_RDWR | O_CLOEXEC));  // root may
  for (const int each : {fd, again.get()}) {
    if (each < 0) continue;
    EXPECT_EQ(::pwrite(each, "x", 1, 4096), -1);
    EXPECT_EQ(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, each, 0), MAP_FAILED);
    EXPECT_EQ(::ftruncate(each, 0), -1);
    EXPECT_EQ(::ftruncate(each, static_cast<off_t>(size) * 2), -1);
    EXPECT_EQ(::fallocate(each, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), -1);
    EXPECT_EQ(::fcntl(each, F_ADD_SEALS, F_SEAL_WRITE), -1);
    void* mapped = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, each, 0);
    ASSERT_NE(mapped, MAP_FAILED);
    EXPECT_EQ(::mprotect(mapped, size, PROT_READ | PROT_WRITE), -1);
    ::munmap(mapped, size);
  }
  EXPECT_EQ(Read(Reader(), 1).data, "unchanged");
}

// ---- what a reader refuses ----

class RingReaderOpenTest : public ::testing::Test {
 protected:
  static constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL;

  // A real ring's header, in a memfd of its size, changed by `change` and sealed with `seals`.
  StatusCode Open(const std::function<void(RingHeader*)>& change, int seals = kSeals,
                  off_t size_change = 0) {
    auto ring = RingWriter::Create({.records_size = 64 << 10, .streams_max = 100});
    EXPECT_TRUE(ring.ok());
    std::vector<std::byte> header(kRingPage);
    EXPECT_EQ(::pread(ring->fd(), header.data(), header.size(), 0), 4096);
    change(reinterpret_cast<RingHeader*>(header.data()));
    struct stat info {};
    EXPECT_EQ(::fstat(ring->fd(), &info), 0);
    const UniqueFd fd(::memfd_create("hostile", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    EXPECT_EQ(::ftruncate(fd.get(), info.st_size + size_change), 0);
    EXPECT_EQ(::pwrite(fd.get(), header.data(), header.size(), 0), 4096);
    if (seals != 0) {
      EXPECT_EQ(::fcntl(fd.get(), F_ADD_SEALS, seals), 0);
    }
    auto reader = RingReader::Open(fd);
    return reader.ok() ? StatusCode::kOk : reader.status().code();
  }
  StatusCode OpenWith(const std::function<void(RingHeader*)>& change) { return Open(change); }
};

TEST_F(RingReaderOpenTest, AcceptsARing) {
  EXPECT_EQ(OpenWith([](RingHeader*) {}), StatusCode::kOk);
}

TEST_F(RingReaderOpenTest, AcceptsARingThatNobodyCanWriteAnyMore) {
  EXPECT_EQ(Open([](RingHeader*) {}, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL),
            StatusCode::kOk);
}

TEST_F(RingReaderOpenTest, RefusesWhatIsNotSealedAgainstEveryWriter) {
  EXPECT_EQ(Open([](RingHeader*) {}, 0), StatusCode::kPermissionDenied);
  for (const int missing : {F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_FUTURE_WRITE, F_SEAL_SEAL}) {
    EXPECT_EQ(Open([](RingHeader*) {}, kSeals & ~missing), StatusCode::kPermissionDenied)
        << missing;
  }
}

TEST_F(RingReaderOpenTest, RefusesAFileThatIsNoMemfd) {
  ScratchDirectory scratch;
  WriteFile(scratch.path() + "/ring", std::string(8192, '\0'));
  const UniqueFd fd(::open((scratch.path() + "/ring").c_str(), O_RDONLY | O_CLOEXEC));
  auto reader = RingReader::Open(fd);
  ASSERT_FALSE(reader.ok());
  // tmpfs knows seals, and an ordinary file of it has F_SEAL_SEAL alone.
  EXPECT_TRUE(reader.status().code() == StatusCode::kIncompatible ||
              reader.status().code() == StatusCode::kPermissionDenied);
  EXPECT_FALSE(RingReader::Open(UniqueFd()).ok());
}

TEST_F(RingReaderOpenTest, RefusesAnotherMagicOrVersion) {
  EXPECT_EQ(OpenWith([](RingHeader* h) { ++h->magic; }), StatusCode::kIncompatible);
  EXPECT_EQ(OpenWith([](RingHeader* h) { ++h->version; }), StatusCode::kIncompatible);
  EXPECT_EQ(OpenWith([](RingHeader* h) { ++h->record_version; }), StatusCode::kIncompatible);
}

TEST_F(RingReaderOpenTest, RefusesASizeThatIsNotTheMemfds) {
  EXPECT_EQ(OpenWith([](RingHeader* h) { h->size += 8; }), StatusCode::kCorruption);
  EXPECT_EQ(Open([](RingHeader*) {}, kSeals, -4096), StatusCode::kCorruption);
  EXPECT_EQ(Open([](RingHeader*) {}, kSeals, 4096), StatusCode::kCorruption);
}

TEST_F(RingReaderOpenTest, RefusesRegionsThatReachOutOfTheMemory) {
  const std::vector<std::function<void(RingHeader*, uint64_t)>> offsets = {
      [](RingHeader* h, uint64_t v) { h->hash_offset = v; },
      [](RingHeader* h, uint64_t v) { h->streams_offset = v; },
      [](RingHeader* h, uint64_t v) { h->names_offset = v; },
      [](RingHeader* h, uint64_t v) { h->index_offset = v; },
      [](RingHeader* h, uint64_t v) { h->records_offset = v; },
      [](RingHeader* h, uint64_t v) { h->verdicts_offset = v; },
  };
  for (const auto& set : offsets) {
    for (const uint64_t value : std::vector<uint64_t>{0, 4104, UINT64_MAX & ~4095ull, 1ull << 62}) {
      EXPECT_EQ(OpenWith([&](RingHeader* h) { set(h, value); }), StatusCode::kCorruption) << value;
    }
    EXPECT_EQ(OpenWith([&](RingHeader* h) { set(h, AlignUp(h->size, kRingPage)); }),
              StatusCode::kCorruption);
  }
}

TEST_F(RingReaderOpenTest, RefusesCountsThatCannotBe) {
  const std::vector<std::function<void(RingHeader*, uint64_t)>> counts = {
      [](RingHeader* h, uint64_t v) { h->hash_slots = v; },
      [](RingHeader* h, uint64_t v) { h->streams_max = v; },
      [](RingHeader* h, uint64_t v) { h->index_slots = v; },
      [](RingHeader* h, uint64_t v) { h->records_size = v; },
      [](RingHeader* h, uint64_t v) { h->verdicts_slots = v; },
  };
  for (size_t i = 0; i < counts.size(); ++i) {
    for (const uint64_t value : std::vector<uint64_t>{0, UINT64_MAX, 1ull << 61, 1ull << 40}) {
      EXPECT_EQ(OpenWith([&](RingHeader* h) { counts[i](h, value); }), StatusCode::kCorruption)
          << i << " " << value;
    }
    if (i == 1) continue;  // streams_max need be no power of two
    EXPECT_EQ(OpenWith([&](RingHeader* h) { counts[i](h, 65537); }), StatusCode::kCorruption) << i;
  }
  EXPECT_EQ(OpenWith([](RingHeader* h) { h->names_size = UINT64_MAX; }), StatusCode::kCorruption);
  EXPECT_EQ(OpenWith([](RingHeader* h) { h->durability = static_cast<Durability>(7); }),
            StatusCode::kCorruption);
}

// A ring that is consistent but for what its tables say.
class HostileRingTest : public ::testing::Test {
 protected:
  HostileRingTest() {
    auto ring = RingWriter::Create({.records_size = 64 << 10, .streams_max = 100});
    EXPECT_TRUE(ring.ok());
    ring->StartAt(kFirstPosition, 0);
    struct stat info {};
    EXPECT_EQ(::fstat(ring->fd(), &info), 0);
    fd_.Reset(::memfd_create("hostile", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    EXPECT_EQ(::ftruncate(fd_.get(), info.st_size), 0);
    auto mapping = Mapping::Map(fd_.get(), static_cast<size_t>(info.st_size),
                                Mapping::Access::kReadWrite, "hostile ring");
    EXPECT_TRUE(mapping.ok());
    mapping_ = std::move(*mapping);
    EXPECT_EQ(::pread(ring->fd(), mapping_.data(), kRingPage, 0), 4096);
    EXPECT_EQ(::fcntl(fd_.get(), F_ADD_SEALS,
                      F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL),
              0);
  }
  RingHeader& header() { return *reinterpret_cast<RingHeader*>(mapping_.data()); }
  template <typename T>
  T* At(uint64_t offset) {
    return reinterpret_cast<T*>(mapping_.data() + offset);
  }
  RingReader Reader() {
    auto reader = RingReader::Open(fd_);
    EXPECT_TRUE(reader.ok()) << reader.status().message();
    return std::move(*reader);
  }

  UniqueFd fd_;
  Mapping mapping_;
};

TEST_F(HostileRingTest, EndsItsSearchInAHashTableWithoutAFreeSlot) {
  auto* slots = At<uint32_t>(header().hash_offset);
  for (uint64_t i = 0; i < header().hash_slots; ++i) slots[i] = 1;
  EXPECT_EQ(Reader().FindStream("none"), std::nullopt);
  for (uint64_t i = 0; i < header().hash_slots; ++i) slots[i] = 0xFFFFFFFF;
  EXPECT_EQ(Reader().FindStream("none"), std::nullopt);
}

TEST_F(HostileRingTest, ShowsNoNameThatReachesOutOfTheNames) {
  auto* entry = At<StreamEntry>(header().streams_offset);
  header().stream_count.store(UINT64_MAX);
  EXPECT_EQ(Reader().stream_count(), 100u);
  entry->name_length = 10;
  entry->name_offset = static_cast<uint32_t>(header().names_size) - 9;
  EXPECT_EQ(Reader().Stream(0).name, "");
  entry->name_offset = 0;
  entry->name_length = 0xFFFFFFFF;
  EXPECT_EQ(Reader().Stream(0).name, "");
  EXPECT_EQ(Reader().Stream(100).id, kNoStream);
}

TEST_F(HostileRingTest, RefusesRecordsWhoseSizesCannotBe) {
  header().head.store(1);
  At<uint64_t>(header().index_offset)[1] = kFirstPosition;
  auto* record = At<RecordHeader>(header().records_offset + kFirstPosition);
  const RingReader reader = Reader();
  RecordHeader copy;
  uint64_t position = 0;
  const auto read = [&](uint32_t size, uint32_t body_length, RecordKind kind) {
    *record = {};
    record->size = size;
    record->body_length = body_length;
    record->kind = kind;
    record->sequence = 1;
    std::vector<std::byte> out;
    const Outcome outcome = reader.ReadHeader(1, &copy, &position);
    EXPECT_EQ(reader.ReadRecordAt(kFirstPosition, &out), outcome);
    EXPECT_EQ(out.empty(), outcome != Outcome::kEvent);
    return outcome;
  };
  EXPECT_EQ(read(200, 100, RecordKind::kEvent), Outcome::kEvent);
  EXPECT_EQ(read(0, 0, RecordKind::kEvent), Outcome::kCorrupt);
  EXPECT_EQ(read(96, 0, RecordKind::kEvent), Outcome::kCorrupt);
  EXPECT_EQ(read(200, 200, RecordKind::kEvent), Outcome::kCorrupt);
  EXPECT_EQ(read(200, 100, RecordKind::kNone), Outcome::kCorrupt);
  EXPECT_EQ(read(200, 100, static_cast<RecordKind>(9)), Outcome::kCorrupt);
  EXPECT_EQ(read(128 << 10, (128 << 10) - 96, RecordKind::kEvent), Outcome::kCorrupt);
  EXPECT_EQ(read(0xFFFFFFF8, 0xFFFFFF98, RecordKind::kEvent), Outcome::kCorrupt);
  EXPECT_EQ(read(88, 0xFFFFFFF8, RecordKind::kEvent), Outcome::kCorrupt);
  At<uint64_t>(header().index_offset)[1] = kFirstPosition + 1;
  EXPECT_EQ(reader.ReadHeader(1, &copy, &position), Outcome::kCorrupt);
}

// ---- the writer's side ----

TEST(RingWriterTest, RefusesAStreamThatNobodyWouldFindSoon) {
  // Fills the ring's hash around one slot, as somebody would who looks for such names.
  auto ring = RingWriter::Create({.records_size = 64 << 10, .streams_max = 20'000});
  ASSERT_TRUE(ring.ok());
  ring->StartAt(kFirstPosition, 0);
  StreamDirectory streams(ring->names(), 20'000);
  const uint64_t slots = 65536;
  const auto home = [&](const std::string& name) { return StreamHash(name) & (slots - 1); };
  uint64_t taken = 0;
  for (uint64_t i = 0; taken < kHashProbesMax + 64; ++i) {
    const std::string name = "n" + std::to_string(i);
    if (home(name) >= 64) continue;
    ASSERT_NE(streams.FindOrAdd(name), kNoStream);
    ++taken;
  }
  EXPECT_TRUE(ring->HasRoomForStream("before they are published"));
  ring->FinishLoading(streams);
  std::string hostile;
  for (uint64_t i = 0; hostile.empty() || home(hostile) != 63; ++i)
    hostile = "m" + std::to_string(i);
  EXPECT_FALSE(ring->HasRoomForStream(hostile));
  std::string harmless;
  for (uint64_t i = 0; harmless.empty() || home(harmless) < 10'000; ++i)
    harmless = "k" + std::to_string(i);
  EXPECT_TRUE(ring->HasRoomForStream(harmless));
}

}  // namespace
}  // namespace roost
