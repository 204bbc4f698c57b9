// A string of a message as a view; an absent one is empty. As long as the message.
#ifndef ROOST_SCHEMAS_TEXT_H_
#define ROOST_SCHEMAS_TEXT_H_

#include <flatbuffers/flatbuffers.h>

#include <string_view>

namespace roost {

inline std::string_view TextOf(const flatbuffers::String* text) {
  return text == nullptr ? std::string_view() : text->string_view();
}

}  // namespace roost

#endif  // ROOST_SCHEMAS_TEXT_H_
