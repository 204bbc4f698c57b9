// Retention: old segments go, and what their events came to stays.
#include "log/retention.h"

#include <gtest/gtest.h>

#include <random>

#include <fmt/core.h>

#include "log/checkpoint_file.h"
#include "log/log_fold.h"
#include "log/segment_file.h"
#include "log/segment_reader.h"
#include "log/state_codec.h"
#include "log/stream_checkpoint.h"
#include "log/verify.h"
#include "tests/log/log_fixture.h"
#include "tests/log/test_scale.h"

namespace roost {
namespace {

uint64_t clock_ns = 0;
uint64_t HandDrivenNs() { return clock_ns; }

// Saves how many events it has seen, and the sum of their revisions: a state that events make.
class Counting : public SeenEvents {
 public:
  void OnEvent(const RecordHeader& header, Bytes body) override {
    SeenEvents::OnEvent(header, body);
    ++count;
    sum += header.revision;
  }
  void SaveState(std::vector<StateSection>* sections) const override {
    StateWriter out;
    out.Number(count);
    out.Number(sum);
    sections->push_back({SectionKind::kLeases, out.Take()});
  }
  Status LoadState(const Checkpoint& checkpoint) override {
    const auto* section = checkpoint.view.Find(SectionKind::kLeases);
    if (section == nullptr) return checkpoint.Damaged(SectionKind::kLeases);
    StateReader in(section->bytes);
    count = in.Number();
    sum = in.Number();
    return in.AtEnd() ? Status() : checkpoint.Damaged(SectionKind::kLeases);
  }
  uint64_t count = 0;
  uint64_t sum = 0;
};

class RetentionTest : public LogFixture {
 protected:
  RetentionTest() {
    options_.retain_bytes = 3 * options_.segment_bytes;
    options_.now_ns = &HandDrivenNs;
  }

  void Open() {
    const Status status = TryOpen();
    ASSERT_TRUE(status.ok()) << status.message();
  }
  Status TryOpen() {
    counting_ = Counting();
    report_ = {};
    auto log = LogWriter::Open(options_, "/tmp/test.sock", &counting_, &report_);
    if (!log.ok()) return log.status();
    log_ = std::move(*log);
    return {};
  }
  void Reopen() {
    Kill();
    Open();
  }
  // Small batches over 20 streams, and some over streams that come only once.
  void AppendMany(int batches) {
    for (int i = 0; i < batches; ++i) {
      const std::string name = random_() % 8 == 0 ? "once" + std::to_string(random_() % 500)
                                                  : "s" + std::to_string(random_() % 20);
      Append({TestEvent(name, std::string(random_() % 900, 'x')), TestEvent("t", "y")});
      ASSERT_TRUE(log_->MaintainJournal().ok());
    }
  }
  RetentionRound Retain() {
    auto round = log_->Retain([] { return std::make_unique<Counting>(); });
    EXPECT_TRUE(round.ok()) << round.status().message();
    return round.ok() ? *round : RetentionRound();
  }
  std::vector<std::string> Files(std::string_view suffix) const {
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::directory_iterator(options_.directory)) {
      if (entry.path().string().ends_with(suffix)) paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    return paths;
  }
  // Without next.segment.
  std::vector<std::string> Segments() const {
    auto paths = Files(".segment");
    std::erase_if(paths, [](const std::string& path) { return path.ends_with("next.segment"); });
    return paths;
  }
  std::string OneCheckpoint() const {
    const auto paths = Files(".checkpoint");
    EXPECT_EQ(paths.size(), 1u);
    return paths.empty() ? "" : paths[0];
  }
  static uint64_t BytesOf(const std::vector<std::string>& paths) {
    uint64_t bytes = 0;
    for (const std::string& path : paths) bytes += std::filesystem::file_size(path);
    return bytes;
  }
  // What is known of each stream, to compare.
  std::string AllStreams() {
    std::string all;
    const RingReader ring = Reader();
    for (uint32_t id = 0; id < ring.stream_count(); ++id) {
      const StreamSummary stream = ring.Stream(id);
      all += fmt::format("{} {} {} {} {}\n", stream.name, stream.revision, stream.last_position,
                         stream.last_sequence, log_->RevisionOf(stream.name));
    }
    return all;
  }

