// A checkpoint that somebody has written to. As a file: what is taken has its sections within it, each kind once. As
// sections with the right checksums, which a hand that can write there can make: what is loaded, saved and loaded
// again is the same, and streams stay within their bounds.
#include <sodium.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/check.h"
#include "broker/folded_state.h"
#include "log/checkpoint_file.h"
#include "log/stream_checkpoint.h"
#include "tests/fuzz/fuzz_input.h"

namespace roost {
namespace {

constexpr char kName[] = "some.checkpoint";
constexpr uint64_t kStreamsMax = 64;
constexpr uint64_t kFirstSequence = 1'000'000;

void TryFile(Bytes file) {
  const auto view = ParseCheckpoint(file, kName);
  if (!view.ok()) {
    ROOST_CHECK(view.status().message().find(kName) != std::string::npos);
    return;
  }
  uint64_t end = file.size();
  for (auto section = view->sections.rbegin(); section != view->sections.rend(); ++section) {
    ROOST_CHECK(section->offset + section->bytes.size() == end);
    ROOST_CHECK(section->bytes.data() == file.data() + section->offset);
    ROOST_CHECK(view->Find(section->kind) == &*section);
    end = section->offset;
  }
}

Checkpoint CheckpointOf(const std::vector<StateSection>& sections) {
  CheckpointHeader header{};
  header.first_sequence = kFirstSequence;
  header.first_position = 1ull << 32;
  Checkpoint checkpoint;
  checkpoint.path = kName;
  checkpoint.bytes = MakeCheckpoint(header, sections);
  auto view = ParseCheckpoint(checkpoint.bytes, kName);
  ROOST_CHECK(view.ok(), "what was made is refused: {}", view.status().message());
  checkpoint.view = *std::move(view);
  return checkpoint;
}

void TryStreams(const Checkpoint& checkpoint) {
  std::vector<char> names(kStreamsMax * 256);
  StreamDirectory streams(names, kStreamsMax);
  RecordChain chain(&streams);
  std::vector<StreamTail> tails;
  const Status loaded =
      LoadStreams(checkpoint, &streams, &chain, [&](uint32_t id, const StreamTail& tail) {
        ROOST_CHECK(id < kStreamsMax && tail.sequence < kFirstSequence);
        ROOST_CHECK(streams.Find(streams.Name(id)) == id);
        tails.resize(std::max<size_t>(tails.size(), id + 1));
        tails[id] = tail;
      });
  ROOST_CHECK(streams.count() <= kStreamsMax);
  if (!loaded.ok()) return;
  tails.resize(streams.count());
  const StateSection saved = SaveStreams(streams, chain, tails);
  ROOST_CHECK(!saved.bytes.empty());
}

void TryState(const Checkpoint& checkpoint) {
  std::vector<StateSection> first, second;
  {
    FoldedState state;
    if (!state.LoadState(checkpoint).ok()) return;
    state.SaveState(&first);
  }
  FoldedState state;
  const Status loaded = state.LoadState(CheckpointOf(first));
  ROOST_CHECK(loaded.ok(), "what was saved is refused: {}", loaded.message());
  state.SaveState(&second);
  ROOST_CHECK(first.size() == second.size());
  for (size_t i = 0; i < first.size(); ++i) {
    ROOST_CHECK(first[i].bytes == second[i].bytes, "section {}", static_cast<int>(first[i].kind));
  }
}

// Of each kind one, behind two bytes of length.
std::vector<StateSection> SectionsOf(FuzzInput* input) {
  std::vector<StateSection> sections;
  for (uint32_t kind = 1; kind <= 6; ++kind) {
    const std::string_view bytes = input->Bytes(input->Take<uint16_t>());
    const Bytes view = AsBytes(bytes);
    sections.push_back({static_cast<SectionKind>(kind), {view.begin(), view.end()}});
  }
  return sections;
}

void Try(FuzzInput input) {
  if (input.Flag()) return TryFile(AsBytes(input.rest()));
  const Checkpoint checkpoint = CheckpointOf(SectionsOf(&input));
  TryFile(checkpoint.bytes);
  TryStreams(checkpoint);
  TryState(checkpoint);
}

}  // namespace
}  // namespace roost

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (sodium_init() < 0) return 0;
  roost::Try(roost::FuzzInput(data, size));
  return 0;
}
