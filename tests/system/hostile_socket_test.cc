// Whatever arrives at the control socket: a clear refusal or a closed connection for the sender, nothing
// for anybody else, and the broker keeps no descriptor of it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "ipc/protocol.h"
#include "tests/support/broker_process.h"
#include "tests/support/log_history.h"
#include "tests/support/raw_client.h"

namespace roost {
namespace {

class HostileSocketTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* given = ::getenv("ROOST_TEST_SEED");
    seed_ = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
    random_.seed(seed_);
    ASSERT_TRUE(broker_.Start());
    witness_ = std::make_unique<Client>(MakeClient(broker_.socket(), "witness"));
    ASSERT_TRUE(witness_->Append(NewEvent{.stream = "witness", .type = "t", .data = "0"}).ok());
    descriptors_ = OpenDescriptors(broker_.pid());
  }

  void TearDown() override {
    EXPECT_TRUE(broker_.process().running()) << "ROOST_TEST_SEED=" << seed_;
    ExpectServed();
    EXPECT_TRUE(Eventually([&] { return OpenDescriptors(broker_.pid()) <= descriptors_; }))
        << OpenDescriptors(broker_.pid()) << " open, " << descriptors_ << " before";
  }

  void ExpectServed() {
    const Result<AppendResult> appended =
        witness_->Append(NewEvent{.stream = "witness", .type = "t", .data = "1"});
    ASSERT_TRUE(appended.ok()) << appended.status().message() << " ROOST_TEST_SEED=" << seed_;
    ASSERT_TRUE(appended->appended);
  }

  // A connection to be abused, attached or not; a new one when the broker has closed the last.
  RawClient* Victim() {
    if (victim_ == nullptr || !victim_->connected() || IsClosed(*victim_)) {
      victim_ = std::make_unique<RawClient>(broker_.socket());
      if (random_() % 4 != 0) victim_->Send(AttachMessage("hostile"));
    }
    return victim_.get();
  }

  // Takes what has arrived, so that the broker may go on sending.
  static bool IsClosed(const RawClient& client) {
    std::byte buffer[4096];
    while (true) {
      const Received received = ReceiveSeqpacket(client.fd(), buffer, sizeof(buffer));
      if (received.outcome == SocketOutcome::kClosed) return true;
      if (received.outcome == SocketOutcome::kWouldBlock) return false;
    }
  }

  Message RandomBytes(size_t size_max) {
    Message bytes(random_() % size_max + 1);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random_());
    return bytes;
  }

  Message ValidMessage() {
    const uint64_t number = random_() % 100;
    switch (random_() % 8) {
      case 0:
        return AttachMessage("hostile", random_() % 2 == 0 ? 0 : random_() % 50,
                             random_() % 2 == 0 ? Bytes() : Bytes(secret_),
                             static_cast<uint32_t>(random_() % 3));
      case 1:
        return WaitMessage(number, random_(), random_() % 2 == 0 ? "" : "x");
      case 2:
        return CancelWaitMessage(number);
      case 3:
        return FindSegmentMessage(number, random_() % 1000, random_() % 3 == 0 ? random_() : 0);
      case 4:
        return ListSessionsMessage(number);
      case 5:
        return InMemoryMessage(number, random_());
      default: {
        std::vector<RawEvent> events(random_() % 5 + 1);
        for (RawEvent& event : events) {
          event.agent = random_() % 8 == 0 ? "witness" : "hostile";
          event.stream = random_() % 8 == 0 ? "$agents" : "hostile";
          event.data = std::string(random_() % 300, 'd');
          if (random_() % 4 == 0) event.id = std::to_string(random_() % 10);
        }
        return AppendMessage(number, events, {{"hostile", random_() % 10}});
      }
    }
  }

  // Bits flipped, words overwritten with what lengths and offsets fear, cut, lengthened.
  void Mutate(Message* message) {
    static constexpr uint32_t kBad[] = {0,          1,          0x7FFFFFFF, 0x80000000,
                                        0xFFFFFFFF, 0xFFFFFFFC, 65536,      4};
    for (uint64_t i = random_() % 6; i > 0; --i) {
      const size_t at = random_() % message->size();
      switch (random_() % 4) {
        case 0:
          (*message)[at] ^= static_cast<std::byte>(1 << random_() % 8);
          break;
        case 1:
          if (at + 4 <= message->size()) {
            std::memcpy(message->data() + at, &kBad[random_() % std::size(kBad)], 4);
          }
          break;
        case 2:
          message->resize(at + 1);
          break;
        default:
          message->resize(message->size() + random_() % 64, static_cast<std::byte>(random_()));
      }
    }
  }

  BrokerProcess broker_;
  std::unique_ptr<Client> witness_;
  std::unique_ptr<RawClient> victim_;
  std::mt19937_64 random_;
  uint64_t seed_ = 0;
  size_t descriptors_ = 0;
  const Message secret_ = Message(kSessionSecretBytes, std::byte{7});
};

