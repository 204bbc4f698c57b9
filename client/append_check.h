// Finds out whether an append that met a conflict was done before: the broker keeps the ids of appends for
// a while only, but where the same expected revision is given the event itself still tells. For whoever can
// read: read query(), hand the page to Take(), until there is a verdict. One thread.
#ifndef ROOST_CLIENT_APPEND_CHECK_H_
#define ROOST_CLIENT_APPEND_CHECK_H_

#include <cstdint>

#include "roost/event.h"
#include "roost/read.h"

namespace roost {

class AppendCheck {
 public:
  // True if `batch` has an id and says at which revision its first stream must be: then a conflict may be
  // with itself.
  static bool Applies(const Batch& batch);

  // `batch` outlives this. REQUIRES: Applies(batch).
  explicit AppendCheck(const Batch& batch);

  enum class Verdict {
    kReadOn,     // read query() again
    kNotBefore,  // the conflict stands
    kBefore,     // it was appended before: result()
    kIdReused,   // the id was used with other content
  };

  const ReadQuery& query() const { return query_; }
  Verdict Take(const Page& page);

  // After kBefore: what the first answer said, marked as a duplicate.
  AppendResult result(uint64_t head, Durability durability) const;

 private:
  bool IsSame(const EventView& event, size_t index) const;

  const Batch& batch_;
  ReadQuery query_;
  bool whole_batch_asked_ = false;
  AppendResult result_;
};

}  // namespace roost

#endif  // ROOST_CLIENT_APPEND_CHECK_H_
