#include "log/stream_directory.h"

#include <sodium.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <bit>
#include <cstring>

#include "base/check.h"
#include "log/ring_format.h"

namespace roost {
namespace {

constexpr uint64_t kTwoOfSmallest = 1ull << 63;

uint64_t RandomSecret() {
  uint64_t secret;
  randombytes_buf(&secret, sizeof(secret));
  return secret;
}

// The row of trees that `revision` events make, as Append would have left it.
uint64_t TreesOf(uint64_t revision) {
  uint64_t trees = 0;
  while (revision > 0) {
    const uint64_t size = std::bit_floor(revision + 1) - 1;
    const uint64_t bit = (size + 1) / 2;
    if ((trees & bit) != 0) return trees | kTwoOfSmallest;  // only the smallest comes twice
    trees |= bit;
    revision -= size;
  }
  return trees;
}

}  // namespace

StreamDirectory::StreamDirectory(std::span<char> names, uint64_t streams_max)
    : names_(names), streams_max_(streams_max), ids_(0, Hash{this, RandomSecret()}, Equal{this}) {
  ROOST_CHECK(streams_max <= kStreamsMaxMax, "streams_max={}", streams_max);
  streams_.reserve(streams_max);  // address space; a page is touched when a stream needs it
  ids_.reserve(streams_max);
}

StreamDirectory::~StreamDirectory() = default;

size_t StreamDirectory::Hash::operator()(std::string_view name) const {
  return XXH3_64bits_withSeed(name.data(), name.size(), secret);
}

uint32_t StreamDirectory::Find(std::string_view name) const {
  const auto found = ids_.find(name);
  return found == ids_.end() ? kNoStream : *found;
}

uint32_t StreamDirectory::FindOrAdd(std::string_view name) {
  const uint32_t found = Find(name);
  if (found != kNoStream || streams_.size() == streams_max_) return found;
  const uint32_t id = count();
  AddWithId(id, name);
  return id;
}

void StreamDirectory::AddWithId(uint32_t id, std::string_view name) {
  ROOST_CHECK(id < streams_max_, "id={}", id);
  ROOST_CHECK(!name.empty() && name.size() <= kStreamNameBytesMax, "name of {} bytes", name.size());
  ROOST_CHECK(name.size() <= names_.size() - names_end_, "{} streams fill the names", id);
  AddChange(Change::Kind::kName, id).count_before = count();
  while (count() <= id) streams_.emplace_back();
  Stream& stream = streams_[id];
  ROOST_CHECK(stream.name_length == 0, "id={}", id);
  std::memcpy(names_.data() + names_end_, name.data(), name.size());
  stream.name_offset = static_cast<uint32_t>(names_end_);
  stream.name_length = static_cast<uint8_t>(name.size());
  names_end_ += name.size();
  ids_.insert(id);
}

StreamDirectory::Change& StreamDirectory::AddChange(Change::Kind kind, uint32_t id) {
  Change& change = changes_.emplace_back();
  change.kind = kind;
  change.id = id;
  return change;
}

std::string_view StreamDirectory::Name(uint32_t id) const {
  return {names_.data() + streams_[id].name_offset, streams_[id].name_length};
}

size_t StreamDirectory::RootCount(uint64_t trees) {
  return static_cast<size_t>(std::popcount(trees));  // the topmost bit counts for the second one
}

uint64_t StreamDirectory::Root(const Stream& stream, size_t index) {
  if (index < kRootsInline) return stream.roots[index];
  if (stream.more_roots == nullptr) return 0;
  return (*stream.more_roots)[index - kRootsInline];
}

void StreamDirectory::SetRoot(Stream& stream, size_t index, uint64_t position) {
  if (index < kRootsInline) {
    stream.roots[index] = position;
    return;
  }
  ROOST_CHECK(index < kRootsMax, "index={} revision={}", index, stream.revision);
  if (stream.more_roots == nullptr) stream.more_roots = std::make_unique<MoreRoots>();
  (*stream.more_roots)[index - kRootsInline] = position;
}

StreamLinks StreamDirectory::NextLinks(uint32_t id) const {
  const Stream& stream = streams_[id];
  StreamLinks links{.revision = stream.revision + 1};
  const size_t roots = stream.root_count;
  if (roots == 0) return links;
  links.previous = Root(stream, roots - 1);
  const bool joins = (stream.trees & kTwoOfSmallest) != 0;
  if (!joins) {
    links.jump = links.previous;
  } else if (roots > 2) {
    links.jump = Root(stream, roots - 3);
  }
  return links;
}

size_t StreamDirectory::NextRootIndex(const Stream& stream) {
  return stream.root_count - ((stream.trees & kTwoOfSmallest) != 0 ? 2 : 0);
}

void StreamDirectory::SetTrees(Stream& stream, uint64_t trees) {
  stream.trees = trees;
  stream.root_count = static_cast<uint8_t>(RootCount(trees));
}

void StreamDirectory::Append(uint32_t id, uint64_t position) {
  Stream& stream = streams_[id];
  const uint64_t trees = stream.trees;
  const size_t index = NextRootIndex(stream);
  // Also what lies behind the row is kept: an earlier append of this turn may have cut it off.
  Change& change = AddChange(Change::Kind::kAppend, id);
  change.trees_before = trees;
  change.root_before = Root(stream, index);
  if ((trees & kTwoOfSmallest) != 0) {
    const uint64_t smallest = trees & -trees;
    const uint64_t rest = trees & ~kTwoOfSmallest & ~smallest;
    const uint64_t joined = smallest << 1;
    stream.trees = rest | joined | ((rest & joined) != 0 ? kTwoOfSmallest : 0);
  } else {
    stream.trees = trees | 1 | ((trees & 1) != 0 ? kTwoOfSmallest : 0);
  }
  SetRoot(stream, index, position);
  stream.root_count = static_cast<uint8_t>(index + 1);
  ++stream.revision;
}

void StreamDirectory::Restart(uint32_t id, uint64_t revision, uint64_t position, uint64_t jump) {
  Stream& stream = streams_[id];
  auto before = std::make_unique<Stream>();
  before->revision = stream.revision;
  before->trees = stream.trees;
  before->roots = stream.roots;
  before->more_roots = std::move(stream.more_roots);
  AddChange(Change::Kind::kRestart, id).before = std::move(before);

  stream.revision = revision;
  SetTrees(stream, TreesOf(revision));
  const size_t roots = stream.root_count;
  for (size_t index = 0; index < roots; ++index) SetRoot(stream, index, 0);
  SetRoot(stream, roots - 1, position);
  if (roots > 1) SetRoot(stream, roots - 2, jump);
}

std::vector<uint64_t> StreamDirectory::RootsOf(uint32_t id) const {
  const Stream& stream = streams_[id];
  std::vector<uint64_t> roots(stream.root_count);
  for (size_t index = 0; index < roots.size(); ++index) roots[index] = Root(stream, index);
  return roots;
}

size_t StreamDirectory::RootCountOf(uint64_t revision) { return RootCount(TreesOf(revision)); }

void StreamDirectory::Restore(std::string_view name, uint64_t revision,
                              std::span<const uint64_t> roots) {
  ROOST_CHECK(changes_.empty(), "{} changes", changes_.size());
  ROOST_CHECK(revision <= kRevisionMax && roots.size() == RootCountOf(revision),
              "revision={} roots={}", revision, roots.size());
  if (name.empty()) {
    ROOST_CHECK(streams_.size() < streams_max_);
    streams_.emplace_back();
    return;
  }
  const uint32_t id = count();
  AddWithId(id, name);
  Accept();
  Stream& stream = streams_[id];
  stream.revision = revision;
  SetTrees(stream, TreesOf(revision));
  for (size_t index = 0; index < roots.size(); ++index) SetRoot(stream, index, roots[index]);
}

void StreamDirectory::RollBackTo(size_t savepoint) {
  ROOST_CHECK(savepoint <= changes_.size(), "savepoint={} of {}", savepoint, changes_.size());
  while (changes_.size() > savepoint) {
    Change change = std::move(changes_.back());
    changes_.pop_back();
    TakeBack(std::move(change));
  }
}

void StreamDirectory::TakeBack(Change change) {
  Stream& stream = streams_[change.id];
  switch (change.kind) {
    case Change::Kind::kAppend:
      SetTrees(stream, change.trees_before);
      SetRoot(stream, NextRootIndex(stream), change.root_before);
      --stream.revision;
      return;
    case Change::Kind::kName:
      ids_.erase(change.id);
      names_end_ -= stream.name_length;
      stream.name_offset = 0;
      stream.name_length = 0;
      while (count() > change.count_before) streams_.pop_back();
      return;
    case Change::Kind::kRestart:
      stream.revision = change.before->revision;
      SetTrees(stream, change.before->trees);
      stream.roots = change.before->roots;
      stream.more_roots = std::move(change.before->more_roots);
      return;
  }
}

}  // namespace roost
