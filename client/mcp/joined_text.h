// Texts joined at compile time, so that a constant answer is one run of bytes in the program itself.
//
//   constexpr std::string_view kName = "roost";
//   constexpr std::string_view kQuoted = kJoinedText<kQuote, kName, kQuote>;
#ifndef ROOST_CLIENT_MCP_JOINED_TEXT_H_
#define ROOST_CLIENT_MCP_JOINED_TEXT_H_

#include <algorithm>
#include <array>
#include <string_view>

namespace roost {

template <const std::string_view&... kParts>
struct JoinedBytes {
  static constexpr auto Join() {
    std::array<char, (kParts.size() + ...)> bytes{};
    char* end = bytes.data();
    ((end = std::copy(kParts.begin(), kParts.end(), end)), ...);
    return bytes;
  }
  static constexpr auto kBytes = Join();
};

template <const std::string_view&... kParts>
inline constexpr std::string_view kJoinedText{JoinedBytes<kParts...>::kBytes.data(),
                                              JoinedBytes<kParts...>::kBytes.size()};

}  // namespace roost

#endif  // ROOST_CLIENT_MCP_JOINED_TEXT_H_
