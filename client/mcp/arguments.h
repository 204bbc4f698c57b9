// Reads the arguments of a call one by one and remembers the first thing that is wrong, as a sentence
// which says which argument, what was expected and what was got. null counts as not given, since some
// clients fill up every optional argument with it. One thread.
#ifndef ROOST_CLIENT_MCP_ARGUMENTS_H_
#define ROOST_CLIENT_MCP_ARGUMENTS_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "client/mcp/json_slice.h"

namespace roost {

class Arguments {
 public:
  Arguments() = default;

  // Finds the arguments that there may be; any other is wrong. `where` names the object in sentences:
  // "" for the arguments themselves, "events[3]" within. An absent `object` has no members.
  void Read(JsonSlice object, std::string_view where, std::initializer_list<JsonField> allowed);

  // Each leaves *out alone when the argument is not given. True if it was given and is right.
  bool Text(std::string_view name, JsonSlice value, size_t bytes_max, std::string* out);
  // The name of one stream, where a prefix would be a mistake.
  bool Stream(std::string_view name, JsonSlice value, std::string* out);
  bool Texts(std::string_view name, JsonSlice value, size_t count_max, size_t bytes_max,
             std::vector<std::string>* out);
  bool Number(std::string_view name, JsonSlice value, uint64_t min, uint64_t max, uint64_t* out);
  // One of a few words; *out is its index.
  bool Choice(std::string_view name, JsonSlice value, std::initializer_list<std::string_view> words,
              size_t* out);
  // Whether it is an array, for the caller to walk.
  bool Array(std::string_view name, JsonSlice value);

  void Require(std::string_view name, JsonSlice value);
  void Wrong(std::string sentence);

  static bool Given(JsonSlice value) {
    return value.present() && value.kind() != JsonSlice::Kind::kNull;
  }

  bool ok() const { return trouble_.empty(); }
  const std::string& trouble() const { return trouble_; }

 private:
  void Expected(std::string_view name, std::string_view what, JsonSlice got);
  std::string Path(std::string_view name) const;

  std::string where_;
  std::string trouble_;
};

// A value as a sentence can show it: short, in one line.
std::string ShowValue(JsonSlice value);

}  // namespace roost

#endif  // ROOST_CLIENT_MCP_ARGUMENTS_H_
