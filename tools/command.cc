#include "tools/command.h"

#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <span>

#include "base/clock.h"
#include "base/utf8.h"

namespace roost {
namespace {

// CLI11 takes -1 for the largest number that there is.
std::string NotNegative(const std::string& text) {
  return text.starts_with('-') ? "must not be negative" : "";
}

}  // namespace

CommandOptions& CommandOptions::Flag(const char* names, bool* out, const char* help) {
  command_->add_flag(names, *out, help);
  return *this;
}

CommandOptions& CommandOptions::Text(const char* names, std::string* out, const char* type,
                                     const char* help) {
  command_->add_option(names, *out, help)->type_name(type);
  return *this;
}

CommandOptions& CommandOptions::Texts(const char* names, std::vector<std::string>* out,
                                      const char* type, const char* help) {
  CLI::Option* option = command_->add_option(names, *out, help)->type_name(type);
  if (names[0] == '-') option->take_all()->expected(1)->allow_extra_args(false);
  return *this;
}

CommandOptions& CommandOptions::Number(const char* names, uint64_t* out, const char* type,
                                       const char* help) {
  CLI::Option* option =
      command_->add_option(names, *out, help)->type_name(type)->check(NotNegative);
  if (*out != 0) option->capture_default_str();
  return *this;
}

CommandOptions& CommandOptions::Number(const char* names, std::optional<uint64_t>* out,
                                       const char* type, const char* help) {
  command_->add_option(names, *out, help)->type_name(type)->check(NotNegative);
  return *this;
}

CommandOptions& CommandOptions::Numbers(const char* names, std::vector<uint64_t>* out,
                                        const char* type, const char* help) {
  command_->add_option(names, *out, help)->type_name(type)->check(NotNegative);
  return *this;
}

CommandOptions& CommandOptions::Duration(const char* names, std::chrono::milliseconds* out,
                                         const char* help) {
  CLI::Option* option = command_->add_option_function<std::string>(
      names,
      [out](const std::string& text) {
        const Result<uint64_t> ns = ParseDurationNs(text);
        if (!ns.ok()) throw CLI::ValidationError(ns.status().message());
        *out = std::chrono::milliseconds(*ns / kNsPerMs);
      },
      help);
  option->type_name("T");
  if (out->count() != 0) option->default_str(fmt::format("{}ms", out->count()));
  return *this;
}

CommandOptions& CommandOptions::Rest(std::vector<std::string>* out) {
  program_->rests_[command_->get_name()] = out;
  return *this;
}

CommandOptions& CommandOptions::NotEmpty(const char* name) {
  command_->get_option(name)->check(
      [](const std::string& text) { return std::string(text.empty() ? "must not be empty" : ""); });
  return *this;
}

CommandOptions& CommandOptions::Require(const char* name) {
  command_->get_option(name)->required();
  return *this;
}

CommandOptions& CommandOptions::Exclude(const char* name, const char* other) {
  command_->get_option(name)->excludes(command_->get_option(other));
  return *this;
}

Program::Program()
    : out(STDOUT_FILENO),
      app_(std::make_unique<CLI::App>("Looks into a Roost event log and appends to it.", "roost")) {
  app_->set_version_flag("--version", "roost " ROOST_VERSION);
  app_->set_help_flag("-h,--help", "Print this help and exit");
  app_->require_subcommand(1);
  app_->add_option(
          "--socket", socket_,
          "The broker's socket; else $ROOST_SOCKET, else /run/roost/roost.sock where /run/roost "
          "exists or for root, else /tmp/roost-<uid>/roost.sock")
      ->type_name("PATH");
  app_->footer(
      "Exit status: 0 fine, 1 failed, 2 wrong usage, 3 an ordinary no (a conflict, a time-out).\n"
      "'roost COMMAND --help' has examples for each.\n\n"
      "Examples:\n"
      "  roost append tasks/1 task.created '{\"title\":\"count the eggs\"}' --expect 0\n"
      "  roost tail                          # follow the whole log\n"
      "  roost dump --data /var/lib/roost    # no broker needed\n");
}

Program::~Program() = default;

CommandOptions Program::AddCommand(const char* name, const char* what, const char* examples,
                                   std::function<ExitStatus()> run) {
  CLI::App* command = app_->add_subcommand(name, what);
  command->footer(std::string("Examples:\n") + examples);
  command->fallthrough();  // so that --socket may stand behind the subcommand
  command->callback([this, run = std::move(run)] { run_ = run; });
  return CommandOptions(this, command);
}

// CLI11 reports by exceptions; they end here.
std::optional<ExitStatus> Program::Parse(int argc, char** argv) {
  const std::span<char*> arguments(argv, static_cast<size_t>(argc));
  const auto is_rest_command = [this](const char* word) { return rests_.contains(word); };
  const auto command = std::ranges::find_if(arguments, is_rest_command);
  const auto dashes = std::find(command, arguments.end(), std::string_view("--"));
  if (dashes != arguments.end()) {
    rests_[*command]->assign(dashes + 1, arguments.end());
    argc = static_cast<int>(dashes - arguments.begin());
  }
  try {
    app_->parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
      app_->exit(error);  // --help or --version: prints it
      return ExitStatus::kFine;
    }
    return FailUsage(std::string(error.what()) + "; see roost --help");
  }
}

ClientOptions Program::OptionsFor(const std::string& agent) const {
  return {.socket = socket_, .agent = agent, .program = "roost " ROOST_VERSION};
}

Client Program::MakeClient(const std::string& agent, std::chrono::milliseconds timeout) const {
  ClientOptions options = OptionsFor(agent);
  options.timeout = timeout;
  return Client(std::move(options));
}

void PrintError(std::string_view message) { fmt::print(stderr, "roost: {}\n", Printable(message)); }

ExitStatus Fail(const Status& status) {
  PrintError(status.message());
  return status.code() == StatusCode::kTimedOut ? ExitStatus::kNo : ExitStatus::kFailed;
}

ExitStatus FailRequest(const Status& status) {
  const bool wrong =
      status.code() == StatusCode::kInvalidArgument || status.code() == StatusCode::kTooLarge;
  return wrong ? FailUsage(status.message()) : Fail(status);
}

ExitStatus FailUsage(std::string_view message) {
  PrintError(message);
  return ExitStatus::kUsage;
}

}  // namespace roost
