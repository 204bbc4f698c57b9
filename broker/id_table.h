// The idempotency ids that were used lately: within a stream, the same id with the same content is the same
// append. Ids and contents are kept as 128-bit keyed hashes, under a key that is drawn at each start, so
// that nobody can make two collide.
//
// Bounded: the last 65,536 ids of each uid, 1,000,000 in all, each for at most one hour; 130 bytes each. The
// oldest go first. Sequencer thread.
#ifndef ROOST_BROKER_ID_TABLE_H_
#define ROOST_BROKER_ID_TABLE_H_

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "log/state_codec.h"
#include "schemas/event_generated.h"

namespace roost {

using Hash128 = std::array<uint64_t, 2>;

// The batch that an id stands for. When first is 0 there is none.
struct UsedId {
  Hash128 content{};
  uint64_t first = 0;  // sequences of the first and the last event
  uint64_t last = 0;
  uint64_t revision = 0;  // of the last event
  uint32_t count = 0;
};

class IdTable {
 public:
  struct Limits {
    size_t ids_max = 1'000'000;
    size_t ids_per_uid_max = 65'536;
    uint64_t age_ns_max = 3600ull * 1'000'000'000;
  };

  IdTable() : IdTable(Limits()) {}
  explicit IdTable(const Limits& limits);

  Hash128 KeyOf(std::string_view stream, std::string_view id);
  // What two appends under one id must agree in: stream, type, content type and data of each event.
  Hash128 ContentOf(std::span<const wire::Event* const> events);

  // nullptr: not used, or not known any more. Valid until the next Add or Remove. `now_ns` is
  // CLOCK_MONOTONIC, here and in Add; negative for what was added before the machine started.
  const UsedId* Find(const Hash128& key, int64_t now_ns) const;
  // REQUIRES: Find(key) is nullptr.
  void Add(const Hash128& key, const UsedId& used, uint32_t uid, int64_t now_ns);
  // Takes back what was added in a turn whose commit failed. Nothing happens if it is not there.
  void Remove(const Hash128& key);

  size_t size() const { return nodes_by_key_.size(); }

  // For a checkpoint, oldest first, with the secret of the hashes; and back, into an empty table. A time is saved as
  // that of its clock less `offset_ns`, and loaded as that plus the offset. With `now_ns` it is no later than that,
  // and what is too old then is left out.
  void Save(int64_t offset_ns, StateWriter* out) const;
  bool Load(int64_t offset_ns, std::optional<int64_t> now_ns, StateReader* in);

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  // Each id is in two lists, oldest first: of all ids and of those of its uid.
  enum List { kAll, kOfUid, kListCount };
  struct Links {
    uint32_t older = kNone;
    uint32_t newer = kNone;
  };
  struct Node {
    Hash128 key{};
    UsedId used;
    int64_t added_ns = 0;
    uint32_t uid = 0;
    Links links[kListCount];
  };
  struct Ends {
    uint32_t oldest = kNone;
    uint32_t newest = kNone;
    size_t count = 0;
  };
  // The keys are uniformly distributed already.
  struct TakeFirstWord {
    using is_avalanching = void;
    size_t operator()(const Hash128& key) const { return static_cast<size_t>(key[0]); }
  };

  Hash128 HashOf(const std::vector<char>& bytes) const;
  void Insert(const Hash128& key, const UsedId& used, uint32_t uid, int64_t added_ns);
  uint32_t NewNode();
  void Append(List list, Ends& ends, uint32_t index);
  void Unlink(List list, Ends& ends, uint32_t index);
  void RemoveNode(uint32_t index);
  void MakeRoom(uint32_t uid, int64_t now_ns);

  const Limits limits_;
  std::array<unsigned char, 16> secret_;
  std::vector<Node> nodes_;
  std::vector<uint32_t> free_nodes_;
  boost::unordered_flat_map<Hash128, uint32_t, TakeFirstWord> nodes_by_key_;
  boost::unordered_flat_map<uint32_t, Ends> uids_;
  Ends all_;
  std::vector<char> scratch_;
};

}  // namespace roost

#endif  // ROOST_BROKER_ID_TABLE_H_
