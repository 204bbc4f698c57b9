// What others may have put where roostd keeps its files: it refuses to start, says which file is what, and
// touches nothing that lies elsewhere.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/unix_socket.h"
#include "tests/support/broker_process.h"
#include "tests/support/log_history.h"

namespace roost {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr uid_t kOtherUser = 20002;

// What lies in the place of a file of roostd's. `victim`: a precious file elsewhere.
struct Trap {
  const char* name;
  void (*set)(const std::string& place, const std::string& victim);
  bool needs_root = false;
};

const Trap kTraps[] = {
    {"a symbolic link",
     [](const auto& place, const auto& victim) { fs::create_symlink(victim, place); }},
    {"a symbolic link to nowhere",
     [](const auto& place, const auto& victim) { fs::create_symlink(victim + ".none", place); }},
    {"a hard link",
     [](const auto& place, const auto& victim) { fs::create_hard_link(victim, place); }},
    {"a fifo", [](const auto& place, const auto&) { EXPECT_EQ(::mkfifo(place.c_str(), 0600), 0); }},
    {"a directory", [](const auto& place, const auto&) { fs::create_directory(place); }},
    {"a device",
     [](const auto& place, const auto&) {
       EXPECT_EQ(::mknod(place.c_str(), S_IFCHR | 0600, ::makedev(1, 5)), 0);  // /dev/zero
     },
     true},
    {"another's file",
     [](const auto& place, const auto& victim) {
       fs::copy_file(victim, place);
       EXPECT_EQ(::chown(place.c_str(), kOtherUser, kOtherUser), 0);
     },
     true},
    {"another's socket",
     [](const auto& place, const auto&) {
       // It stays when its maker goes.
       EXPECT_TRUE(ListenSeqpacket(place, 0666, 1).ok());
       EXPECT_EQ(::chown(place.c_str(), kOtherUser, kOtherUser), 0);
     },
     true},
};

class HostilePlacesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(broker_.Start());
    Client client = MakeClient(broker_.socket());
    ASSERT_TRUE(client.Append(NewEvent{.stream = "s", .type = "t", .data = "1"}).ok());
    broker_.Terminate();
  }

  // A new place for each, so that what was left by one is not in the way of the next.
  void ExpectRefused(const std::string& place) {
    const std::string victim = broker_.scratch() / "victim";
    const std::string kept = broker_.scratch() / "kept";
    const bool was_there = fs::exists(place);
    if (was_there) fs::rename(place, kept);
    for (const Trap& trap : kTraps) {
      if (trap.needs_root && ::geteuid() != 0) continue;
      // As if it were the right file, where there is one: then only what it is can be wrong with it.
      const std::string content = was_there ? ReadFile(kept) : "precious";
      WriteFile(victim, content);
      fs::permissions(victim, fs::perms(0640));
      trap.set(place, victim);
      std::vector<std::string> arguments = {ProgramPath("roostd"), "--socket", broker_.socket(),
                                            "--data", broker_.data()};
      arguments.insert(arguments.end(), kSmall.begin(), kSmall.end());
      const Finished finished =
          RunProgram({.arguments = arguments}, Deadline::In(std::chrono::seconds(10)));
      EXPECT_EQ(finished.ending.exit_status, 1) << place << " is " << trap.name;
      EXPECT_THAT(finished.errors, HasSubstr(place)) << trap.name;
      EXPECT_EQ(ReadFile(victim), content) << place << " is " << trap.name;
      EXPECT_EQ(fs::status(victim).permissions(), fs::perms(0640)) << place << trap.name;
      EXPECT_FALSE(fs::exists(victim + ".none")) << place;
      EXPECT_TRUE(fs::exists(fs::symlink_status(place))) << place << " is " << trap.name;
      fs::remove_all(place);
      fs::remove(victim);
    }
    if (was_there) fs::rename(kept, place);
  }

  std::string NewestSegment() const {
    std::string newest;
    for (const auto& entry : fs::directory_iterator(broker_.data())) {
      const std::string name = entry.path().filename();
      if (name.ends_with(".segment") && name != "next.segment") {
        newest = std::max(newest, entry.path().string());
      }
    }
    return newest;
  }

  const std::vector<std::string> kSmall = {"--ring", "64KiB",         "--segment",
                                           "128KiB", "--max-streams", "1024"};
  BrokerProcess broker_{{.arguments = kSmall}};
};

TEST_F(HostilePlacesTest, AreRefusedBesideTheSocket) {
  for (const char* name : {"roost.sock", "roost.sock.lock", "roost.counters"}) {
    ExpectRefused(broker_.scratch() / name);
  }
  ExpectRefused(broker_.scratch() / "roost.counters.new");
  EXPECT_TRUE(broker_.Start());
}

