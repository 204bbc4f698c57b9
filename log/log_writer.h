// The one writer of the log: gives out positions, sequences and revisions, writes the journal, then the
// ring, then publishes. Knows events as bytes; who may append what is the broker's business.
//
// Threads: the sequencer thread alone, but for the functions that say otherwise. No lock, no
// allocation and no disk read on the sequencer's functions, once all streams of a batch are known.
//
// A turn of the sequencer: Stage() any number of batches, then Commit(). Staged events have their
// places but exist for nobody; Commit makes all of them durable (as the log's durability says) and
// visible, or none, and then the log is as before the first Stage.
#ifndef ROOST_LOG_LOG_WRITER_H_
#define ROOST_LOG_LOG_WRITER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/status.h"
#include "base/unique_fd.h"
#include "log/checkpoint_file.h"
#include "log/record_format.h"
#include "log/ring_format.h"
#include "log/verdict_format.h"

namespace roost {

struct LogOptions {
  std::string directory;  // unused with kMemory
  Durability durability = Durability::kProcess;
  uint64_t ring_bytes = 64ull << 20;  // rounded up to a power of two
  uint64_t segment_bytes = 64ull << 20;
  uint64_t streams_max = 1ull << 20;
  uint64_t event_data_bytes_max = 1ull << 20;
  uint64_t batch_events_max = 1000;
  uint64_t batch_bytes_max = 4ull << 20;  // LogWriter lowers it to ring/4 and segment/2
  bool accept_damage = false;             // start on a damaged journal, without what is damaged
  uint64_t retain_bytes = 0;              // of the journal's files; 0: all
  uint64_t retain_age_ns = 0;             // of the broker's running time; 0: for ever
  uint64_t (*now_ns)() = &MonotonicNs;    // the clock by which it runs
};

// One event to be staged. The body is a verified wire::Event; the rest is taken from it by the caller.
struct EventToStage {
  Bytes body;
  std::string_view stream;
  uint32_t type_hash = 0;
  uint32_t agent_hash = 0;
  bool has_id = false;
  bool is_own = false;  // in one of Roost's own streams
};

struct BatchOrigin {
  uint64_t session = 0;
  uint64_t request = 0;
  uint32_t uid = 0;
  uint64_t time_ns = 0;
};

struct BatchPlace {
  uint64_t first = 0;  // sequences
  uint64_t last = 0;
  uint64_t revision = 0;  // of the last event
  uint64_t time_ns = 0;   // CLOCK_REALTIME, of each of them
};

enum class StageOutcome {
  kStaged,
  kStageFull,  // no room in this turn: Commit, then try again
  kTooLarge,   // over batch_bytes_max as records: never fits
  kTooManyStreams,
};

// What Open found. The text is for the log line and for $broker.
struct RecoveryReport {
  bool clean = true;  // there was a closing mark, or no log yet
  uint64_t events = 0;
  uint64_t bytes_cut = 0;  // of an incomplete last batch
  std::string cut;         // "" or "cut 312 bytes of an incomplete batch off <file> at offset N"
  std::string damage;      // with accept_damage: what was left out
  uint64_t duration_ns = 0;
};

// Sees every event of the journal, in order, while Open recovers, so that the broker can rebuild what it
// knows from the log alone.
class RecoveryObserver {
 public:
  virtual ~RecoveryObserver() = default;
  virtual void OnEvent(const RecordHeader& header, Bytes body) = 0;

