// A data directory, plain or compressed, with files that were changed: words, blocks, lengths, names, with checksums put
// right or not. What is in it is read by everything that reads journals. No reader returns a record whose checksum is
// wrong; a start refuses or finds a front of the log; where `verify` finds no error a start goes well; and after a start
// that accepts the damage the log takes events, is in order, and stays as it is.
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/crc32c.h"
#include "log/data_directory.h"
#include "log/log_writer.h"
#include "log/record.h"
#include "log/segment_compactor.h"
#include "log/segment_file.h"
#include "log/segment_reader.h"
#include "log/verify.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/log/log_fixture.h"

namespace roost {
namespace {

using Files = std::map<std::string, std::string>;

constexpr size_t kBlock = 512;
constexpr size_t kEvents = 15;

LogOptions OptionsFor(const std::string& directory) {
  LogOptions options;
  options.directory = directory;
  options.ring_bytes = 256 << 10;  // a batch may have a quarter of it
  options.segment_bytes = kSegmentBytesMin;
  options.streams_max = 64;
  return options;
}

Status Append(LogWriter* log, const std::string& stream, size_t bytes) {
  const TestEvent event(stream, std::string(bytes, 'x'));
  const EventToStage staged = event.Staged();
  BatchPlace place;
  const StageOutcome outcome = log->Stage({&staged, 1}, {1, 1, 1, 1}, &place);
  ROOST_CHECK(outcome == StageOutcome::kStaged, "{}", static_cast<int>(outcome));
  return log->Commit();
}

// The files of a journal of three segments, and the events in it.
struct Original {
  Files files;
  std::vector<SeenEvent> events;
};

enum class Kind { kKilled, kClosed, kCompressed };

void Compress(const std::string& directory) {
  const auto data = DataDirectory::Open(directory, "/nowhere");
  ROOST_CHECK(data.ok(), "{}", data.status().message());
  const auto plan = PlanCompaction(directory, 0);
  ROOST_CHECK(plan.ok() && !plan->names.empty());
  for (const std::string& name : plan->names) {
    const auto outcome = CompactSegment(*data, name, kCompactionLevelDefault);
    ROOST_CHECK(outcome.ok() && outcome->compressed);
  }
}

Original MakeOriginal(const std::string& directory, Kind kind) {
  std::filesystem::remove_all(directory);
  auto log = LogWriter::Open(OptionsFor(directory), "/nowhere", nullptr, nullptr).value();
  for (size_t i = 0; i < kEvents; ++i) {
    // The large ones fill a segment up.
    ROOST_CHECK(Append(log.get(), i % 2 == 0 ? "a" : "tasks/1", i % 3 == 2 ? 29'000 : i * 10).ok());
    ROOST_CHECK(log->MaintainJournal().ok());
  }
  ROOST_CHECK(log->SyncJournal().ok());
  ROOST_CHECK(Append(log.get(), "b", 1).ok());
  if (kind != Kind::kKilled) ROOST_CHECK(log->Close().ok());
  log.reset();
  if (kind == Kind::kCompressed) Compress(directory);
  Original original;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    original.files[entry.path().filename()] = ReadFile(entry.path());
  }
  SeenEvents seen;
  ROOST_CHECK(LogWriter::Open(OptionsFor(directory), "/nowhere", &seen, nullptr).ok());
  original.events = seen.events;
  ROOST_CHECK(original.events.size() == kEvents + 1 && original.files.size() >= 5);
  return original;
}

// nullptr: there is none, or not where it could be aligned.
template <typename T>
T* At(std::string* bytes, size_t offset) {
  if (offset + sizeof(T) > bytes->size() || !IsAligned(offset, alignof(T))) return nullptr;
  return reinterpret_cast<T*>(bytes->data() + offset);
}

template <typename T>
uint32_t ChecksumOf(const T& value, uint32_t before = 0) {
  return Crc32c(before, std::as_bytes(std::span(&value, 1)).first(sizeof(T) - sizeof(uint32_t)));
}

// What was changed on purpose looks right again.
void PutChecksumsRight(const std::string& name, std::string* bytes) {
  if (name == "identity") {
    if (auto* identity = At<IdentityFile>(bytes, 0)) identity->crc32c = ChecksumOf(*identity);
    return;
  }
  if (auto* header = At<SegmentHeader>(bytes, 0)) header->crc32c = ChecksumOf(*header);
  if (auto* mark = At<SyncMark>(bytes, kSyncMarkOffset)) {
    if (mark->position != 0) mark->crc32c = ChecksumOf(*mark);
  }
  size_t offset = kSegmentHeaderBytes;
  while (auto* record = At<RecordHeader>(bytes, offset)) {
    if (record->size < kRecordHeaderBytes || record->size > bytes->size() - offset) break;
    record->crc32c = RecordChecksum(AsBytes(*bytes).subspan(offset, record->size));
    offset += AlignUp(record->size, kRecordAlignment);
  }
  if (bytes->size() < kSegmentHeaderBytes + sizeof(SegmentFooter)) return;
  auto* footer = At<SegmentFooter>(bytes, bytes->size() - sizeof(SegmentFooter));
  if (footer == nullptr || footer->magic != kFooterMagic) return;
  const uint64_t index_bytes = footer->index_count * sizeof(IndexEntry);
  if (footer->index_count > 1000 || index_bytes + sizeof(*footer) > bytes->size()) return;
  const Bytes index =
      AsBytes(*bytes).subspan(bytes->size() - sizeof(*footer) - index_bytes, index_bytes);
  footer->crc32c = ChecksumOf(*footer, Crc32c(0, index));
}

// Where something is: header, mark, a record's header, the footer.
size_t PlaceToChange(FuzzInput* input, const std::string& bytes) {
  const size_t near = input->Take<uint16_t>();
  switch (input->Below(4)) {
    case 0:
      return near % std::min<size_t>(bytes.size(), 600);
    case 1:
      return bytes.size() - 1 - near % std::min<size_t>(bytes.size(), 200);
    case 2:
      return std::min(bytes.size() - 1, kSegmentHeaderBytes + near % 1200);
    default:
      return near % bytes.size();
  }
}

class FuzzedDirectory {
 public:
  explicit FuzzedDirectory(const Original& original) : files_(original.files) {}

  bool has_forged() const { return has_forged_; }

  void Change(FuzzInput* input) {
    if (files_.empty()) return;
    auto chosen = std::next(files_.begin(), static_cast<ptrdiff_t>(input->Below(files_.size())));
    std::string& bytes = chosen->second;
    const size_t kind = input->Below(9);
    if (bytes.empty()) return;
    const size_t place = PlaceToChange(input, bytes);
    const size_t block = place / kBlock * kBlock;
    const size_t block_size = std::min(kBlock, bytes.size() - block);
    switch (kind) {
      case 0:
        bytes[place] = static_cast<char>(input->Byte());
        break;
      case 1: {
        const auto word = input->Take<uint64_t>();
        std::memcpy(bytes.data() + place / 8 * 8, &word,
                    std::min<size_t>(8, bytes.size() - place / 8 * 8));
        break;
      }
      case 2:
        std::fill_n(bytes.begin() + static_cast<long>(block), block_size, '\0');
        break;
      case 3:
        bytes.resize(place);
        break;
      case 4:
        bytes.insert(block, bytes.substr(block, block_size));
        break;
      case 5:
        files_.erase(chosen);
        break;
      case 6: {
        // Another's bytes under this name.
        const auto other =
            std::next(files_.begin(), static_cast<ptrdiff_t>(input->Below(files_.size())));
        has_forged_ = true;  // its checksums are right, in the wrong place
        bytes = std::string(other->second);
        break;
      }
      case 7:
        bytes[place] = static_cast<char>(bytes[place] + static_cast<char>(input->Byte()));
        has_forged_ = true;
        PutChecksumsRight(chosen->first, &bytes);
        break;
      case 8:
        bytes.append(input->Byte(), '\0');
        break;
    }
  }

  void Write(const std::string& directory) const {
    std::filesystem::remove_all(directory);
    std::filesystem::create_directory(directory);
    ::chmod(directory.c_str(), 0700);
    for (const auto& [name, bytes] : files_) {
      WriteFile(directory + "/" + name, bytes);
      ::chmod((directory + "/" + name).c_str(), 0600);
    }
  }

 private:
  Files files_;
  bool has_forged_ = false;
};

void ReadSegments(const std::string& directory) {
  const auto files = ListSegments(directory);
  if (!files.ok()) return;
  for (const SegmentFile& file : *files) {
    UniqueFd fd(::open(file.path.c_str(), O_RDONLY | O_CLOEXEC));
    auto segment = SegmentReader::Open(std::move(fd), file.path);
    if (!segment.ok()) continue;
    uint64_t position = segment->base_position();
    std::vector<std::byte> record;
    for (size_t i = 0; i < 1000; ++i) {
      record.clear();
      RecordHeader header;
      if (segment->ReadHeaderAt(position, &header) != SegmentReader::Outcome::kRecord) break;
      const auto outcome = segment->ReadRecordAt(position, &record);
      if (outcome == SegmentReader::Outcome::kRecord) {
        ROOST_CHECK(RecordIsSound(record), "{} at {}", file.path, position);
      } else {
        ROOST_CHECK(record.empty());
      }
      position += header.size;
    }
    for (uint64_t sequence = 0; sequence < kEvents + 3; ++sequence) {
      const auto found = segment->FindSequence(sequence);
      if (!found.ok()) continue;
      RecordHeader header;
      if (segment->ReadHeaderAt(*found, &header) == SegmentReader::Outcome::kRecord) {
        ROOST_CHECK(header.sequence == sequence, "{} is not {}", header.sequence, sequence);
      }
    }
  }
}

// Each event that was found is the one that was written, and they are in order; without a gap but before the first,
// since retention, too, takes the oldest segments.
void CheckEvents(const std::vector<SeenEvent>& seen, const std::vector<SeenEvent>& written,
                 bool is_front) {
  uint64_t last = 0;
  for (const SeenEvent& event : seen) {
    ROOST_CHECK(event.sequence > last && (!is_front || last == 0 || event.sequence == last + 1));
    last = event.sequence;
    if (event.sequence > written.size()) continue;
    ROOST_CHECK(event == written[event.sequence - 1], "event {} is another", event.sequence);
  }
}

class Starts {
 public:
  Starts(std::string directory, const Original& original, bool has_forged)
      : directory_(std::move(directory)), original_(original), has_forged_(has_forged) {}

  // As `roostd` without and, if need be, with --accept-damage.
  void Try(bool is_verified) {
    const Status refused = Start(/*accept_damage=*/false);
    if (refused.ok()) return;
    ROOST_CHECK(!is_verified, "{}", refused.message());
    ROOST_CHECK(!refused.message().empty());
    if (Start(/*accept_damage=*/true).ok()) CheckAccepted();
  }

 private:
  Status Start(bool accept_damage) {
    LogOptions options = OptionsFor(directory_);
    options.accept_damage = accept_damage;
    SeenEvents seen;
    RecoveryReport report;
    auto log = LogWriter::Open(options, "/nowhere", &seen, &report);
    if (!log.ok()) return log.status();
    if (!has_forged_ && !has_accepted_) CheckEvents(seen.events, original_.events, !accept_damage);
    has_accepted_ = has_accepted_ || accept_damage;  // from now on numbers may be given out again
    const Status appended = Append(log->get(), "new", 10);
    ROOST_CHECK(appended.ok(), "{}", appended.message());
    head_ = (*log)->head();
    ROOST_CHECK(head_ > (seen.events.empty() ? 0 : seen.events.back().sequence));
    found_ = std::move(seen.events);
    const Status closed = (*log)->Close();
    ROOST_CHECK(closed.ok(), "{}", closed.message());
    return {};
  }

  void CheckAccepted() {
    const auto found = std::move(found_);
    const uint64_t head = head_;
    const Status again = Start(/*accept_damage=*/false);
    ROOST_CHECK(again.ok(), "{}", again.message());
    ROOST_CHECK(found_.size() == found.size() + 1 && head_ == head + 1);
    ROOST_CHECK(std::equal(found.begin(), found.end(), found_.begin()));
  }

  const std::string directory_;
  const Original& original_;
  const bool has_forged_;
  std::vector<SeenEvent> found_;
  bool has_accepted_ = false;
  uint64_t head_ = 0;
};

void Try(FuzzInput input) {
  static const ScratchDirectory scratch(ScratchDirectory::Place::kMemory);
  static const std::string directory = scratch.path() + "/data";
  static const std::array<Original, 3> originals = {MakeOriginal(directory, Kind::kKilled),
                                                    MakeOriginal(directory, Kind::kClosed),
                                                    MakeOriginal(directory, Kind::kCompressed)};
  const Original& original = originals[input.Below(originals.size())];
  FuzzedDirectory fuzzed(original);
  const size_t changes = input.Below(8);
  for (size_t i = 0; i < changes; ++i) fuzzed.Change(&input);
  fuzzed.Write(directory);
  ReadSegments(directory);
  const auto report = VerifyJournal(directory);
  Starts(directory, original, fuzzed.has_forged()).Try(report.ok() && report->errors == 0);
}

}  // namespace
}  // namespace roost

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  roost::Try(roost::FuzzInput(data, size));
  return 0;
}
