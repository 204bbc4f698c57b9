// The addresses of what can be read as a resource. Any thread.
#ifndef ROOST_CLIENT_MCP_RESOURCE_URI_H_
#define ROOST_CLIENT_MCP_RESOURCE_URI_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace roost {

inline constexpr size_t kUriBytesMax = 1024;  // a stream's name with every byte escaped fits

struct ResourceUri {
  enum class Kind {
    kUnknown,
    kStreams,  // roost://streams
    kStatus,   // roost://status
    kStream,   // roost://stream/NAME, also with %XX in it
    kEvent,    // roost://event/SEQUENCE
  };
  Kind kind = Kind::kUnknown;
  std::string stream;
  uint64_t sequence = 0;
};

ResourceUri ParseResourceUri(std::string_view uri);

}  // namespace roost

#endif  // ROOST_CLIENT_MCP_RESOURCE_URI_H_
