#include "broker/leases/lease_replies.h"

#include <algorithm>
#include <span>

#include "base/check.h"
#include "base/clock.h"
#include "ipc/protocol.h"

namespace roost {
namespace {

// What one more Lease may take at most: its keys and note, and what the format adds to each.
constexpr size_t kLeaseBytesMax = kClaimKeysMax * (kKeyBytesMax + 16) + kLeaseNoteBytesMax + 1024;
static_assert(2 * kLeaseBytesMax < kReplyBytesMax);
// A Held with everything at its longest.
static_assert(kHoldersMax * (2 * kKeyBytesMax + 128 + 96) < kReplyBytesMax);

}  // namespace

uint32_t ExpiresInMs(const Lease& lease, uint64_t now_ns) {
  if (lease.expires_ns <= now_ns) return 1;
  const uint64_t left_ms = (lease.expires_ns - now_ns + kNsPerMs - 1) / kNsPerMs;
  return static_cast<uint32_t>(std::min<uint64_t>(left_ms, lease.ttl_ms));
}

template <typename Body>
Bytes LeaseReplies::Finish(uint64_t number, wire::ReplyBody type, flatbuffers::Offset<Body> body) {
  builder_.Finish(wire::CreateReply(builder_, number, type, body.Union()));
  ROOST_CHECK(builder_.GetSize() <= kReplyBytesMax, "bytes={}", builder_.GetSize());
  return std::as_bytes(std::span(builder_.GetBufferPointer(), builder_.GetSize()));
}

Bytes LeaseReplies::Queued(uint64_t number) {
  builder_.Clear();
  return Finish(number, wire::ReplyBody::Queued, wire::CreateQueued(builder_));
}

Bytes LeaseReplies::Granted(uint64_t number, uint64_t token, uint32_t expires_in_ms) {
  builder_.Clear();
  return Finish(number, wire::ReplyBody::Granted,
                wire::CreateGranted(builder_, token, expires_in_ms));
}

Bytes LeaseReplies::Held(uint64_t number, const std::vector<HolderView>& holders) {
  ROOST_CHECK(holders.size() <= kHoldersMax, "holders={}", holders.size());
  builder_.Clear();
  std::vector<flatbuffers::Offset<wire::Holder>> list;
  for (const HolderView& holder : holders) {
    const auto key = builder_.CreateString(holder.key);
    const auto held = builder_.CreateString(holder.held);
    const auto by = builder_.CreateString(holder.by);
    list.push_back(wire::CreateHolder(builder_, key, held, by, holder.session, holder.expires_in_ms,
                                      holder.waiting));
  }
  const auto list_offset = builder_.CreateVector(list);
  return Finish(number, wire::ReplyBody::Held, wire::CreateHeld(builder_, list_offset));
}

Bytes LeaseReplies::Released(uint64_t number, bool released) {
  builder_.Clear();
  return Finish(number, wire::ReplyBody::Released, wire::CreateReleased(builder_, released));
}

Bytes LeaseReplies::LeaseEnded(uint64_t token, const std::vector<std::string>& keys,
                               std::string_view reason) {
  builder_.Clear();
  const auto keys_offset = builder_.CreateVectorOfStrings(keys);
  const auto reason_offset = builder_.CreateString(reason);
  return Finish(0, wire::ReplyBody::LeaseEnded,
                wire::CreateLeaseEnded(builder_, token, keys_offset, reason_offset));
}

flatbuffers::Offset<wire::Lease> LeaseReplies::AddLease(const Lease& lease, uint64_t now_ns) {
  const auto keys = builder_.CreateVectorOfStrings(lease.keys);
  const auto agent = builder_.CreateString(lease.agent);
  flatbuffers::Offset<flatbuffers::String> note;
  if (!lease.note.empty()) note = builder_.CreateString(lease.note);
  return wire::CreateLease(builder_, lease.token, keys, agent, lease.session, lease.ttl_ms,
                           ExpiresInMs(lease, now_ns), note);
}

Bytes LeaseReplies::Leases(uint64_t number, const LeaseTable& table, std::string_view prefix,
                           uint64_t after, uint32_t limit, uint64_t now_ns) {
  builder_.Clear();
  std::vector<flatbuffers::Offset<wire::Lease>> list;
  const auto begins = [prefix](const std::string& key) { return key.starts_with(prefix); };
  const Lease* lease = table.FindAfter(after);
  for (; lease != nullptr; lease = table.FindAfter(lease->token)) {
    if (!std::ranges::any_of(lease->keys, begins)) continue;
    if (list.size() >= std::min(limit, kListLeasesMax) ||
        builder_.GetSize() + kLeaseBytesMax > kReplyBytesMax) {
      break;
    }
    list.push_back(AddLease(*lease, now_ns));
  }
  const auto list_offset = builder_.CreateVector(list);
  return Finish(number, wire::ReplyBody::Leases,
                wire::CreateLeases(builder_, list_offset, lease != nullptr));
}

}  // namespace roost
