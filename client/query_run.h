// What the two ways to answer a query, SequenceScan and StreamWalk, have in common. One thread.
#ifndef ROOST_CLIENT_QUERY_RUN_H_
#define ROOST_CLIENT_QUERY_RUN_H_

#include <cstdint>
#include <utility>

#include "client/event_filter.h"
#include "client/page_builder.h"
#include "client/record_source.h"
#include "client/scan_budget.h"
#include "roost/read.h"

namespace roost {

struct QueryRun {
  QueryRun(RecordSource records, ScanBudget limits) : source(std::move(records)), budget(limits) {}

  RecordSource source;
  EventFilter filter;
  PageBuilder page;
  ScanBudget budget;
  Order order = Order::kOldestFirst;
  uint64_t low = 0;   // only events after it
  uint64_t high = 0;  // only events up to it; high >= low
  uint64_t from_revision = 0;

  // Takes an event in, as PageBuilder::Take does, and charges for it.
  ReadStep Take(uint64_t sequence, uint64_t position, bool of_stream) {
    uint64_t bytes = 0;
    const ReadStep step = page.Take(&source, filter, sequence, position, of_stream, &bytes);
    budget.Charge(bytes);
    // The ring shows later which event is its oldest than that it has not got this one any more.
    if (step == ReadStep::kGone) source.NoteGone(sequence);
    return step;
  }
};

}  // namespace roost

#endif  // ROOST_CLIENT_QUERY_RUN_H_
