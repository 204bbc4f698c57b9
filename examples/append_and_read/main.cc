// Claims a task exactly once and reads what happened to it.
//
//   roostd &                       # in another terminal
//   ./append_and_read tasks/42     # run it twice: the second time somebody else was first
#include <cstdio>

#include "roost/client.h"

int main(int argc, char** argv) {
  const std::string stream = argc > 1 ? argv[1] : "tasks/42";
  roost::Client client({.agent = "example"});

  // Only if the stream does not exist yet: of all who try, exactly one succeeds.
  const auto claim =
      client.Append({.stream = stream, .type = "task.claimed", .data = R"({"n":1})"}, 0);
  if (!claim.ok()) {
    std::fprintf(stderr, "append: %s\n", claim.status().message().c_str());
    return 1;
  }
  if (claim->appended) {
    std::printf("claimed: event %lu, durability %s\n", claim->sequence,
                roost::DurabilityName(claim->durability));
  } else {
    std::printf("somebody was first: %s is at revision %lu\n", stream.c_str(),
                claim->conflict->revision);
  }

  const auto page = client.Read({.filter = {.stream = stream}});
  if (!page.ok()) {
    std::fprintf(stderr, "read: %s\n", page.status().message().c_str());
    return 1;
  }
  for (size_t i = 0; i < page->size(); ++i) {
    const roost::EventView event = (*page)[i];
    std::printf("%lu %.*s %.*s\n", event.sequence, static_cast<int>(event.type.size()),
                event.type.data(), static_cast<int>(event.data.size()), event.data.data());
  }
  return claim->appended ? 0 : 3;
}
