// What clients do to see that all has come right again.
#include <fmt/core.h>

#include <utility>

#include "base/clock.h"
#include "log/record.h"
#include "tests/simulation/simulated_client.h"

namespace roost {
namespace {

using std::chrono::milliseconds;

constexpr int kProbes = 3;

}  // namespace

void SimulatedClient::Attach() {
  if (connection_->attached()) return;
  connection_->Attach(MonotonicNs() + 60 * kNsPerSecond,
                      Expecting("attached: client", MonotonicNs()));
}

// A full disk is told of once more when there is room again, to whoever came while there was none; and hung up on,
// so that the next request may be lost with the connection.
void SimulatedClient::Probe() { ProbeClaim(kProbes); }

void SimulatedClient::ProbeClaim(int tries) {
  const ClaimRequest request{.keys = {"b"}, .ttl = milliseconds(200)};
  connection_->Claim(request, MonotonicNs() + 60 * kNsPerSecond,
                     [this, tries, note = Expecting("claim probed: client", 0)](
                         const Result<ClaimResult>& result) {
                       note(result.status());
                       if (result.ok() && result->granted) {
                         world_->promises->Granted(result->token, connection_->info().session);
                       }
                       if (result.ok()) return ProbeAppend(kProbes);
                       if (TriesAgain("claim", result.status(), tries)) ProbeClaim(tries - 1);
                     });
}

void SimulatedClient::ProbeAppend(int tries) {
  const uint64_t operation = world_->promises->next_operation();
  Batch batch;
  batch.events.push_back({.stream = StreamOf(0), .type = "probe"});
  batch.events[0].data = Promises::DataOf(operation, 0, 0);
  world_->promises->Asked(batch, world_->head());
  connection_->Append(batch, MonotonicNs() + 60 * kNsPerSecond,
                      [this, operation, tries, note = Expecting("append probed: client", 0)](
                          const Result<AppendResult>& result) {
                        note(result.status());
                        world_->promises->Answered(operation, result, world_->head());
                        if (result.ok()) return;
                        if (TriesAgain("append", result.status(), tries)) ProbeAppend(tries - 1);
                      });
}

bool SimulatedClient::TriesAgain(const char* what, const Status& why, int tries) {
  const bool is_passing =
      why.code() == StatusCode::kExhausted || why.code() == StatusCode::kUnknownOutcome;
  if (is_passing && tries > 1) return true;
  world_->promises->Violation(
      fmt::format("client {} can't {} in calm weather: {}", number_, what, why.message()));
  return false;
}

void SimulatedClient::ClaimAll() {
  ClaimRequest request{.keys = AllKeys()};
  request.wait = milliseconds(45'000);
  const uint64_t wait_end_ns = MonotonicNs() + 45 * kNsPerSecond;
  connection_->Claim(request, wait_end_ns + 10 * kNsPerSecond,
                     [this, note = Expecting("all claimed: client", wait_end_ns)](
                         const Result<ClaimResult>& result) {
                       note(result.status());
                       if (result.ok() && result->granted) {
                         world_->promises->Granted(result->token, connection_->info().session);
                         return;
                       }
                       world_->promises->Violation(
                           "keys are held though all who could hold them have gone: " +
                           (result.ok() && !result->held.empty() ? result->held[0].held
                                                                 : result.status().message()));
                     });
}

void SimulatedClient::TakeAll() { TakeRest(0); }

void SimulatedClient::TakeRest(size_t stream) {
  if (stream == kStreams) {
    has_finished_ = true;
    return;
  }
  const TakeRequest request{.stream = StreamOf(stream), .group = kGroup, .max = 500};
  connection_->Take(
      request, MonotonicNs() + 20 * kNsPerSecond,
      [this, stream, note = Expecting("rest taken: client", 0)](const Result<TakeResult>& result) {
        note(result.status());
        if (!result.ok()) {
          return world_->promises->Violation("can't take: " + result.status().message());
        }
        if (result->items.empty()) return TakeRest(stream + 1);
        OnTaken(GroupOf(StreamOf(stream)), *result);
        SettleAll(std::exchange(held_, {}), Outcome::kDone, [this, stream] { TakeRest(stream); });
      });
}

void SimulatedClient::CheckWaits() {
  const RingReader* ring = connection_->ring();
  for (const auto& [registration, waiting] : waits_) {
    for (uint64_t sequence = waiting.after + 1; sequence <= ring->head(); ++sequence) {
      RecordHeader header;
      uint64_t position;
      if (ring->ReadHeader(sequence, &header, &position) != RingReader::Outcome::kEvent) continue;
      const std::string_view name = ring->Stream(header.stream).name;
      const Filter& filter = waiting.filter;
      const bool is_its_stream =
          filter.stream.empty() ? name.starts_with(filter.stream_prefix) : name == filter.stream;
      if (!is_its_stream) continue;
      if (!filter.types.empty() && header.type != FilterHash(filter.types[0])) continue;
      return world_->promises->Violation(
          fmt::format("client {} waits for what comes after {} in '{}{}' and was not woken for {}",
                      number_, waiting.after, filter.stream, filter.stream_prefix, sequence));
    }
  }
}

}  // namespace roost
