// The wall clock jumps by a hundred years, forwards and backwards, under a broker at work: no claim ends for it, and
// those that should still do. Needs libfaketime.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/broker_process.h"
#include "tests/support/log_history.h"

namespace roost {
namespace {

// Empty: it is not installed.
std::string FakeTimeLibrary() {
  for (const std::string path : {"/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
                                 "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
                                 "/usr/lib/faketime/libfaketime.so.1"}) {
    if (std::filesystem::exists(path)) return path;
  }
  return {};
}

TEST(ClockJumpTest, ChangesNoClaimAndNoOrder) {
  const std::string library = FakeTimeLibrary();
  if (library.empty()) GTEST_SKIP() << "libfaketime is not installed";
  BrokerProcess broker;
  const std::string offset = broker.scratch() / "offset";
  const auto jump = [&offset](const std::string& to) {
    // Renamed, so that the broker never reads half of it.
    std::ofstream(offset + ".new") << to << "\n";
    std::filesystem::rename(offset + ".new", offset);
  };
  jump("+0");
  broker.setup().environment = {"LD_PRELOAD=" + library, "FAKETIME_TIMESTAMP_FILE=" + offset,
                                "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1",
                                "DONT_FAKE_MONOTONIC=1"};
  ASSERT_TRUE(broker.Start());
  Client alice = MakeClient(broker.socket(), "alice");
  Client bob = MakeClient(broker.socket(), "bob");
  const auto held = alice.Claim({.keys = {"held"}});
  ASSERT_TRUE(held.ok()) << held.status().message();
  uint64_t newest = held->token;
  uint64_t earliest_ns = UINT64_MAX, latest_ns = 0;
  for (const std::string to : {"+100y", "-100y", "+0", "-100y", "+100y"}) {
    SCOPED_TRACE(to);
    jump(to);
    const auto refused = bob.Claim({.keys = {"held"}});
    ASSERT_TRUE(refused.ok()) << refused.status().message();
    ASSERT_FALSE(refused->granted);
    EXPECT_LE(refused->held.at(0).expires_in_ms, 60'000u);
    // One that begins before a jump ends behind it, when its time is over and not before.
    const auto brief = alice.Claim({.keys = {"brief"}, .ttl = std::chrono::milliseconds(200)});
    ASSERT_TRUE(brief.ok() && brief->granted);
    EXPECT_GT(brief->token, newest);
    jump(to == "+0" ? "+1y" : "+0");
    const auto next = bob.Claim({.keys = {"brief"}, .wait = std::chrono::seconds(20)});
    ASSERT_TRUE(next.ok() && next->granted);
    EXPECT_GT(next->token, brief->token);
    newest = next->token;
    ASSERT_TRUE(*bob.Release(next->token));
  }
  const std::vector<SeenEvent> log = ReadAll(&alice);
  ExpectDense(log);
  // That the clock did jump.
  Page page;
  ASSERT_TRUE(alice.Read({.filter = {.stream = "$leases"}, .limit = 500}, &page).ok());
  for (size_t i = 0; i < page.size(); ++i) {
    earliest_ns = std::min(earliest_ns, page[i].time_ns);
    latest_ns = std::max(latest_ns, page[i].time_ns);
  }
  EXPECT_GT(latest_ns - earliest_ns, 99ull * 365 * 86'400 * 1'000'000'000);
  EXPECT_TRUE(*alice.Release(held->token));
}

}  // namespace
}  // namespace roost
