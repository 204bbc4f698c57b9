// Answers a query about one stream by following the links of its events, from the newest one that the
// ring's stream table knows: O(log n + k) events are looked at for a page of k, however long the log or
// the stream is. One thread.
//
// Newest first, that is walking back. Oldest first, the page's last event is found by jumping back from
// the newest, the page is collected by walking back from there, and then taken in forwards. Where a stream's
// events follow each other in the log, without others between, no link is needed: they are taken in as they lie. Two of
// its events tell that, if as many sequences as revisions lie between them.
//
// What a link leads to is checked against where it came from: an older event with the revision that it
// must have. So damaged or hostile memory can end a walk but not keep it going.
#ifndef ROOST_CLIENT_STREAM_WALK_H_
#define ROOST_CLIENT_STREAM_WALK_H_

#include <cstdint>
#include <vector>

#include "client/query_run.h"
#include "log/record_format.h"

namespace roost {

class StreamWalk {
 public:
  // `last_position` is that of the stream's newest event, loaded after head; 0: there is no such stream.
  void Begin(uint64_t last_position);
  // kOk: the page is finished. After kNeedsSegment it goes on where it was.
  ReadStep Run(QueryRun* run);

 private:
  static constexpr uint64_t kCollectMax = 1024;          // events of a stretch that is walked back
  static constexpr uint64_t kCollectSelectiveMax = 256;  // where few of them may be wanted
  static constexpr uint64_t kDenseMin = 8;               // so many links are followed as quickly

  enum class Phase {
    kLast,     // read the newest event
    kTop,      // find the newest one that may be on the page
    kDense,    // oldest first: perhaps nothing else lies from the page's first event up to that one
    kStart,    // oldest first: find the revision that the page starts with
    kStretch,  // go to the last event of the stretch
    kCollect,  // walk back to its first
    kTake,     // take it in forwards
    kForwards,  // take in what lies side by side
    kBack,     // newest first: take in walking back
    kFinished,
  };
  enum class Verdict { kAbove, kNotAbove, kUndecided, kGone };

  struct Node {
    uint64_t position = 0;
    RecordHeader header{};
    uint64_t sequence() const { return header.sequence; }
    uint64_t revision() const { return header.revision; }
  };
  struct Place {
    uint64_t sequence;
    uint64_t position;
  };

  ReadStep RunPhase(QueryRun* run);
  ReadStep ReadLast(QueryRun* run);
  ReadStep FindTop(QueryRun* run);
  ReadStep TryDense(QueryRun* run);
  ReadStep FindStart(QueryRun* run);
  ReadStep GoToStretch(QueryRun* run);
  ReadStep Collect(QueryRun* run);
  ReadStep TakeStretch(QueryRun* run);
  ReadStep TakeForwards(QueryRun* run);
  ReadStep EndStretch(QueryRun* run);
  ReadStep TakeBack(QueryRun* run);

  // The search: from node_, which is above a bound, to the oldest event that still is. "Above" is
  // monotone in sequence and revision.
  void BeginSearch(const Node& from);
  ReadStep Search(QueryRun* run);
  ReadStep Judge(QueryRun* run, uint64_t link, uint64_t revision, Node* node, Verdict* verdict);
  bool IsAbove(const QueryRun& run, uint64_t sequence, uint64_t revision) const;
  bool IsTooLate(const QueryRun& run, uint64_t revision) const;
  bool CannotBeAbove(const QueryRun& run, uint64_t link, uint64_t revision) const;

  // Whether the `back` events of the stream before `newest` are the `back` events of the log before it.
  ReadStep IsDense(QueryRun* run, const Node& newest, uint64_t back, bool* is_dense);
  ReadStep IsOfStream(QueryRun* run, uint64_t position, bool* is_of_stream);
  void BeginForwards(const Node& newest, uint64_t back);

  void TopIs(QueryRun* run, const Node& top);
  void BeginStretch();
  void CollectNode(const QueryRun& run);
  // Before node_ is left for up to `count` events before it.
  void PreloadBefore(QueryRun* run, uint64_t count);
  // Reads what a link of `from` leads to and checks it.
  ReadStep Follow(QueryRun* run, const Node& from, uint64_t link, uint64_t revision, Node* node);
  // False: the page has to end before the gap.
  bool NoteGone(QueryRun* run);
  ReadStep Finish(QueryRun* run, uint64_t next, bool more);
  ReadStep FinishAll(QueryRun* run);

  Phase phase_ = Phase::kFinished;
  uint64_t last_position_ = 0;
  Node node_;                    // where the walk is
  Node top_;                     // the newest event that may be on the page
  bool hot_only_ = false;        // the search looks at no cold event yet
  bool previous_first_ = false;  // the search looks at `previous` before `jump`
  bool older_gone_ = false;      // the search ended at events that are gone
  uint64_t start_revision_ = 0;  // of the stretch, like the next two
  uint64_t end_revision_ = 0;
  uint64_t end_sequence_ = 0;
  uint64_t preloaded_ = 0;       // the oldest revision that was asked for ahead of the walk
  std::vector<Place> places_;    // newest first
  uint64_t forwards_ = 0;        // kForwards: the event to take in next
  std::vector<std::byte> record_;  // IsOfStream's
  uint64_t taken_sequence_ = 0;  // the last event that was looked at
  bool node_taken_ = false;
  bool spent_ = false;
};

}  // namespace roost

#endif  // ROOST_CLIENT_STREAM_WALK_H_
