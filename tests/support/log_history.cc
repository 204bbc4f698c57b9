#include "tests/support/log_history.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "tests/support/deadline.h"

namespace roost {

SeenEvent::SeenEvent(const EventView& event)
    : sequence(event.sequence),
      revision(event.revision),
      session(event.session),
      uid(event.uid),
      stream(event.stream),
      type(event.type),
      agent(event.agent),
      id(event.id),
      data(event.data) {}

std::vector<SeenEvent> ReadAll(Client* client, ReadQuery query) {
  std::vector<SeenEvent> events;
  query.limit = std::max(query.limit, 500u);
  Page page;
  const Deadline deadline = Deadline::In(std::chrono::seconds(60));
  do {
    const Status status = client->Read(query, &page);
    if (!status.ok()) {
      ADD_FAILURE() << "read after " << query.after << " before " << query.before << ": "
                    << status.message();
      return events;
    }
    if (page.gap()) {
      ADD_FAILURE() << "events " << page.gap()->first << " to " << page.gap()->last << " are gone";
      return events;
    }
    for (size_t i = 0; i < page.size(); ++i) events.emplace_back(page[i]);
    (query.order == Order::kOldestFirst ? query.after : query.before) = page.next();
    query.from_revision = 0;
    if (deadline.Passed()) {
      ADD_FAILURE() << "still reading after " << events.size() << " events";
      return events;
    }
  } while (page.more());
  return events;
}

void ExpectDense(const std::vector<SeenEvent>& events) {
  std::map<std::string, uint64_t> revisions;
  uint64_t sequence = 0;
  for (const SeenEvent& event : events) {
    ASSERT_EQ(event.sequence, ++sequence);
    ASSERT_EQ(event.revision, ++revisions[event.stream])
        << event.stream << " at sequence " << event.sequence;
  }
}

Client MakeClient(const std::string& socket, const std::string& agent) {
  ClientOptions options;
  options.socket = socket;
  options.agent = agent;
  options.timeout = std::chrono::seconds(20) * kSlowdown;
  return Client(std::move(options));
}

}  // namespace roost
