// A string of a message, as a view (as long as the message) or a copy; an absent one is empty.
#ifndef ROOST_SCHEMAS_TEXT_H_
#define ROOST_SCHEMAS_TEXT_H_

#include <flatbuffers/flatbuffers.h>

#include <string>
#include <string_view>

namespace roost {

inline std::string_view TextOf(const flatbuffers::String* text) {
  return text == nullptr ? std::string_view() : text->string_view();
}
inline std::string CopyOf(const flatbuffers::String* text) { return std::string(TextOf(text)); }

}  // namespace roost

#endif  // ROOST_SCHEMAS_TEXT_H_
