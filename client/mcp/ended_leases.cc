#include "client/mcp/ended_leases.h"

#include <iterator>

#include "client/mcp/event_json.h"
#include "client/mcp/json_text.h"

namespace roost {
namespace {

void AppendLease(std::string* out, const EndedLease& lease) {
  const size_t begin = out->size();
  *out += '{';
  AppendMember(out, "token", lease.token);
  AppendMember(out, "reason", lease.reason);
  AppendName(out, "keys");
  *out += '[';
  for (size_t i = 0; i < lease.keys.size(); ++i) {
    const size_t before = out->size();
    if (i > 0) *out += ',';
    AppendJsonString(out, lease.keys[i]);
    if (i > 0 && out->size() - begin > EndedLeases::kMemberBytesMax / 2) {
      out->resize(before);
      *out += ']';
      AppendMember(out, "more_keys", lease.keys.size() - i);
      *out += '}';
      return;
    }
  }
  *out += "]}";
}

}  // namespace

bool EndedLeases::any() {
  std::vector<EndedLease> ended = log_->TakeEndedLeases();
  untold_.insert(untold_.end(), std::make_move_iterator(ended.begin()),
                 std::make_move_iterator(ended.end()));
  if (untold_.size() > kKeptMax) {
    untold_.erase(untold_.begin(), untold_.end() - static_cast<std::ptrdiff_t>(kKeptMax));
  }
  return !untold_.empty();
}

std::string EndedLeases::TakeMember() {
  std::string member;
  if (!any()) return member;
  member = R"(,"lease_ended":[)";
  size_t told = 0;
  for (; told < untold_.size(); ++told) {
    const size_t before = member.size();
    if (told > 0) member += ',';
    AppendLease(&member, untold_[told]);
    if (told > 0 && member.size() > kMemberBytesMax) {
      member.resize(before);
      break;
    }
  }
  member += ']';
  untold_.erase(untold_.begin(), untold_.begin() + static_cast<std::ptrdiff_t>(told));
  if (untold_.empty()) untold_.shrink_to_fit();
  return member;
}

}  // namespace roost
