// Who may have a data directory, and what the log in it says it is.
#include "log/data_directory.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "tests/log/log_fixture.h"

namespace roost {
namespace {

using ::testing::HasSubstr;

class DataDirectoryTest : public ::testing::Test {
 protected:
  DataDirectoryTest() : path_(scratch_.path() + "/data") {}
  static mode_t ModeOf(const std::string& path) {
    struct stat info {};
    EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
    return info.st_mode & 07777;
  }
  DataDirectory Open() {
    auto directory = DataDirectory::Open(path_, "/run/test.sock");
    EXPECT_TRUE(directory.ok()) << directory.status().message();
    return std::move(*directory);
  }
  Status OpenStatus() { return DataDirectory::Open(path_, "/run/other.sock").status(); }

  ScratchDirectory scratch_;
  std::string path_;
};

TEST_F(DataDirectoryTest, MakesTheDirectoryAndItsParentsForTheOwnerAlone) {
  path_ = scratch_.path() + "/one/two/three/";
  const DataDirectory directory = Open();
  EXPECT_EQ(ModeOf(scratch_.path() + "/one"), 0700u);
  EXPECT_EQ(ModeOf(scratch_.path() + "/one/two"), 0700u);
  EXPECT_EQ(ModeOf(scratch_.path() + "/one/two/three"), 0700u);
  EXPECT_EQ(ModeOf(scratch_.path() + "/one/two/three/lock"), 0600u);
  EXPECT_EQ(directory.path(), scratch_.path() + "/one/two/three");
}

TEST_F(DataDirectoryTest, RefusesASecondBrokerWithTheFirstOnesPidAndSocket) {
  {
    const DataDirectory first = Open();
    const Status second = OpenStatus();
    EXPECT_EQ(second.code(), StatusCode::kAlreadyExists);
    EXPECT_THAT(second.message(), HasSubstr("pid " + std::to_string(::getpid())));
    EXPECT_THAT(second.message(), HasSubstr("/run/test.sock"));
    EXPECT_EQ(DescribeLockHolder(path_),
              "pid " + std::to_string(::getpid()) + ", socket /run/test.sock");
  }
  EXPECT_TRUE(OpenStatus().ok()) << "the lock goes with its holder";
}

TEST_F(DataDirectoryTest, DoesNotTrustWhatALockFileSays) {
  { const DataDirectory made = Open(); }
  WriteFile(path_ + "/lock", "\x1b[31m; rm -rf\n/x\n");
  EXPECT_EQ(DescribeLockHolder(path_), "");
  WriteFile(path_ + "/lock", std::string(100'000, '1'));
  EXPECT_EQ(DescribeLockHolder(path_), "");
}

TEST_F(DataDirectoryTest, FollowsNoSymbolicLink) {
  std::filesystem::create_directory(scratch_.path() + "/real");
  std::filesystem::create_symlink(scratch_.path() + "/real", path_);
  EXPECT_EQ(OpenStatus().code(), StatusCode::kPermissionDenied);
  std::filesystem::remove(path_);

  { const DataDirectory made = Open(); }
  WriteFile(scratch_.path() + "/victim", "keep");
  std::filesystem::remove(path_ + "/lock");
  std::filesystem::create_symlink(scratch_.path() + "/victim", path_ + "/lock");
  EXPECT_FALSE(OpenStatus().ok());
  EXPECT_EQ(ReadFile(scratch_.path() + "/victim"), "keep");
}

TEST_F(DataDirectoryTest, RefusesADirectoryThatOthersCanWrite) {
  std::filesystem::create_directory(path_);
  for (const mode_t mode : {0770, 0707, 01777}) {
    ::chmod(path_.c_str(), mode);
    const Status status = OpenStatus();
    EXPECT_EQ(status.code(), StatusCode::kPermissionDenied) << mode;
    EXPECT_THAT(status.message(), HasSubstr("chmod"));
  }
  ::chmod(path_.c_str(), 0755);
  EXPECT_TRUE(OpenStatus().ok());
}

TEST_F(DataDirectoryTest, RefusesADirectoryOfAnotherUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a directory away";
  std::filesystem::create_directory(path_);
  ::chmod(path_.c_str(), 0700);
  ASSERT_EQ(::chown(path_.c_str(), 12345, 12345), 0);
  const Status status = OpenStatus();
  EXPECT_EQ(status.code(), StatusCode::kPermissionDenied);
  EXPECT_THAT(status.message(), HasSubstr("12345"));
}

TEST_F(DataDirectoryTest, SaysWhatIsInTheWay) {
  WriteFile(path_, "a file");
  EXPECT_EQ(OpenStatus().code(), StatusCode::kPermissionDenied);
  path_ += "/below";
  EXPECT_FALSE(OpenStatus().ok());
  EXPECT_THAT(OpenStatus().message(), HasSubstr(scratch_.path()));
}

TEST_F(DataDirectoryTest, KeepsTheIdentity) {
  IdentityFile identity = NewIdentity();
  {
    DataDirectory directory = Open();
    auto none = directory.ReadIdentity();
    ASSERT_TRUE(none.ok());
    EXPECT_FALSE(none->has_value());
    identity.epoch = 5;
    ASSERT_TRUE(directory.WriteIdentity(identity).ok());
    EXPECT_THAT(ReadFile(path_ + "/lock"), HasSubstr(FormatLogId(identity.log_id)));
    EXPECT_EQ(ModeOf(path_ + "/identity"), 0600u);
  }
  auto read = ReadIdentityFile(path_ + "/identity");
  ASSERT_TRUE(read.ok() && read->has_value());
  EXPECT_EQ((*read)->epoch, 5u);
  EXPECT_EQ(std::memcmp((*read)->log_id, identity.log_id, 16), 0);
  EXPECT_EQ(std::memcmp((*read)->session_key, identity.session_key, 32), 0);
  EXPECT_FALSE(std::filesystem::exists(path_ + "/identity.new"));
}

TEST_F(DataDirectoryTest, FindsEveryByteOfTheIdentityThatIsNotAsItWas) {
  { ASSERT_TRUE(Open().WriteIdentity(NewIdentity()).ok()); }
  const std::string original = ReadFile(path_ + "/identity");
  for (size_t offset = 0; offset < original.size(); ++offset) {
    std::string bytes = original;
    bytes[offset] = static_cast<char>(~bytes[offset]);
    WriteFile(path_ + "/identity", bytes);
    EXPECT_FALSE(ReadIdentityFile(path_ + "/identity").ok()) << offset;
    WriteFile(path_ + "/identity", original.substr(0, offset));
    EXPECT_FALSE(ReadIdentityFile(path_ + "/identity").ok()) << offset;
  }
}

TEST_F(DataDirectoryTest, KnowsWhetherThePowerMayHaveBeenCut) {
  IdentityFile identity = NewIdentity();
  EXPECT_TRUE(WasClosedOrSameBoot(identity)) << "zeros: it was closed";
  ReadBootId(identity.boot_id);
  EXPECT_TRUE(WasClosedOrSameBoot(identity));
  identity.boot_id[0] ^= 1;
  EXPECT_FALSE(WasClosedOrSameBoot(identity));
  std::memset(identity.boot_id, 0xff, sizeof(identity.boot_id));
  EXPECT_FALSE(WasClosedOrSameBoot(identity)) << "unknown";
}

TEST(NewIdentityTest, IsAnotherOneEachTime) {
  const IdentityFile a = NewIdentity();
  const IdentityFile b = NewIdentity();
  EXPECT_NE(std::memcmp(a.log_id, b.log_id, sizeof(a.log_id)), 0);
  EXPECT_NE(std::memcmp(a.session_key, b.session_key, sizeof(a.session_key)), 0);
}

}  // namespace
}  // namespace roost
