// Values inside a JSON text that CheckJson found valid, as the very bytes that stand there: so that an
// event's data is kept byte for byte. Of members with the same name the last one counts. A JsonSlice is a
// view into the text and lives no longer than it. Any thread.
#ifndef ROOST_CLIENT_MCP_JSON_SLICE_H_
#define ROOST_CLIENT_MCP_JSON_SLICE_H_

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace roost {

class JsonSlice {
 public:
  enum class Kind { kAbsent, kNull, kBool, kNumber, kString, kArray, kObject };

  JsonSlice() = default;  // absent: there is no such value
  // REQUIRES: `text` is one valid value; space around it is left out of raw().
  explicit JsonSlice(std::string_view text);

  Kind kind() const;
  bool present() const { return !raw_.empty(); }
  bool is_object() const { return kind() == Kind::kObject; }
  bool is_string() const { return kind() == Kind::kString; }
  std::string_view raw() const { return raw_; }

  // REQUIRES: is_string().
  std::string String() const;
  bool Says(std::string_view text) const;  // a string that says `text`; false for other kinds

  // A whole number written without fraction and exponent, if it is one and fits.
  std::optional<int64_t> Integer() const;
  std::optional<uint64_t> Unsigned() const;

 private:
  std::string_view raw_;
};

// Walks through the members of an object, or the elements of an array, in one pass.
class JsonWalk {
 public:
  // REQUIRES: an object or an array.
  explicit JsonWalk(JsonSlice container);
  // Moves on; false when there are no more.
  bool Next();
  JsonSlice key() const { return key_; }  // absent in an array
  JsonSlice value() const { return value_; }

 private:
  std::string_view rest_;
  bool object_;
  JsonSlice key_;
  JsonSlice value_;
};

// Finds members by name in one pass over the object: each wanted one that is there is put in its place.
struct JsonField {
  std::string_view name;
  JsonSlice* value;
};
// Returns the first member that was not wanted, or an absent slice. REQUIRES: an object.
JsonSlice ReadMembers(JsonSlice object, std::initializer_list<JsonField> wanted);
// The last member of that name. Absent when `object` is no object.
JsonSlice FindMember(JsonSlice object, std::string_view name);

}  // namespace roost

#endif  // ROOST_CLIENT_MCP_JSON_SLICE_H_
