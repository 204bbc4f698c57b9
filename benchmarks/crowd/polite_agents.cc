#include "benchmarks/crowd/polite_agents.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/clock.h"
#include "base/unix_socket.h"

namespace roost {
namespace {

constexpr size_t kEventBytes = 64;
constexpr uint64_t kPatienceNs = 30 * kNsPerSecond;

UniqueFd Connect(const std::string& socket) {
  const uint64_t until_ns = MonotonicNs() + kPatienceNs;
  while (true) {
    Result<UniqueFd> fd = ConnectSeqpacket(socket);
    if (fd.ok()) return *std::move(fd);
    // So many others come at the same time.
    ROOST_CHECK(fd.status().code() == StatusCode::kBusy && MonotonicNs() < until_ns, "{}",
                fd.status().message());
    ::poll(nullptr, 0, 1);
  }
}

double Quantile(std::vector<uint64_t>& values, double fraction) {
  if (values.empty()) return 0;
  const auto at = static_cast<std::ptrdiff_t>(fraction * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return static_cast<double>(values[static_cast<size_t>(at)]) / 1000.0;
}

}  // namespace

AttachedSocket::AttachedSocket(const CrowdServer& server, std::string_view agent)
    : fd_(Connect(server.socket())) {
  RequestEncoder encoder;
  ROOST_CHECK(SendSeqpacket(fd_.get(), encoder.Attach(agent, "crowd_bench", 0, {})) ==
              SocketOutcome::kDone);
  pollfd polled{fd_.get(), POLLIN, 0};
  ROOST_CHECK(::poll(&polled, 1, static_cast<int>(kPatienceNs / kNsPerMs)) == 1, "no answer");
  alignas(8) std::byte answer[4096];
  const Received received = ReceiveSeqpacket(fd_.get(), answer, sizeof(answer));
  ROOST_CHECK(received.outcome == SocketOutcome::kDone && received.fd.valid(), "not attached");
}

std::vector<std::byte> AppendRequest(std::string_view stream, std::string_view agent,
                                     size_t bytes) {
  const std::string data = '"' + std::string(bytes - 2, 'x') + '"';
  RequestEncoder encoder;
  encoder.BeginAppend();
  encoder.AddEvent({.stream = stream, .type = "crowd.event", .agent = agent, .data = data});
  const Bytes request = encoder.FinishAppend(1);
  return {request.begin(), request.end()};
}

PoliteAgents::PoliteAgents(const CrowdServer& server, int count)
    : is_bare_(server.is_bare()), epoll_(::epoll_create1(EPOLL_CLOEXEC)), random_(1) {
  agents_.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    const std::string name = fmt::format("polite-{}", i);
    agents_.push_back({AttachedSocket(server, name),
                       AppendRequest(fmt::format("polite/{}", i), name, kEventBytes)});
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &agents_.back();
    ROOST_CHECK(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, agents_.back().socket.fd(), &event) == 0);
  }
}

PoliteAgents::Figures PoliteAgents::Run(double seconds, double rate) {
  figures_ = {};
  latencies_.clear();
  next_ns_ = MonotonicNs();
  const uint64_t end_ns = next_ns_ + static_cast<uint64_t>(seconds * 1e9);
  if (rate == 0) {
    for (Agent& agent : agents_) Ask(agent);
  }
  while (MonotonicNs() < end_ns) {
    if (rate > 0) AskWhomIsDue(rate);
    TakeAnswers(rate > 0 ? std::min(next_ns_, end_ns) : end_ns, rate == 0);
  }
  const uint64_t until_ns = MonotonicNs() + kPatienceNs;
  while (under_way_ > 0) {
    ROOST_CHECK(MonotonicNs() < until_ns, "{} got no answer", under_way_);
    TakeAnswers(until_ns, false);
  }
  figures_.p50_us = Quantile(latencies_, 0.5);
  figures_.p99_us = Quantile(latencies_, 0.99);
  return figures_;
}

void PoliteAgents::AskWhomIsDue(double rate) {
  std::exponential_distribution<double> pause(rate / 1e9);
  for (; next_ns_ <= MonotonicNs(); next_ns_ += static_cast<uint64_t>(pause(random_))) {
    Agent& agent = agents_[random_() % agents_.size()];
    if (agent.sent_ns == 0) Ask(agent);
  }
}

void PoliteAgents::Ask(Agent& agent) {
  RenumberRequest(agent.request, ++agent.number);
  agent.sent_ns = MonotonicNs();
  if (SendSeqpacket(agent.socket.fd(), agent.request) == SocketOutcome::kDone) {
    ++under_way_;
  } else {
    ++figures_.refused;
    agent.sent_ns = 0;
  }
}

void PoliteAgents::TakeAnswers(uint64_t until_ns, bool ask_again) {
  const uint64_t now_ns = MonotonicNs();
  timespec wait{};
  if (until_ns > now_ns) {
    wait.tv_sec = static_cast<time_t>((until_ns - now_ns) / kNsPerSecond);
    wait.tv_nsec = static_cast<long>((until_ns - now_ns) % kNsPerSecond);
  }
  std::array<epoll_event, 256> ready;
  const int count =
      ::epoll_pwait2(epoll_.get(), ready.data(), static_cast<int>(ready.size()), &wait, nullptr);
  for (int i = 0; i < count; ++i) {
    auto& agent = *static_cast<Agent*>(ready[static_cast<size_t>(i)].data.ptr);
    if (TakeAnswer(agent) && ask_again) Ask(agent);
  }
}

bool PoliteAgents::TakeAnswer(Agent& agent) {
  alignas(8) std::byte answer[4096];
  const Received received = ReceiveSeqpacket(agent.socket.fd(), answer, sizeof(answer));
  if (received.outcome == SocketOutcome::kWouldBlock) return false;
  const uint64_t took_ns = MonotonicNs() - agent.sent_ns;
  ROOST_CHECK(received.outcome == SocketOutcome::kDone, "a polite agent was hung up on");
  ROOST_CHECK(agent.sent_ns != 0, "an answer to nothing");
  agent.sent_ns = 0;
  --under_way_;
  if (!is_bare_) {
    const wire::Reply* reply = DecodeReply(Bytes(answer, received.size));
    if (reply == nullptr || reply->body_type() != wire::ReplyBody::Appended) {
      ++figures_.refused;
      return false;
    }
  }
  ++figures_.answered;
  latencies_.push_back(took_ns);
  return true;
}

}  // namespace roost
