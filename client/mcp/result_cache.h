// Answers to calls that were made before, as bytes, for as long as nothing has changed what they say: then
// nothing is read, formatted or escaped again. Who keeps an answer says how to see, in shared memory, that
// it still holds; nobody sends invalidations.
//
// An answer is kept when its call is made for the second time within the last kSeenMax other ones, so that
// calls which never come again cost no memory. Bounded: kBytesMax in all, what was not asked for longest
// goes first. One thread.
#ifndef ROOST_CLIENT_MCP_RESULT_CACHE_H_
#define ROOST_CLIENT_MCP_RESULT_CACHE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "client/mcp/responder.h"

namespace roost {

class ResultCache {
 public:
  static constexpr size_t kBytesMax = 32 << 10;
  static constexpr size_t kSeenMax = 32;
  static constexpr size_t kArgumentsBytesMax = 4 << 10;

  // Under which an answer still holds.
  class Condition {
   public:
    virtual ~Condition() = default;
    virtual bool Holds() const = 0;
    virtual size_t bytes() const = 0;  // of memory, itself included
  };

  // What makes two calls the same: the very bytes of their arguments, the tool and the era.
  struct Call {
    Era era = Era::kLegacy;
    std::string text;  // tool and arguments
    uint64_t hash = 0;

    Call() = default;
    // REQUIRES: arguments of at most kArgumentsBytesMax; others are not worth a look-up.
    Call(Era era, std::string_view tool, std::string_view arguments);
    friend bool operator==(const Call&, const Call&) = default;
  };

  enum class Outcome {
    kAnswered,
    kNew,       // not asked lately: its answer is not to be kept
    kRepeated,  // its answer is to be kept, if it can be
  };
  // Answers the call if its answer is kept and holds, with `head` in the place of the head that it had.
  Outcome Answer(const Call& call, uint64_t head, const Responder& responder);

  // Whether the answer has a member "head", to be put in anew each time. Nothing that others wrote may
  // stand behind it.
  enum class Head { kNone, kLast };
  // Does nothing when the answer is too large.
  void Keep(const Call& call, const ToolAnswer& answer, Head head,
            std::unique_ptr<Condition> condition);

  uint64_t hits() const { return hits_; }
  uint64_t misses() const { return misses_; }
  size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    Call call;
    std::string result;     // without the digits of its head
    size_t text_head = 0;   // where they stood; 0: nowhere
    size_t value_head = 0;  // likewise, behind text_head
    std::unique_ptr<Condition> condition;

    size_t bytes() const;
    void TakeResult(const ToolAnswer& answer, Head head);
  };

  bool SeenLately(uint64_t hash);
  void Drop(std::list<Entry>::iterator entry);

  std::list<Entry> entries_;  // what was asked for last stands last
  size_t bytes_ = 0;
  std::array<uint64_t, kSeenMax> seen_{};
  size_t next_seen_ = 0;
  uint64_t hits_ = 0;
  uint64_t misses_ = 0;
};

}  // namespace roost

#endif  // ROOST_CLIENT_MCP_RESULT_CACHE_H_
