// The real roost against a real roostd.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <filesystem>

#include "base/unique_fd.h"
#include "base/utf8.h"
#include "tests/support/deadline.h"
#include "tests/tools/cli_fixture.h"

namespace roost {
namespace {

using testing::Contains;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

// ---- what every command does ----

TEST_F(CliTest, HasHelpWithExamplesForEachCommand) {
  for (const char* command :
       {"append", "read", "dump", "tail", "stat", "streams", "agents", "verify", "compact", "claim",
        "claims", "release", "take", "settle", "parked", "groups", "validate", "decide", "trace"}) {
    EXPECT_THAT(Fine({command, "--help"}), HasSubstr(std::string("Examples:\n  roost ") + command));
  }
  EXPECT_THAT(Fine({"--help"}), HasSubstr("Examples:"));
  EXPECT_THAT(Fine({"--version"}), StartsWith("roost "));
}

TEST_F(CliTest, SaysWrongUsageInOneLineWithExitStatus2) {
  ExpectOneLine(Roost({}), 2);
  ExpectOneLine(Roost({"fly"}), 2);
  ExpectOneLine(Roost({"read", "--limit", "many"}), 2);
  ExpectOneLine(Roost({"read", "--since", "yesterday"}), 2);
  ExpectOneLine(Roost({"append", "only-a-stream"}), 2);
  ExpectOneLine(Roost({"dump", "--json", "--hex"}), 2);
  ExpectOneLine(Roost({"verify"}), 2);
  ExpectOneLine(Roost({"read", "--limit", "-1"}), 2);
  ExpectOneLine(Roost({"append", "s", "t", "--id", ""}), 2);
  ExpectOneLine(Roost({"append", "s/*", "t"}), 2);
  ExpectOneLine(Roost({"take", "s/*", "g"}), 2);
  ExpectOneLine(Roost({"take", "s", "a/b"}), 2);
  ExpectOneLine(Roost({"claim", "a", "--ttl", "1ms"}), 2);
  ExpectOneLine(Roost({"claim", "a", "--wait", "51s"}), 2);
  ExpectOneLine(Roost({"claim", "a**b"}), 2);
  ExpectOneLine(Roost({"validate", "", "1"}), 2);
}

TEST_F(CliTest, SaysInOneLineThatThereIsNoBroker) {
  broker_.Terminate();
  for (const char* command : {"read", "dump", "tail", "streams", "agents"}) {
    const Finished finished = Roost({command});
    ExpectOneLine(finished, 1);
    EXPECT_THAT(finished.errors, HasSubstr("roostd"));
  }
  ExpectOneLine(Roost({"append", "s", "t"}), 1);
}

TEST_F(CliTest, IsQuietWhenNobodyReadsItsOutput) {
  std::string input;
  for (int i = 0; i < 2000; ++i)
    input += "{\"stream\":\"s\",\"type\":\"t\",\"data\":\"" + std::string(200, 'x') + "\"}\n";
  Fine({"append", "--batch"}, input);
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  UniqueFd reader(ends[0]), writer(ends[1]);
  int error_ends[2];
  ASSERT_EQ(::pipe2(error_ends, O_CLOEXEC), 0);
  UniqueFd error_reader(error_ends[0]), error_writer(error_ends[1]);
  ProcessOptions options;
  options.arguments = {ProgramPath("roost"), "--socket", broker_.socket(), "dump"};
  options.descriptors = {{writer.get(), STDOUT_FILENO}, {error_writer.get(), STDERR_FILENO}};
  reader.Reset();
  Process process(options);
  writer.Reset();
  error_writer.Reset();
  EXPECT_EQ(process.Wait().exit_status, 0);
  char byte;
  EXPECT_EQ(::read(error_reader.get(), &byte, 1), 0) << "it complained";
}

// ---- append ----

TEST_F(CliTest, AppendsAnEventAndReadsItBackByteForByte) {
  const std::string data = R"({"z": 1.10, "a": 123456789012345678901234567890, "é": "\u00e9\n"})";
  EXPECT_THAT(Fine({"append", "tasks/1", "task.created", data, "--correlation-id", "c",
                    "--causation-id", "d", "--id", "i", "--agent", "tester"}),
              StartsWith("tasks/1 revision 1, event "));
  const std::string line = Fine({"read", "tasks/1", "--json"});
  EXPECT_THAT(line, HasSubstr("\"data\":" + data + "}\n"));
  const boost::json::object event = Parse(line);
  EXPECT_EQ(event.at("stream").as_string(), "tasks/1");
  EXPECT_EQ(event.at("revision").as_int64(), 1);
  EXPECT_EQ(event.at("type").as_string(), "task.created");
  EXPECT_EQ(event.at("agent").as_string(), "tester");
  EXPECT_EQ(event.at("uid").as_int64(), static_cast<int64_t>(::getuid()));
  EXPECT_EQ(event.at("id").as_string(), "i");
  EXPECT_EQ(event.at("correlation_id").as_string(), "c");
  EXPECT_EQ(event.at("causation_id").as_string(), "d");
  EXPECT_FALSE(event.contains("content_type"));
}

TEST_F(CliTest, AppendsWhatComesOnStandardInput) {
  Fine({"append", "s", "t", "-"}, " {\"a\":\n1}\n");
  Fine({"append", "s", "log", "-", "--content-type", "text/plain"}, "kept as it is\n");
  const auto events = Events("s");
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].at("data"), boost::json::parse("{\"a\":1}"));
  EXPECT_EQ(events[1].at("content_type").as_string(), "text/plain");
  EXPECT_EQ(events[1].at("data_base64").as_string(), "a2VwdCBhcyBpdCBpcwo=");
}

