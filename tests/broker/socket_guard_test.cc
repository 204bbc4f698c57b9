#include "broker/socket_guard.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/unix_socket.h"

namespace roost {
namespace {

class SocketGuardTest : public ::testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(directory_); }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  const std::string directory_ =
      ::testing::TempDir() + "/socket_guard_test." + std::to_string(::getpid());
  const std::string path_ = directory_ + "/roost.sock";
};

TEST_F(SocketGuardTest, LetsClientsConnectOnceItListens) {
  Result<SocketGuard> guard = SocketGuard::Claim(path_);
  ASSERT_TRUE(guard.ok()) << guard.status().message();
  EXPECT_FALSE(ConnectSeqpacket(path_).ok());
  ASSERT_TRUE(guard->Listen(0600, UniqueFd()).ok());
  EXPECT_TRUE(ConnectSeqpacket(path_).ok());
  struct stat info {};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(SocketGuardTest, RefusesASecondBrokerAndNamesTheFirst) {
  const Result<SocketGuard> guard = SocketGuard::Claim(path_);
  ASSERT_TRUE(guard.ok());
  const Result<SocketGuard> second = SocketGuard::Claim(path_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), StatusCode::kAlreadyExists);
  EXPECT_NE(second.status().message().find("pid " + std::to_string(::getpid())), std::string::npos)
      << second.status().message();
}

TEST_F(SocketGuardTest, TakesOverTheSocketOfADeadBroker) {
  {
    // The file stays when nobody removes it, as after kill -9.
    const Result<UniqueFd> dead = ListenSeqpacket(path_, 0600, 1);
    ASSERT_TRUE(dead.ok());
  }
  Result<SocketGuard> guard = SocketGuard::Claim(path_);
  ASSERT_TRUE(guard.ok());
  ASSERT_TRUE(guard->Listen(0600, UniqueFd()).ok());
  EXPECT_TRUE(ConnectSeqpacket(path_).ok());
}

TEST_F(SocketGuardTest, RemovesItsSocketAndKeepsItsLockFile) {
  {
    Result<SocketGuard> guard = SocketGuard::Claim(path_);
    ASSERT_TRUE(guard->Listen(0600, UniqueFd()).ok());
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_TRUE(std::filesystem::exists(path_ + ".lock"));
  EXPECT_TRUE(SocketGuard::Claim(path_).ok());
}

TEST_F(SocketGuardTest, WritesDownWhoHoldsTheLock) {
  Result<SocketGuard> guard = SocketGuard::Claim(path_);
  const uint8_t log_id[16] = {0xab};
  ASSERT_TRUE(guard->WriteHolder(log_id).ok());
  std::ifstream file(path_ + ".lock");
  std::string pid, socket, id;
  file >> pid >> socket >> id;
  EXPECT_EQ(pid, std::to_string(::getpid()));
  EXPECT_EQ(socket, path_);
  EXPECT_EQ(id, "ab000000000000000000000000000000");
}

// Whoever can open it can lock it.
TEST_F(SocketGuardTest, KeepsItsLockFileToItself) {
  std::ofstream(path_ + ".lock") << "";
  ASSERT_EQ(::chmod((path_ + ".lock").c_str(), 0666), 0);
  const Result<SocketGuard> guard = SocketGuard::Claim(path_);
  ASSERT_TRUE(guard.ok());
  struct stat info {};
  ASSERT_EQ(::stat((path_ + ".lock").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(SocketGuardTest, RefusesToRemoveWhatIsNoSocket) {
  std::ofstream(path_) << "precious";
  Result<SocketGuard> guard = SocketGuard::Claim(path_);
  ASSERT_TRUE(guard.ok());
  EXPECT_FALSE(guard->Listen(0600, UniqueFd()).ok());
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(SocketGuardTest, RefusesALockFileThatIsALink) {
  std::ofstream(directory_ + "/elsewhere") << "precious";
  std::filesystem::create_symlink(directory_ + "/elsewhere", path_ + ".lock");
  EXPECT_FALSE(SocketGuard::Claim(path_).ok());
  EXPECT_EQ(std::filesystem::file_size(directory_ + "/elsewhere"), 8u);
}

TEST_F(SocketGuardTest, RefusesALockFileOfAnotherUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  std::ofstream(path_ + ".lock") << "1\n";
  ASSERT_EQ(::chown((path_ + ".lock").c_str(), 12345, 12345), 0);
  const Result<SocketGuard> guard = SocketGuard::Claim(path_);
  ASSERT_FALSE(guard.ok());
  EXPECT_EQ(guard.status().code(), StatusCode::kPermissionDenied);
}

TEST_F(SocketGuardTest, MakesTheDirectoryForItselfAlone) {
  ASSERT_TRUE(SocketGuard::Claim(directory_ + "/new/roost.sock").ok());
  struct stat info {};
  ASSERT_EQ(::stat((directory_ + "/new").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST_F(SocketGuardTest, SaysWhenTheDirectoryCannotBeMade) {
  const Result<SocketGuard> guard = SocketGuard::Claim(directory_ + "/none/none/roost.sock");
  ASSERT_FALSE(guard.ok());
  EXPECT_NE(guard.status().message().find(directory_ + "/none"), std::string::npos);
}

}  // namespace
}  // namespace roost
