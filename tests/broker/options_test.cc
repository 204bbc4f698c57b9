#include "broker/options.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

namespace roost {
namespace {

class OptionsTest : public ::testing::Test {
 protected:
  ~OptionsTest() override { ::unlink(file_.c_str()); }

  Result<CommandLine> Parse(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), {"roostd", "--socket", "/x/y.sock", "--data", "/x/data"});
    return ParseCommandLine(static_cast<int>(arguments.size()), arguments.data());
  }

  const char* File(const std::string& text) {
    std::ofstream(file_) << text;
    return file_.c_str();
  }

  const std::string file_ =
      ::testing::TempDir() + "/options_test." + std::to_string(::getpid()) + ".toml";
};

TEST_F(OptionsTest, TakesAPolicyAndOneToCheck) {
  EXPECT_EQ(Parse({"--policy", "/x/policy.toml"})->options.policy, "/x/policy.toml");
  EXPECT_EQ(Parse({"--config", File("policy = \"/y.toml\"\n")})->options.policy, "/y.toml");
  EXPECT_FALSE(Parse({"--policy", ""}).ok());
  EXPECT_EQ(Parse({"--check-policy", "/x/policy.toml"})->check_policy, "/x/policy.toml");
  EXPECT_EQ(Parse({})->check_policy, "");
}

