// Decides who is to be woken: looks at each new event's header once, and at a new wait against what is in
// the log already. No thread and no socket of its own, so that its races can be played through.
//
// No wake-up is lost: a wait is registered first and compared with the log afterwards, so an event is seen
// by the one or by Scan(). One thread at a time: whoever holds the waker's lock.
#ifndef ROOST_BROKER_WAKE_SCANNER_H_
#define ROOST_BROKER_WAKE_SCANNER_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "broker/wait_registry.h"
#include "log/ring_reader.h"

namespace roost {

// What the scanner wants of the log: a RingReader, or a test's script.
class WatchedLog {
 public:
  virtual ~WatchedLog() = default;
  virtual uint64_t head() = 0;
  virtual RingReader::Outcome ReadHeader(uint64_t sequence, RecordHeader* header) = 0;
  // Empty: there is no such stream.
  virtual std::string_view StreamName(uint32_t id) = 0;
  // Of the stream's newest event, at least up to a head that was loaded before; 0: no such stream.
  virtual uint64_t LastSequenceOf(std::string_view stream) = 0;
};

class WakeScanner {
 public:
  // A wait that looked at most so many events ago is compared with them; an older one is woken at once.
  static constexpr uint64_t kCompareMax = 256;

  explicit WakeScanner(WatchedLog* log) : log_(log) {}

  // Whoever is to be woken, here and in Scan(), is moved to the end of `woken`, and registered no more.
  // True: it took the place of a wait with the same registration.
  bool Register(WaitRequest wait, std::vector<WaitRequest>* woken);
  void Scan(std::vector<WaitRequest>* woken);
  // How many events Scan() would look at.
  uint64_t Behind() {
    const uint64_t head = registry_.empty() ? scanned_ : log_->head();
    return head > scanned_ ? head - scanned_ : 0;
  }

  WaitRegistry& registry() { return registry_; }
  // How often everybody had to be woken.
  uint64_t overtaken() const { return overtaken_; }

 private:
  void Compare(const WaitRequest& wait, std::vector<WaitRequest>* woken);
  // False: the log has been overwritten there, or is not what it should be.
  bool ScanUpTo(uint64_t from, uint64_t to, std::vector<WaitRequest>* woken);

  WatchedLog* const log_;
  WaitRegistry registry_;
  uint64_t overtaken_ = 0;
  uint64_t scanned_ = 0;  // every event up to here was compared with every wait
};

}  // namespace roost

#endif  // ROOST_BROKER_WAKE_SCANNER_H_
