// Finds the id of a request in a line that is too long to keep or that is no valid JSON, so that its
// sender gets an answer instead of waiting for a time-out. Takes the line in pieces of any size and keeps
// at most kRpcIdBytesMax of it. Guesses where the line is not JSON; a guess is a whole id token or nothing.
#ifndef ROOST_CLIENT_MCP_ID_SCANNER_H_
#define ROOST_CLIENT_MCP_ID_SCANNER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace roost {

// Longer ids are refused everywhere: a request keeps its own as long as it runs.
inline constexpr size_t kRpcIdBytesMax = 1024;

// Whether a token is an id that may be echoed: a whole number, or a string without broken escapes.
bool IsIdToken(std::string_view token);

class IdScanner {
 public:
  void Feed(std::string_view piece);
  // The raw token of the last member "id" of the outermost object. Ends the line; the next Feed begins
  // another one.
  std::optional<std::string> Finish();

 private:
  void FeedByte(char c);
  void EndToken();

  uint64_t depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
  bool outermost_is_object_ = false;
  bool expects_key_ = false;
  bool id_follows_ = false;  // the key "id" was read: the next value is it
  std::string token_;  // of the string or plain value that is being read, cut at kRpcIdBytesMax + 1
  std::optional<std::string> id_;
};

}  // namespace roost

#endif  // ROOST_CLIENT_MCP_ID_SCANNER_H_