TEST_F(OptionsTest, HasDefaults) {
  const auto line = Parse({});
  ASSERT_TRUE(line.ok()) << line.status().message();
  EXPECT_EQ(line->options.socket, "/x/y.sock");
  EXPECT_EQ(line->options.log.directory, "/x/data");
  EXPECT_EQ(line->options.log.durability, Durability::kProcess);
  EXPECT_EQ(line->options.log.ring_bytes, 64u << 20);
  EXPECT_EQ(line->options.spin_ns, 100'000u);
  EXPECT_FALSE(line->only_text);
}

TEST_F(OptionsTest, ReadsTheCommandLine) {
  const auto line = Parse({"--durability",
                           "power",
                           "--ring",
                           "256MiB",
                           "--segment=1GiB",
                           "--spin",
                           "0",
                           "--max-streams",
                           "1000",
                           "--max-sessions",
                           "7",
                           "--max-event-data",
                           "2MiB",
                           "--max-batch-events",
                           "50",
                           "--max-batch-bytes",
                           "3MiB",
                           "--accept-damage",
                           "--socket-mode",
                           "0660"});
  ASSERT_TRUE(line.ok()) << line.status().message();
  const BrokerOptions& options = line->options;
  EXPECT_EQ(options.log.durability, Durability::kPower);
  EXPECT_EQ(options.log.ring_bytes, 256u << 20);
  EXPECT_EQ(options.log.segment_bytes, 1u << 30);
  EXPECT_EQ(options.spin_ns, 0u);
  EXPECT_EQ(options.log.streams_max, 1000u);
  EXPECT_EQ(options.sessions_max, 7u);
  EXPECT_EQ(options.log.event_data_bytes_max, 2u << 20);
  EXPECT_EQ(options.log.batch_events_max, 50u);
  EXPECT_EQ(options.log.batch_bytes_max, 3u << 20);
  EXPECT_TRUE(options.log.accept_damage);
  EXPECT_EQ(options.socket_mode, mode_t{0660});
}

TEST_F(OptionsTest, TakesTheFileForWhatTheCommandLineDoesNotSay) {
  const auto line = Parse({"--config",
                           File("ring = \"128MiB\"\nmax-sessions = 9\n"
                                "accept-damage = true\ndurability = \"power\"\n"),
                           "--durability", "memory"});
  ASSERT_TRUE(line.ok()) << line.status().message();
  EXPECT_EQ(line->options.log.ring_bytes, 128u << 20);
  EXPECT_EQ(line->options.sessions_max, 9u);
  EXPECT_TRUE(line->options.log.accept_damage);
  EXPECT_EQ(line->options.log.durability, Durability::kMemory);
}

TEST_F(OptionsTest, NamesFileAndLineOfAnUnknownSetting) {
  const auto line = Parse({"--config", File("ring = \"128MiB\"\nrign = \"1\"\n")});
  ASSERT_FALSE(line.ok());
  EXPECT_NE(line.status().message().find(file_ + ":2: there is no setting 'rign'"),
            std::string::npos)
      << line.status().message();
}

TEST_F(OptionsTest, NamesFileAndLineOfAWrongValue) {
  for (const char* text : {"# one\nring = \"many\"\n", "# one\nring = 1.5\n", "# one\nring = =\n",
                           "# one\nring = [1]\n"}) {
    const auto line = Parse({"--config", File(text)});
    ASSERT_FALSE(line.ok()) << text;
    EXPECT_NE(line.status().message().find(file_ + ":2"), std::string::npos)
        << line.status().message();
  }
}

TEST_F(OptionsTest, TakesObjectivesFromTheFile) {
  EXPECT_FALSE(Parse({"--config", File("ring = \"64MiB\"\n")})->options.sla.objectives.has_value());
  EXPECT_TRUE(Parse({"--config", File("[sla]\nobjectives = []\n")})->options.sla.objectives->empty());
  const auto line = Parse({"--config", File("[sla]\nshifts = false\n"
                                            "objectives = [\"append p99<1ms over 1m\"]\n")});
  ASSERT_TRUE(line.ok()) << line.status().message();
  EXPECT_FALSE(line->options.sla.shifts);
  ASSERT_EQ(line->options.sla.objectives->size(), 1u);
  EXPECT_EQ(line->options.sla.objectives->front().text, "append p99 < 1ms over 1m");
}

TEST_F(OptionsTest, NamesFileAndLineOfAWrongObjective) {
  for (const char* text :
       {"[sla]\nobjectives = \"append p99 < 1ms\"\n", "[sla]\nobjectives = [1]\n",
        "[sla]\nobjectives = [\"append p99\"]\n", "[sla]\nshifts = 1\n", "[sla]\nobjective = []\n",
        "# one\nsla = 1\n", "[sla]\nobjectives = [\"append p99 < 1ms\", \"append p99 < 1ms\"]\n"}) {
    const auto line = Parse({"--config", File(text)});
    ASSERT_FALSE(line.ok()) << text;
    EXPECT_NE(line.status().message().find(file_ + ":2: "), std::string::npos)
        << line.status().message();
    EXPECT_EQ(line.status().message().find('\n'), std::string::npos) << line.status().message();
  }
}

TEST_F(OptionsTest, RefusesAFileThatIsNotThere) {
  EXPECT_FALSE(Parse({"--config", "/nowhere/roost.toml"}).ok());
}

TEST_F(OptionsTest, RefusesWrongValues) {
  const std::vector<std::vector<const char*>> wrong = {
      {"--durability", "disk"},    {"--ring", "64"},
      {"--ring", "many"},          {"--spin", "1h"},
      {"--max-batch-events", "0"}, {"--max-sessions", "-1"},
      {"--max-sessions", "65537"}, {"--ready-fd", "1000"},
      {"--socket-mode", "999"},    {"--max-batch-bytes", "1GiB"},
      {"--no-such-option"},        {"stray"}};
  for (const auto& arguments : wrong) {
    const auto line = Parse(arguments);
    ASSERT_FALSE(line.ok()) << arguments[0];
    EXPECT_EQ(line.status().code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(line.status().message().find('\n'), std::string::npos) << line.status().message();
  }
}

TEST_F(OptionsTest, AnswersHelpAndVersion) {
  const auto help = Parse({"--help"});
  ASSERT_TRUE(help.ok());
  EXPECT_TRUE(help->only_text);
  EXPECT_NE(help->text.find("--durability"), std::string::npos);
  EXPECT_NE(help->text.find("Examples:"), std::string::npos);
  const auto version = Parse({"--version"});
  ASSERT_TRUE(version.ok());
  EXPECT_TRUE(version->only_text);
  EXPECT_TRUE(version->text.starts_with("roostd "));
}

TEST_F(OptionsTest, NeedsNoDataDirectoryForMemory) {
  const char* arguments[] = {"roostd", "--socket", "/x/y.sock", "--durability", "memory"};
  const auto line = ParseCommandLine(5, arguments);
  ASSERT_TRUE(line.ok()) << line.status().message();
  EXPECT_EQ(line->options.log.directory, "");
}

}  // namespace
}  // namespace roost