TEST_F(CliTest, AppendsWithoutData) {
  Fine({"append", "s", "t"});
  const auto events = Events("s");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_FALSE(events[0].contains("data"));
}

TEST_F(CliTest, RefusesDataThatIsNoJsonAndSaysWhere) {
  const Finished finished = Roost({"append", "s", "t", "{\"a\": oops}"});
  ExpectOneLine(finished, 2);
  EXPECT_THAT(finished.errors, HasSubstr("line 1, column 7"));
  ExpectOneLine(Roost({"append", "s", "t", "-"}, "nope"), 1);
  EXPECT_THAT(Fine({"streams", "s", "--json"}), IsEmpty());
}

TEST_F(CliTest, ShowsAConflictWithTheLastEventAndExitStatus3) {
  Fine({"append", "tasks/1", "task.created", "--expect", "0"});
  Fine({"append", "tasks/1", "task.claimed", "{\"by\":\"me\"}", "--expect", "1"});
  const Finished people = Roost({"append", "tasks/1", "task.claimed", "--expect", "1"});
  EXPECT_EQ(people.ending.exit_status, 3);
  EXPECT_THAT(people.output, HasSubstr("tasks/1 is at revision 2, expected 1"));
  EXPECT_THAT(people.output, HasSubstr("{\"by\":\"me\"}"));
  EXPECT_THAT(people.errors, IsEmpty());

  const Finished program = Roost({"append", "tasks/1", "task.claimed", "--expect", "1", "--json"});
  EXPECT_EQ(program.ending.exit_status, 3);
  const boost::json::object result = Parse(program.output);
  EXPECT_FALSE(result.at("appended").as_bool());
  const boost::json::object conflict = result.at("conflict").as_object();
  EXPECT_EQ(conflict.at("revision").as_int64(), 2);
  EXPECT_EQ(conflict.at("expect").as_int64(), 1);
  EXPECT_EQ(conflict.at("last").at("type").as_string(), "task.claimed");
}

TEST_F(CliTest, SaysThatAnEventWithTheSameIdWasAppendedBefore) {
  Fine({"append", "s", "t", "1", "--id", "x"});
  EXPECT_THAT(Fine({"append", "s", "t", "1", "--id", "x"}),
              StartsWith("appended before, with the same id"));
  ExpectOneLine(Roost({"append", "s", "t", "2", "--id", "x"}), 1);
  EXPECT_EQ(Events("s").size(), 1u);
}

