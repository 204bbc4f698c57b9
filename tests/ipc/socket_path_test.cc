#include "ipc/socket_path.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace roost {
namespace {

class SocketPathTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ::unsetenv("ROOST_SOCKET");
    directory_ = ::testing::TempDir() + "roost-socket-path-" + std::to_string(::getpid());
    std::filesystem::create_directory(directory_);
    ::chmod(directory_.c_str(), 0700);
  }
  void TearDown() override {
    ::unsetenv("ROOST_SOCKET");
    std::filesystem::remove_all(directory_);
  }

  std::string directory_;
};

TEST_F(SocketPathTest, TakesTheGivenPathBeforeTheEnvironment) {
  ::setenv("ROOST_SOCKET", "/x/environment.sock", 1);
  EXPECT_EQ(*ChooseSocketPath("/x/given.sock"), "/x/given.sock");
  EXPECT_EQ(*ChooseSocketPath(""), "/x/environment.sock");
}

TEST_F(SocketPathTest, TakesAnEmptyEnvironmentForNone) {
  ::setenv("ROOST_SOCKET", "", 1);
  const auto path = ChooseSocketPath("");
  ASSERT_TRUE(path.ok()) << path.status().message();
  const bool system = ::geteuid() == 0 || std::filesystem::is_directory("/run/roost");
  EXPECT_EQ(*path, system ? "/run/roost/roost.sock"
                          : "/tmp/roost-" + std::to_string(::geteuid()) + "/roost.sock");
}

TEST_F(SocketPathTest, AcceptsAPrivateDirectoryAndNone) {
  EXPECT_TRUE(CheckPrivateDirectory(directory_).ok());
  EXPECT_TRUE(CheckPrivateDirectory(directory_ + "/none").ok());
}

TEST_F(SocketPathTest, RefusesASymbolicLinkEvenToADirectoryOfOurs) {
  const std::string link = directory_ + "/link";
  ASSERT_EQ(::symlink(directory_.c_str(), link.c_str()), 0);
  const Status status = CheckPrivateDirectory(link);
  EXPECT_EQ(status.code(), StatusCode::kPermissionDenied);
  EXPECT_NE(status.message().find("symbolic link"), std::string::npos) << status.message();
}

TEST_F(SocketPathTest, RefusesADirectoryThatOthersCanWrite) {
  ::chmod(directory_.c_str(), 0770);
  EXPECT_EQ(CheckPrivateDirectory(directory_).code(), StatusCode::kPermissionDenied);
}

TEST_F(SocketPathTest, RefusesAnothersDirectory) {
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(directory_.c_str(), 12345, 12345), 0);
    EXPECT_EQ(CheckPrivateDirectory(directory_).code(), StatusCode::kPermissionDenied);
  } else {
    EXPECT_EQ(CheckPrivateDirectory("/usr").code(), StatusCode::kPermissionDenied);
  }
}

TEST_F(SocketPathTest, RefusesAFile) {
  const std::string file = directory_ + "/file";
  ASSERT_EQ(::mknod(file.c_str(), S_IFREG | 0600, 0), 0);
  EXPECT_EQ(CheckPrivateDirectory(file).code(), StatusCode::kPermissionDenied);
}

TEST_F(SocketPathTest, NamesWhatLiesBesideTheSocket) {
  EXPECT_EQ(CountersPath("/run/roost/roost.sock"), "/run/roost/roost.counters");
  EXPECT_EQ(CountersPath("/run/roost/control"), "/run/roost/control.counters");
  EXPECT_EQ(LockPath("/run/roost/roost.sock"), "/run/roost/roost.sock.lock");
}

TEST_F(SocketPathTest, SaysHowToStartABrokerAndWhatAPrivateTmpNeeds) {
  const std::string message = NoBrokerMessage("/tmp/roost-7/roost.sock");
  EXPECT_NE(message.find("roostd --socket /tmp/roost-7/roost.sock"), std::string::npos);
  EXPECT_NE(message.find("private /tmp"), std::string::npos);
  EXPECT_EQ(NoBrokerMessage("/run/roost/roost.sock").find("private /tmp"), std::string::npos);
}

}  // namespace
}  // namespace roost
