#include "broker/groups/group_limits.h"

#include <fmt/core.h>

#include "base/utf8.h"
#include "broker/coordination/own_streams.h"
#include "broker/groups/group_state.h"
#include "log/ring_format.h"

namespace roost {

using wire::RefusalCode;

namespace {

Refusal Invalid(std::string message) { return {RefusalCode::Invalid, std::move(message)}; }

std::optional<Refusal> CheckNote(std::string_view note) {
  if (note.size() > kGroupNoteBytesMax) {
    return Refusal{RefusalCode::TooLarge, fmt::format("a note may have {} bytes and has {}",
                                                      kGroupNoteBytesMax, note.size())};
  }
  if (!IsPlainUtf8(note)) return Invalid("a note is UTF-8 without control characters");
  return std::nullopt;
}

}  // namespace

std::optional<Refusal> CheckGroupName(const GroupName& name) {
  if (name.stream.empty() || name.stream.size() > kStreamNameBytesMax ||
      !IsPlainUtf8(name.stream)) {
    return Invalid(
        fmt::format("a stream has a name of 1 to {} bytes of UTF-8 without control "
                    "characters",
                    kStreamNameBytesMax));
  }
  if (name.group.empty() || name.group.size() > kGroupNameBytesMax || !IsPlainUtf8(name.group) ||
      name.group.find('/') != std::string_view::npos) {
    return Invalid(
        fmt::format("a group has a name of 1 to {} bytes of UTF-8 without control "
                    "characters and without '/'",
                    kGroupNameBytesMax));
  }
  if (name.stream.starts_with(kGroupsPrefix)) {
    return Invalid(
        fmt::format("streams in {} tell of groups and can't be worked off by one; read "
                    "them instead",
                    kGroupsPrefix));
  }
  const size_t bytes = kGroupsPrefix.size() + name.stream.size() + 1 + name.group.size();
  if (bytes > kStreamNameBytesMax) {
    return Invalid(
        fmt::format("the names of stream and group are too long together: {}<stream>/"
                    "<group> may have {} bytes and has {}; take a shorter group name",
                    kGroupsPrefix, kStreamNameBytesMax, bytes));
  }
  return std::nullopt;
}

std::optional<Refusal> CheckTake(const wire::Take& take) {
  if (auto refusal = CheckGroupName(NameIn(take))) return refusal;
  if (take.max() < 1 || take.max() > kTakeMax) {
    return Invalid(
        fmt::format("max is 1 to {}, not {}; take again for more", kTakeMax, take.max()));
  }
  if (take.lease_ms() < kTakeLeaseMsMin || take.lease_ms() > kTakeLeaseMsMax) {
    return Invalid(fmt::format("lease_ms is {} to {} (24 hours), not {}", kTakeLeaseMsMin,
                               kTakeLeaseMsMax, take.lease_ms()));
  }
  if (take.wait_ms() > kTakeWaitMsMax) {
    return Invalid(fmt::format("wait_ms is at most {}, not {}; take again after that",
                               kTakeWaitMsMax, take.wait_ms()));
  }
  return std::nullopt;
}

std::optional<Refusal> CheckSettle(const wire::Settle& settle) {
  const size_t tokens = settle.tokens()->size();
  if (tokens < 1 || tokens > kSettleTokensMax) {
    return Invalid(
        fmt::format("a settle names 1 to {} tokens, not {}; settle the others with "
                    "another one",
                    kSettleTokensMax, tokens));
  }
  if (settle.outcome() > wire::Outcome::MAX) {
    return Invalid("the outcome of a settle is done, retry or park");
  }
  return CheckNote(TextOf(settle.note()));
}

std::optional<Refusal> CheckUnpark(const wire::Unpark& unpark) {
  if (auto refusal = CheckGroupName(NameIn(unpark))) return refusal;
  if (unpark.revisions() != nullptr && unpark.revisions()->size() > GroupState::kParkedMax) {
    return Refusal{RefusalCode::TooLarge,
                   fmt::format("at most {} revisions may be named, not {}; name none for all",
                               GroupState::kParkedMax, unpark.revisions()->size())};
  }
  return CheckNote(TextOf(unpark.note()));
}

std::optional<Refusal> CheckRemoveGroup(const wire::RemoveGroup& remove) {
  if (auto refusal = CheckGroupName(NameIn(remove))) return refusal;
  return CheckNote(TextOf(remove.note()));
}

Refusal NoSuchGroup(const GroupName& name) {
  return Invalid(fmt::format("stream '{}' has no group '{}'; a group begins with its first take",
                             Printable(name.stream), Printable(name.group)));
}

}  // namespace roost