TEST_F(CliTest, AppendsManyEventsFromLines) {
  std::string input;
  for (int i = 0; i < 2500; ++i)
    input += "{\"stream\":\"many\",\"data\":{\"n\":" + std::to_string(i) + "}}\n";
  const boost::json::object totals =
      Parse(Fine({"append", "--batch", "--json", "unused", "counted"}, input));
  EXPECT_EQ(totals.at("count").as_int64(), 2500);
  EXPECT_EQ(totals.at("batches").as_int64(), 3);
  const auto events = Events("many");
  ASSERT_EQ(events.size(), 2500u);
  for (size_t i = 0; i < events.size(); ++i) {
    ASSERT_EQ(events[i].at("revision").as_int64(), static_cast<int64_t>(i + 1));
    ASSERT_EQ(events[i].at("data").at("n").as_int64(), static_cast<int64_t>(i));
    ASSERT_EQ(events[i].at("type").as_string(), "counted");
  }
}

TEST_F(CliTest, NamesTheBadLineOfABatchAndAppendsNothingFromItsBatchOn) {
  std::string input;
  for (int i = 1; i <= 25; ++i) input += i == 17 ? "{\"type\":}\n" : "{}\n";
  const Finished finished = Roost({"append", "s", "t", "--batch", "--batch-size", "10"}, input);
  ExpectOneLine(finished, 1);
  EXPECT_THAT(finished.errors, HasSubstr("line 17"));
  EXPECT_THAT(finished.errors, HasSubstr("nothing from line 11 on was appended"));
  EXPECT_EQ(Events("s").size(), 10u);
}

TEST_F(CliTest, AppendsNothingTwiceWhenAMendedBatchIsGivenAgainWithItsId) {
  std::string good, bad;
  for (int i = 1; i <= 25; ++i) {
    good += std::to_string(i).insert(0, "{\"data\":") + "}\n";
    bad += i == 17 ? "oops\n" : std::to_string(i).insert(0, "{\"data\":") + "}\n";
  }
  const std::vector<std::string> command = {"append",       "s",  "t",    "--batch",
                                            "--batch-size", "10", "--id", "import"};
  EXPECT_EQ(Roost(command, bad).ending.exit_status, 1);
  EXPECT_THAT(Fine(command, good), HasSubstr("1 of them appended before"));
  EXPECT_THAT(Fine(command, good), HasSubstr("3 of them appended before"));
  EXPECT_EQ(Events("s").size(), 25u);
}

TEST_F(CliTest, AppendsNothingOfAnInputWhoseExpectationDoesNotHold) {
  Fine({"append", "s", "t"});
  std::string input;
  for (int i = 0; i < 30; ++i) input += "{\"stream\":\"other\"}\n";
  const Finished finished =
      Roost({"append", "s", "t", "--batch", "--batch-size", "10", "--expect", "0"}, input);
  EXPECT_EQ(finished.ending.exit_status, 3);
  EXPECT_THAT(Fine({"streams", "other", "--json"}), IsEmpty());
}

// ---- read, dump, tail ----

TEST_F(CliTest, ReadsWhatTheFiltersLetThrough) {
  for (int i = 1; i <= 5; ++i) {
    Fine({"append", "a/" + std::to_string(i % 2), i < 4 ? "x" : "y", std::to_string(i), "--agent",
          "me"});
  }
  const auto data = [this](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "read");
    arguments.insert(arguments.end(), {"--json", "--agent", "me"});
    std::string all;
    for (const std::string& line : LinesOf(Fine(arguments)))
      all += serialize(Parse(line).at("data"));
    return all;
  };
  EXPECT_EQ(data({}), "12345");
  EXPECT_EQ(data({"a/1"}), "135");
  EXPECT_EQ(data({"a/*"}), "12345");
  EXPECT_EQ(data({"a/*", "--backward", "--limit", "2"}), "54");
  EXPECT_EQ(data({"--type", "y"}), "45");
  EXPECT_EQ(data({"--type", "y", "--type", "x", "--limit", "3"}), "123");
  EXPECT_EQ(data({"--since", "1h"}), "12345");
  EXPECT_EQ(data({"--since", "2100-01-01T00:00:00Z"}), "");
  const std::string second = serialize(Events("a/0")[0].at("sequence"));
  EXPECT_EQ(data({"--after", second}), "345");
  EXPECT_EQ(data({"--before", second}), "1");
}

