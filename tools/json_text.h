// JSON as text: checked, cut into members and written, without ever changing a byte of a value (big
// integers and the order of members stay as they are). Pure functions, any thread.
#ifndef ROOST_TOOLS_JSON_TEXT_H_
#define ROOST_TOOLS_JSON_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace roost {

inline constexpr size_t kJsonDepthMax = 1000;

// One JSON value and nothing else but white space, in UTF-8, nested at most kJsonDepthMax deep.
// kInvalidArgument: the message says what is wrong, at which line and column.
Status CheckJson(std::string_view text);

// Without the white space around it that belongs to no value.
std::string_view TrimJson(std::string_view text);

struct JsonMember {
  std::string name;
  std::string_view value;  // the bytes of it in the text
};
// The members of an object, in their order. kInvalidArgument: no object, or a name twice.
Result<std::vector<JsonMember>> SplitObject(std::string_view text);

// What a JSON string stands for. kInvalidArgument: it is no string.
Result<std::string> ParseJsonString(std::string_view value);

// Appends `text` as a JSON string. Bytes that are not UTF-8 become U+FFFD.
void AppendJsonString(std::string_view text, std::string* out);

void AppendBase64(std::string_view bytes, std::string* out);
Result<std::string> ParseBase64(std::string_view text);

// Writes one object, member after member, in one line.
class JsonObject {
 public:
  explicit JsonObject(std::string* out) : out_(out) { *out_ += '{'; }

  void Text(std::string_view name, std::string_view value);
  void Number(std::string_view name, uint64_t value);
  void Bool(std::string_view name, bool value);
  // `value` is JSON already. Line breaks in it, which can only be white space, become spaces.
  void Raw(std::string_view name, std::string_view value);
  // The caller appends the value to `out` itself.
  void Name(std::string_view name);
  void End() { *out_ += '}'; }

 private:
  std::string* out_;
  bool first_ = true;
};

}  // namespace roost

#endif  // ROOST_TOOLS_JSON_TEXT_H_
