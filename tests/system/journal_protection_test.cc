// The journal's files: another user changes not a byte of them, and what their owner changes `roost verify`
// finds.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "tests/support/broker_process.h"
#include "tests/support/log_history.h"
#include "tests/system/attacker.h"

namespace roost {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::map<std::string, std::string> FilesIn(const std::string& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(directory)) {
    files[entry.path().filename()] = ReadFile(entry.path());
  }
  return files;
}

std::vector<std::string> SegmentsIn(const std::string& directory) {
  std::vector<std::string> paths;
  for (const auto& [name, content] : FilesIn(directory)) {
    if (name != "next.segment" && name.ends_with(".segment")) {
      paths.push_back(directory + "/" + name);
    }
  }
  return paths;
}

BrokerSetup SmallSegments() {
  return {.arguments = {"--ring", "64KiB", "--segment", "128KiB", "--max-streams", "1024"}};
}

void FillSegments(const std::string& socket) {
  Client client = MakeClient(socket);
  const NewEvent event{.stream = "s", .type = "t", .data = '"' + std::string(8000, 'f') + '"'};
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(client.Append(event).ok());
}

// ---- another user ----

struct WayIn {
  const char* name;
  void (*attempt)(const std::string& directory, const std::string& file);
};

void WriteInto(const std::string& path, int flags) {
  const UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC, 0666));
  if (fd.valid()) (void)!::write(fd.get(), kMark.data(), kMark.size());
}

const WayIn kWaysIn[] = {
    {"open to write", [](const auto&, const auto& file) { WriteInto(file, O_RDWR); }},
    {"open to append", [](const auto&, const auto& file) { WriteInto(file, O_WRONLY | O_APPEND); }},
    {"open to cut", [](const auto&, const auto& file) { WriteInto(file, O_WRONLY | O_TRUNC); }},
    {"truncate", [](const auto&, const auto& file) { (void)!::truncate(file.c_str(), 0); }},
    {"unlink", [](const auto&, const auto& file) { ::unlink(file.c_str()); }},
    {"rename away",
     [](const auto&, const auto& file) { ::rename(file.c_str(), (file + ".gone").c_str()); }},
    {"rename onto it",
     [](const auto&, const auto& file) {
       WriteInto("/tmp/roost-attacker-file", O_CREAT | O_WRONLY);
       ::rename("/tmp/roost-attacker-file", file.c_str());
       ::unlink("/tmp/roost-attacker-file");
     }},
    {"another name for it",
     [](const auto&, const auto& file) {
       ::unlink("/tmp/roost-attacker-link");
       if (::link(file.c_str(), "/tmp/roost-attacker-link") != 0) return;
       WriteInto("/tmp/roost-attacker-link", O_WRONLY);
       ::unlink("/tmp/roost-attacker-link");
     }},
    {"chmod",
     [](const auto& directory, const auto& file) {
       ::chmod(directory.c_str(), 0777);
       ::chmod(file.c_str(), 0666);
       WriteInto(file, O_WRONLY);
     }},
    {"chown",
     [](const auto& directory, const auto& file) {
       (void)!::chown(directory.c_str(), ::geteuid(), ::getegid());
       (void)!::chown(file.c_str(), ::geteuid(), ::getegid());
       WriteInto(file, O_WRONLY);
     }},
    {"a new file",
     [](const auto& directory, const auto&) { WriteInto(directory + "/new", O_CREAT | O_WRONLY); }},
    {"a new segment",
     [](const auto& directory, const auto&) {
       WriteInto(directory + "/99999999999999999999.segment", O_CREAT | O_WRONLY);
     }},
    {"a link in it",
     [](const auto& directory, const auto&) {
       (void)!::symlink("/etc/passwd", (directory + "/identity.new").c_str());
     }},
    {"a directory in it",
     [](const auto& directory, const auto&) { ::mkdir((directory + "/d").c_str(), 0777); }},
    {"rename the directory",
     [](const auto& directory, const auto&) {
       ::rename(directory.c_str(), (directory + ".gone").c_str());
     }},
};

