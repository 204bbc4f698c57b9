// The whole log as a test sees it, and the rules that hold for every log.
#ifndef ROOST_TESTS_SUPPORT_LOG_HISTORY_H_
#define ROOST_TESTS_SUPPORT_LOG_HISTORY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "roost/client.h"

namespace roost {

// An event with its own memory.
struct SeenEvent {
  uint64_t sequence = 0;
  uint64_t revision = 0;
  uint64_t session = 0;
  uint32_t uid = 0;
  std::string stream;
  std::string type;
  std::string agent;
  std::string id;
  std::string data;

  explicit SeenEvent(const EventView& event);
  friend bool operator==(const SeenEvent&, const SeenEvent&) = default;
};

// Reads page by page to the end. A gap or an error is a test failure.
std::vector<SeenEvent> ReadAll(Client* client, ReadQuery query = {});

// Sequences 1, 2, 3 ..., and revisions 1, 2, 3 ... in each stream. A test failure says where not.
void ExpectDense(const std::vector<SeenEvent>& events);

// The client of a broker under test, with long patience.
Client MakeClient(const std::string& socket, const std::string& agent = "test");

}  // namespace roost

#endif  // ROOST_TESTS_SUPPORT_LOG_HISTORY_H_
