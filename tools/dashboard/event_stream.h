// What one open page is sent, as server-sent events: the state once a second, and the events of its filter as they come.
//
//   log     which log this is, whether the broker is there, and the sequence behind which events follow; before any event, and
//           when it has changed: with another log_id or epoch it is another log
//   state   the newest of StateThread
//   events  a page of events (event_json.h); `skipped` tells of a stretch of the log that was passed over, since more of the
//           filter's events came than can be sent
//
// A page is read when the one before has been taken, so a browser that is slow, or stands still, costs the memory of one page and
// reads on where it was, or nearer to the head. On the server's thread.
#ifndef ROOST_TOOLS_DASHBOARD_EVENT_STREAM_H_
#define ROOST_TOOLS_DASHBOARD_EVENT_STREAM_H_

#include <cstdint>
#include <memory>
#include <string>

#include "roost/read.h"
#include "tools/dashboard/http_server.h"
#include "tools/dashboard/log_thread.h"

namespace roost {

class EventStream;

// The open streams, which are told what is new. Outlives them.
class EventStreams {
 public:
  void Add(EventStream* stream) { streams_.push_back(stream); }
  void Remove(EventStream* stream) { std::erase(streams_, stream); }
  bool empty() const { return streams_.empty(); }

  void OnLook(const LogStanding& standing);
  void OnState(std::shared_ptr<const std::string> json);

 private:
  std::vector<EventStream*> streams_;
};

class EventStream : public StreamBody {
 public:
  // `query.after` 0: from the head on that there is when it begins. `state` may be null: there is none yet.
  EventStream(ReadQuery query, LogThread* log, EventStreams* streams,
              std::shared_ptr<const std::string> state);
  ~EventStream() override;

  void Begin(StreamSink* sink) override;
  void OnWritten() override;

  void OnLook(const LogStanding& standing);
  void OnState(std::shared_ptr<const std::string> json);

 private:
  // What a job brings back: the text to send, if any, and where to go on.
  struct Read {
    std::string text;
    uint64_t next = 0;
  };
  static Read ReadPage(Client& client, const ReadQuery& query);

  void Follow();
  void BeginAt(uint64_t head);
  void AskForPage();
  void Send();

  ReadQuery query_;
  LogThread* log_;
  EventStreams* streams_;
  LogStanding standing_;
  StreamSink* sink_ = nullptr;
  bool writing_ = false;
  bool asked_ = false;
  bool looked_ = false;   // standing_ is no older than this stream
  bool follows_ = false;  // query_.after is right for the log that there is
  bool log_is_new_ = true;
  std::string page_;                          // to be sent
  uint64_t page_after_ = 0;                   // where it begins; it ends at query_.after
  std::shared_ptr<const std::string> state_;  // to be sent
  // For jobs that come back after it has gone.
  std::shared_ptr<EventStream*> self_ = std::make_shared<EventStream*>(this);
};

}  // namespace roost

#endif  // ROOST_TOOLS_DASHBOARD_EVENT_STREAM_H_
