#include "tests/simulation/simulated_client.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/clock.h"
#include "tests/support/claim_oracle.h"

namespace roost {
namespace {

using std::chrono::milliseconds;

constexpr size_t kUnansweredMax = 6;
constexpr size_t kWaitsMax = 3;
// How long after its time an answer may come when nothing goes wrong.
constexpr uint64_t kAnswerNsMax = 3 * kNsPerSecond;
constexpr uint64_t kReachNsMax = 5 * kNsPerSecond;

}  // namespace

std::string SimulatedClient::StreamOf(uint64_t number) { return fmt::format("s/{}", number); }

std::string SimulatedClient::GroupOf(const std::string& stream) { return stream + "/" + kGroup; }

std::vector<std::string> SimulatedClient::AllKeys() {
  std::vector<std::string> keys;
  for (const auto& [key, texts] : kClaimTexts) keys.push_back(key);
  return keys;
}

SimulatedClient::SimulatedClient(uint64_t number, World* world)
    : number_(number),
      world_(world),
      tastes_(world->random->OneIn(2) ? UINT64_MAX : world->random->source()()) {}

std::string SimulatedClient::Label() const { return fmt::format("client-{}", number_); }

void SimulatedClient::Start() {
  ConnectionOptions options;
  options.socket = world_->socket;
  options.agent = Label();
  options.program = "simulation";
  connection_ = std::make_unique<Connection>(options);
}

void SimulatedClient::Kill() {
  reader_.reset();
  reading_ = false;
  connection_.reset();
  paused_until_ns_ = 0;
  rests_until_ns_ = 0;
  unanswered_ = 0;
  has_finished_ = false;
  looked_ = 0;
  tokens_.clear();
  tickets_.clear();
  held_.clear();
  waits_.clear();
  to_decide_.clear();
}

void SimulatedClient::OnReady() {
  connection_->OnReady();
  Look();
}

void SimulatedClient::OnTimer() { connection_->OnTimer(); }

bool SimulatedClient::MayAsk() const {
  return unanswered_ < kUnansweredMax && MonotonicNs() >= rests_until_ns_ &&
         connection_->CanSubmit();
}

void SimulatedClient::AskAnything() {
  struct Kind {
    void (SimulatedClient::*ask)();
    uint64_t weight;
  };
  static constexpr Kind kKinds[] = {
      {&SimulatedClient::Append, 5},       {&SimulatedClient::AppendAgain, 2},
      {&SimulatedClient::Claim, 2},        {&SimulatedClient::Release, 2},
      {&SimulatedClient::Take, 2},         {&SimulatedClient::Settle, 3},
      {&SimulatedClient::Wait, 2},         {&SimulatedClient::GiveUp, 1},
      {&SimulatedClient::FetchSegment, 1}, {&SimulatedClient::Ask, 3},
      {&SimulatedClient::Decide, 3},       {&SimulatedClient::LookUp, 1},
      {&SimulatedClient::Read, 2},
  };
  // What it never asks for it has no taste for; all of them in every run would hide what a few bring about.
  uint64_t chosen = 0;
  uint64_t sum = 0;
  for (size_t i = 0; i < std::size(kKinds); ++i) {
    if ((tastes_ >> i & 1) == 0) continue;
    sum += kKinds[i].weight;
    if (world_->random->Below(sum) < kKinds[i].weight) chosen = i;
  }
  (this->*kKinds[chosen].ask)();
}

// The newest few events of the ring are what a reader sees.
void SimulatedClient::Look() {
  const RingReader* ring = connection_->ring();
  if (ring == nullptr || !connection_->attached()) return;
  const uint64_t head = ring->head();
  for (uint64_t sequence = head - std::min<uint64_t>(head, 3); sequence < head;) {
    RecordHeader header;
    uint64_t position;
    const bool is_new = ++sequence > looked_;
    if (is_new && ring->ReadHeader(sequence, &header, &position) == RingReader::Outcome::kEvent) {
      world_->promises->Saw(header);
    }
  }
  looked_ = std::max(looked_, head);
}

uint64_t SimulatedClient::Deadline(uint64_t wait_ns) {
  return MonotonicNs() + wait_ns + world_->random->From(1, 20) * kNsPerSecond;
}

uint64_t SimulatedClient::RevisionOf(const std::string& stream) const {
  const RingReader* ring = connection_->ring();
  if (ring == nullptr) return 0;
  const auto id = ring->FindStream(stream);
  return id.has_value() ? ring->Stream(*id).revision : 0;
}

std::function<void(const Status&)> SimulatedClient::Expecting(const char* what,
                                                              uint64_t wait_end_ns) {
  ++unanswered_;
  return [this, what, wait_end_ns](const Status& status) {
    --unanswered_;
    const uint64_t now_ns = MonotonicNs();
    world_->trace->Note(now_ns, what, number_, static_cast<uint64_t>(status.code()));
    if (status.code() != StatusCode::kTimedOut || world_->calm_since_ns == UINT64_MAX) return;
    const uint64_t due_ns =
        std::max(world_->calm_since_ns + kReachNsMax, wait_end_ns) + kAnswerNsMax;
    if (now_ns < due_ns) return;
    world_->promises->Violation(
        fmt::format("client {}: {} was never answered: {}", number_, what, status.message()));
  };
}

// ---- appends ----

void SimulatedClient::Append() {
  RandomChoice& random = *world_->random;
  const uint64_t operation = world_->promises->next_operation();
  Batch batch;
  const size_t count = random.OneIn(3) ? random.From(2, 3) : 1;
  for (size_t i = 0; i < count; ++i) {
    NewEvent event;
    event.stream = StreamOf(random.Below(kStreams));
    event.type = random.OneIn(2) ? "even" : "odd";
    event.data = Promises::DataOf(operation, i, AnySize());
    batch.events.push_back(std::move(event));
  }
  if (random.OneIn(3)) {
    const std::string& stream = batch.events[0].stream;
    const uint64_t revision = RevisionOf(stream);
    batch.conditions.push_back({stream, random.OneIn(4) ? random.Below(revision + 2) : revision});
  }
  if (random.OneIn(3)) batch.id = fmt::format("id-{}", operation);
  world_->promises->Asked(batch, world_->head());
  if (!batch.id.empty()) with_id_.push_back(operation);
  Submit(operation);
}

size_t SimulatedClient::AnySize() {
  RandomChoice& random = *world_->random;
  if (!random.OneIn(8)) return random.Below(200);
  // What is more than a message takes goes through a memfd.
  return random.OneIn(2) ? random.Below(world_->data_bytes_max) : random.Below(6000);
}

// Somebody else may have asked first, and may have been killed since.
void SimulatedClient::AppendAgain() {
  if (with_id_.empty()) return;
  const uint64_t operation = world_->random->Of(with_id_);
  world_->promises->AskedAgain(operation);
  Submit(operation);
}

void SimulatedClient::Submit(uint64_t operation) {
  world_->trace->Note(MonotonicNs(), "asks for operation: client", number_, operation);
  connection_->Append(world_->promises->BatchOf(operation), Deadline(),
                      [this, operation, note = Expecting("append answered: client", 0)](
                          const Result<AppendResult>& result) {
                        note(result.status());
                        world_->promises->Answered(operation, result, world_->head());
                      });
}

// ---- claims ----

void SimulatedClient::Claim() {
  static const std::vector<std::string> kKeys = AllKeys();
  RandomChoice& random = *world_->random;
  ClaimRequest request;
  for (size_t i = 0; i < 1 + random.Below(2); ++i) request.keys.push_back(random.Of(kKeys));
  request.ttl =
      random.OneIn(3) ? milliseconds(3'600'000) : milliseconds(random.Magnitude(128, 20'000));
  request.wait = random.OneIn(2) ? milliseconds(0) : milliseconds(random.Below(5000));
  const uint64_t wait_ns = static_cast<uint64_t>(request.wait.count()) * kNsPerMs;
  const uint64_t ticket = connection_->Claim(
      request, Deadline(wait_ns),
      [this, note = Expecting("claim answered: client", MonotonicNs() + wait_ns)](
          const Result<ClaimResult>& result) {
        note(result.status());
        if (!result.ok() || !result->granted) return;
        tokens_.push_back(result->token);
        world_->promises->Granted(result->token, connection_->info().session);
      });
  if (ticket != 0) tickets_.push_back(ticket);
}

void SimulatedClient::Release() {
  if (tokens_.empty()) return;
  const uint64_t token = world_->random->Of(tokens_);
  std::erase(tokens_, token);
  connection_->Release(
      token, {}, Deadline(),
      [this, token, note = Expecting("release answered: client", 0)](const Result<bool>& released) {
        note(released.status());
        if (released.ok() && *released) {
          world_->promises->Released(token, world_->head());
        }
      });
}

// ---- groups ----

void SimulatedClient::Take() {
  RandomChoice& random = *world_->random;
  TakeRequest request{.stream = StreamOf(random.Below(kStreams)), .group = kGroup};
  request.max = static_cast<uint32_t>(random.From(1, 4));
  request.lease = milliseconds(random.Magnitude(128, 10'000));
  request.wait = random.OneIn(2) ? milliseconds(0) : milliseconds(random.Below(3000));
  const uint64_t wait_ns = static_cast<uint64_t>(request.wait.count()) * kNsPerMs;
  const uint64_t ticket =
      connection_->Take(request, Deadline(wait_ns),
                        [this, stream = request.stream,
                         note = Expecting("take answered: client", MonotonicNs() + wait_ns)](
                            const Result<TakeResult>& result) {
                          note(result.status());
                          if (result.ok()) OnTaken(GroupOf(stream), *result);
                        });
  if (ticket != 0) tickets_.push_back(ticket);
}

void SimulatedClient::OnTaken(const std::string& group, const TakeResult& taken) {
  for (const TakenItem& item : taken.items) {
    held_.push_back({group, item});
    world_->promises->Took(group, item, connection_->info().session);
  }
}

void SimulatedClient::Settle() {
  if (held_.empty()) return;
  RandomChoice& random = *world_->random;
  std::vector<Held> items;
  for (size_t i = 0; i < 3 && !held_.empty(); ++i) {
    const auto at = held_.begin() + static_cast<ptrdiff_t>(random.Below(held_.size()));
    items.push_back(*at);
    held_.erase(at);
  }
  const uint64_t fate = random.Below(8);
  SettleAll(std::move(items),
            fate == 0   ? Outcome::kPark
            : fate == 1 ? Outcome::kRetry
                        : Outcome::kDone,
            [] {});
}

void SimulatedClient::SettleAll(std::vector<Held> items, Outcome outcome,
                                std::function<void()> then) {
  std::vector<ItemToken> tokens;
  for (const Held& held : items) tokens.push_back(held.item.token);
  connection_->Settle(
      tokens, outcome, {}, Deadline(),
      [this, items, outcome, then = std::move(then),
       note = Expecting("settle answered: client", 0)](const Result<std::vector<bool>>& settled) {
        note(settled.status());
        for (size_t i = 0; settled.ok() && i < items.size(); ++i) {
          if (!(*settled)[i]) continue;
          world_->promises->Settled(items[i].group, items[i].item, outcome, world_->head());
        }
        then();
      });
}

// ---- the rest ----

void SimulatedClient::Wait() {
  RandomChoice& random = *world_->random;
  const RingReader* ring = connection_->ring();
  if (waits_.size() >= kWaitsMax || ring == nullptr) return;
  Filter filter;
  if (random.OneIn(2)) filter.stream = StreamOf(random.Below(kStreams));
  if (filter.stream.empty()) filter.stream_prefix = random.OneIn(2) ? "s/" : "";
  if (random.OneIn(3)) filter.types = {"even"};
  const uint64_t after = ring->head() - std::min<uint64_t>(ring->head(), random.Below(3));
  // Its registration is known only when the call has returned; it may have been woken by then.
  const auto registration = std::make_shared<uint64_t>(0);
  *registration = connection_->Wait(filter, after, [this, registration](const Status& status) {
    world_->trace->Note(MonotonicNs(), "woken: client", number_,
                        static_cast<uint64_t>(status.code()));
    waits_.erase(*registration);
  });
  if (*registration != 0) waits_[*registration] = {filter, after};
}

void SimulatedClient::GiveUp() {
  if (!waits_.empty() && world_->random->OneIn(2)) {
    const auto first = waits_.begin();
    connection_->CancelWait(first->first);
    waits_.erase(first);
    return;
  }
  if (tickets_.empty()) return;
  // What was answered already can't be given up: it stays counted until its deadline otherwise.
  const size_t before = connection_->unanswered();
  connection_->Cancel(tickets_.back());
  tickets_.pop_back();
  if (connection_->unanswered() < before) --unanswered_;
}

void SimulatedClient::FetchSegment() {
  const RingReader* ring = connection_->ring();
  if (ring == nullptr || ring->head() == 0) return;
  const uint64_t sequence = world_->random->From(1, ring->head());
  connection_->FetchSegment(
      sequence, 0, Deadline(),
      [this, sequence, note = Expecting("segment fetched: client", 0)](const Status& status) {
        note(status);
        if (status.code() != StatusCode::kGone) return;
        const RingReader* now = connection_->ring();
        // Of a segment that was cut on its way only the ring says what is the oldest; it may be one that the ring has
        // still, and the journal has not.
        const bool ring_has_it = sequence >= now->oldest();
        const uint64_t told = std::max(connection_->oldest_told(), now->log_oldest());
        world_->readings->Gone(sequence, ring_has_it ? world_->oldest() : told, world_->oldest());
      });
}

}  // namespace roost
