#include "broker/id_table.h"

#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "base/check.h"
#include "schemas/text.h"

namespace roost {
namespace {

// Length first, so that no two different sequences of texts give the same bytes.
void AppendText(std::vector<char>& to, std::string_view text) {
  const uint64_t length = text.size();
  const auto* raw = reinterpret_cast<const char*>(&length);
  to.insert(to.end(), raw, raw + sizeof(length));
  to.insert(to.end(), text.begin(), text.end());
}

}  // namespace

IdTable::IdTable(const Limits& limits) : limits_(limits) {
  static_assert(crypto_shorthash_siphashx24_KEYBYTES == sizeof(secret_));
  ROOST_CHECK(limits.ids_max > 0 && limits.ids_per_uid_max > 0);
  randombytes_buf(secret_.data(), secret_.size());
}

Hash128 IdTable::HashOf(const std::vector<char>& bytes) const {
  Hash128 hash;
  static_assert(crypto_shorthash_siphashx24_BYTES == sizeof(hash));
  crypto_shorthash_siphashx24(reinterpret_cast<unsigned char*>(hash.data()),
                              reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                              secret_.data());
  return hash;
}

Hash128 IdTable::KeyOf(std::string_view stream, std::string_view id) {
  scratch_.clear();
  AppendText(scratch_, stream);
  AppendText(scratch_, id);
  return HashOf(scratch_);
}

Hash128 IdTable::ContentOf(std::span<const wire::Event* const> events) {
  scratch_.clear();
  for (const wire::Event* event : events) {
    AppendText(scratch_, TextOf(event->stream()));
    AppendText(scratch_, TextOf(event->type()));
    AppendText(scratch_, TextOf(event->content_type()));
    // Data may be megabytes: its hash stands for it, which saves a copy.
    Hash128 data{};
    if (event->data() != nullptr) {
      crypto_shorthash_siphashx24(reinterpret_cast<unsigned char*>(data.data()),
                                  event->data()->data(), event->data()->size(), secret_.data());
    }
    AppendText(scratch_, {reinterpret_cast<const char*>(data.data()), sizeof(data)});
  }
  return HashOf(scratch_);
}

const UsedId* IdTable::Find(const Hash128& key, int64_t now_ns) const {
  const auto found = nodes_by_key_.find(key);
  if (found == nodes_by_key_.end()) return nullptr;
  const Node& node = nodes_[found->second];
  if (now_ns - node.added_ns > static_cast<int64_t>(limits_.age_ns_max)) return nullptr;
  return &node.used;
}

void IdTable::Add(const Hash128& key, const UsedId& used, uint32_t uid, int64_t now_ns) {
  Remove(key);  // one that is too old to be found
  MakeRoom(uid, now_ns);
  Insert(key, used, uid, now_ns);
}

void IdTable::Insert(const Hash128& key, const UsedId& used, uint32_t uid, int64_t added_ns) {
  const uint32_t index = NewNode();
  nodes_[index] = {key, used, added_ns, uid, {}};
  nodes_by_key_.emplace(key, index);
  Append(kAll, all_, index);
  Append(kOfUid, uids_[uid], index);
}

void IdTable::Remove(const Hash128& key) {
  const auto found = nodes_by_key_.find(key);
  if (found != nodes_by_key_.end()) RemoveNode(found->second);
}

void IdTable::MakeRoom(uint32_t uid, int64_t now_ns) {
  // Two for each one that comes: what grew in a busy hour shrinks again, never all at once.
  for (int i = 0; i < 2 && all_.count > 0; ++i) {
    if (now_ns - nodes_[all_.oldest].added_ns <= static_cast<int64_t>(limits_.age_ns_max)) break;
    RemoveNode(all_.oldest);
  }
  if (const auto of_uid = uids_.find(uid);
      of_uid != uids_.end() && of_uid->second.count >= limits_.ids_per_uid_max) {
    RemoveNode(of_uid->second.oldest);
  }
  if (all_.count >= limits_.ids_max) RemoveNode(all_.oldest);
}

void IdTable::Save(int64_t offset_ns, StateWriter* out) const {
  out->Raw(std::as_bytes(std::span(secret_)));
  out->Number(all_.count);
  for (uint32_t index = all_.oldest; index != kNone; index = nodes_[index].links[kAll].newer) {
    const Node& node = nodes_[index];
    out->Raw(std::as_bytes(std::span(node.key)));
    out->Raw(std::as_bytes(std::span(node.used.content)));
    for (const uint64_t number : {node.used.first, node.used.last, node.used.revision,
                                  uint64_t{node.used.count}, uint64_t{node.uid}}) {
      out->Number(number);
    }
    out->Number(static_cast<uint64_t>(node.added_ns - offset_ns));
  }
}

bool IdTable::Load(int64_t offset_ns, std::optional<int64_t> now_ns, StateReader* in) {
  const auto read = [in](auto* to) {
    const Bytes bytes = in->Raw(sizeof(*to));
    if (!bytes.empty()) std::memcpy(to->data(), bytes.data(), bytes.size());
  };
  read(&secret_);
  for (size_t left = in->Count(limits_.ids_max); left > 0; --left) {
    Hash128 key{};
    UsedId used;
    read(&key);
    read(&used.content);
    used.first = in->Number();
    used.last = in->Number();
    used.revision = in->Number();
    used.count = in->Number32();
    const uint32_t uid = in->Number32();
    const auto time_ns = static_cast<int64_t>(in->Number(INT64_MAX));
    if (!in->ok() || used.first == 0 || nodes_by_key_.contains(key)) return in->Fail();
    const int64_t added_ns = std::min(time_ns + offset_ns, now_ns.value_or(INT64_MAX));
    if (now_ns && *now_ns - added_ns > static_cast<int64_t>(limits_.age_ns_max)) continue;
    // As they were: no room is made, not for old ones either.
    if (const auto of_uid = uids_.find(uid);
        of_uid != uids_.end() && of_uid->second.count >= limits_.ids_per_uid_max) {
      return in->Fail();
    }
    Insert(key, used, uid, added_ns);
  }
  return in->ok();
}

uint32_t IdTable::NewNode() {
  if (free_nodes_.empty()) {
    nodes_.emplace_back();
    return static_cast<uint32_t>(nodes_.size() - 1);
  }
  const uint32_t index = free_nodes_.back();
  free_nodes_.pop_back();
  return index;
}

void IdTable::RemoveNode(uint32_t index) {
  const uint32_t uid = nodes_[index].uid;
  nodes_by_key_.erase(nodes_[index].key);
  Unlink(kAll, all_, index);
  const auto of_uid = uids_.find(uid);
  ROOST_CHECK(of_uid != uids_.end(), "uid={}", uid);
  Unlink(kOfUid, of_uid->second, index);
  if (of_uid->second.count == 0) uids_.erase(of_uid);
  free_nodes_.push_back(index);
}

void IdTable::Append(List list, Ends& ends, uint32_t index) {
  nodes_[index].links[list] = {ends.newest, kNone};
  if (ends.newest != kNone) nodes_[ends.newest].links[list].newer = index;
  if (ends.oldest == kNone) ends.oldest = index;
  ends.newest = index;
  ++ends.count;
}

void IdTable::Unlink(List list, Ends& ends, uint32_t index) {
  const Links links = nodes_[index].links[list];
  (links.older == kNone ? ends.oldest : nodes_[links.older].links[list].newer) = links.newer;
  (links.newer == kNone ? ends.newest : nodes_[links.newer].links[list].older) = links.older;
  --ends.count;
}

}  // namespace roost