TEST_F(CliTest, NeverShowsPeopleARawControlCharacter) {
  Fine({"append", "nasty", "t", "-", "--content-type", "text/plain"}, "\x1b[2J\u202e\r\x9b");
  Fine({"append", "nasty\u202e", "t\u2066", "\"\u009b\u202e\""});
  for (const char* command : {"read", "dump", "streams"}) {
    std::string text = Fine({command});
    std::erase(text, '\n');
    EXPECT_TRUE(IsPlainUtf8(text)) << command;
    for (const char* bidi : {"\u202e", "\u2066"}) EXPECT_THAT(text, Not(HasSubstr(bidi)));
  }
}

TEST_F(CliTest, DumpsTheSameLogWithTheBrokerDead) {
  std::string input;
  for (int i = 0; i < 300; ++i)
    input += "{\"stream\":\"s/" + std::to_string(i % 7) + "\",\"type\":\"t\",\"data\":[1]}\n";
  Fine({"append", "--batch"}, input);
  const std::string live = Fine({"dump", "--json"});
  broker_.Kill9();
  EXPECT_THAT(Fine({"dump", "--json", "--data", broker_.data()}), StartsWith(live));
  EXPECT_EQ(LinesOf(Fine({"read", "s/3", "--limit", "0", "--data", broker_.data()})).size(), 43u);
  EXPECT_EQ(LinesOf(Fine({"streams", "s/", "--json", "--data", broker_.data()})).size(), 7u);
  EXPECT_THAT(Fine({"stat", "--data", broker_.data()}), HasSubstr("head "));
  Fine({"agents", "--data", broker_.data()});
}

TEST_F(CliTest, DumpsWhatIsAroundDamage) {
  Fine({"append", "s", "t", "--batch"},
       "{}\n{}\n{\"data\":\"spoilt\"}\n{}\n{}\n{\"data\":\"rotten\"}\n{}\n");
  broker_.Kill9();
  const auto lines = LinesOf(Fine({"dump", "--json", "--data", broker_.data()}));
  const std::string path = Segment();
  for (const char* word : {"spoilt", "rotten"}) {
    std::string bytes = ReadFile(path);
    const size_t place = bytes.find(word);
    ASSERT_NE(place, std::string::npos);
    bytes[place] = 'S';
    WriteFile(path, bytes);
  }
  for (const char* command : {"dump", "read"}) {
    const Finished result = Roost({command, "--json", "--data", broker_.data()});
    EXPECT_EQ(result.ending.exit_status, 1);
    auto good = LinesOf(result.output);
    ASSERT_EQ(good.size(), lines.size() - 2);
    for (const std::string& line : good) EXPECT_THAT(lines, Contains(line));
    const auto told = LinesOf(result.errors);
    ASSERT_EQ(told.size(), 3u);
    for (size_t i = 0; i < 2; ++i) {
      EXPECT_THAT(told[i], HasSubstr(path + " at offset "));
      EXPECT_THAT(told[i], HasSubstr(" is missing"));
    }
    EXPECT_THAT(told[2], HasSubstr("2 damaged places"));
  }
  EXPECT_EQ(Roost({"streams", "--data", broker_.data()}).ending.exit_status, 1);
}

