#include "log/stream_checkpoint.h"

#include <fmt/core.h>

#include "log/ring_format.h"
#include "log/state_codec.h"

namespace roost {
namespace {

// Roots older than the boundary, in order, none below the first position.
bool ReadRoots(StateReader* in, uint64_t position_end, std::vector<uint64_t>* roots) {
  uint64_t before = 0;
  for (uint64_t& root : *roots) {
    root = in->Number(position_end - 1);
    // 0 is a root that is not known (StreamDirectory::Restart).
    if (root != 0 && (root < kFirstPosition || root <= before)) return in->Fail();
    if (root != 0) before = root;
  }
  return in->ok() && roots->back() != 0 ? true : in->Fail();
}

}  // namespace

StateSection SaveStreams(const StreamDirectory& streams, const RecordChain& chain,
                         const std::vector<StreamTail>& tails) {
  const RecordChain::Knowledge knowledge = chain.Describe();
  StateWriter out;
  out.Flag(knowledge.has_gaps);
  out.Flag(knowledge.closed);
  out.Number(streams.count());
  for (uint32_t id = 0; id < streams.count(); ++id) {
    out.Text(streams.Name(id));
    if (streams.Name(id).empty()) continue;
    out.Number(streams.Revision(id));
    out.Number(tails[id].sequence);
    out.Number(tails[id].time_ns);
    if (knowledge.has_gaps) out.Flag(knowledge.seen_since[id]);
    for (const uint64_t root : streams.RootsOf(id)) out.Number(root);
  }
  return {SectionKind::kStreams, out.Take()};
}

Status LoadStreams(const Checkpoint& checkpoint, StreamDirectory* streams, RecordChain* chain,
                   const OnStream& on_stream) {
  const Status damaged = checkpoint.Damaged(SectionKind::kStreams);
  const CheckpointView::Section* section = checkpoint.view.Find(SectionKind::kStreams);
  if (section == nullptr) return damaged;
  StateReader in(section->bytes);
  RecordChain::Knowledge knowledge;
  knowledge.sequence = checkpoint.first_sequence() - 1;
  knowledge.has_gaps = in.Flag();
  knowledge.closed = in.Flag();
  const size_t count = in.Count(kStreamsMaxMax);
  if (count > streams->streams_max()) {
    return {StatusCode::kExhausted,
            fmt::format("{}: the log has {} streams: start with a larger --max-streams",
                        checkpoint.path, count)};
  }
  for (uint32_t id = 0; id < count && in.ok(); ++id) {
    const std::string_view name = in.Text(kStreamNameBytesMax);
    if (knowledge.has_gaps) knowledge.seen_since.push_back(false);
    if (name.empty()) {
      if (in.ok()) streams->Restore("", 0, {});
      continue;
    }
    StreamTail tail;
    tail.revision = in.Number(StreamDirectory::kRevisionMax);
    tail.sequence = in.Number(knowledge.sequence);
    tail.time_ns = in.Number();
    if (knowledge.has_gaps) knowledge.seen_since.back() = in.Flag();
    std::vector<uint64_t> roots(StreamDirectory::RootCountOf(tail.revision));
    if (tail.revision == 0 || tail.sequence < tail.revision || streams->Find(name) != kNoStream ||
        !ReadRoots(&in, checkpoint.first_position(), &roots)) {
      return damaged;
    }
    if (!streams->HasRoomForName(name.size())) {
      return {StatusCode::kExhausted,
              checkpoint.path + ": no room for the names of all streams: raise --max-streams"};
    }
    tail.position = roots.back();
    streams->Restore(name, tail.revision, roots);
    on_stream(id, tail);
  }
  if (!in.AtEnd()) return damaged;
  chain->Resume(knowledge);
  return {};
}

}  // namespace roost
