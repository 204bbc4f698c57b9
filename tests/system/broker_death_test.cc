// kill -9 of the broker, again and again, while shims append and readers follow.
//
// Each event has a key of its own in its data, so that whatever is missing, doubled, moved or was seen
// and is gone can be named.
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/broker_process.h"
#include "tests/support/log_history.h"
#include "tests/support/shim_process.h"

namespace roost {
namespace {

namespace json = boost::json;

constexpr size_t kWriters = 16;
constexpr size_t kReaders = 8;

struct Acknowledged {
  uint64_t first;
  std::vector<std::string> keys;  // of consecutive sequences
};

// One shim that appends, as an agent would: on an error it looks and goes on.
class Writer {
 public:
  Writer(const std::string& socket, size_t index, uint64_t seed)
      : name_("w" + std::to_string(index)), random_(seed + index), shim_(Setup(socket, name_)) {}

  void Run(const std::atomic<bool>& stop) {
    while (!stop.load(std::memory_order_relaxed)) {
      Step();
      if (::testing::Test::HasFatalFailure()) return;
      // The load is 16 agents that do something else in between too, not a race for the disk.
      std::this_thread::sleep_for(std::chrono::microseconds(500));
    }
  }

  // Appends once more, with as many tries as it needs.
  void Prove() {
    const size_t before = acknowledged_.size();
    EXPECT_TRUE(Eventually([&] {
      Step();
      return acknowledged_.size() > before;
    })) << name_
        << " never got on: " << last_error_;
  }

  const std::string& name() const { return name_; }
  const std::vector<Acknowledged>& acknowledged() const { return acknowledged_; }
  uint64_t errors() const { return errors_; }
  const std::string& last_error() const { return last_error_; }
  Process& process() { return shim_.process(); }

 private:
  static ShimSetup Setup(const std::string& socket, const std::string& name) {
    ShimSetup setup;
    setup.socket = socket;
    setup.agent = name;
    return setup;
  }

  json::object NewEvent(const std::string& stream, std::vector<std::string>* keys) {
    keys->push_back(name_ + "-" + std::to_string(++made_));
    return {{"stream", stream}, {"type", "load"}, {"data", {{"key", keys->back()}}}};
  }

  void Step() {
    std::vector<std::string> keys;
    json::object arguments;
    bool expecting = false;
    switch (random_() % 4) {
      case 0:
        arguments = NewEvent("shared", &keys);
        break;
      case 1:
        arguments = NewEvent("shared", &keys);
        arguments["id"] = keys.back();
        break;
      case 2: {
        json::array events;
        for (int i = 0; i < 5; ++i) {
          events.push_back(NewEvent(i % 2 == 0 ? "shared" : "batches/" + name_, &keys));
        }
        arguments["events"] = std::move(events);
        break;
      }
      default:
        // Nobody else writes this stream, so a conflict means that an answer was lost and the append was
        // done anyway, which its repetition had to say.
        arguments = NewEvent("own/" + name_, &keys);
        if (own_revision_known_) {
          arguments["expect"] = own_revision_;
          expecting = true;
        }
    }
    const bool own = keys.size() == 1 && arguments.contains("stream") &&
                     arguments["stream"].as_string() == "own/" + name_;
    const ToolResult result =
        shim_.Call("append", arguments, Deadline::In(std::chrono::minutes(2)));
    ASSERT_TRUE(result.answered) << name_ << " did not answer";
    if (result.is_error) {
      ++errors_;
      last_error_ = result.text;
      if (own) own_revision_known_ = false;  // it may have been done
      return;
    }
    ASSERT_TRUE(result.Is("appended"))
        << name_ << (expecting ? ": conflict with itself: " : ": ") << result.text;
    ASSERT_EQ(result.Number("count"), keys.size());
    if (own) {
      own_revision_ = result.Number("revision");
      own_revision_known_ = true;
    }
    acknowledged_.push_back({result.Number("first"), std::move(keys)});
  }

