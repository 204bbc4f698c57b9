// roost agents: who is attached.
#include <fmt/core.h>

#include <map>

#include "base/clock.h"
#include "tools/command.h"
#include "tools/event_source.h"
#include "tools/json_text.h"
#include "tools/table.h"

namespace roost {
namespace {

constexpr char kExamples[] =
    "  roost agents\n"
    "  roost agents --json | jq -r .agent\n"
    "  roost agents --data /var/lib/roost    # who was attached when the log ended; no broker "
    "needed\n";

struct Options {
  std::string data_directory;
  bool json = false;
};

// The session that an event of $agents is about; what it says of the session's owner goes into `info`.
uint64_t ReadAgentEvent(const EventView& event, SessionInfo* info) {
  uint64_t session = event.sequence;  // of its own agent.joined
  const auto members = SplitObject(event.data);
  if (!members.ok()) return session;
  const auto number = [](std::string_view value) {
    return std::strtoull(std::string(value).c_str(), nullptr, 10);
  };
  for (const JsonMember& member : *members) {
    if (member.name == "session") session = number(member.value);
    if (member.name == "uid") info->uid = static_cast<uint32_t>(number(member.value));
    if (member.name == "pid") info->pid = static_cast<uint32_t>(number(member.value));
    if (member.name == "agent" || member.name == "client") {
      if (const auto text = ParseJsonString(member.value); text.ok()) {
        (member.name == "agent" ? info->agent : info->client) = *text;
      }
    }
  }
  return session;
}

// Who joined and did not leave, by what the log says.
Result<std::vector<SessionInfo>> SessionsInLog(EventSource& source) {
  ReadQuery query;
  query.filter.stream = "$agents";
  std::map<uint64_t, SessionInfo> sessions;
  ROOST_RETURN_IF_ERROR(ReadPages(source, query, 0, [&sessions](const Page& page) {
    for (size_t i = 0; i < page.size(); ++i) {
      SessionInfo info;
      const uint64_t session = ReadAgentEvent(page[i], &info);
      if (page[i].type == "agent.left") {
        sessions.erase(session);
        continue;
      }
      if (page[i].type == "agent.working" || page[i].type == "agent.idle") {
        const auto place = sessions.find(session);
        if (place != sessions.end()) place->second.idle = page[i].type == "agent.idle";
        continue;
      }
      const auto [place, is_new] = sessions.try_emplace(session, info);
      if (is_new) place->second.joined_ns = page[i].time_ns;
      place->second.session = session;
      place->second.pid = info.pid;
    }
    return true;
  }));
  std::vector<SessionInfo> list;
  for (auto& [session, info] : sessions) list.push_back(std::move(info));
  return list;
}

void PrintJson(Program& program, const std::vector<SessionInfo>& sessions, bool live) {
  for (const SessionInfo& session : sessions) {
    std::string line;
    JsonObject object(&line);
    object.Number("session", session.session);
    object.Text("agent", session.agent);
    object.Text("client", session.client);
    object.Number("uid", session.uid);
    object.Number("pid", session.pid);
    object.Text("joined", FormatTime(session.joined_ns));
    object.Bool("idle", session.idle);
    if (live) {
      object.Text("last_request", FormatTime(session.last_request_ns));
      object.Number("requests", session.requests);
      object.Number("waiting", session.waiting);
    }
    object.End();
    program.out.WriteJson(line);
  }
}

void PrintTable(Program& program, const std::vector<SessionInfo>& sessions, bool live) {
  using enum Table::Align;
  std::vector<Table::Column> columns = {{"agent"},       {"session", kRight}, {"client"},
                                        {"uid", kRight}, {"pid", kRight},     {"joined"},
                                        {"state"}};
  if (live)
    columns.insert(columns.end(), {{"last request"}, {"requests", kRight}, {"waiting", kRight}});
  Table table(columns);
  const uint64_t now = WallNs();
  const auto ago = [now](uint64_t time_ns) {
    return ShowAge(now > time_ns ? now - time_ns : 0) + " ago";
  };
  for (const SessionInfo& session : sessions) {
    std::vector<std::string> cells = {session.agent,
                                      fmt::format("{}", session.session),
                                      session.client,
                                      fmt::format("{}", session.uid),
                                      fmt::format("{}", session.pid),
                                      ago(session.joined_ns),
                                      session.idle ? "idle" : "working"};
    if (live) {
      cells.push_back(session.last_request_ns == 0 ? "never" : ago(session.last_request_ns));
      cells.push_back(WithCommas(session.requests));
      cells.push_back(fmt::format("{}", session.waiting));
    }
    table.Add(std::move(cells));
  }
  table.Print(&program.out);
}

Result<std::vector<SessionInfo>> ListSessions(Program& program, const std::string& data_directory) {
  if (data_directory.empty()) return program.MakeClient().ListSessions();
  auto source = OpenEventSource(program, data_directory);
  if (!source.ok()) return source.status();
  return SessionsInLog(**source);
}

ExitStatus Run(Program& program, const Options& options) {
  const auto sessions = ListSessions(program, options.data_directory);
  if (!sessions.ok()) return Fail(sessions.status());
  (options.json ? PrintJson : PrintTable)(program, *sessions, options.data_directory.empty());
  return ExitStatus::kFine;
}

}  // namespace

void AddAgentsCommand(Program& program) {
  auto options = std::make_shared<Options>();
  AddCommand(program, "agents", "List who is attached", kExamples, options, Run)
      .Text("--data", &options->data_directory, "DIR",
            "Who was attached by what this data directory says")
      .Flag("--json", &options->json, "One JSON object a line");
}

}  // namespace roost
