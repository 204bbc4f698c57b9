// What tests of the log share: a scratch directory, events made in a line, and a log opened on it.
#ifndef ROOST_TESTS_LOG_LOG_FIXTURE_H_
#define ROOST_TESTS_LOG_LOG_FIXTURE_H_

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/unique_fd.h"
#include "log/log_writer.h"
#include "log/record.h"
#include "log/ring_reader.h"
#include "schemas/event_generated.h"

namespace roost {

// An event's body and what the broker takes from it.
struct TestEvent {
  TestEvent(std::string stream_name, std::string_view data, std::string_view type = "tested",
            std::string_view agent = "tester", std::string_view id = "")
      : stream(std::move(stream_name)) {
    flatbuffers::FlatBufferBuilder builder;
    const auto bytes =
        builder.CreateVector(reinterpret_cast<const uint8_t*>(data.data()), data.size());
    const auto stream_offset = builder.CreateString(stream);
    const auto type_offset = builder.CreateString(type.data(), type.size());
    const auto agent_offset = builder.CreateString(agent.data(), agent.size());
    flatbuffers::Offset<flatbuffers::String> id_offset;
    if (!id.empty()) id_offset = builder.CreateString(id.data(), id.size());
    wire::EventBuilder event(builder);
    event.add_stream(stream_offset);
    event.add_type(type_offset);
    event.add_agent(agent_offset);
    event.add_data(bytes);
    if (!id.empty()) event.add_id(id_offset);
    builder.Finish(event.Finish());
    const auto* begin = reinterpret_cast<const std::byte*>(builder.GetBufferPointer());
    body.assign(begin, begin + builder.GetSize());
    to_stage.type_hash = FilterHash(type);
    to_stage.agent_hash = FilterHash(agent);
    to_stage.has_id = !id.empty();
  }
  EventToStage Staged() const {
    EventToStage staged = to_stage;
    staged.body = body;
    staged.stream = stream;
    return staged;
  }

  std::string stream;
  std::vector<std::byte> body;
  EventToStage to_stage;
};

// What a record says, for comparing.
struct SeenEvent {
  uint64_t sequence = 0;
  uint64_t revision = 0;
  std::string stream;
  std::string data;
  bool operator==(const SeenEvent&) const = default;
};

inline SeenEvent Seen(const RecordHeader& header, Bytes body) {
  const wire::Event* event = DecodeEventBody(body);
  if (event == nullptr) return {};
  const auto* data = event->data();
  return {header.sequence, header.revision, event->stream()->str(),
          std::string(reinterpret_cast<const char*>(data->data()), data->size())};
}

class SeenEvents : public RecoveryObserver {
 public:
  void OnEvent(const RecordHeader& header, Bytes body) override {
    events.push_back(Seen(header, body));
  }
  std::vector<SeenEvent> events;
};

// A directory that goes with the test. In memory, where there is such a place, for tests that sync
// thousands of times and are not about the disk.
class ScratchDirectory {
 public:
  enum class Place { kDisk, kMemory };
  explicit ScratchDirectory(Place place = Place::kDisk) {
    static int count = 0;
    const bool in_memory = place == Place::kMemory && ::access("/dev/shm", W_OK) == 0;
    path_ = (in_memory ? "/dev/shm/" : ::testing::TempDir()) + "roost-log-" +
            std::to_string(::getpid()) + "-" + std::to_string(count++);
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
    ::chmod(path_.c_str(), 0700);
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
inline void WriteFile(const std::string& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}
// Changes bytes in the middle of a file.
inline void Overwrite(const std::string& path, uint64_t offset, std::string_view bytes) {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(file.valid()) << path;
  ASSERT_EQ(::pwrite(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)),
            static_cast<ssize_t>(bytes.size()));
}

// A log with small rings and segments, which can be closed, killed and opened again.
class LogFixture : public ::testing::Test {
 protected:
  explicit LogFixture(ScratchDirectory::Place place = ScratchDirectory::Place::kDisk)
      : scratch_(place) {
    options_.directory = scratch_.path() + "/data";
    options_.ring_bytes = 64 << 10;
    options_.segment_bytes = 64 << 10;
    options_.streams_max = 1000;
  }

  Status TryOpen() {
    seen_.events.clear();
    report_ = {};
    auto log = LogWriter::Open(options_, "/tmp/test.sock", &seen_, &report_);
    if (!log.ok()) return log.status();
    log_ = std::move(*log);
    return {};
  }
  void Open() {
    const Status status = TryOpen();
    ASSERT_TRUE(status.ok()) << status.message();
  }
  // As kill -9 does: whatever is in the files stays, nothing is said.
  void Kill() { log_.reset(); }
  void Close() {
    const Status status = log_->Close();
    ASSERT_TRUE(status.ok()) << status.message();
    log_.reset();
  }

  StageOutcome Stage(const std::vector<TestEvent>& events) {
    std::vector<EventToStage> staged;
    for (const TestEvent& event : events) staged.push_back(event.Staged());
    return log_->Stage(staged, {.session = 7, .request = 8, .uid = 9, .time_ns = ++time_ns_},
                       &place_);
  }
  Status TryAppend(const std::vector<TestEvent>& events) {
    const StageOutcome outcome = Stage(events);
    EXPECT_EQ(outcome, StageOutcome::kStaged);
    return log_->Commit();
  }
  void Append(const std::vector<TestEvent>& events) {
    const Status status = TryAppend(events);
    ASSERT_TRUE(status.ok()) << status.message();
  }
  void Append(const std::string& stream, std::string_view data) {
    Append({TestEvent(stream, data)});
  }

  RingReader Reader() {
    const UniqueFd fd(::fcntl(log_->ring_fd(), F_DUPFD_CLOEXEC, 0));
    auto reader = RingReader::Open(fd);
    EXPECT_TRUE(reader.ok()) << reader.status().message();
    return std::move(*reader);
  }
  // Event `sequence` as a client reads it from the ring; sequence 0 when it is not there.
  static SeenEvent Read(const RingReader& reader, uint64_t sequence) {
    RecordHeader header;
    uint64_t position = 0;
    if (reader.ReadHeader(sequence, &header, &position) != RingReader::Outcome::kEvent) return {};
    std::vector<std::byte> record;
    if (reader.ReadRecordAt(position, &record) != RingReader::Outcome::kEvent) return {};
    EXPECT_TRUE(RecordIsSound(record));
    return Seen(header, Bytes(record).subspan(kRecordHeaderBytes, header.body_length));
  }

  std::string SegmentPath(uint64_t base_sequence) const {
    char name[64];
    std::snprintf(name, sizeof(name), "/%020llu.segment",
                  static_cast<unsigned long long>(base_sequence));
    return options_.directory + name;
  }

  ScratchDirectory scratch_;
  LogOptions options_;
  SeenEvents seen_;
  RecoveryReport report_;
  std::unique_ptr<LogWriter> log_;
  BatchPlace place_;
  uint64_t time_ns_ = 0;
};

}  // namespace roost

#endif  // ROOST_TESTS_LOG_LOG_FIXTURE_H_