  const std::string name_;
  std::mt19937_64 random_;
  ShimProcess shim_;
  uint64_t made_ = 0;
  uint64_t own_revision_ = 0;
  bool own_revision_known_ = true;
  std::vector<Acknowledged> acknowledged_;
  uint64_t errors_ = 0;
  std::string last_error_;
};

struct Seen {
  uint64_t sequence;
  std::string key;
};

std::string KeyOf(std::string_view data) {
  json::error_code error;
  const json::value value = json::parse(data, error);
  if (error || !value.is_object() || !value.get_object().contains("key")) return "";
  return std::string(value.at("key").as_string());
}

void FollowThroughShim(ShimProcess* shim, const std::atomic<uint64_t>& last,
                       std::vector<Seen>* seen) {
  uint64_t after = 0;
  while (after < last.load(std::memory_order_acquire)) {
    const ToolResult result =
        shim->Call("wait", {{"stream", "*"}, {"after", after}, {"limit", 500}, {"timeout_ms", 100}},
                   Deadline::In(std::chrono::minutes(2)));
    ASSERT_TRUE(result.answered);
    if (result.is_error) continue;  // no broker at the moment
    for (const json::value& event : result.Array("events")) {
      const json::value* data = event.as_object().if_contains("data");
      seen->push_back({event.at("sequence").to_number<uint64_t>(),
                       data == nullptr ? "" : KeyOf(json::serialize(*data))});
    }
    after = result.Number("next");
  }
}

void FollowThroughLibrary(Client* client, const std::atomic<uint64_t>& last,
                          std::vector<Seen>* seen) {
  ReadQuery query;
  query.limit = 500;
  while (query.after < last.load(std::memory_order_acquire)) {
    const Result<Page> page = client->Wait(query, std::chrono::milliseconds(100));
    if (!page.ok()) {
      ASSERT_TRUE(page.status().code() == StatusCode::kUnavailable ||
                  page.status().code() == StatusCode::kTimedOut)
          << page.status().message();
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      continue;
    }
    ASSERT_FALSE(page->gap().has_value());
    for (size_t i = 0; i < page->size(); ++i) {
      seen->push_back({(*page)[i].sequence, KeyOf((*page)[i].data)});
    }
    query.after = page->next();
  }
}

class BrokerDeathTest : public ::testing::TestWithParam<std::string> {
 protected:
  // Small segments and a small ring, so that deaths meet their changes too.
  BrokerDeathTest()
      : broker_(
            {.arguments = {"--segment", "1MiB", "--ring", "1MiB", "--durability", GetParam()}}) {}

  void SetUp() override {
    const char* given = ::getenv("ROOST_TEST_SEED");
    seed_ = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
    RecordProperty("seed", std::to_string(seed_));
    SCOPED_TRACE(seed_);
    ASSERT_TRUE(broker_.Start());
  }

