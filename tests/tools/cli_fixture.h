// A real broker, and the real roost run against it.
#ifndef ROOST_TESTS_TOOLS_CLI_FIXTURE_H_
#define ROOST_TESTS_TOOLS_CLI_FIXTURE_H_

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "tests/support/broker_process.h"

namespace roost {

inline std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end == std::string::npos ? text.size() : end + 1;
  }
  return lines;
}

inline boost::json::object Parse(const std::string& line) {
  boost::json::error_code error;
  const boost::json::value value = boost::json::parse(line, error);
  EXPECT_FALSE(error) << line;
  return value.is_object() ? value.as_object() : boost::json::object();
}

class CliTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(broker_.Start()); }

  // `roost --socket S <arguments>`, with `input` on its standard input.
  Finished Roost(std::vector<std::string> arguments, const std::string& input = "") {
    ProcessOptions options;
    options.arguments = {ProgramPath("roost"), "--socket", broker_.socket()};
    options.arguments.insert(options.arguments.end(), arguments.begin(), arguments.end());
    WriteFile(broker_.scratch() / "input", input);
    const UniqueFd file(::open((broker_.scratch() / "input").c_str(), O_RDONLY | O_CLOEXEC));
    options.descriptors = {{file.get(), STDIN_FILENO}};
    return RunProgram(options);
  }

  // What it printed; a test failure unless it was fine.
  std::string Fine(std::vector<std::string> arguments, const std::string& input = "") {
    const Finished finished = Roost(std::move(arguments), input);
    EXPECT_EQ(finished.ending.exit_status, 0) << finished.errors;
    EXPECT_THAT(finished.errors, testing::IsEmpty());
    return finished.output;
  }

  std::vector<boost::json::object> Events(const std::string& stream) {
    std::vector<boost::json::object> events;
    for (const std::string& line : LinesOf(Fine({"read", stream, "--json", "--limit", "0"}))) {
      events.push_back(Parse(line));
    }
    return events;
  }

  // The one segment's path.
  std::string Segment() {
    for (const auto& entry : std::filesystem::directory_iterator(broker_.data())) {
      if (entry.path().extension() == ".segment" && entry.file_size() > 0) return entry.path();
    }
    ADD_FAILURE() << "no segment in " << broker_.data();
    return "";
  }

  BrokerProcess broker_;
};

inline void ExpectOneLine(const Finished& finished, int exit_status) {
  EXPECT_EQ(finished.ending.exit_status, exit_status);
  EXPECT_THAT(finished.errors, testing::StartsWith("roost: "));
  EXPECT_THAT(finished.errors, testing::EndsWith("\n"));
  EXPECT_EQ(LinesOf(finished.errors).size(), 1u) << finished.errors;
}

}  // namespace roost

#endif  // ROOST_TESTS_TOOLS_CLI_FIXTURE_H_
