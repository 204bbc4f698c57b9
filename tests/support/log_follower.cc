// Follows the log from its beginning, as a process of its own that a test can stop: one line an event on
// stdout, "<sequence> <stream> <revision> <data>", or "gap <first> <last>". Ends behind the event whose
// sequence is the second argument; the first is the socket.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "roost/client.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const uint64_t last = std::strtoull(argv[2], nullptr, 10);
  roost::ClientOptions options;
  options.socket = argv[1];
  options.agent = "follower";
  roost::Client client(std::move(options));
  roost::ReadQuery query;
  query.limit = 100;
  while (query.after < last) {
    const roost::Result<roost::Page> page = client.Wait(query, std::chrono::seconds(10));
    if (!page.ok()) {
      fmt::print(stderr, "follower: {}\n", page.status().message());
      return 1;
    }
    if (page->gap()) fmt::print("gap {} {}\n", page->gap()->first, page->gap()->last);
    for (size_t i = 0; i < page->size(); ++i) {
      const roost::EventView event = (*page)[i];
      fmt::print("{} {} {} {}\n", event.sequence, event.stream, event.revision, event.data);
    }
    std::fflush(stdout);
    query.after = page->next();
  }
  return 0;
}
