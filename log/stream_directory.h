// What the writer knows of every stream: its id, its name, its revision, and where the events are that
// the links of its next event lead to.
//
// The links form a skew-binary list (log/record_format.h): the events of a stream are a row of
// complete binary trees, each next one smaller, but that the last two may be of one size. A new event
// joins these two under itself, or else stands behind them as a tree of one. It links to the event before
// it and to the root of the last tree that is not its own, so the roots of the row are all that has to
// be kept: at most one for each bit of the revision, and one more.
//
// Changes are staged: RollBackTo() takes the newest ones back, Accept() makes all of them final.
//
// One thread. Memory: 64 bytes a stream and 4 to 6 in the index of names, both touched as streams come
// (2 bytes a stream of streams_max at once, for the index); 352 more for a stream from its 27th to
// 58th revision on (when it first has five trees). The names lie where the caller says.
// Nothing is allocated but those 352 bytes, once in the life of a stream.
#ifndef ROOST_LOG_STREAM_DIRECTORY_H_
#define ROOST_LOG_STREAM_DIRECTORY_H_

#include <array>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "log/record_format.h"

namespace roost {

// What the next event of a stream has in its header.
struct StreamLinks {
  uint64_t revision = 1;
  uint64_t previous = 0;
  uint64_t jump = 0;
};

class StreamDirectory {
 public:
  // `names` holds the names one after another; it outlives the directory and nobody else writes it.
  // Its first NamesEnd() bytes are those of the streams there are.
  StreamDirectory(std::span<char> names, uint64_t streams_max);
  ~StreamDirectory();
  StreamDirectory(const StreamDirectory&) = delete;
  StreamDirectory& operator=(const StreamDirectory&) = delete;

  // The id, or kNoStream.
  uint32_t Find(std::string_view name) const;
  // Adds it if need be. kNoStream: there are streams_max already. REQUIRES: 1 to 255 bytes.
  uint32_t FindOrAdd(std::string_view name);

  uint32_t count() const { return static_cast<uint32_t>(streams_.size()); }
  uint64_t streams_max() const { return streams_max_; }
  // "" for an id that is known to have been given, and no more.
  std::string_view Name(uint32_t id) const;
  uint32_t NameOffset(uint32_t id) const { return streams_[id].name_offset; }
  uint64_t Revision(uint32_t id) const { return streams_[id].revision; }
  StreamLinks NextLinks(uint32_t id) const;

  // The stream has its next event, at `position`.
  void Append(uint32_t id, uint64_t position);

  // ---- staging ----
  size_t Savepoint() const { return changes_.size(); }
  // Takes back what was added and appended since, newest first.
  void RollBackTo(size_t savepoint);
  void Accept() { changes_.clear(); }

  // ---- recovery, where events or streams before may be lost; staged like all else ----

  // Names stream `id`; those before it that are not known yet stay nameless.
  // REQUIRES: id < streams_max, `id` has no name, no other stream has this one.
  void AddWithId(uint32_t id, std::string_view name);
  // The stream's newest known event is `revision`, at `position`; what is before it is known by its
  // jump link alone. The links of events to come that lead elsewhere are 0.
  void Restart(uint32_t id, uint64_t revision, uint64_t position, uint64_t jump);

  // ---- checkpoints (log/stream_checkpoint.h); not staged ----

  static constexpr uint64_t kRevisionMax = (1ull << 47) - 1;  // has at most kRootsMax roots

  bool HasRoomForName(size_t size) const { return size <= names_.size() - names_end_; }
  // Positions of the roots, oldest first. How many there are follows from the revision.
  std::vector<uint64_t> RootsOf(uint32_t id) const;
  static size_t RootCountOf(uint64_t revision);
  // The next stream, as it was; "": one that has lost its name, at revision 0 and without roots.
  // REQUIRES: nothing is staged; 1 to kRevisionMax, and RootCountOf(revision) roots; the name is no other's and
  // there is room.
  void Restore(std::string_view name, uint64_t revision, std::span<const uint64_t> roots);

 private:
  static constexpr size_t kRootsInline = 4;
  static constexpr size_t kRootsMax = 48;  // 2^48 events of 128 bytes fill no disk
  using MoreRoots = std::array<uint64_t, kRootsMax - kRootsInline>;

  struct Stream {
    uint64_t revision = 0;
    // Bit k: there is a tree of 2^(k+1) - 1 events. The topmost bit: there are two of the smallest.
    uint64_t trees = 0;
    std::array<uint64_t, kRootsInline> roots{};  // positions, oldest first
    std::unique_ptr<MoreRoots> more_roots;
    uint32_t name_offset = 0;
    uint8_t name_length = 0;
    uint8_t root_count = 0;  // follows from `trees`; counting bits costs more than all else of an append here
  };
  static_assert(sizeof(Stream) == 64);

  // One step that can be taken back.
  struct Change {
    enum class Kind : uint8_t { kAppend, kName, kRestart };
    uint64_t trees_before = 0;
    uint64_t root_before = 0;        // what an append overwrote
    std::unique_ptr<Stream> before;  // of a restart
    uint32_t id = kNoStream;
    uint32_t count_before = 0;  // of the streams, when one got its name
    Kind kind = Kind::kAppend;
  };

  // Hashes names, also those of ids, with a secret of this process: nobody can make them collide.
  struct Hash {
    using is_transparent = void;
    const StreamDirectory* directory;
    uint64_t secret;
    size_t operator()(std::string_view name) const;
    size_t operator()(uint32_t id) const { return (*this)(directory->Name(id)); }
  };
  struct Equal {
    using is_transparent = void;
    const StreamDirectory* directory;
    bool operator()(uint32_t a, uint32_t b) const { return a == b; }
    bool operator()(std::string_view a, uint32_t b) const { return a == directory->Name(b); }
    bool operator()(uint32_t a, std::string_view b) const { return directory->Name(a) == b; }
  };

  static size_t RootCount(uint64_t trees);
  static size_t NextRootIndex(const Stream& stream);  // where the next event goes in the row
  static void SetTrees(Stream& stream, uint64_t trees);
  static uint64_t Root(const Stream& stream, size_t index);
  static void SetRoot(Stream& stream, size_t index, uint64_t position);
  Change& AddChange(Change::Kind kind, uint32_t id);
  void TakeBack(Change change);

  std::span<char> names_;
  size_t names_end_ = 0;
  uint64_t streams_max_;
  std::vector<Stream> streams_;
  boost::unordered_flat_set<uint32_t, Hash, Equal> ids_;
  std::vector<Change> changes_;
};

}  // namespace roost

#endif  // ROOST_LOG_STREAM_DIRECTORY_H_
