// The waits of a connection, from registration until they are woken, cancelled or refused. They outlive
// connections: each is registered again with the next one. One thread.
#ifndef ROOST_CLIENT_WAIT_TABLE_H_
#define ROOST_CLIENT_WAIT_TABLE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "base/status.h"
#include "roost/read.h"

namespace roost {

class WaitTable {
 public:
  using Done = std::function<void(const Status&)>;
  struct Entry {
    Filter filter;
    uint64_t after = 0;
    bool sent = false;      // on this connection
    bool was_sent = false;  // ever
    Done done;
  };

  bool empty() const { return entries_.empty(); }
  bool HasRoom() const;
  bool Has(uint64_t registration) const { return entries_.count(registration) != 0; }

  // REQUIRES: HasRoom(). Returns the registration, which no other wait of this table ever has.
  uint64_t Add(const Filter& filter, uint64_t after, Done done);
  // Takes it out; nullptr when it is not there (any more).
  Done Take(uint64_t registration);
  // Whether the broker has been told of it on this connection; it is taken out.
  bool Cancel(uint64_t registration);

  // One that was not sent on this connection; `*registration` is 0 when there is none.
  Entry* FirstUnsent(uint64_t* registration);
  void ConnectionLost();

  // All of them, or only those that no broker ever knew.
  std::vector<uint64_t> Registrations(bool never_sent_only) const;

 private:
  std::map<uint64_t, Entry> entries_;
  uint64_t last_registration_ = 0;
};

}  // namespace roost

#endif  // ROOST_CLIENT_WAIT_TABLE_H_