TEST_F(CliTest, CompressesWhatNoBrokerHas) {
  std::string input;
  for (int i = 0; i < 100; ++i) {
    input += "{\"stream\":\"s/" + std::to_string(i % 7) + "\",\"type\":\"t\",\"data\":\"" +
             std::string(300, 'x') + "\"}\n";
  }
  broker_.Terminate();
  broker_.setup().arguments = {"--segment", "128KiB", "--ring", "256KiB"};
  broker_.setup().data = broker_.scratch() / "small";
  ASSERT_TRUE(broker_.Start());
  for (int i = 0; i < 20; ++i) Fine({"append", "--batch"}, input);
  const std::vector<std::string> compact = {"compact", "--data", broker_.data()};
  const Finished refused = Roost(compact);
  EXPECT_EQ(refused.ending.exit_status, 1);
  EXPECT_THAT(refused.errors, HasSubstr("stop that broker first"));

  broker_.Terminate();
  const std::string before = Fine({"dump", "--json", "--data", broker_.data()});
  const auto lines = LinesOf(Fine({"compact", "--json", "--keep", "2", "--data", broker_.data()}));
  ASSERT_GT(lines.size(), 3u);
  EXPECT_TRUE(Parse(lines[0]).at("compressed").as_bool());
  const boost::json::object totals = Parse(lines.back());
  EXPECT_EQ(totals.at("compressed").as_int64(), static_cast<int64_t>(lines.size() - 1));
  EXPECT_LT(totals.at("bytes_after").as_int64(), totals.at("bytes_before").as_int64() / 3);
  EXPECT_EQ(Fine({"dump", "--json", "--data", broker_.data()}), before);
  EXPECT_THAT(Fine({"verify", "--data", broker_.data()}), HasSubstr("0 errors"));

  ASSERT_TRUE(broker_.Start());
  EXPECT_THAT(Fine({"dump", "--json"}), StartsWith(before));
  EXPECT_EQ(Events("s/3").size(), 280u);
  EXPECT_EQ(Roost({"compact", "--data", broker_.data(), "--level", "20"}).ending.exit_status, 2);
  EXPECT_EQ(Roost({"compact", "--data", "/nonexistent"}).ending.exit_status, 1);
}

TEST_F(CliTest, DumpsAPartOfTheLog) {
  Fine({"append", "s", "t", "--batch"}, "{}\n{}\n{}\n{}\n");
  const auto lines = LinesOf(Fine({"dump", "--json", "--from", "2", "--to", "3"}));
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(Parse(lines[0]).at("sequence").as_int64(), 2);
  EXPECT_EQ(Parse(lines[1]).at("sequence").as_int64(), 3);
  EXPECT_THAT(Fine({"dump", "--from", "1000000"}), IsEmpty());
  EXPECT_THAT(Fine({"dump", "--from", "2", "--to", "2", "--hex"}), HasSubstr("\n  00000000  "));
}

// A command that goes on until its reader goes, read line by line.
class Follower {
 public:
  Follower(const std::string& socket, std::vector<std::string> arguments) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    output_.Reset(ends[0]);
    UniqueFd writer(ends[1]);
    ProcessOptions options;
    options.arguments = {ProgramPath("roost"), "--socket", socket};
    options.arguments.insert(options.arguments.end(), arguments.begin(), arguments.end());
    options.descriptors = {{writer.get(), STDOUT_FILENO}};
    process_ = Process(options);
  }

  // "" when none came in time.
  std::string Line() {
    const Deadline deadline = Deadline::Default();
    while (buffer_.find('\n') == std::string::npos) {
      char bytes[4096];
      if (!WaitReadable(output_.get(), deadline)) return "";
      const ssize_t size = ::read(output_.get(), bytes, sizeof(bytes));
      if (size <= 0) return "";
      buffer_.append(bytes, static_cast<size_t>(size));
    }
    const size_t end = buffer_.find('\n');
    const std::string line = buffer_.substr(0, end);
    buffer_.erase(0, end + 1);
    return line;
  }
  void StopReading() { output_.Reset(); }
  Process& process() { return process_; }

 private:
  UniqueFd output_;
  Process process_;
  std::string buffer_;
};

TEST_F(CliTest, TailShowsTheNewestEventsThenWhatComes) {
  Fine({"append", "s", "t", "--batch"}, "{\"data\":1}\n{\"data\":2}\n{\"data\":3}\n");
  Follower tail(broker_.socket(), {"tail", "s", "-n", "2", "--json"});
  EXPECT_EQ(Parse(tail.Line()).at("data"), 2);
  EXPECT_EQ(Parse(tail.Line()).at("data"), 3);
  Fine({"append", "other", "t", "9"});
  Fine({"append", "s", "t", "4"});
  EXPECT_EQ(Parse(tail.Line()).at("data"), 4);
}

TEST_F(CliTest, TailGoesOnWhenTheBrokerComesBack) {
  Follower tail(broker_.socket(), {"tail", "s", "--json"});
  Fine({"append", "s", "t", "1"});
  EXPECT_EQ(Parse(tail.Line()).at("data"), 1);
  broker_.Restart();
  Fine({"append", "s", "t", "2"});
  EXPECT_EQ(Parse(tail.Line()).at("data"), 2);
}

