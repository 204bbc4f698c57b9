// Who holds which keys: pure state, changed by the events of $leases alone, in the same way when they are staged and when
// the journal is recovered. Who may hold what is decided before, with ForEachHolder; the table itself takes each event as
// it is.
//
// Bounded by its user: the limits below. A lease takes some 500 bytes and its keys twice. Times are
// CLOCK_MONOTONIC and given in; the table knows no clock. Sequencer thread, and before it starts the thread that recovers.
#ifndef ROOST_BROKER_LEASES_LEASE_TABLE_H_
#define ROOST_BROKER_LEASES_LEASE_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/coordination/undo_log.h"
#include "broker/leases/key_index.h"
#include "broker/leases/lease_events.h"

namespace roost {

inline constexpr size_t kLeaseKeysMax = 65'536;  // of all leases that live
inline constexpr size_t kGlobLeasesMax = 4'096;  // leases with a glob among their keys
// Of those, one session's: nobody takes them all, and its end is not too many events at once.
inline constexpr size_t kSessionLeasesMax = 4'096;
inline constexpr size_t kSessionLeaseKeysMax = 8'192;
inline constexpr size_t kSessionGlobLeasesMax = 512;

struct Lease {
  uint64_t token = 0;
  uint64_t session = 0;
  uint64_t request = 0;  // the number of the request to which it was granted
  std::string agent;
  std::vector<std::string> keys;  // never empty
  uint32_t ttl_ms = 0;
  std::string note;
  uint64_t written_ns = 0;           // when its event was staged; 0: before a restart
  uint64_t expires_ns = UINT64_MAX;  // UINT64_MAX: its time has not begun
};

class LeaseTable {
 public:
  // Nothing happens if there is such a lease already. `undo`: nullptr when there is nothing to take back.
  void Grant(const LeaseGrant& grant, uint64_t now_ns, UndoLog* undo);
  // Nothing happens if there is no such lease.
  void End(uint64_t token, UndoLog* undo);

  // The time of one lease, or of all, begins anew. REQUIRES: Find(token).
  void BeginAnew(uint64_t token, uint64_t now_ns);
  void BeginAllAnew(uint64_t now_ns);
  // Of the lease whose time is over first; UINT64_MAX: there is none whose time runs.
  uint64_t NextExpiryNs() const {
    return expiries_.empty() ? UINT64_MAX : expiries_.begin()->first;
  }
  uint64_t NextToExpire() const { return expiries_.begin()->second; }

  // What is returned or visited is valid until the next change.
  const Lease* Find(uint64_t token) const;
  const Lease* FindAfter(uint64_t token) const;  // in the order of tokens
  // The session's lease with exactly this key, or nullptr.
  const Lease* FindOwn(uint64_t session, std::string_view key) const;
  std::vector<uint64_t> TokensOf(uint64_t session) const;
  // The lease that was granted to this request of the session; 0: it is no more.
  uint64_t TokenFor(uint64_t session, uint64_t request) const;
  struct Share {
    size_t leases = 0;
    size_t keys = 0;
    size_t glob_leases = 0;
  };
  Share ShareOf(uint64_t session) const;
  // The leases of other sessions that overlap with the key, until `visit` returns false.
  using Visit = std::function<bool(const Lease& lease, std::string_view held)>;
  void ForEachHolder(uint64_t session, std::string_view key, MatchBudget* budget,
                     const Visit& visit) const;

  size_t size() const { return leases_.size(); }
  size_t keys() const { return index_.size(); }
  size_t glob_leases() const { return glob_leases_; }

 private:
  void Insert(Lease lease);
  Lease Take(uint64_t token);
  void SetExpiry(Lease& lease, uint64_t expires_ns);
  // Takes the keys away that the new lease has too.
  void Replace(uint64_t token, const LeaseGrant& by, UndoLog* undo);

  std::map<uint64_t, Lease> leases_;
  KeyIndex index_;  // owners are tokens
  struct Held {
    std::set<std::pair<uint64_t, uint64_t>> tokens;  // with the request before each
    size_t keys = 0;
    size_t glob_leases = 0;
  };
  std::unordered_map<uint64_t, Held> sessions_;
  std::set<std::pair<uint64_t, uint64_t>> expiries_;  // time, token
  size_t glob_leases_ = 0;
};

}  // namespace roost

#endif  // ROOST_BROKER_LEASES_LEASE_TABLE_H_
