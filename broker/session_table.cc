#include "broker/session_table.h"

#include <sodium.h>

#include <cstring>
#include <utility>

#include "base/check.h"

namespace roost {

namespace {

size_t BytesOf(const std::vector<std::string>& keys) {
  size_t bytes = 0;
  for (const std::string& key : keys) bytes += sizeof(std::string) + key.size();
  return bytes;
}

}  // namespace

void UntoldEnds::Add(UntoldEnd end) {
  key_bytes_ += BytesOf(end.keys);
  ++with_keys_;
  ends_.push_back(std::move(end));
  while (key_bytes_ > kKeyBytesMax) {
    std::vector<std::string>& oldest = ends_[ends_.size() - with_keys_--].keys;
    key_bytes_ -= BytesOf(oldest);
    oldest = std::vector<std::string>();
  }
  if (ends_.size() <= kMax) return;
  if (with_keys_ == ends_.size()) {
    key_bytes_ -= BytesOf(ends_.front().keys);
    --with_keys_;
  }
  ends_.erase(ends_.begin());
}

std::vector<UntoldEnd> UntoldEnds::Take() {
  with_keys_ = 0;
  key_bytes_ = 0;
  return std::exchange(ends_, {});
}

SessionTable::SessionTable(const uint8_t* key, uint64_t epoch) : epoch_(epoch) {
  std::memcpy(key_.data(), key, key_.size());
}

SessionSecret SessionTable::SecretOf(uint64_t number, uint32_t uid) const {
  struct {
    uint64_t number, epoch, uid;
  } const what{number, epoch_, uid};
  SessionSecret secret;
  const int failed =
      crypto_generichash(secret.data(), secret.size(), reinterpret_cast<const uint8_t*>(&what),
                         sizeof(what), key_.data(), key_.size());
  ROOST_CHECK(failed == 0);
  return secret;
}

Session* SessionTable::FindWithSecret(uint64_t number, uint32_t uid, Bytes secret) {
  if (secret.size() != kSessionSecretBytes) return nullptr;
  const SessionSecret right = SecretOf(number, uid);
  if (sodium_memcmp(right.data(), secret.data(), right.size()) != 0) return nullptr;
  return Find(number);
}

Session* SessionTable::Find(uint64_t number) {
  const auto found = slots_.find(number);
  return found == slots_.end() ? nullptr : &found->second->session;
}

const Session* SessionTable::FindAfter(uint64_t number) const {
  const auto found = slots_.upper_bound(number);
  return found == slots_.end() ? nullptr : &found->second->session;
}

Session& SessionTable::Add(uint64_t number) {
  const auto [place, is_new] = slots_.emplace(number, std::make_unique<Slot>());
  ROOST_CHECK(is_new, "session={}", number);
  Session& session = place->second->session;
  session.number = number;
  ++attached_;
  return session;
}

void SessionTable::LeaveState(Session& session) {
  switch (session.state) {
    case Session::State::kAttached:
      --attached_;
      break;
    case Session::State::kAway:
      --away_;
      break;
    case Session::State::kEnded:
      ended_.erase(slots_.at(session.number)->ended_place);
      break;
  }
}

void SessionTable::Attach(Session& session) {
  LeaveState(session);
  session.state = Session::State::kAttached;
  ++attached_;
}

void SessionTable::SetAway(Session& session) {
  LeaveState(session);
  session.state = Session::State::kAway;
  session.peer = nullptr;
  ++away_;
}

void SessionTable::End(Session& session, uint64_t now_ns) {
  LeaveState(session);
  session.peer = nullptr;
  if (IsUnlogged(session)) {
    slots_.erase(session.number);
    return;
  }
  session.state = Session::State::kEnded;
  session.ended_ns = now_ns;
  slots_.at(session.number)->ended_place = ended_.insert(ended_.end(), &session);
  if (ended_.size() > kEndedMax) {
    const uint64_t oldest = ended_.front()->number;
    ended_.pop_front();
    slots_.erase(oldest);
  }
}

std::vector<Session*> SessionTable::Away() {
  std::vector<Session*> away;
  for (auto& [number, slot] : slots_) {
    if (slot->session.state == Session::State::kAway) away.push_back(&slot->session);
  }
  return away;
}

void SessionTable::Expire(uint64_t now_ns) {
  while (now_ns >= NextExpiryNs()) {
    const uint64_t number = ended_.front()->number;
    ended_.pop_front();
    slots_.erase(number);
  }
}

uint64_t SessionTable::NextExpiryNs() const {
  return ended_.empty() ? UINT64_MAX : ended_.front()->ended_ns + kEndedNsMax;
}

}  // namespace roost
