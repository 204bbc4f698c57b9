// Nothing that a client does to what it shares with the broker makes the broker wait: after each attack
// somebody else appends and reads as if nothing were.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/mapping.h"
#include "ipc/protocol.h"
#include "tests/support/broker_process.h"
#include "tests/support/log_history.h"
#include "tests/support/raw_client.h"

namespace roost {
namespace {

class SharedDescriptorsTest : public ::testing::Test {
 protected:
  // As an ordinary user: root is exempt from the kernel's bounds that an attacker could use up.
  SharedDescriptorsTest() : broker_(AsOrdinaryUser()) {}

  static BrokerSetup AsOrdinaryUser() {
    BrokerSetup setup{.arguments = {"--ring", "64KiB", "--segment", "128KiB"}};
    if (::geteuid() == 0) setup.uid = 20001;
    return setup;
  }

  void SetUp() override {
    ASSERT_TRUE(broker_.Start());
    witness_ = std::make_unique<Client>(MakeClient(broker_.socket(), "witness"));
    ASSERT_TRUE(witness_->Append(NewEvent{.stream = "witness", .type = "t", .data = "0"}).ok());
    descriptors_ = OpenDescriptors(broker_.pid());
  }

  void TearDown() override {
    EXPECT_TRUE(broker_.process().running());
    ExpectServed();
  }

  std::unique_ptr<RawClient> Attach() {
    auto raw = std::make_unique<RawClient>(broker_.socket());
    std::optional<RawReply> attached = raw->Attach("raw");
    EXPECT_TRUE(attached.has_value());
    if (attached) ring_ = std::move(attached->fd);
    return raw;
  }

  void ExpectServed() {
    const Result<AppendResult> appended =
        witness_->Append(NewEvent{.stream = "witness", .type = "t", .data = "1"});
    ASSERT_TRUE(appended.ok()) << appended.status().message();
    const Result<Page> page =
        witness_->Read({.filter = {.stream = "witness"}, .limit = 1, .order = Order::kNewestFirst});
    ASSERT_TRUE(page.ok()) << page.status().message();
    ASSERT_EQ(page->size(), 1u);
    EXPECT_EQ((*page)[0].sequence, appended->sequence);
    Client fresh = MakeClient(broker_.socket(), "fresh");
    const Result<LogInfo> info = fresh.Info();
    ASSERT_TRUE(info.ok()) << info.status().message();
  }

  // All but one, which the broker may open at any time: the segment that it prepares ahead.
  void ExpectDescriptorsGoBack() {
    EXPECT_TRUE(Eventually([&] { return OpenDescriptors(broker_.pid()) <= descriptors_ + 1; }))
        << OpenDescriptors(broker_.pid()) << " open, " << descriptors_ << " before";
  }

