// The frame of an event's body: all of it that lies before the bytes of its data. Whoever makes many events alike makes the same
// frame again and again, so it is built once, and checked once: RequestEncoder puts the data last, and the broker takes a body
// that begins with a frame it has just checked for an event with the same fields.
//
// Pure functions, any thread.
#ifndef ROOST_IPC_EVENT_FRAME_H_
#define ROOST_IPC_EVENT_FRAME_H_

#include <cstddef>

#include "base/bytes.h"
#include "schemas/event_generated.h"

namespace roost {

// How many bytes of `body` are its frame: up to the length of its data, which follows it. `event` is the verified event in `body`.
// 0: it has no frame, since it has no data, or something that the verifier looked at lies behind it.
size_t EventFrameBytes(const wire::Event& event, Bytes body);

// True: `body`, which begins on an address divisible by 4, is an event with the same fields as the verified one of which `frame`
// is the frame; it need not be verified. Its data is what may be another, in length as well.
bool HasEventFrame(Bytes body, Bytes frame);

}  // namespace roost

#endif  // ROOST_IPC_EVENT_FRAME_H_
