// The events of $leases as values and as JSON (docs/streams.md). Encode: what is written is checked before.
// Decode: what does not make sense is nullopt, since a journal may come from anywhere. Pure functions, any thread.
#ifndef ROOST_BROKER_LEASES_LEASE_EVENTS_H_
#define ROOST_BROKER_LEASES_LEASE_EVENTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace roost {

inline constexpr uint32_t kClaimKeysMax = 64;
inline constexpr uint32_t kClaimTtlMsMin = 100;
inline constexpr uint32_t kClaimTtlMsMax = 24 * 3600 * 1000;
inline constexpr size_t kLeaseNoteBytesMax = 1024;

// lease.granted and lease.renewed.
struct LeaseGrant {
  uint64_t token = 0;  // the event's sequence
  uint64_t session = 0;
  uint64_t request = 0;  // its number
  std::string agent = {};
  std::vector<std::string> keys = {};  // each once
  uint32_t ttl_ms = 0;
  std::string note = {};
  std::vector<uint64_t> replaces =
      {};  // older leases of the session, which lose those of these keys that they had
};

// The data of the event. Its token, session, request and agent are the event's own.
std::string EncodeLeaseGrant(const LeaseGrant& grant);
std::optional<LeaseGrant> DecodeLeaseGrant(std::string_view data);

// lease.released and lease.expired. `note` is what the holder said, `reason` why the broker did it; may be empty.
std::string EncodeLeaseEnd(uint64_t token, const std::vector<std::string>& keys,
                           std::string_view note, std::string_view reason);
std::optional<uint64_t> DecodeLeaseEnd(std::string_view data);  // the token

}  // namespace roost

#endif  // ROOST_BROKER_LEASES_LEASE_EVENTS_H_
