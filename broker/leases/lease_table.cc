#include "broker/leases/lease_table.h"

#include <algorithm>

#include "base/check.h"
#include "base/clock.h"

namespace roost {
namespace {

bool HasGlob(const Lease& lease) { return std::ranges::any_of(lease.keys, IsGlob); }

}  // namespace

void LeaseTable::Insert(Lease lease) {
  const uint64_t token = lease.token;
  for (const std::string& key : lease.keys) index_.Add(key, token);
  const size_t globs = HasGlob(lease) ? 1 : 0;
  Held& held = sessions_[lease.session];
  held.tokens.emplace(lease.request, token);
  held.keys += lease.keys.size();
  held.glob_leases += globs;
  glob_leases_ += globs;
  if (lease.expires_ns != UINT64_MAX) expiries_.emplace(lease.expires_ns, token);
  const bool is_new = leases_.emplace(token, std::move(lease)).second;
  ROOST_CHECK(is_new, "token={}", token);
}

Lease LeaseTable::Take(uint64_t token) {
  const auto found = leases_.find(token);
  ROOST_CHECK(found != leases_.end(), "token={}", token);
  Lease lease = std::move(found->second);
  leases_.erase(found);
  for (const std::string& key : lease.keys) index_.Remove(key, token);
  const auto session = sessions_.find(lease.session);
  const size_t globs = HasGlob(lease) ? 1 : 0;
  session->second.tokens.erase({lease.request, token});
  session->second.keys -= lease.keys.size();
  session->second.glob_leases -= globs;
  glob_leases_ -= globs;
  if (session->second.tokens.empty()) sessions_.erase(session);
  expiries_.erase({lease.expires_ns, token});
  return lease;
}

void LeaseTable::Replace(uint64_t token, const LeaseGrant& by, UndoLog* undo) {
  const Lease* old = Find(token);
  if (old == nullptr || old->session != by.session) return;
  Lease before = Take(token);
  Lease rest = before;
  std::erase_if(rest.keys, [&by](const std::string& key) {
    return std::ranges::find(by.keys, key) != by.keys.end();
  });
  if (!rest.keys.empty()) Insert(std::move(rest));
  if (undo == nullptr) return;
  undo->Add([this, before = std::move(before)] {
    if (Find(before.token) != nullptr) Take(before.token);
    Insert(before);
  });
}

void LeaseTable::Grant(const LeaseGrant& grant, uint64_t now_ns, UndoLog* undo) {
  if (Find(grant.token) != nullptr) return;
  for (const uint64_t token : grant.replaces) Replace(token, grant, undo);
  Lease lease;
  lease.token = grant.token;
  lease.session = grant.session;
  lease.request = grant.request;
  lease.agent = grant.agent;
  for (const std::string& key : grant.keys) {
    if (std::ranges::find(lease.keys, key) == lease.keys.end()) lease.keys.push_back(key);
  }
  lease.ttl_ms = grant.ttl_ms;
  lease.note = grant.note;
  lease.written_ns = now_ns;
  if (now_ns != 0) lease.expires_ns = now_ns + lease.ttl_ms * kNsPerMs;
  Insert(std::move(lease));
  if (undo != nullptr) undo->Add([this, token = grant.token] { Take(token); });
}

void LeaseTable::End(uint64_t token, UndoLog* undo) {
  if (Find(token) == nullptr) return;
  Lease lease = Take(token);
  if (undo != nullptr) undo->Add([this, lease = std::move(lease)] { Insert(lease); });
}

void LeaseTable::SetExpiry(Lease& lease, uint64_t expires_ns) {
  expiries_.erase({lease.expires_ns, lease.token});
  lease.expires_ns = expires_ns;
  expiries_.emplace(expires_ns, lease.token);
}

void LeaseTable::BeginAnew(uint64_t token, uint64_t now_ns) {
  const auto found = leases_.find(token);
  ROOST_CHECK(found != leases_.end(), "token={}", token);
  SetExpiry(found->second, now_ns + found->second.ttl_ms * kNsPerMs);
}

void LeaseTable::BeginAllAnew(uint64_t now_ns) {
  for (auto& [token, lease] : leases_) SetExpiry(lease, now_ns + lease.ttl_ms * kNsPerMs);
}

const Lease* LeaseTable::Find(uint64_t token) const {
  const auto found = leases_.find(token);
  return found == leases_.end() ? nullptr : &found->second;
}

const Lease* LeaseTable::FindAfter(uint64_t token) const {
  const auto found = leases_.upper_bound(token);
  return found == leases_.end() ? nullptr : &found->second;
}

const Lease* LeaseTable::FindOwn(uint64_t session, std::string_view key) const {
  for (const uint64_t token : index_.OwnersOf(key)) {
    const Lease* lease = Find(token);
    if (lease->session == session) return lease;
  }
  return nullptr;
}

std::vector<uint64_t> LeaseTable::TokensOf(uint64_t session) const {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return {};
  std::vector<uint64_t> tokens;
  for (const auto& [request, token] : found->second.tokens) tokens.push_back(token);
  std::ranges::sort(tokens);
  return tokens;
}

uint64_t LeaseTable::TokenFor(uint64_t session, uint64_t request) const {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return 0;
  const auto held = found->second.tokens.lower_bound({request, 0});
  return held == found->second.tokens.end() || held->first != request ? 0 : held->second;
}

LeaseTable::Share LeaseTable::ShareOf(uint64_t session) const {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return {};
  return {found->second.tokens.size(), found->second.keys, found->second.glob_leases};
}

void LeaseTable::ForEachHolder(uint64_t session, std::string_view key, MatchBudget* budget,
                               const Visit& visit) const {
  index_.ForEachOverlap(key, budget,
                        [&](std::string_view held, const std::vector<uint64_t>& tokens) {
                          for (const uint64_t token : tokens) {
                            const Lease& lease = *Find(token);
                            if (lease.session != session && !visit(lease, held)) return false;
                          }
                          return true;
                        });
}

}  // namespace roost