  void KillAtRandomMoments(int times, std::mt19937_64* random) {
    for (int i = 0; i < times && !HasFatalFailure(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50 + (*random)() % 500));
      if ((*random)() % 5 == 0) {
        // One that hangs for a while and goes on looks dead and is not.
        broker_.process().Signal(SIGSTOP);
        std::this_thread::sleep_for(std::chrono::milliseconds((*random)() % 200));
        broker_.process().Signal(SIGCONT);
        std::this_thread::sleep_for(std::chrono::milliseconds((*random)() % 100));
      }
      broker_.Kill9();
      if ((*random)() % 4 == 0) {
        // And once more while it recovers.
        broker_.StartWithoutWaiting();
        std::this_thread::sleep_for(std::chrono::microseconds((*random)() % 20'000));
        broker_.Kill9();
      }
      ASSERT_TRUE(broker_.Start());
    }
  }

  static void ExpectAcknowledged(const std::vector<SeenEvent>& log, const Writer& writer) {
    uint64_t previous = 0;
    for (const Acknowledged& append : writer.acknowledged()) {
      ASSERT_GT(append.first, previous) << writer.name() << ": reordered";
      for (size_t i = 0; i < append.keys.size(); ++i) {
        const uint64_t sequence = append.first + i;
        ASSERT_LE(sequence, log.size()) << append.keys[i] << " was acknowledged and is missing";
        ASSERT_EQ(KeyOf(log[sequence - 1].data), append.keys[i])
            << "at sequence " << sequence << ", which was acknowledged to " << writer.name();
        previous = sequence;
      }
    }
  }

  BrokerProcess broker_;
  uint64_t seed_ = 0;
};

TEST_P(BrokerDeathTest, LosesDoublesAndReordersNothingThatWasAcknowledged) {
  SCOPED_TRACE("ROOST_TEST_SEED=" + std::to_string(seed_));
  std::mt19937_64 random(seed_);
  std::vector<std::unique_ptr<Writer>> writers;
  std::vector<std::unique_ptr<ShimProcess>> reading_shims;
  std::vector<Client> reading_clients;
  for (size_t i = 0; i < kWriters; ++i) {
    writers.push_back(std::make_unique<Writer>(broker_.socket(), i, seed_));
  }
  for (size_t i = 0; i < kReaders / 2; ++i) {
    reading_shims.push_back(std::make_unique<ShimProcess>(
        ShimSetup{.socket = broker_.socket(), .agent = "r" + std::to_string(i)}));
    reading_clients.push_back(MakeClient(broker_.socket()));
  }

  // Once attached they ride out a death; before, each call without a broker is answered at once.
  for (auto& writer : writers) writer->Prove();

  std::atomic<bool> stop{false};
  std::atomic<uint64_t> last{UINT64_MAX};
  std::vector<std::vector<Seen>> seen(kReaders);
  std::vector<std::thread> appending, reading;
  for (auto& writer : writers) appending.emplace_back([&] { writer->Run(stop); });
  for (size_t i = 0; i < kReaders / 2; ++i) {
    reading.emplace_back([&, i] { FollowThroughShim(reading_shims[i].get(), last, &seen[i]); });
    reading.emplace_back(
        [&, i] { FollowThroughLibrary(&reading_clients[i], last, &seen[kReaders / 2 + i]); });
  }

  const int in_the_gate = (kSlowdown == 1 ? 50 : 20) / (GetParam() == "power" ? 5 : 1);
  const int kills = SoakWanted() ? 1000 : in_the_gate;
  KillAtRandomMoments(kills, &random);
  stop.store(true, std::memory_order_relaxed);
  for (std::thread& thread : appending) thread.join();
  if (broker_.process().running()) {
    for (auto& writer : writers) writer->Prove();
  }

  Client client = MakeClient(broker_.socket());
  const Result<LogInfo> info = client.Info();
  last.store(info.ok() ? info->head : 0, std::memory_order_release);
  for (std::thread& thread : reading) thread.join();
  ASSERT_TRUE(info.ok()) << info.status().message();

  const std::vector<SeenEvent> log = ReadAll(&client);
  ExpectDense(log);
  std::map<std::string, uint64_t> places;
  for (const SeenEvent& event : log) {
    if (event.type != "load") continue;
    const auto [place, fresh] = places.emplace(KeyOf(event.data), event.sequence);
    EXPECT_TRUE(fresh) << place->first << " is there twice: at " << place->second << " and "
                       << event.sequence;
  }
  uint64_t acknowledged = 0, errors = 0;
  std::string example;
  for (const auto& writer : writers) {
    EXPECT_TRUE(writer->process().running());
    ExpectAcknowledged(log, *writer);
    acknowledged += writer->acknowledged().size();
    errors += writer->errors();
    if (writer->errors() > 0) example = writer->name() + ": " + writer->last_error();
  }
  for (size_t reader = 0; reader < seen.size(); ++reader) {
    uint64_t expected = 0;
    for (const Seen& event : seen[reader]) {
      ASSERT_EQ(event.sequence, ++expected) << "reader " << reader;
      ASSERT_LE(event.sequence, log.size()) << "reader " << reader << " saw what is gone";
      if (event.sequence > info->head) break;
      const SeenEvent& kept = log[event.sequence - 1];
      ASSERT_EQ(event.key, kept.type == "load" ? KeyOf(kept.data) : "") << "reader " << reader;
    }
    EXPECT_GE(expected, info->head) << "reader " << reader;
  }
  RecordProperty("events", std::to_string(log.size()));
  RecordProperty("acknowledged_calls", std::to_string(acknowledged));
  RecordProperty("calls_with_error", std::to_string(errors));
  // A death is an interruption: shims ask again by themselves, so hardly any call fails. On a machine that is busy with other
  // things a few take longer than a shim waits.
  EXPECT_LE(errors, kWriters + acknowledged / 500) << "for example " << example;

  broker_.Terminate();
  const Finished verify =
      RunProgram({.arguments = {ProgramPath("roost"), "verify", "--data", broker_.data()}});
  EXPECT_EQ(verify.ending.exit_status, 0) << verify.output << verify.errors;
}

INSTANTIATE_TEST_SUITE_P(EveryJournal, BrokerDeathTest, ::testing::Values("process", "power"),
                         [](const auto& tested) { return tested.param; });

}  // namespace
}  // namespace roost