TEST_F(CliTest, TailEndsWhenItsReaderGoes) {
  Fine({"append", "s", "t", "1"});
  Follower tail(broker_.socket(), {"tail", "s", "--json"});
  EXPECT_EQ(Parse(tail.Line()).at("data"), 1);
  tail.StopReading();
  EXPECT_EQ(tail.process().Wait().exit_status, 0);
}

// ---- stat, streams, agents, verify ----

TEST_F(CliTest, StatWatchesThroughTheBrokersDeath) {
  Follower stat(broker_.socket(), {"stat", "--watch", "--json"});
  EXPECT_EQ(Parse(stat.Line()).at("beginning").as_string(), "first");
  Fine({"append", "s", "t"});
  // Its event may be of this second or of the next.
  double events = 0;
  for (int i = 0; i < 10 && events < 0.99; ++i) {
    const boost::json::object line = Parse(stat.Line());
    EXPECT_EQ(line.at("beginning").as_string(), "continues");
    EXPECT_EQ(line.at("health").at("state").as_string(), "well");
    events += line.at("rates").at("events_appended").to_number<double>() *
              line.at("seconds").to_number<double>();
  }
  EXPECT_GE(events, 0.99);
  broker_.Kill9();
  bool is_dead = false;
  for (int i = 0; i < 3 && !is_dead; ++i) {
    is_dead = Parse(stat.Line()).at("health").at("state").as_string() == "dead";
  }
  EXPECT_TRUE(is_dead);
  stat.StopReading();
  EXPECT_EQ(stat.process().Wait().exit_status, 0);
}

TEST_F(CliTest, StatSaysHowTheBrokerDoes) {
  Fine({"append", "s", "t"});
  const boost::json::object stat = Parse(Fine({"stat", "--json"}));
  EXPECT_EQ(stat.at("broker").as_string(), "up");
  EXPECT_EQ(stat.at("pid").as_int64(), broker_.pid());
  EXPECT_EQ(stat.at("socket").as_string(), broker_.socket().c_str());
  EXPECT_EQ(stat.at("durability").as_string(), "process");
  EXPECT_GE(stat.at("counters").at("events_appended").as_int64(), 1);
  EXPECT_GE(stat.at("latencies").at("append").at("count").as_int64(), 1);
  EXPECT_THAT(Fine({"stat"}), StartsWith("broker     up, pid " + std::to_string(broker_.pid())));
}

TEST_F(CliTest, StatStillKnowsTheFiguresWhenTheBrokerIsDead) {
  Fine({"append", "s", "t"});
  const auto pid = broker_.pid();
  broker_.Kill9();
  const boost::json::object stat = Parse(Fine({"stat", "--json"}));
  EXPECT_EQ(stat.at("broker").as_string(), "down");
  EXPECT_EQ(stat.at("pid").as_int64(), pid);
  EXPECT_GE(stat.at("counters").at("events_appended").as_int64(), 1);
}

TEST_F(CliTest, StatSaysThatABrokerDoesNotAnswer) {
  broker_.process().Signal(SIGSTOP);
  const boost::json::object stat = Parse(Fine({"stat", "--json"}));
  EXPECT_EQ(stat.at("broker").as_string(), "no answer");
  broker_.process().Signal(SIGCONT);
}

