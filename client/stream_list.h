// Which streams there are, out of a ring's stream table. Costs no system call. Any thread that may use the
// reader.
#ifndef ROOST_CLIENT_STREAM_LIST_H_
#define ROOST_CLIENT_STREAM_LIST_H_

#include <cstddef>
#include <string_view>
#include <vector>

#include "log/ring_reader.h"
#include "roost/read.h"

namespace roost {

// The streams whose names begin with `prefix`, in order of first appearance, at most `limit`, after
// passing over `skip` of them. Each is right by itself; they were not all looked at in the same moment.
std::vector<StreamInfo> ListStreams(const RingReader& ring, std::string_view prefix, size_t limit,
                                    size_t skip = 0);

}  // namespace roost

#endif  // ROOST_CLIENT_STREAM_LIST_H_
