// Fills a Page: takes the records in, verifies their bodies, keeps the limits. One thread, one query at a
// time.
#ifndef ROOST_CLIENT_PAGE_BUILDER_H_
#define ROOST_CLIENT_PAGE_BUILDER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "client/event_filter.h"
#include "client/record_source.h"
#include "roost/read.h"

namespace roost {

class PageBuilder {
 public:
  // Empties `page`, which keeps its memory.
  static void Clear(Page* page);
  // Copies an event of a finished page behind those of `to`.
  static void AppendEvent(const Page& from, size_t index, Page* to);
  // `to` goes on behind `from`: takes over where that ended, and its gap.
  static void TakeMarks(const Page& from, Page* to);

  // Empties `page`, too.
  void Begin(Page* page, const ReadQuery& query, uint64_t head);

  // Takes event `sequence` at `position` in if `filter` wants it, and checks that it is that event and
  // its body sound. kOk also where the filter says no. `*bytes` is what was copied. With `of_stream` a link
  // of the filter's stream led here, so an event of another one is damage.
  ReadStep Take(RecordSource* source, const EventFilter& filter, uint64_t sequence,
                uint64_t position, bool of_stream, uint64_t* bytes);

  bool full() const { return full_; }
  bool more() const { return page_->more_; }
  uint64_t next() const { return page_->next_; }
  size_t count() const { return page_->offsets_.size(); }
  uint32_t room() const { return limit_ - static_cast<uint32_t>(count()); }

  // Events [first, last] are gone. False: the page has a gap already which this one does not continue;
  // the page must end here. REQUIRES: first <= last.
  bool NoteGap(uint64_t first, uint64_t last, uint64_t oldest);
  void Finish(uint64_t next, bool more);

 private:
  // The event of the page that was verified last, as far as those behind it may be like it.
  struct Model {
    size_t body = 0;  // where it is in the page; 0: there is none
    size_t body_bytes = 0;
    size_t frame_bytes = 0;  // of its frame (ipc/event_frame.h); 0: not known yet, or it has none
    uint32_t stream = 0;
    uint32_t type = 0;
    uint32_t agent = 0;
  };
  // Frames that were compared in vain so often in a row will go on to differ on this page.
  static constexpr uint32_t kPatience = 4;

  // Whether an event with this header and body is like the model in all but its data: sound, and wanted by the filter.
  bool IsLikeTheModel(const RecordHeader& header, Bytes body);
  void Accept(size_t offset);

  Page* page_ = nullptr;
  uint32_t limit_ = 0;
  uint64_t bytes_max_ = 0;
  bool full_ = false;
  size_t count_at_gap_ = 0;
  Model model_;
  uint32_t patience_ = kPatience;
};

}  // namespace roost

#endif  // ROOST_CLIENT_PAGE_BUILDER_H_