TEST_F(CliTest, HealthSaysWhetherTheBrokerIsWell) {
  const auto health = [&] {
    const Finished finished = Roost({"health", "--json"});
    const boost::json::object answer = Parse(finished.output);
    const bool well = answer.at("well").as_bool();
    EXPECT_EQ(finished.ending.exit_status, well ? 0 : 1) << finished.output;
    EXPECT_EQ(well, answer.at("state").as_string() == "well");
    return std::string(answer.at("state").as_string());
  };
  const auto becomes = [&](const std::string& state) {
    return Eventually([&] { return health() == state; });
  };
  EXPECT_EQ(health(), "well");
  EXPECT_THAT(Fine({"health"}), StartsWith("well: "));
  broker_.process().Signal(SIGSTOP);
  EXPECT_TRUE(becomes("stopped"));
  const Finished stopped = Roost({"health"});
  EXPECT_EQ(LinesOf(stopped.output).size(), 1u);
  EXPECT_THAT(stopped.output, HasSubstr("kill -CONT"));
  broker_.process().Signal(SIGCONT);
  EXPECT_TRUE(becomes("well"));
  broker_.Kill9();
  EXPECT_EQ(health(), "dead");
  ASSERT_TRUE(broker_.Start());
  EXPECT_EQ(health(), "well");
  broker_.Terminate();
  EXPECT_EQ(health(), "no_broker");
  WriteFile(broker_.scratch() / "roost.counters", std::string(1 << 20, '\xff'));
  EXPECT_EQ(health(), "unreadable");
  EXPECT_EQ(Roost({"health", "--no-such"}).ending.exit_status, 2);
}

TEST_F(CliTest, ListsStreamsByPrefix) {
  Fine({"append", "--batch", "", "t"},
       "{\"stream\":\"a/1\"}\n{\"stream\":\"b\"}\n{\"stream\":\"a/2\"}\n{\"stream\":\"a/1\"}\n");
  const auto lines = LinesOf(Fine({"streams", "a/", "--json"}));
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(Parse(lines[0]).at("stream").as_string(), "a/1");
  EXPECT_EQ(Parse(lines[0]).at("revision").as_int64(), 2);
  EXPECT_EQ(Parse(lines[1]).at("stream").as_string(), "a/2");
  EXPECT_THAT(Fine({"streams"}), StartsWith("stream "));
}

TEST_F(CliTest, ListsWhoIsAttached) {
  Follower tail(broker_.socket(), {"tail", "s", "--json"});
  Fine({"append", "s", "t"});
  tail.Line();
  const auto has_tail = [&](const std::string& lines) {
    for (const std::string& line : LinesOf(lines)) {
      if (Parse(line).at("pid").as_int64() == tail.process().pid()) return true;
    }
    return false;
  };
  EXPECT_TRUE(has_tail(Fine({"agents", "--json"})));
  EXPECT_TRUE(has_tail(Fine({"agents", "--json", "--data", broker_.data()})));
  EXPECT_THAT(Fine({"agents"}), StartsWith("agent "));
}

TEST_F(CliTest, VerifyIsContentWithACleanAndWithAKilledBrokersLog) {
  Fine({"append", "s", "t", "--batch"}, "{}\n{}\n");
  broker_.Kill9();
  EXPECT_EQ(Roost({"verify", "--data", broker_.data()}).ending.exit_status, 0);
  ASSERT_TRUE(broker_.Start());
  broker_.Terminate();
  EXPECT_EQ(Roost({"verify", "--data", broker_.data()}).ending.exit_status, 0);
}

TEST_F(CliTest, VerifyNamesFileAndPlaceOfDamage) {
  Fine({"append", "s", "t", "-"}, "\"" + std::string(1000, 'x') + "\"");
  Fine({"append", "s", "t", "2"});
  broker_.Terminate();
  const std::string path = Segment();
  std::string bytes = ReadFile(path);
  const size_t place = bytes.find("xxxxxxxx");
  ASSERT_NE(place, std::string::npos);
  bytes[place + 100] = 'y';
  WriteFile(path, bytes);
  const Finished finished = Roost({"verify", "--data", broker_.data()});
  EXPECT_EQ(finished.ending.exit_status, 1);
  EXPECT_THAT(finished.output, HasSubstr(path));
  const boost::json::object finding =
      Parse(LinesOf(Roost({"verify", "--json", "--data", broker_.data()}).output)[0]);
  EXPECT_EQ(finding.at("file").as_string(), path.c_str());
  EXPECT_GT(finding.at("offset").as_int64(), 4095);
  EXPECT_LT(finding.at("offset").as_int64(), static_cast<int64_t>(place));
}

TEST_F(CliTest, SaysInOneLineWhatIsWrongWithADataDirectory) {
  for (const char* command : {"dump", "read", "streams", "agents", "stat", "verify"}) {
    ExpectOneLine(Roost({command, "--data", "/nonexistent"}), 1);
  }
}

}  // namespace
}  // namespace roost