  // What it knows so far, as sections of a checkpoint; and back, before the first OnEvent: then the events after
  // those are the first that it sees. kCorruption: that can't be it, or something is missing.
  virtual void SaveState(std::vector<StateSection>* /*sections*/) const {}
  virtual Status LoadState(const Checkpoint& /*checkpoint*/) { return {}; }
};
using ObserverMaker = std::function<std::unique_ptr<RecoveryObserver>()>;

// What one round of retention did.
struct RetentionRound {
  uint64_t segments = 0;          // deleted
  uint64_t bytes = 0;             // of them
  uint64_t oldest = 0;            // the oldest event that is left, if any was deleted
  uint64_t checkpoint_bytes = 0;  // of the new checkpoint
};

// Where an old event is, for handing a read-only descriptor out.
struct SegmentPlace {
  // If not 0, that is all: it was damaged, and left out when that was accepted; the next event that there is is this one.
  uint64_t next_sequence = 0;
  UniqueFd fd;  // O_RDONLY
  uint64_t base_sequence = 0;
  uint64_t base_position = 0;
  uint64_t end_position = 0;     // 0: the open segment
  uint64_t anchor_sequence = 0;  // of the open one: an event at or before the one asked for
  uint64_t anchor_position = 0;
};

// The write or sync after which the journal takes nothing more.
struct Degradation {
  uint64_t since_ns = 0;  // CLOCK_REALTIME; 0: it is not degraded
  std::string why;        // what failed, the file, and the kernel's reason
};

class LogWriter {
 public:
  // Opens or makes the log: takes the directory's lock, recovers, makes a ring and fills it from the
  // journal's tail. The lock file names `socket` for whoever is refused.
  // kAlreadyExists: another broker has the directory (message with its pid). kCorruption: damage other
  // than an incomplete last batch. kExhausted: no room for the first segment. kPermissionDenied.
  static Result<std::unique_ptr<LogWriter>> Open(const LogOptions& options,
                                                 const std::string& socket,
                                                 RecoveryObserver* observer,
                                                 RecoveryReport* report);
  virtual ~LogWriter() = default;

  // ---- sequencer ----

  // Of the stream's newest event, staged ones included; 0: there is no such stream.
  virtual uint64_t RevisionOf(std::string_view stream) const = 0;
  // The stream's oldest revision that retention has left in the journal, as far as is known; 1: it took none.
  virtual uint64_t KeptFrom(std::string_view /*stream*/) const { return 1; }
  virtual StageOutcome Stage(std::span<const EventToStage> events, const BatchOrigin& origin,
                             BatchPlace* place) = 0;
  virtual bool HasStaged() const = 0;
  // kExhausted: no room; kBusy: no descriptors or memory; the log goes on when there are. Other errors: the
  // journal is degraded, every Commit fails from now on. In both cases nothing of what was staged exists.
  virtual Status Commit() = 0;
  // Drops what was staged.
  virtual void Abandon() = 0;

  // Newest visible event.
  virtual uint64_t head() const = 0;

  // The ring's table of verdicts, for the one VerdictTableWriter; as long as this object. Without a ring: none.
  virtual VerdictMemory verdict_memory() { return {}; }

  // Writes the closing mark, syncs, closes. Nothing may be staged. No other function afterwards.
  virtual Status Close() = 0;

  // ---- any thread ----

  virtual const LogOptions& options() const = 0;  // as in force
  virtual int ring_fd() const = 0;                // sealed
  virtual const uint8_t* log_id() const = 0;      // 16 bytes
  virtual uint64_t epoch() const = 0;
  virtual const uint8_t* session_key() const = 0;  // 32 bytes; random for each start with kMemory

  // fdatasync of what was committed, if anything was since the last time. A failure degrades the
  // journal. For the thread that does so every 200 ms.
  virtual Status SyncJournal() = 0;
  // Housekeeping that must not stand on the append path: prepares the next segment ahead, writes the
  // footer of a full one. For a helper thread; cheap when there is nothing to do.
  virtual Status MaintainJournal() = 0;
  // Makes a piece of the ring that is in use quicker to read (log/ring_condenser.h), about 2 ms of work. False:
  // there was none; new ones come as the log grows. For the same helper thread.
  virtual bool CondenseRing() = 0;
  // The segment with event `sequence`, or with `position` when that is not 0. kGone: in none any more;
  // kNotFound: after head, or there is no journal. For a helper thread: it opens files.
  virtual Result<SegmentPlace> FindSegment(uint64_t sequence, uint64_t position) = 0;
  // Deletes the segments at the front that options().retain_... no longer keep, when a checkpoint has what their
  // events come to. `make` makes an observer that knows nothing. For a thread of its own: it reads what it deletes,
  // and touches nothing of the running log but its list of segments. Cheap when there is nothing to do; call it again
  // when it did something, since the checkpoint's own size counts in the next round.
  // kExhausted, kBusy: no room or no descriptors, try again later. After any other failure it does nothing more until
  // the log is opened again, and says the same.
  virtual Result<RetentionRound> Retain(const ObserverMaker& /*make*/) { return RetentionRound(); }
  virtual uint64_t journal_bytes() const = 0;
  virtual bool degraded() const = 0;
  virtual Degradation degradation() const = 0;
};

}  // namespace roost

#endif  // ROOST_LOG_LOG_WRITER_H_