TEST_F(HostilePlacesTest, AreRefusedInTheDataDirectory) {
  for (const char* name : {"lock", "identity", "identity.new", "next.segment", "compact.new",
                           "checkpoint.new", "00000000000000000002.checkpoint"}) {
    ExpectRefused(broker_.data() + "/" + name);
  }
  ASSERT_NE(NewestSegment(), "");
  ExpectRefused(NewestSegment());
  ASSERT_TRUE(broker_.Start());
  Client client = MakeClient(broker_.socket());
  EXPECT_EQ(client.Read({.filter = {.stream = "s"}})->size(), 1u);
}

// Whoever looks at the files without a broker neither waits for anybody nor is led elsewhere, and says which it is.
TEST_F(HostilePlacesTest, KeepNoToolWaiting) {
  const std::string data = broker_.data();
  const std::string segment = NewestSegment();
  ASSERT_NE(segment, "");
  const std::vector<std::vector<std::string>> commands = {
      {"verify"}, {"dump"}, {"read", "s"}, {"streams"}, {"compact"}};
  const auto run = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), ProgramPath("roost"));
    arguments.insert(arguments.end(), {"--data", data});
    return RunProgram({.arguments = arguments}, Deadline::In(std::chrono::seconds(10)));
  };
  for (const std::string& place :
       {segment, data + "/identity", data + "/00000000000000000002.checkpoint", data + "/lock",
        data + "/compact.new", data + "/next.segment"}) {
    const std::string kept = broker_.scratch() / "kept";
    const bool was_there = fs::exists(place);
    if (was_there) fs::rename(place, kept);
    const std::string victim = broker_.scratch() / "victim";
    for (const Trap& trap : kTraps) {
      if (trap.needs_root && ::geteuid() != 0) continue;
      WriteFile(victim, was_there ? ReadFile(kept) : "precious");
      const std::string content = ReadFile(victim);
      trap.set(place, victim);
      for (const auto& command : commands) {
        if (place != segment && command[0] != "verify" && command[0] != "compact") continue;
        const Finished finished = run(command);
        const std::string what = command[0] + ": " + place + " is " + trap.name;
        EXPECT_NE(finished.ending.exit_status, -1) << what << " did not end";
        struct stat info {};
        ASSERT_EQ(::lstat(place.c_str(), &info), 0) << what;
        // A link to the same bytes shows them; only the broker minds whose they are.
        if (place == segment && !S_ISREG(info.st_mode)) {
          EXPECT_EQ(finished.ending.exit_status, 1) << what;
          EXPECT_THAT(finished.errors, HasSubstr(place)) << what;
        }
        if (command[0] == "verify" && place != data + "/lock" && !S_ISREG(info.st_mode)) {
          EXPECT_EQ(finished.ending.exit_status, 1) << what;
          EXPECT_THAT(finished.output + finished.errors, HasSubstr(place)) << what;
        }
      }
      EXPECT_EQ(ReadFile(victim), content) << place << " is " << trap.name;
      fs::remove_all(place);
      fs::remove(victim);
    }
    if (was_there) fs::rename(kept, place);
  }
}

// Clients go there without being told, so somebody else may have made it first.
TEST(HostileDirectoryTest, OfAnotherUserUnderTmpIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become another user";
  constexpr uid_t kUser = 20003;
  ScratchDirectory scratch;
  const std::string data = scratch.MakeDirectoryFor(kUser, "home") + "/data";
  const std::string directory = "/tmp/roost-" + std::to_string(kUser);
  const auto expect_refused = [&](const std::string& why) {
    const Finished finished = RunProgram({.arguments = {ProgramPath("roostd"), "--socket",
                                                        directory + "/roost.sock", "--data", data},
                                          .uid = kUser},
                                         Deadline::In(std::chrono::seconds(10)));
    EXPECT_EQ(finished.ending.exit_status, 1) << why;
    EXPECT_THAT(finished.errors, HasSubstr(directory)) << why;
    EXPECT_THAT(finished.errors, HasSubstr(why));
    fs::remove_all(directory);
  };
  fs::remove_all(directory);
  fs::create_directory(directory);
  ASSERT_EQ(::chown(directory.c_str(), kOtherUser, kOtherUser), 0);
  ASSERT_EQ(::chmod(directory.c_str(), 0777), 0);
  expect_refused("belongs to uid 20002");
  fs::create_symlink(scratch.path() + "/home", directory);
  expect_refused("symbolic link");
  WriteFile(directory, "");
  expect_refused("no directory");
  ASSERT_EQ(::mkfifo(directory.c_str(), 0666), 0);
  expect_refused("no directory");
}

}  // namespace
}  // namespace roost
