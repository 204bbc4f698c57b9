#include "client/mcp/subscriptions.h"

#include <algorithm>

#include "client/mcp/json_text.h"
#include "client/mcp/replies.h"
#include "client/mcp/resource_uri.h"

namespace roost {

// One address that somebody subscribed to.
struct Subscriptions::Watch {
  std::string uri;
  std::string stream;                    // empty: anything that is appended changes it
  std::vector<std::string> subscribers;  // ids of listens; "" for resources/subscribe
  uint64_t seen = 0;                     // newest sequence that was noticed
  uint64_t wait = 0;                     // registration; 0: none
  uint64_t told_ns = 0;
  bool over = false;  // the last wait has called back
  bool changed = false;
};

namespace {

uint64_t NewestSequence(const RingReader& ring, const std::string& stream) {
  if (stream.empty()) return ring.head();
  const auto id = ring.FindStream(stream);
  return id.has_value() ? ring.Stream(*id).last_sequence : 0;
}

}  // namespace

Subscriptions::Subscriptions(Shim* shim, OutputQueue* output) : shim_(shim), output_(output) {}

Subscriptions::~Subscriptions() { Disarm(); }

bool Subscriptions::IsSubscribable(std::string_view uri) {
  const ResourceUri::Kind kind = ParseResourceUri(uri).kind;
  return kind == ResourceUri::Kind::kStream || kind == ResourceUri::Kind::kStreams;
}

bool Subscriptions::HasRoom(size_t more) const {
  return subscribers_ + more <= kSubscribersMax && listens_.size() < kSubscribersMax;
}

Subscriptions::Watch* Subscriptions::FindOrAdd(const std::string& uri) {
  for (const auto& watch : watches_) {
    if (watch->uri == uri) return watch.get();
  }
  Watch* watch = watches_.emplace_back(std::make_unique<Watch>()).get();
  watch->uri = uri;
  watch->stream = ParseResourceUri(uri).stream;
  // Not attached: whatever is there by the time that it is may be new.
  if (attached()) watch->seen = NewestSequence(*shim_->log->ring(), watch->stream);
  return watch;
}

void Subscriptions::Subscribe(const std::string& uri) {
  Watch* watch = FindOrAdd(uri);
  auto& subscribers = watch->subscribers;
  if (std::find(subscribers.begin(), subscribers.end(), "") == subscribers.end()) {
    subscribers.emplace_back();
    ++subscribers_;
  }
  Arm();
}

void Subscriptions::Listen(const std::string& id, const std::vector<std::string>& uris) {
  listens_.push_back(id);
  for (const std::string& uri : uris) {
    FindOrAdd(uri)->subscribers.push_back(id);
    ++subscribers_;
  }
  Arm();
}

void Subscriptions::Leave(std::string_view id, std::string_view uri) {
  for (const auto& watch : watches_) {
    if (uri.empty() || watch->uri == uri) subscribers_ -= std::erase(watch->subscribers, id);
  }
  std::erase_if(watches_, [this](const std::unique_ptr<Watch>& watch) {
    if (!watch->subscribers.empty()) return false;
    if (watch->wait != 0) shim_->log->CancelWait(watch->wait);
    return true;
  });
  if (watches_.empty()) Disarm();
}

void Subscriptions::Unsubscribe(std::string_view uri) {
  if (!uri.empty()) Leave("", uri);
}

bool Subscriptions::Cancel(std::string_view id) {
  if (std::erase(listens_, id) == 0) return false;
  Leave(id, "");
  return true;
}

bool Subscriptions::Listens(std::string_view id) const {
  return std::find(listens_.begin(), listens_.end(), id) != listens_.end();
}

void Subscriptions::Close() {
  for (const std::string& id : listens_) {
    std::string* line = output_->line();
    line->append(R"({"jsonrpc":"2.0","id":)").append(id);
    line->append(R"(,"result":{"resultType":"complete","_meta":{)").append(ServerInfoMember());
    line->append(R"(,"io.modelcontextprotocol/subscriptionId":)").append(id).append("}}}\n");
  }
  Disarm();
  listens_.clear();
  watches_.clear();
  subscribers_ = 0;
}

void Subscriptions::Attach() {
  if (attaching_) return;
  attaching_ = true;
  retry_ns_ = UINT64_MAX;
  const uint64_t deadline_ns = shim_->clock.monotonic_ns() + Operation::kBrokerTimeoutNs;
  shim_->log->Attach(deadline_ns, guard_.Wrap([this](const Status& status) {
    attaching_ = false;
    if (status.ok()) return Arm();
    retry_ns_ = shim_->clock.monotonic_ns() + kRetryNs;
  }));
}

// Sees to it that every change is noticed from now on.
void Subscriptions::Arm() {
  if (watches_.empty()) return;
  if (!attached()) return Attach();
  generation_ = shim_->log->generation();
  if (watches_.size() > kOwnWaitsMax) return ArmShared();
  if (shared_wait_ != 0) Disarm();
  // A wait may be over at once and call back, but changes no watch but its own.
  for (const auto& watch : watches_) ArmOwn(watch.get());
}

void Subscriptions::ArmOwn(Watch* watch) {
  if (watch->wait != 0 || watch->changed) return;
  const uint64_t head = shim_->log->ring()->head();
  Look(watch);
  if (watch->changed) return;
  Filter filter;
  filter.stream = watch->stream;
  watch->over = false;
  const uint64_t wait =
      shim_->log->Wait(filter, head, guard_.Wrap([this, watch](const Status& status) {
        watch->over = true;
        watch->wait = 0;
        if (status.ok()) {
          Look(watch);
          ArmOwn(watch);
        } else {
          retry_ns_ = shim_->clock.monotonic_ns() + kRetryNs;
        }
      }));
  // It may have been refused before Wait returned.
  if (!watch->over) watch->wait = wait;
}

void Subscriptions::ArmShared() {
  if (shared_wait_ != 0 || shim_->clock.monotonic_ns() < shared_ready_ns_) return;
  for (const auto& watch : watches_) {
    if (watch->wait != 0) shim_->log->CancelWait(watch->wait);
    watch->wait = 0;
  }
  const uint64_t head = shim_->log->ring()->head();
  for (const auto& watch : watches_) Look(watch.get());
  shared_over_ = false;
  const uint64_t wait = shim_->log->Wait({}, head, guard_.Wrap([this](const Status& status) {
    shared_over_ = true;
    shared_wait_ = 0;
    // Anything that is appended wakes it: not more often than it may tell of it.
    shared_ready_ns_ = shim_->clock.monotonic_ns() + (status.ok() ? kIntervalNs : kRetryNs);
  }));
  if (!shared_over_) shared_wait_ = wait;
}

void Subscriptions::Disarm() {
  for (const auto& watch : watches_) {
    if (watch->wait != 0) shim_->log->CancelWait(watch->wait);
    watch->wait = 0;
  }
  if (shared_wait_ != 0) shim_->log->CancelWait(shared_wait_);
  shared_wait_ = 0;
}

void Subscriptions::Look(Watch* watch) {
  const uint64_t newest = NewestSequence(*shim_->log->ring(), watch->stream);
  if (newest == watch->seen) return;
  watch->seen = newest;
  watch->changed = true;
}

uint64_t Subscriptions::timer_ns() const {
  if (watches_.empty()) return UINT64_MAX;
  uint64_t timer_ns = retry_ns_;
  for (const auto& watch : watches_) {
    if (watch->changed) timer_ns = std::min(timer_ns, watch->told_ns + kIntervalNs);
  }
  if (attached() && watches_.size() > kOwnWaitsMax && shared_wait_ == 0) {
    timer_ns = std::min(timer_ns, shared_ready_ns_);
  }
  return timer_ns;
}

void Subscriptions::OnTimer() {
  const uint64_t now_ns = shim_->clock.monotonic_ns();
  for (const auto& watch : watches_) {
    if (watch->changed && now_ns >= watch->told_ns + kIntervalNs) Tell(watch.get(), now_ns);
  }
  if (now_ns >= retry_ns_) retry_ns_ = UINT64_MAX;
  if (retry_ns_ == UINT64_MAX) Arm();
}

void Subscriptions::OnNewRing() {
  if (!attached() || shim_->log->generation() == generation_) return;
  Disarm();
  // Sequences may have been given to other events: what was seen says nothing any more.
  for (const auto& watch : watches_) watch->seen = 0;
  Arm();
}

void Subscriptions::Tell(Watch* watch, uint64_t now_ns) {
  watch->told_ns = now_ns;
  if (output_->full()) return;  // tried again after the interval
  watch->changed = false;
  // What was appended since it was noticed is told with it.
  if (attached()) watch->seen = NewestSequence(*shim_->log->ring(), watch->stream);
  for (const std::string& id : watch->subscribers) TellSubscriber(*watch, id);
}

void Subscriptions::TellSubscriber(const Watch& watch, const std::string& id) {
  std::string* line = output_->line();
  line->append(R"({"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":)");
  AppendJsonString(line, watch.uri);
  if (!id.empty()) {
    line->append(R"(,"_meta":{"io.modelcontextprotocol/subscriptionId":)").append(id).append("}");
  }
  line->append("}}\n");
}

}  // namespace roost
