#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/unix_socket.h"
#include "benchmarks/crowd/polite_agents.h"
#include "benchmarks/crowd/scenarios.h"
#include "ipc/messages.h"

namespace roost {
namespace {

// So many ended sessions that the broker keeps no more of them (docs/operating.md): its memory has grown to what it
// will ever be.
constexpr int kWarmUp = 20'000;
constexpr uint64_t kPatienceNs = 30 * kNsPerSecond;

void ComeAndGo(const CrowdServer& server, int index) {
  Result<UniqueFd> fd = ConnectSeqpacket(server.socket());
  while (!fd.ok()) {
    ROOST_CHECK(fd.status().code() == StatusCode::kBusy, "{}", fd.status().message());
    ::usleep(100);
    fd = ConnectSeqpacket(server.socket());
  }
  RequestEncoder encoder;
  switch (index % 4) {
    case 0:
      return;
    case 1: {
      const std::byte nonsense[40] = {};
      (void)SendSeqpacket(fd->get(), nonsense);
      return;
    }
    case 2:
      (void)SendSeqpacket(fd->get(), encoder.Attach("hasty", "crowd_bench", 0, {}));
      return;
    default:
      break;
  }
  const AttachedSocket attached(server, "guest");
  ROOST_CHECK(SendSeqpacket(attached.fd(), AppendRequest("guests", "guest", 64)) ==
              SocketOutcome::kDone);
  pollfd polled{attached.fd(), POLLIN, 0};
  ROOST_CHECK(::poll(&polled, 1, 30'000) == 1);
}

double ManyComeAndGo(const CrowdServer& server, int count) {
  const uint64_t begin_ns = MonotonicNs();
  for (int i = 0; i < count; ++i) ComeAndGo(server, i);
  return static_cast<double>(MonotonicNs() - begin_ns) / 1e9;
}

Footprint FootprintWhenAllHaveGone(const CrowdServer& server, uint64_t descriptors) {
  const uint64_t until_ns = MonotonicNs() + kPatienceNs;
  while (FootprintOf(server.pid()).descriptors > descriptors && MonotonicNs() < until_ns) {
    ::usleep(10'000);
  }
  return FootprintOf(server.pid());
}

std::string Shown(const Footprint& footprint) {
  return fmt::format(R"({{"descriptors":{},"mappings":{},"anonymous_kib":{}}})",
                     footprint.descriptors, footprint.mappings, footprint.anonymous_kib);
}

}  // namespace

int RunConnects(const ConnectsOptions& options) {
  CrowdServer bare(CrowdServer::Kind::kBare, CrowdScratch() + "-bare");
  CrowdServer roost(CrowdServer::Kind::kRoost, CrowdScratch());
  // The segment that it prepares ahead may be there or not.
  const Footprint before = FootprintOf(roost.pid());
  ManyComeAndGo(roost, kWarmUp);
  const Footprint warm = FootprintWhenAllHaveGone(roost, before.descriptors + 1);
  const double seconds = ManyComeAndGo(roost, options.connects);
  const Footprint after = FootprintWhenAllHaveGone(roost, before.descriptors + 1);
  const double bare_seconds = ManyComeAndGo(bare, options.connects);
  fmt::print(R"({{"connects":{},"seconds":{:.1f},"bare_seconds":{:.1f},"before":{},"warm":{},)"
             R"("after":{}}})"
             "\n",
             options.connects, seconds, bare_seconds, Shown(before), Shown(warm), Shown(after));
  if (options.growth_kib_max == 0) return 0;
  const bool is_back = after.descriptors <= before.descriptors + 1 &&
                       after.mappings <= warm.mappings + 2 &&
                       after.anonymous_kib <= warm.anonymous_kib + options.growth_kib_max;
  return is_back ? 0 : 1;
}

}  // namespace roost
