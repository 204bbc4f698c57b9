// The section of a checkpoint that the log itself needs: every stream with its id, its revision, where the links of
// its next event lead to, and its newest event. With it events go on as if those before had been read.
//
//   has gaps, closed      flags
//   count of streams      then for each, in the order of their ids:
//     name                "": it has lost its name, and the rest is not there
//     revision, sequence and time of its newest event
//     seen since the last gap    a flag, if there are gaps
//     roots               positions, oldest first; the last one is that of its newest event
//
// Functions of any thread.
#ifndef ROOST_LOG_STREAM_CHECKPOINT_H_
#define ROOST_LOG_STREAM_CHECKPOINT_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"
#include "log/checkpoint_file.h"
#include "log/record_chain.h"
#include "log/ring_writer.h"
#include "log/stream_directory.h"

namespace roost {

// `tails`: of each stream; only sequence and time are looked at.
StateSection SaveStreams(const StreamDirectory& streams, const RecordChain& chain,
                         const std::vector<StreamTail>& tails);

// Fills the directory and the chain, which are empty, and tells of each stream that has a name. kCorruption: it
// can't be; kExhausted: there are more streams, or longer names, than there is room for. In both cases the
// directory may be partly filled.
using OnStream = std::function<void(uint32_t id, const StreamTail& tail)>;
Status LoadStreams(const Checkpoint& checkpoint, StreamDirectory* streams, RecordChain* chain,
                   const OnStream& on_stream);

}  // namespace roost

#endif  // ROOST_LOG_STREAM_CHECKPOINT_H_