  // As the broker's own user, who may, also where root may not.
  void LowerDescriptorLimit(uint64_t limit) {
    const pid_t child = ::fork();
    if (child == 0) {
      const uid_t uid = broker_.setup().uid.value_or(::geteuid());
      const rlimit both{limit, limit};
      const bool done = ::setgid(uid) == 0 && ::setuid(uid) == 0 &&
                        ::prlimit(broker_.pid(), RLIMIT_NOFILE, &both, nullptr) == 0;
      ::_exit(done ? 0 : 1);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    ASSERT_EQ(status, 0);
  }

  // Enough events for several closed segments.
  void FillSegments() {
    NewEvent event{.stream = "filler", .type = "t", .data = '"' + std::string(8000, 'f') + '"'};
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(witness_->Append(event).ok());
  }

  BrokerProcess broker_;
  std::unique_ptr<Client> witness_;
  UniqueFd ring_;
  size_t descriptors_ = 0;
};

TEST_F(SharedDescriptorsTest, MayBeSetToAnyFlagsAndLocks) {
  auto raw = Attach();
  for (const int flags : {0, O_APPEND, O_NONBLOCK, O_ASYNC, O_DIRECT, O_NOATIME}) {
    (void)::fcntl(ring_.get(), F_SETFL, flags);
    (void)::fcntl(raw->fd(), F_SETFL, flags);
    ExpectServed();
  }
  (void)::flock(ring_.get(), LOCK_EX | LOCK_NB);
  struct flock whole {};
  whole.l_type = F_RDLCK;
  (void)::fcntl(ring_.get(), F_OFD_SETLK, &whole);
  (void)::fcntl(ring_.get(), F_SETLEASE, F_RDLCK);
  ExpectServed();
}

TEST_F(SharedDescriptorsTest, MayBeLockedAndLeasedWhenTheyAreSegments) {
  FillSegments();
  auto raw = Attach();
  std::vector<UniqueFd> held;
  size_t refused = 0;
  for (uint64_t sequence = 1; sequence < 100; sequence += 9) {
    ASSERT_TRUE(raw->Send(FindSegmentMessage(sequence, sequence)));
    // Less than the 45 seconds for which the kernel lets an open wait for the holder of a lease.
    std::optional<RawReply> reply = raw->Receive(Deadline::In(std::chrono::seconds(20)));
    ASSERT_TRUE(reply.has_value()) << "the broker waits for whoever holds a lease";
    if (reply->reply().body_type() == wire::ReplyBody::Refused) {
      EXPECT_EQ(reply->reply().body_as_Refused()->code(), wire::RefusalCode::Busy);
      ++refused;
      continue;
    }
    ASSERT_EQ(reply->reply().body_type(), wire::ReplyBody::Segment);
    // Without an owner for its signal, which would be this process.
    (void)::fcntl(reply->fd.get(), F_SETLEASE, F_WRLCK);
    (void)::fcntl(reply->fd.get(), F_SETOWN, 0);
    (void)::flock(reply->fd.get(), LOCK_EX | LOCK_NB);
    held.push_back(std::move(reply->fd));
  }
  EXPECT_GT(refused, 0u) << "no lease was ever in the way, so nothing was shown";
  // Journal and its housekeeping go on meanwhile, through several more segments.
  ExpectServed();
  FillSegments();
  ExpectServed();
  held.clear();
  Client reader = MakeClient(broker_.socket(), "reader");
  ExpectDense(ReadAll(&reader));
}

TEST_F(SharedDescriptorsTest, MayNeverBeReadFrom) {
  auto raw = Attach();
  const int small = 1;
  ASSERT_EQ(::setsockopt(raw->fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
  // More answers than any buffer holds, and none is taken.
  uint64_t sent = 0;
  for (uint64_t number = 1; number <= 20'000; ++number) {
    if (!raw->Send(AppendMessage(number, {RawEvent{}}))) break;
    ++sent;
    if (number % 1000 == 0) ExpectServed();
  }
  EXPECT_GT(sent, 10u);
  ExpectServed();
}

TEST_F(SharedDescriptorsTest, MayBeManyThatNobodyReadsFrom) {
  FillSegments();
  descriptors_ = OpenDescriptors(broker_.pid());
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 40; ++i) {
    clients.push_back(Attach());
    // Each answer carries a descriptor, which stays in flight.
    for (uint64_t number = 1; number <= 200; ++number) {
      if (!clients.back()->Send(FindSegmentMessage(number, 1 + number % 100))) break;
    }
  }
  for (int i = 0; i < 20; ++i) ExpectServed();
  {
    // So many at once fill a queue that is bounded; an honest reader is told to try again.
    Client reader = MakeClient(broker_.socket(), "reader");
    ASSERT_TRUE(Eventually([&] {
      const Result<Page> page = reader.Read({.limit = 1});
      EXPECT_TRUE(page.ok() || page.status().code() == StatusCode::kBusy)
          << page.status().message();
      return page.ok();
    }));
    ExpectDense(ReadAll(&reader));
  }
  const uint64_t ticks = CpuTicks(broker_.pid());
  std::this_thread::sleep_for(std::chrono::seconds(1));
  EXPECT_LT(CpuTicks(broker_.pid()) - ticks, 50u) << "the broker spins on answers it cannot send";
  clients.clear();
  ExpectDescriptorsGoBack();
}

// The kernel counts descriptors that nobody has taken against the broker's user, up to its limit of open files.
TEST_F(SharedDescriptorsTest, KeepNobodyOutWhileTheyLieUnread) {
  constexpr uint64_t kGreedy = 60, kAsked = 60;
  FillSegments();
  LowerDescriptorLimit(256);
  auto honest = Attach();
  std::vector<std::unique_ptr<RawClient>> clients;
  while (clients.size() < kGreedy) clients.push_back(Attach());
  const uint64_t before = broker_.Count(Counter::kRequests);
  for (const auto& client : clients) {
    for (uint64_t number = 1; number <= kAsked; ++number) {
      ASSERT_TRUE(client->Send(FindSegmentMessage(number, 1 + number % 100)))
          << "hung up on, since there was more than could be passed to it";
    }
  }
  ASSERT_TRUE(Eventually([&] {
    return broker_.Count(Counter::kRequests) - before == kGreedy * kAsked;
  })) << "some were hung up on, since there was more than could be passed to them";
  // Segments are looked for in the order in which they were asked for: this one comes behind all of theirs.
  uint64_t number = 0;
  ASSERT_TRUE(Eventually([&] {
    if (!honest->Send(FindSegmentMessage(++number, 1))) return false;
    const std::optional<RawReply> reply = honest->Receive();
    return reply.has_value() && reply->reply().body_type() == wire::ReplyBody::Segment;
  })) << "a client that reads its answers gets no segment";
  ExpectServed();
  Client reader = MakeClient(broker_.socket(), "reader");
  ExpectDense(ReadAll(&reader));
}

// Those that are attached go on, also with what takes a descriptor; those that come are told why they can't.
TEST_F(SharedDescriptorsTest, MayRunOut) {
  FillSegments();
  LowerDescriptorLimit(descriptors_ + 60);
  std::vector<std::unique_ptr<RawClient>> clients;
  int refused = 0;
  for (int i = 0; i < 60; ++i) {
    clients.push_back(std::make_unique<RawClient>(broker_.socket()));
    // Without a place it is refused before it has said anything.
    (void)clients.back()->Send(AttachMessage("many"));
    const std::optional<RawReply> reply = clients.back()->Receive();
    ASSERT_TRUE(reply.has_value()) << "nobody is left hanging";
    if (reply->reply().body_type() == wire::ReplyBody::Attached) continue;
    ASSERT_EQ(reply->reply().body_type(), wire::ReplyBody::Refused);
    EXPECT_EQ(reply->reply().body_as_Refused()->code(), wire::RefusalCode::Busy);
    ++refused;
  }
  EXPECT_GE(refused, 20);
  EXPECT_LE(refused, 40);
  // A request that comes in a memfd, and old events, which come as segments.
  RawClient& attached = *clients.front();
  const Message request = AppendMessage(1, {RawEvent{.agent = "many"}});
  ASSERT_TRUE(attached.Send(InMemoryMessage(1, request.size()), MakeMemfd(request).get()));
  const std::optional<RawReply> appended = attached.Receive();
  ASSERT_TRUE(appended.has_value()) << "hung up on for want of a descriptor";
  EXPECT_EQ(appended->reply().body_type(), wire::ReplyBody::Appended);
  ExpectDense(ReadAll(witness_.get()));
  clients.clear();
  ExpectServed();
}

TEST_F(SharedDescriptorsTest, MayBeHalfClosed) {
  for (const int how : {SHUT_RD, SHUT_WR, SHUT_RDWR}) {
    auto raw = Attach();
    ASSERT_TRUE(raw->Send(AppendMessage(1, {RawEvent{}})));
    ::shutdown(raw->fd(), how);
    ExpectServed();
  }
  ring_.Reset();
  ExpectDescriptorsGoBack();
}

TEST_F(SharedDescriptorsTest, MayWaitForFarTooMuch) {
  auto raw = Attach();
  uint64_t refused = 0;
  for (uint64_t registration = 1; registration <= 5000; ++registration) {
    if (!raw->Send(WaitMessage(registration, 1'000'000, "never"))) {
      // Refusals are waiting to be read.
      while (std::optional<RawReply> reply =
                 raw->Receive(Deadline::In(std::chrono::milliseconds(50)))) {
        refused += reply->reply().body_type() == wire::ReplyBody::Refused;
      }
    }
    if (registration % 500 == 0) ExpectServed();
  }
  while (std::optional<RawReply> reply =
             raw->Receive(Deadline::In(std::chrono::milliseconds(200)))) {
    refused += reply->reply().body_type() == wire::ReplyBody::Refused;
  }
  EXPECT_GT(refused, 0u);
  EXPECT_LE(broker_.Count(Counter::kWaits), kWaitsPerSessionMax);
  raw.reset();
  EXPECT_TRUE(Eventually([&] { return broker_.Count(Counter::kWaits) == 0; }));
}

TEST_F(SharedDescriptorsTest, MayBeAnythingInsteadOfARequestsMemory) {
  int pipe_ends[2], pair[2];
  ASSERT_EQ(::pipe2(pipe_ends, O_CLOEXEC), 0);
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  const UniqueFd pipe_read(pipe_ends[0]), pipe_write(pipe_ends[1]), near(pair[0]), far(pair[1]);
  const UniqueFd zero(::open("/dev/zero", O_RDWR | O_CLOEXEC));
  const UniqueFd terminal(::open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC));
  const UniqueFd directory(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const UniqueFd path_only(::open("/", O_PATH | O_CLOEXEC));
  const UniqueFd memory(::open("/proc/self/mem", O_RDONLY | O_CLOEXEC));
  const UniqueFd poll(::epoll_create1(EPOLL_CLOEXEC));
  const UniqueFd event(::eventfd(0, EFD_CLOEXEC));
  const UniqueFd unsealed = MakeMemfd(AppendMessage(1, {RawEvent{}}), false);
  const UniqueFd empty = MakeMemfd({});
  uint64_t number = 0;
  for (const int fd :
       {pipe_read.get(), pipe_write.get(), near.get(), zero.get(), terminal.get(), directory.get(),
        path_only.get(), memory.get(), poll.get(), event.get(), unsealed.get(), empty.get(), -1}) {
    for (const uint64_t length : {uint64_t{0}, uint64_t{100}, uint64_t{200'000}, kRequestBytesMax,
                                  kRequestBytesMax + 1, UINT64_MAX}) {
      auto raw = Attach();
      ASSERT_TRUE(raw->connected());
      raw->Send(InMemoryMessage(++number, length), fd);
      // Refused, or the connection is closed; never an append of something.
      std::optional<RawReply> reply = raw->Receive();
      if (reply) {
        EXPECT_EQ(reply->reply().body_type(), wire::ReplyBody::Refused);
      }
    }
    // The ring itself, and the connection's own socket.
    auto raw = Attach();
    raw->Send(InMemoryMessage(1, 4096), ring_.get());
    raw->Send(InMemoryMessage(2, 4096), raw->fd());
    ExpectServed();
  }
  ring_.Reset();
  ExpectDescriptorsGoBack();
}

TEST_F(SharedDescriptorsTest, MayChangeWhileTheyAreRead) {
  const Message request =
      AppendMessage(1, {RawEvent{.data = '"' + std::string(100'000, 'a') + '"'}});
  // With its size sealed it can still be written through a mapping that was there before the seal.
  for (const int seals : {0, F_SEAL_SHRINK | F_SEAL_GROW,
                          F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL}) {
    const UniqueFd fd = MakeMemfd(request, false);
    const Result<Mapping> mapping =
        Mapping::Map(fd.get(), request.size(), Mapping::Access::kReadWrite, "request");
    ASSERT_TRUE(mapping.ok());
    ASSERT_EQ(::fcntl(fd.get(), F_ADD_SEALS, seals), 0);
    std::atomic<bool> stop{false};
    std::thread changing([&] {
      for (uint64_t i = 0; !stop.load(std::memory_order_relaxed); ++i) {
        const uint64_t offset = i * 8 % 400;  // where tables and lengths are
        uint64_t word = 0;
        std::memcpy(&word, request.data() + offset, sizeof(word));
        if (seals != 0) {
          StoreWordRelaxed(mapping->data() + offset, i % 2 == 0 ? word ^ i : word);
        } else {
          // By calls, since the truncated mapping would be the attacker's own SIGBUS.
          word ^= i % 2 == 0 ? i : 0;
          (void)!::pwrite(fd.get(), &word, sizeof(word), static_cast<off_t>(offset));
          (void)!::ftruncate(fd.get(), i % 2 == 0 ? 64 : static_cast<off_t>(request.size()));
        }
      }
    });
    for (uint64_t round = 0; round < Scaled(300); ++round) {
      auto raw = Attach();
      raw->Send(InMemoryMessage(1, request.size()), fd.get());
      (void)raw->Receive();
    }
    stop.store(true, std::memory_order_relaxed);
    changing.join();
    ExpectServed();
  }
  Client reader = MakeClient(broker_.socket(), "reader");
  ExpectDense(ReadAll(&reader));
}

}  // namespace
}  // namespace roost
