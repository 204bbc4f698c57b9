// Who waits for which events. A wait for one stream is found by the stream's hash; waits by prefix, type
// or agent alone are in a list that is gone through for each event.
//
// One thread at a time: whoever holds the waker's lock. Bounded by kWaitsPerSessionMax for each peer, which
// the sequencer sees to; a wait takes about 300 bytes with its names.
#ifndef ROOST_BROKER_WAIT_REGISTRY_H_
#define ROOST_BROKER_WAIT_REGISTRY_H_

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/peer_socket.h"
#include "log/record_format.h"

namespace roost {

struct WaitRequest {
  std::shared_ptr<PeerSocket> socket;
  uint64_t registration = 0;    // the client's number for it
  uint64_t after = 0;           // it has looked up to here
  std::string stream;           // exactly this one; empty: see prefix
  std::string stream_prefix;    // empty: all
  std::vector<uint32_t> types;  // FilterHash of each; empty: all
  bool has_agent = false;
  uint32_t agent = 0;        // FilterHash
  uint64_t received_ns = 0;  // CLOCK_MONOTONIC

  bool is_exact() const { return !stream.empty(); }
  // For any event of one stream: that there is one is seen without looking at events.
  bool is_plain() const { return is_exact() && types.empty() && !has_agent; }
  // Whether type and agent of the event are what is waited for. They are compared by their hashes: in
  // rare cases it is woken in vain.
  bool MatchesHeader(const RecordHeader& header) const;
};

class WaitRegistry {
 public:
  // In place of one of the same peer with the same registration, if there is one; true: there was.
  bool Add(WaitRequest wait);
  // True: it was there.
  bool Cancel(const PeerSocket* socket, uint64_t registration);
  // All of a peer that has gone. How many there were.
  size_t DropPeer(const PeerSocket* socket);

  // Moves the waits that match an event in the stream `name` to the end of `woken`.
  void TakeMatching(const RecordHeader& header, std::string_view name,
                    std::vector<WaitRequest>* woken);
  void TakeAll(std::vector<WaitRequest>* woken);

  bool empty() const { return waits_.empty(); }
  size_t size() const { return waits_.size(); }

 private:
  struct Key {
    const PeerSocket* socket;
    uint64_t registration;
    auto operator<=>(const Key&) const = default;
  };
  struct Entry {
    WaitRequest wait;
    uint64_t stream_hash = 0;
    std::list<Entry*>::iterator place;  // in exact_[stream_hash] or vague_
  };
  using Waits = std::map<Key, std::unique_ptr<Entry>>;  // a peer's are side by side

  void Remove(Waits::iterator at);
  void TakeFrom(std::list<Entry*>& list, const RecordHeader& header, std::string_view name,
                std::vector<WaitRequest>* woken);

  Waits waits_;
  std::unordered_map<uint64_t, std::list<Entry*>> exact_;  // by StreamHash
  std::list<Entry*> vague_;
};

}  // namespace roost

#endif  // ROOST_BROKER_WAIT_REGISTRY_H_
