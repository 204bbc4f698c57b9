// Asks the processor for the events of a page before the walk comes to them, so that it waits for the memory
// a few times and not once for each event. Where the events of a stream lie is known only from one to the
// next; but each has two links, and followed both at once they lead to k events in about log k steps.
//
// Looks at the ring alone, and trusts nothing that it finds there: it reads addresses for prefetching. The
// walk checks everything itself. One thread.
#ifndef ROOST_CLIENT_LINK_PRELOAD_H_
#define ROOST_CLIENT_LINK_PRELOAD_H_

#include <cstdint>

#include "log/record_format.h"
#include "log/ring_reader.h"

namespace roost {

// So many events at once: no more than the processor's first cache holds.
inline constexpr uint64_t kLinkPreloadMax = 32;

// The `count` (at most kLinkPreloadMax) events of a stream before the one with this header.
void PreloadLinks(const RingReader& ring, const RecordHeader& newest, uint64_t count);

}  // namespace roost

#endif  // ROOST_CLIENT_LINK_PRELOAD_H_
