// Where shims may start a broker, with a directory of the test's in the place of /run/roost.
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "client/mcp/autostart_place.h"

namespace roost {
namespace {

class AutostartPlaceTest : public ::testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(base_); }
  void TearDown() override { std::filesystem::remove_all(base_); }

  AutostartPlace Place() const { return AutostartPlace(system_ + "/roost.sock", system_); }
  // Everything in the folder of the system directory, to see that nothing is left behind.
  size_t CountBeside() const {
    const std::filesystem::directory_iterator all(base_);
    return static_cast<size_t>(std::distance(begin(all), end(all)));
  }

  const std::string base_ =
      ::testing::TempDir() + "/autostart_place_test." + std::to_string(::getpid());
  const std::string system_ = base_ + "/roost";
};

TEST_F(AutostartPlaceTest, IsNotWhereTheOperatorMadeTheSystemDirectory) {
  const AutostartPlace elsewhere(base_ + "/mine/roost.sock", system_);
  EXPECT_TRUE(elsewhere.MayStart());
  std::filesystem::create_directory(system_);
  EXPECT_FALSE(Place().MayStart());
  EXPECT_FALSE(elsewhere.MayStart());
  const Result<UniqueFd> lock = Place().OpenLock();
  ASSERT_FALSE(lock.ok());
  EXPECT_EQ(lock.status().code(), StatusCode::kUnavailable);
  EXPECT_TRUE(std::filesystem::is_empty(system_));
}

TEST_F(AutostartPlaceTest, IsWhereAShimMadeTheSystemDirectory) {
  ASSERT_TRUE(Place().MayStart());
  ASSERT_TRUE(Place().OpenLock().ok());
  EXPECT_TRUE(Place().MayStart());
  EXPECT_TRUE(Place().OpenLock().ok());
  EXPECT_TRUE(AutostartPlace(base_ + "/mine/roost.sock", system_).MayStart());
  EXPECT_EQ(std::filesystem::status(system_).permissions(), std::filesystem::perms::owner_all);
  EXPECT_EQ(CountBeside(), 1u);
}

TEST_F(AutostartPlaceTest, IsNoSymbolicLinkThatLeadsToALock) {
  std::filesystem::create_directory(system_);
  std::filesystem::create_symlink("/etc/passwd", system_ + "/roost.sock.autostart");
  EXPECT_FALSE(Place().MayStart());
}

TEST_F(AutostartPlaceTest, IsOneForManyWhoMakeItAtOnce) {
  std::atomic<int> opened{0};
  std::atomic<int> refused_before{0};
  std::vector<std::thread> shims;
  for (int i = 0; i < 16; ++i) {
    shims.emplace_back([&] {
      if (!Place().MayStart()) refused_before.fetch_add(1, std::memory_order_relaxed);
      const Result<UniqueFd> lock = Place().OpenLock();
      EXPECT_TRUE(lock.ok()) << lock.status().message();
      opened.fetch_add(lock.ok() ? 1 : 0, std::memory_order_relaxed);
    });
  }
  for (std::thread& shim : shims) shim.join();
  EXPECT_EQ(opened.load(std::memory_order_relaxed), 16);
  EXPECT_EQ(refused_before.load(std::memory_order_relaxed), 0);
  EXPECT_EQ(CountBeside(), 1u);
  EXPECT_TRUE(std::filesystem::exists(system_ + "/roost.sock.autostart"));
}

}  // namespace
}  // namespace roost