  Counting counting_;
  std::mt19937_64 random_{7};
};

TEST_F(RetentionTest, DeletesTheOldestSegmentsAndKeepsWhatTheyCameTo) {
  Open();
  AppendMany(800);
  const uint64_t head = log_->head();
  const std::string streams = AllStreams();
  const size_t before = Segments().size();
  RetentionRound round = Retain();
  EXPECT_GT(round.segments, 2u);
  EXPECT_EQ(Segments().size(), before - round.segments);
  // The first checkpoint counts too, as soon as its size is known.
  for (RetentionRound more = Retain(); more.segments > 0; more = Retain()) round = more;
  EXPECT_LE(BytesOf(Segments()) + BytesOf(Files(".checkpoint")), options_.retain_bytes);
  EXPECT_EQ(Reader().log_oldest(), std::min(round.oldest, Reader().oldest()));
  EXPECT_EQ(AllStreams(), streams);

  Kill();
  Open();
  EXPECT_EQ(log_->head(), head);
  EXPECT_EQ(Reader().log_oldest(), round.oldest);
  EXPECT_EQ(AllStreams(), streams);
  EXPECT_EQ(counting_.count, head);
  ASSERT_FALSE(counting_.events.empty());
  EXPECT_EQ(counting_.events.front().sequence, round.oldest);
  Append("s1", "on it goes");
  EXPECT_EQ(log_->head(), head + 1);
}

TEST_F(RetentionTest, LeavesALogThatGoesOnAsIfNothingHadBeenDeleted) {
  Open();
  for (int round = 0; round < 6; ++round) {
    AppendMany(250);
    Retain();
    if (round % 2 == 1) Reopen();
  }
  Close();
  const auto verified = VerifyJournal(options_.directory);
  ASSERT_TRUE(verified.ok()) << verified.status().message();
  EXPECT_EQ(verified->errors, 0u) << (verified->findings.empty() ? "" : verified->findings[0].text);
  EXPECT_EQ(verified->warnings, 0u);
  EXPECT_GT(verified->first_sequence, 1u);
}

TEST_F(RetentionTest, FoldsTheSameWhateverTheBoundaries) {
  Open();
  AppendMany(1200);
  Close();
  auto segments = Segments();
  ASSERT_GE(segments.size(), 6u);
  auto newest = SegmentReader::Open(UniqueFd(::open(segments.back().c_str(), O_RDONLY)), "newest");
  ASSERT_TRUE(newest.ok());
  segments.pop_back();
  const uint8_t log_id[16] = {1};
  const auto header_of = [&](size_t index) {
    if (index == segments.size()) return newest->header();
    auto reader = SegmentReader::Open(UniqueFd(::open(segments[index].c_str(), O_RDONLY)), "");
    return reader.ok() ? reader->header() : SegmentHeader{};
  };
  const auto fold = [&](const std::vector<std::byte>& before, size_t from, size_t to) {
    Counting counting;
    auto folded = LogFold::Begin(1000, &counting);
    EXPECT_TRUE(folded.ok());
    if (!before.empty()) {
      Checkpoint checkpoint;
      checkpoint.bytes = before;
      checkpoint.view = *ParseCheckpoint(checkpoint.bytes, "before");
      const Status loaded = (*folded)->Load(checkpoint);
      EXPECT_TRUE(loaded.ok()) << loaded.message();
    }
    for (size_t i = from; i < to; ++i) {
      const UniqueFd fd(::open(segments[i].c_str(), O_RDONLY));
      const Status taken = (*folded)->Take(fd.get(), segments[i]);
      EXPECT_TRUE(taken.ok()) << taken.message();
    }
    auto file = (*folded)->MakeFile(log_id, header_of(to));
    EXPECT_TRUE(file.ok()) << file.status().message();
    return *file;
  };
  const auto whole = fold({}, 0, segments.size());
  for (size_t boundary = 1; boundary < segments.size(); ++boundary) {
    EXPECT_TRUE(fold(fold({}, 0, boundary), boundary, segments.size()) == whole) << boundary;
  }
}

TEST_F(RetentionTest, NamesTheOldestEventThatEachStreamStillHas) {
  Open();
  Append("gone", "x");
  AppendMany(600);
  const uint64_t oldest = Retain().oldest;
  const uint64_t kept = log_->KeptFrom("t");
  EXPECT_EQ(kept, (oldest - 2) / 2 + 1) << "each batch but the first event has one of t";
  EXPECT_EQ(log_->KeptFrom("gone"), 2u) << "all of its events are gone";
  EXPECT_EQ(log_->KeptFrom("never"), 1u);
  Reopen();
  EXPECT_EQ(log_->KeptFrom("t"), kept);
  EXPECT_EQ(log_->KeptFrom("gone"), 2u);
  Append("gone", "again");
  EXPECT_EQ(log_->RevisionOf("gone"), 2u);
  EXPECT_EQ(log_->KeptFrom("gone"), 2u);
}

TEST_F(RetentionTest, LeavesNothingToWhoHasTheSegmentOpen) {
  Open();
  AppendMany(600);
  UniqueFd fd(::open(SegmentPath(1).c_str(), O_RDONLY));
  auto reader = SegmentReader::Open(UniqueFd(::dup(fd.get())), "old");
  ASSERT_TRUE(reader.ok());
  RecordHeader header;
  ASSERT_EQ(reader->ReadHeaderAt(kFirstPosition, &header), SegmentReader::Outcome::kRecord);
  Retain();
  reader->Release();
  EXPECT_EQ(reader->ReadHeaderAt(kFirstPosition, &header), SegmentReader::Outcome::kGone);
  struct stat info {};
  ASSERT_EQ(::fstat(fd.get(), &info), 0);
  EXPECT_EQ(info.st_blocks, 0);
  EXPECT_EQ(SegmentReader::Open(std::move(fd), "old").status().code(), StatusCode::kGone);
  EXPECT_EQ(log_->FindSegment(1, 0).status().code(), StatusCode::kGone);
  EXPECT_EQ(log_->FindSegment(0, kFirstPosition).status().code(), StatusCode::kGone);
}

// ---- age ----

TEST_F(RetentionTest, CountsAgeByTheTimeThatBrokersRan) {
  options_.retain_bytes = 0;
  options_.retain_age_ns = 1000 * kNsPerSecond;
  clock_ns = 5'000'000 * kNsPerSecond;
  Open();
  AppendMany(300);
  clock_ns += 600 * kNsPerSecond;
  EXPECT_EQ(Retain().segments, 0u);
  AppendMany(150);
  Close();
  clock_ns += 1'000'000 * kNsPerSecond;  // while it does not run
  Open();
  const size_t segments = Segments().size();
  EXPECT_EQ(Retain().segments, 0u);
  clock_ns += 401 * kNsPerSecond;
  // The first ones are 1001 s old, those of the second time 401.
  const RetentionRound round = Retain();
  EXPECT_GT(round.segments, 0u);
  EXPECT_LT(round.segments, segments - 1);
  clock_ns += 600 * kNsPerSecond;
  EXPECT_GT(Retain().segments, 0u);
}

TEST_F(RetentionTest, ClosesASegmentEarlySoThatItsEventsGrowOld) {
  options_.retain_bytes = 0;
  options_.retain_age_ns = 100 * kNsPerSecond;
  Open();
  Append("a", "first");
  clock_ns += 30 * kNsPerSecond;
  Retain();
  EXPECT_EQ(Segments().size(), 1u);
  Append("a", "second");
  ASSERT_TRUE(log_->MaintainJournal().ok());
  EXPECT_EQ(Retain().segments, 0u);
  clock_ns += 100 * kNsPerSecond;
  const RetentionRound round = Retain();
  EXPECT_EQ(round.segments, 1u);
  EXPECT_EQ(round.oldest, 2u);
  EXPECT_EQ(log_->RevisionOf("a"), 2u);
}

// ---- what a crash or rot leaves ----

TEST_F(RetentionTest, FinishesADeletionThatWasInterrupted) {
  Open();
  AppendMany(500);
  ASSERT_TRUE(log_->SyncJournal().ok());
  const ScratchDirectory kept;
  std::filesystem::copy(options_.directory, kept.path() + "/data");
  const RetentionRound round = Retain();
  ASSERT_GE(round.segments, 3u);
  Kill();
  // As if killed behind step 2, one segment cut, and a second checkpoint begun.
  for (const auto& entry : std::filesystem::directory_iterator(kept.path() + "/data")) {
    const std::string path = options_.directory + "/" + entry.path().filename().string();
    if (path.ends_with(".segment"))
      std::filesystem::copy_file(entry.path(), path, std::filesystem::copy_options::skip_existing);
  }
  std::filesystem::resize_file(SegmentPath(1), 0);
  WriteFile(options_.directory + "/checkpoint.new", "half");
  const auto verified = VerifyJournal(options_.directory);
  ASSERT_TRUE(verified.ok());
  EXPECT_EQ(verified->errors, 0u);
  EXPECT_EQ(verified->warnings, round.segments);

  Open();
  EXPECT_EQ(Reader().log_oldest(), round.oldest);
  EXPECT_FALSE(std::filesystem::exists(SegmentPath(1)));
  EXPECT_FALSE(std::filesystem::exists(options_.directory + "/checkpoint.new"));
  EXPECT_EQ(VerifyJournal(options_.directory)->warnings, 0u);
}

TEST_F(RetentionTest, RefusesADamagedCheckpointAndSaysWhere) {
  Open();
  AppendMany(500);
  Retain();
  Close();
  const std::string path = OneCheckpoint();
  const std::string sound = ReadFile(path);
  const uint64_t step = Scaled({1, 7, 61});
  for (uint64_t bit = 0; bit < 8 * sound.size(); bit += bit < 8 * 200 ? 1 : step) {
    std::string bytes = sound;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(ParseCheckpoint(AsBytes(bytes), "c").ok()) << bit;
  }
  for (const size_t size : {size_t{0}, size_t{10}, sound.size() / 2, sound.size() - 1}) {
    WriteFile(path, sound.substr(0, size));
    const Status status = TryOpen();
    EXPECT_EQ(status.code(), StatusCode::kCorruption) << size;
    EXPECT_NE(status.message().find(path + " at offset"), std::string::npos) << status.message();
    const auto verified = VerifyJournal(options_.directory);
    ASSERT_TRUE(verified.ok());
    EXPECT_GT(verified->errors, 0u);
    EXPECT_EQ(verified->findings[0].file, path);
  }
  WriteFile(path, sound + "more");
  EXPECT_EQ(TryOpen().code(), StatusCode::kCorruption);

  // Accepted, the log begins with its first segment, and the next start finds nothing wrong with that.
  options_.accept_damage = true;
  Open();
  EXPECT_NE(report_.damage, "");
  EXPECT_TRUE(std::filesystem::exists(path + ".damaged"));
  Close();
  options_.accept_damage = false;
  Open();
  EXPECT_EQ(VerifyJournal(options_.directory)->errors, 0u);
}

TEST_F(RetentionTest, NeedsNoDamagedCheckpointWhileTheSegmentsAreThere) {
  Open();
  AppendMany(500);
  const uint64_t head = log_->head();
  Kill();
  const std::string path = options_.directory + "/" + CheckpointName(100);
  WriteFile(path, "rot");
  EXPECT_EQ(VerifyJournal(options_.directory)->errors, 1u);
  Open();
  EXPECT_EQ(log_->head(), head);
  EXPECT_EQ(counting_.events.size(), head);
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_NE(report_.cut.find(path), std::string::npos) << report_.cut;
}

TEST_F(RetentionTest, GoesBackToTheCheckpointBeforeWhileItsSegmentsAreThere) {
  Open();
  AppendMany(500);
  Retain();
  AppendMany(100);
  Kill();
  const uint64_t newest =
      *ParseSegmentName(std::filesystem::path(Segments().back()).filename().string());
  const std::string path = options_.directory + "/" + CheckpointName(newest);
  WriteFile(path, "rot");
  Open();
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_EQ(counting_.count, log_->head());
}

TEST_F(RetentionTest, RefusesALogWithoutItsBeginning) {
  Open();
  AppendMany(500);
  Close();
  std::filesystem::remove(SegmentPath(1));
  const Status status = TryOpen();
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_NE(status.message().find("no checkpoint"), std::string::npos) << status.message();
  EXPECT_EQ(VerifyJournal(options_.directory)->errors, 1u);
}

TEST_F(RetentionTest, DeletesNothingOfWhatIsDamaged) {
  Open();
  AppendMany(500);
  Overwrite(SegmentPath(1), 20'000, "damage");
  const auto round = log_->Retain([] { return std::make_unique<Counting>(); });
  EXPECT_EQ(round.status().code(), StatusCode::kCorruption);
  EXPECT_NE(round.status().message().find(SegmentPath(1) + " at offset"), std::string::npos)
      << round.status().message();
  EXPECT_TRUE(std::filesystem::exists(SegmentPath(1)));
  EXPECT_TRUE(Files(".checkpoint").empty());
}

}  // namespace
}  // namespace roost