TEST(JournalProtectionTest, LetsNoOtherUserChangeAByte) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become another user";
  BrokerSetup setup = SmallSegments();
  setup.uid = kBrokerUser;
  BrokerProcess broker(setup);
  ASSERT_TRUE(broker.Start());
  FillSegments(broker.socket());
  const std::vector<std::string> segments = SegmentsIn(broker.data());
  ASSERT_GE(segments.size(), 3u);
  broker.process().Stop();  // what changes now is not the broker's doing
  const auto before = FilesIn(broker.data());
  std::vector<std::string> files = {segments.front(), segments.back(), broker.data() + "/identity",
                                    broker.data() + "/lock"};
  for (const WayIn& way : kWaysIn) {
    RunAs(kOtherUser, [&](const Report&) {
      for (const std::string& file : files) way.attempt(broker.data(), file);
    });
    EXPECT_TRUE(FilesIn(broker.data()) == before) << way.name;
  }
  broker.process().Signal(SIGCONT);
  Client client = MakeClient(broker.socket());
  ExpectDense(ReadAll(&client));
}

// ---- its own user ----

class OwnJournalTest : public ::testing::Test {
 protected:
  OwnJournalTest() : broker_(SmallSegments()) {}

  void SetUp() override {
    ASSERT_TRUE(broker_.Start());
    FillSegments(broker_.socket());
    broker_.Terminate();
    kept_ = broker_.scratch() / "kept";
    fs::copy(broker_.data(), kept_);
    segments_ = SegmentsIn(broker_.data());
    ASSERT_GE(segments_.size(), 4u);
    ASSERT_EQ(Verify().ending.exit_status, 0);
  }

  Finished Verify() {
    return RunProgram({.arguments = {ProgramPath("roost"), "verify", "--data", broker_.data()}});
  }

  void PutBack() {
    fs::remove_all(broker_.data());
    fs::copy(kept_, broker_.data());
  }

  void ExpectFound(const std::string& what, const std::string& named) {
    const Finished verify = Verify();
    EXPECT_EQ(verify.ending.exit_status, 1) << what << "\n" << verify.output << verify.errors;
    EXPECT_THAT(verify.output + verify.errors, HasSubstr(named)) << what;
  }

  BrokerProcess broker_;
  std::string kept_;
  std::vector<std::string> segments_;
};

TEST_F(OwnJournalTest, ShowsEveryWayOfWritingToVerify) {
  const std::string& victim = segments_[1];
  const std::string before = ReadFile(victim);
  size_t changed = 0;
  for (const WayToWrite& way : WaysToWrite()) {
    {
      const UniqueFd fd(::open(victim.c_str(), O_RDWR | O_CLOEXEC));
      ASSERT_TRUE(fd.valid());
      way.attempt(fd.get());
    }
    if (ReadFile(victim) == before) continue;
    ++changed;
    ExpectFound(way.name, fs::path(victim).filename());
    PutBack();
  }
  EXPECT_GE(changed, 15u) << "the attacks reach nothing, so nothing was shown";
}

TEST_F(OwnJournalTest, ShowsFilesThatAreMissingOrAnothersToVerify) {
  const std::string identity = broker_.data() + "/identity";
  const struct {
    const char* name;
    std::function<void()> damage;
    std::string named;
  } kDamages[] = {
      {"one in the middle is gone", [&] { fs::remove(segments_[1]); }, ""},
      {"the newest is gone", [&] { fs::remove(segments_.back()); }, ""},
      {"two are exchanged",
       [&] {
         fs::rename(segments_[1], segments_[1] + ".x");
         fs::rename(segments_[2], segments_[1]);
         fs::rename(segments_[1] + ".x", segments_[2]);
       },
       fs::path(segments_[1]).filename()},
      {"one is there twice",
       [&] { fs::copy_file(segments_[0], segments_[1], fs::copy_options::overwrite_existing); },
       fs::path(segments_[1]).filename()},
      {"one is empty", [&] { fs::resize_file(segments_[1], 0); },
       fs::path(segments_[1]).filename()},
      {"the identity is cut", [&] { fs::resize_file(identity, 10); }, "identity"},
  };
  for (const auto& damage : kDamages) {
    damage.damage();
    ExpectFound(damage.name, damage.named);
    PutBack();
  }
}

}  // namespace
}  // namespace roost
