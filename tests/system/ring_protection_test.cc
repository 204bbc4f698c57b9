// Whatever a client does with the ring's descriptor, or to the broker's process: not one byte changes.
//
// The attacks run in a child, as the broker's own user and as another one, on the descriptor that the
// broker hands out. As root every attack on a process succeeds by right, so root gives itself up first.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/broker_process.h"
#include "tests/support/log_history.h"
#include "tests/support/raw_client.h"
#include "tests/system/attacker.h"

namespace roost {
namespace {

// ---- on the process ----

void AttackProcess(pid_t broker, const Report& got_through) {
  const std::string proc = "/proc/" + std::to_string(broker);
  for (const char* file : {"/mem", "/environ", "/maps"}) {
    const int fd = ::open((proc + file).c_str(), O_RDONLY | O_CLOEXEC);
    char byte;
    if (fd >= 0 && ::pread(fd, &byte, 1, 0x10000) >= 0) got_through(proc + file + " for reading");
    if (fd >= 0) ::close(fd);
  }
  if (::open((proc + "/mem").c_str(), O_RDWR | O_CLOEXEC) >= 0) got_through(proc + "/mem");
  char text[16] = {};
  iovec local{text, sizeof(text)}, remote{reinterpret_cast<void*>(0x400000), sizeof(text)};
  // ESRCH, EPERM or EACCES refuse; EFAULT would mean that only the address was wrong.
  if (::process_vm_writev(broker, &local, 1, &remote, 1, 0) >= 0 || errno == EFAULT) {
    got_through("process_vm_writev");
  }
  if (::process_vm_readv(broker, &local, 1, &remote, 1, 0) >= 0 || errno == EFAULT) {
    got_through("process_vm_readv");
  }
  if (::ptrace(PTRACE_SEIZE, broker, nullptr, nullptr) == 0) {
    got_through("ptrace");
    ::ptrace(PTRACE_DETACH, broker, nullptr, nullptr);
  }
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, broker, 0));
  for (int number = 0; pidfd >= 0 && number < 64; ++number) {
    if (::syscall(SYS_pidfd_getfd, pidfd, number, 0) >= 0) got_through("pidfd_getfd");
  }
  for (int number = 0; number < 64; ++number) {
    const std::string path = proc + "/fd/" + std::to_string(number);
    if (::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK) >= 0) got_through(path);
  }
}

class RingProtectionTest : public ::testing::Test {
 protected:
  static bool IsRoot() { return ::geteuid() == 0; }

  void SetUp() override {
    // Small, since all of it is compared after each attack.
    BrokerSetup setup{
        .arguments = {"--ring", "1MiB", "--segment", "1MiB", "--max-streams", "1024"}};
    if (IsRoot()) setup.uid = kBrokerUser;
    broker_ = std::make_unique<BrokerProcess>(setup);
    ASSERT_TRUE(broker_->Start());
    raw_ = std::make_unique<RawClient>(broker_->socket());
    std::optional<RawReply> attached = raw_->Attach("attacker");
    ASSERT_TRUE(attached.has_value());
    ring_ = std::move(attached->fd);
    ASSERT_TRUE(ring_.valid());
    client_ = std::make_unique<Client>(MakeClient(broker_->socket()));
    NewEvent event{.stream = "s", .type = "t", .data = "\"before the attack\""};
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(client_->Append(event).ok());
  }

  // The broker as before: it appends, and everybody reads.
  void ExpectThatAllGoesOn() {
    const Result<AppendResult> result =
        client_->Append(NewEvent{.stream = "s", .type = "t", .data = "\"after the attack\""});
    ASSERT_TRUE(result.ok()) << result.status().message();
    Client fresh = MakeClient(broker_->socket());
    ExpectDense(ReadAll(&fresh));
  }

  // What must stay as it is: nothing of what the attackers do is the broker's own doing.
  void AttackDescriptor(uid_t uid, int fd, bool takes_the_file) {
    broker_->process().Stop();
    const std::string before = ContentOf(fd);
    EXPECT_EQ(RunAs(uid, [&](const Report& report) { TryToWrite(fd, takes_the_file, report); }),
              std::vector<std::string>{});
    EXPECT_TRUE(ContentOf(fd) == before);
    broker_->process().Signal(SIGCONT);
  }

  void ExpectRefused(uid_t uid) {
    const pid_t broker = broker_->pid();
    AttackDescriptor(uid, ring_.get(), /*takes_the_file=*/true);
    EXPECT_EQ(RunAs(uid, [broker](const Report& report) { AttackProcess(broker, report); }),
              std::vector<std::string>{});
    ExpectThatAllGoesOn();
  }

  std::unique_ptr<BrokerProcess> broker_;
  std::unique_ptr<RawClient> raw_;
  std::unique_ptr<Client> client_;
  UniqueFd ring_;
};

TEST_F(RingProtectionTest, HoldsAgainstAProcessOfTheBrokersOwnUser) {
  ExpectRefused(IsRoot() ? kBrokerUser : 0);
}

TEST_F(RingProtectionTest, HoldsAgainstAProcessOfAnotherUser) {
  if (!IsRoot()) GTEST_SKIP() << "needs root to become another user";
  ExpectRefused(kOtherUser);
}

TEST_F(RingProtectionTest, HoldsForTheDescriptorAgainstRootItself) {
  if (!IsRoot()) GTEST_SKIP() << "needs root";
  AttackDescriptor(0, ring_.get(), /*takes_the_file=*/true);
  ExpectThatAllGoesOn();
}

TEST_F(RingProtectionTest, HoldsForTheSegmentsThatAreHandedOut) {
  ASSERT_TRUE(raw_->Send(FindSegmentMessage(1, 1)));
  std::optional<RawReply> reply;
  do {
    reply = raw_->Receive();
    ASSERT_TRUE(reply.has_value());
  } while (reply->reply().number() != 1);
  ASSERT_EQ(reply->reply().body_type(), wire::ReplyBody::Segment);
  ASSERT_TRUE(reply->fd.valid());
  // The descriptor is good for reading alone, also in the owner's hands; the file is the owner's.
  AttackDescriptor(IsRoot() ? kBrokerUser : 0, reply->fd.get(), /*takes_the_file=*/false);
  if (IsRoot()) AttackDescriptor(kOtherUser, reply->fd.get(), /*takes_the_file=*/true);
  ExpectThatAllGoesOn();
}

TEST_F(RingProtectionTest, HoldsForTheCountersAgainstAnotherUser) {
  if (!IsRoot()) GTEST_SKIP() << "needs root to become another user";
  std::string path = broker_->socket();
  path.replace(path.size() - 5, 5, ".counters");
  const auto attack = [path](const Report& report) {
    if (::open(path.c_str(), O_RDONLY | O_CLOEXEC) < 0) report("cannot even be read");
    if (::open(path.c_str(), O_RDWR | O_CLOEXEC) >= 0) report("opened for writing");
    if (::chmod(path.c_str(), 0666) == 0) report("chmod");
    if (::unlink(path.c_str()) == 0) report("unlink");
  };
  EXPECT_EQ(RunAs(kOtherUser, attack), std::vector<std::string>{});
}

}  // namespace
}  // namespace roost