TEST_F(HostileSocketTest, LivesThroughRandomAndMutatedMessages) {
  // Those that the broker looked at: what lies behind a message that costs the connection is lost.
  const uint64_t messages = SoakWanted() ? 5'000'000 : Scaled(100'000);
  const uint64_t before = broker_.Count(Counter::kRequests);
  const Deadline deadline = Deadline::In(std::chrono::minutes(SoakWanted() ? 60 : 2));
  const auto looked_at = [&] { return broker_.Count(Counter::kRequests) - before; };
  for (uint64_t i = 0; i % 64 != 0 || looked_at() < messages; ++i) {
    ASSERT_FALSE(deadline.Passed()) << looked_at() << " messages";
    Message message = i % 4 == 0 ? RandomBytes(i % 64 == 0 ? 60'000 : 200) : ValidMessage();
    if (i % 4 != 0) Mutate(&message);
    int fd = -1;
    UniqueFd memory;
    if (i % 50 == 0) {
      memory = MakeMemfd(message, random_() % 2 == 0);
      fd = memory.get();
      if (random_() % 2 == 0) message = InMemoryMessage(random_() % 100, message.size());
    }
    Victim()->Send(message, fd);
    if (i % 5000 == 0) ExpectServed();
    if (HasFailure()) return;
  }
  victim_.reset();
  // Nobody spoke for another, nothing was written to the broker's own streams, and the log is whole.
  Client reader = MakeClient(broker_.socket(), "reader");
  const std::vector<SeenEvent> log = ReadAll(&reader);
  ExpectDense(log);
  for (const SeenEvent& event : log) {
    if (event.stream.starts_with('$')) {
      EXPECT_EQ(event.agent, "$broker") << event.stream << " " << event.type;
    }
    if (event.stream == "hostile") {
      EXPECT_EQ(event.agent, "hostile");
    }
    if (event.stream == "witness") {
      EXPECT_EQ(event.agent, "witness");
    }
  }
}

TEST_F(HostileSocketTest, TakesNoneOfManyDescriptors) {
  std::vector<int> many(253);
  for (int& fd : many) fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  for (int round = 0; round < 50; ++round) {
    for (const size_t count : {size_t{253}, size_t{100}, size_t{2}, size_t{1}}) {
      for (const bool attached : {false, true}) {
        RawClient client(broker_.socket());
        if (attached) {
          ASSERT_TRUE(client.Attach("many").has_value());
        }
        client.SendWithDescriptors(AppendMessage(1, {RawEvent{.agent = "many"}}),
                                   std::span(many).first(count));
        client.SendWithDescriptors(RandomBytes(100), std::span(many).first(count));
      }
    }
  }
  for (const int fd : many) ::close(fd);
}

TEST_F(HostileSocketTest, RefusesMessagesOfWrongLengths) {
  for (const size_t size :
       {size_t{1}, size_t{3}, size_t{4}, size_t{7}, size_t{8}, kInlineRequestBytesMax,
        kInlineRequestBytesMax + 1, size_t{100'000}, size_t{200'000}}) {
    for (const bool attached : {false, true}) {
      RawClient client(broker_.socket());
      if (attached) {
        ASSERT_TRUE(client.Attach("long").has_value());
      }
      client.Send(Message(size, std::byte{0}));
      ExpectServed();
    }
  }
  // An empty message is how a closed connection looks.
  RawClient client(broker_.socket());
  ASSERT_TRUE(client.Attach("empty").has_value());
  EXPECT_EQ(::send(client.fd(), "", 0, MSG_NOSIGNAL), 0);
}

TEST_F(HostileSocketTest, SpeaksForNobodyElse) {
  RawClient client(broker_.socket());
  ASSERT_TRUE(client.Attach("liar").has_value());
  std::optional<RawReply> reply = client.Append(1, {RawEvent{.stream = "s", .agent = "witness"}});
  ASSERT_TRUE(reply.has_value());
  ASSERT_EQ(reply->reply().body_type(), wire::ReplyBody::Refused);
  EXPECT_EQ(reply->reply().body_as_Refused()->code(), wire::RefusalCode::NotAllowed);
  for (const char* stream : {"$agents", "$leases", "$broker", "$x", "$"}) {
    static uint64_t number = 1;
    reply = client.Append(++number, {RawEvent{.stream = stream, .agent = "liar"}});
    ASSERT_TRUE(reply.has_value()) << stream;
    ASSERT_EQ(reply->reply().body_type(), wire::ReplyBody::Refused) << stream;
    EXPECT_EQ(reply->reply().body_as_Refused()->code(), wire::RefusalCode::NotAllowed) << stream;
  }
}

TEST_F(HostileSocketTest, GivesASessionOnlyToItsSecret) {
  RawClient owner(broker_.socket());
  std::optional<RawReply> attached = owner.Attach("owner");
  ASSERT_TRUE(attached.has_value());
  const wire::Attached& mine = *attached->reply().body_as_Attached();
  const uint64_t session = mine.session();
  Message secret(kSessionSecretBytes);
  ASSERT_EQ(mine.secret()->size(), secret.size());
  std::memcpy(secret.data(), mine.secret()->data(), secret.size());

  for (const Message& shown : {secret_, Message(kSessionSecretBytes, std::byte{0}), Message(1),
                               Message(31, std::byte{1}), Message(1000, std::byte{1})}) {
    RawClient thief(broker_.socket());
    thief.Send(AttachMessage("owner", session, shown));
    std::optional<RawReply> reply = thief.Receive();
    if (!reply || reply->reply().body_type() != wire::ReplyBody::Attached) continue;
    EXPECT_NE(reply->reply().body_as_Attached()->session(), session);
    EXPECT_FALSE(reply->reply().body_as_Attached()->resumed());
  }
  // The owner was not disturbed, and its own secret is good.
  std::optional<RawReply> reply = owner.Append(1, {RawEvent{.agent = "owner"}});
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->reply().body_type(), wire::ReplyBody::Appended);
  RawClient again(broker_.socket());
  again.Send(AttachMessage("owner", session, secret));
  reply = again.Receive();
  ASSERT_TRUE(reply.has_value());
  ASSERT_EQ(reply->reply().body_type(), wire::ReplyBody::Attached);
  EXPECT_EQ(reply->reply().body_as_Attached()->session(), session);
  EXPECT_TRUE(reply->reply().body_as_Attached()->resumed());
}

TEST_F(HostileSocketTest, RefusesLabelsThatNobodyMayHave) {
  for (const std::string& label :
       {std::string("$broker"), std::string(), std::string(129, 'a'), std::string("a\nb"),
        std::string("a\0b", 3), std::string("\x1b[2J"), std::string("\xff\xfe")}) {
    RawClient client(broker_.socket());
    ASSERT_TRUE(client.Send(AttachMessage(label)));
    std::optional<RawReply> reply = client.Receive();
    ASSERT_TRUE(reply.has_value()) << label;
    EXPECT_EQ(reply->reply().body_type(), wire::ReplyBody::Refused) << label;
  }
  RawClient longest(broker_.socket());
  EXPECT_TRUE(longest.Attach(std::string(128, 'a')).has_value());
}

TEST_F(HostileSocketTest, AnswersTwoThatFightForASessionAlike) {
  RawClient first(broker_.socket());
  std::optional<RawReply> attached = first.Attach("twin");
  ASSERT_TRUE(attached.has_value());
  const uint64_t session = attached->reply().body_as_Attached()->session();
  const auto* shown = attached->reply().body_as_Attached()->secret();
  const Message secret(reinterpret_cast<const std::byte*>(shown->data()),
                       reinterpret_cast<const std::byte*>(shown->data()) + shown->size());
  constexpr uint64_t kRequests = 64, kRounds = 30;
  std::map<uint64_t, uint64_t> places;  // of requests
  std::unique_ptr<RawClient> old = std::make_unique<RawClient>(std::move(first));
  for (uint64_t round = 0; round < kRounds; ++round) {
    const uint64_t base = round * kRequests;
    // A part of the requests on the old connection, all of them on the new one, in any order.
    const uint64_t sent = random_() % kRequests;
    for (uint64_t i = 1; i <= sent; ++i) {
      old->Send(AppendMessage(base + i, {RawEvent{.stream = "twins", .agent = "twin"}}));
    }
    auto fresh = std::make_unique<RawClient>(broker_.socket());
    ASSERT_TRUE(fresh->Send(AttachMessage("twin", session, secret)));
    std::vector<uint64_t> order(kRequests);
    std::iota(order.begin(), order.end(), base + 1);
    if (round % 2 == 0) std::shuffle(order.begin(), order.end(), random_);
    for (const uint64_t number : order) {
      ASSERT_TRUE(
          fresh->Send(AppendMessage(number, {RawEvent{.stream = "twins", .agent = "twin"}})));
    }
    for (uint64_t answers = 0; answers < kRequests;) {
      std::optional<RawReply> reply = fresh->Receive();
      ASSERT_TRUE(reply.has_value()) << "ROOST_TEST_SEED=" << seed_;
      if (reply->reply().body_type() == wire::ReplyBody::Attached) {
        EXPECT_EQ(reply->reply().body_as_Attached()->session(), session);
        continue;
      }
      ASSERT_EQ(reply->reply().body_type(), wire::ReplyBody::Appended);
      places[reply->reply().number()] = reply->reply().body_as_Appended()->sequence();
      ++answers;
    }
    old = std::move(fresh);
  }
  const std::vector<SeenEvent> log = ReadAll(witness_.get(), {.filter = {.stream = "twins"}});
  EXPECT_EQ(log.size(), kRounds * kRequests) << "ROOST_TEST_SEED=" << seed_;
  EXPECT_EQ(places.size(), kRounds * kRequests);
  std::set<uint64_t> distinct;
  for (const auto& [number, sequence] : places) distinct.insert(sequence);
  EXPECT_EQ(distinct.size(), places.size());
}

TEST_F(HostileSocketTest, RefusesARequestNumberThatWentBack) {
  RawClient client(broker_.socket());
  ASSERT_TRUE(client.Attach("n").has_value());
  for (uint64_t number = 1; number <= 200; ++number) {
    std::optional<RawReply> reply = client.Append(number, {RawEvent{.agent = "n"}});
    ASSERT_TRUE(reply.has_value());
    ASSERT_EQ(reply->reply().body_type(), wire::ReplyBody::Appended);
  }
  // An answer that is kept is repeated; one that is not is said to be too old. Neither appends.
  const uint64_t head = witness_->Info()->head;
  std::optional<RawReply> kept = client.Append(190, {RawEvent{.agent = "n"}});
  ASSERT_TRUE(kept.has_value());
  EXPECT_EQ(kept->reply().body_type(), wire::ReplyBody::Appended);
  std::optional<RawReply> lost = client.Append(10, {RawEvent{.agent = "n"}});
  ASSERT_TRUE(lost.has_value());
  ASSERT_EQ(lost->reply().body_type(), wire::ReplyBody::Refused);
  EXPECT_EQ(lost->reply().body_as_Refused()->code(), wire::RefusalCode::TooOld);
  EXPECT_EQ(witness_->Info()->head, head);
}

TEST_F(HostileSocketTest, IsNotStarvedByAFlooder) {
  std::atomic<bool> stop{false};
  std::thread flooding([&] {
    RawClient flooder(broker_.socket());
    if (!flooder.Attach("flood")) return;
    for (uint64_t number = 1; !stop.load(std::memory_order_relaxed); ++number) {
      while (!flooder.Send(AppendMessage(number, {RawEvent{.agent = "flood"}})) &&
             !stop.load(std::memory_order_relaxed)) {
        if (IsClosed(flooder)) return;
      }
      if (number % 64 == 0 && IsClosed(flooder)) return;
    }
  });
  for (int i = 0; i < 200 && !HasFatalFailure(); ++i) ExpectServed();
  stop.store(true, std::memory_order_relaxed);
  flooding.join();
}

TEST_F(HostileSocketTest, TellsAFlooderThatItIsBusyAndServesAllOthers) {
  constexpr size_t kPolite = 99;
  std::vector<std::unique_ptr<RawClient>> polite;
  for (size_t i = 0; i < kPolite; ++i) {
    polite.push_back(std::make_unique<RawClient>(broker_.socket()));
    ASSERT_TRUE(polite.back()->Attach("polite").has_value());
  }
  RawClient flooder(broker_.socket());
  ASSERT_TRUE(flooder.Attach("flood").has_value());
  uint64_t number = 0;
  for (uint64_t round = 1; round <= 5; ++round) {
    for (int i = 0; i < 200; ++i) {
      flooder.Send(AppendMessage(++number, {RawEvent{.agent = "flood"}}));
    }
    for (const auto& client : polite) {
      const std::optional<RawReply> reply = client->Append(round, {RawEvent{.agent = "polite"}});
      ASSERT_TRUE(reply.has_value());
      EXPECT_EQ(reply->reply().body_type(), wire::ReplyBody::Appended);
    }
  }
  // It reads at last what it was told.
  uint64_t busy = 0, appended = 0;
  while (std::optional<RawReply> reply =
             flooder.Receive(Deadline::In(std::chrono::milliseconds(200)))) {
    const wire::Refused* refused = reply->reply().body_as_Refused();
    busy += refused != nullptr && refused->code() == wire::RefusalCode::Busy;
    appended += reply->reply().body_type() == wire::ReplyBody::Appended;
  }
  EXPECT_GT(busy, 0u);
  EXPECT_GE(appended, kRequestsInFlightMax);
}

TEST_F(HostileSocketTest, OutlivesConnectionsThatNeverAttach) {
  std::vector<std::unique_ptr<RawClient>> silent;
  for (int i = 0; i < 500; ++i) {
    silent.push_back(std::make_unique<RawClient>(broker_.socket()));
    if (!silent.back()->connected()) break;
  }
  ExpectServed();
  Client fresh = MakeClient(broker_.socket(), "fresh");
  EXPECT_TRUE(fresh.Info().ok());
}

}  // namespace
}  // namespace roost
