#include "broker/wait_registry.h"

#include <algorithm>

#include "log/record.h"

namespace roost {

bool WaitRequest::MatchesHeader(const RecordHeader& header) const {
  if (has_agent && header.agent != agent) return false;
  return types.empty() || std::find(types.begin(), types.end(), header.type) != types.end();
}

bool WaitRegistry::Add(WaitRequest wait) {
  const Key key{wait.socket.get(), wait.registration};
  const bool replaced = Cancel(key.socket, key.registration);
  auto entry = std::make_unique<Entry>();
  entry->wait = std::move(wait);
  std::list<Entry*>* list = &vague_;
  if (entry->wait.is_exact()) {
    entry->stream_hash = StreamHash(entry->wait.stream);
    list = &exact_[entry->stream_hash];
  }
  entry->place = list->insert(list->end(), entry.get());
  waits_.emplace(key, std::move(entry));
  return replaced;
}

bool WaitRegistry::Cancel(const PeerSocket* socket, uint64_t registration) {
  const auto found = waits_.find({socket, registration});
  if (found == waits_.end()) return false;
  Remove(found);
  return true;
}

size_t WaitRegistry::DropPeer(const PeerSocket* socket) {
  size_t count = 0;
  auto next = waits_.lower_bound({socket, 0});
  while (next != waits_.end() && next->first.socket == socket) {
    Remove(next++);
    ++count;
  }
  return count;
}

void WaitRegistry::Remove(Waits::iterator at) {
  const Entry& entry = *at->second;
  if (entry.wait.is_exact()) {
    const auto list = exact_.find(entry.stream_hash);
    list->second.erase(entry.place);
    if (list->second.empty()) exact_.erase(list);
  } else {
    vague_.erase(entry.place);
  }
  waits_.erase(at);
}

void WaitRegistry::TakeMatching(const RecordHeader& header, std::string_view name,
                                std::vector<WaitRequest>* woken) {
  TakeFrom(vague_, header, name, woken);
  const auto exact = exact_.find(StreamHash(name));
  if (exact == exact_.end()) return;
  TakeFrom(exact->second, header, name, woken);
  if (exact->second.empty()) exact_.erase(exact);
}

void WaitRegistry::TakeFrom(std::list<Entry*>& list, const RecordHeader& header,
                            std::string_view name, std::vector<WaitRequest>* woken) {
  for (auto next = list.begin(); next != list.end();) {
    WaitRequest& wait = (*next)->wait;
    const bool is_stream =
        wait.is_exact() ? wait.stream == name : name.starts_with(wait.stream_prefix);
    if (!is_stream || header.sequence <= wait.after || !wait.MatchesHeader(header)) {
      ++next;
      continue;
    }
    const Key key{wait.socket.get(), wait.registration};
    woken->push_back(std::move(wait));
    next = list.erase(next);
    waits_.erase(key);
  }
}

void WaitRegistry::TakeAll(std::vector<WaitRequest>* woken) {
  for (auto& [key, entry] : waits_) woken->push_back(std::move(entry->wait));
  exact_.clear();
  vague_.clear();
  waits_.clear();
}

}  // namespace roost
