// Tells the client that a resource has changed: for resources/subscribe of the old revisions and for
// subscriptions/listen of the new one.
//
// Kept for each subscribed address: one bit (it has changed) and when it was last told, at most ten times
// a second, to everyone who subscribed to it. Nothing is queued: many changes become one. While the client
// does not read its answers nothing is told. Without a broker it is tried again in the background.
//
// One thread. The owner calls OnTimer() when timer_ns() has come, and OnNewRing() when the log's
// generation has changed.
#ifndef ROOST_CLIENT_MCP_SUBSCRIPTIONS_H_
#define ROOST_CLIENT_MCP_SUBSCRIPTIONS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client/mcp/operation.h"
#include "client/mcp/output_queue.h"

namespace roost {

class Subscriptions {
 public:
  static constexpr size_t kSubscribersMax = 1024;  // pairs of subscription and address, and listens
  static constexpr size_t kOwnWaitsMax = 64;       // more addresses share one wait for anything
  static constexpr uint64_t kIntervalNs = 100'000'000;
  static constexpr uint64_t kRetryNs = 1'000'000'000;

  Subscriptions(Shim* shim, OutputQueue* output);
  ~Subscriptions();

  // Whether changes of this resource are told: streams and the list of streams.
  static bool IsSubscribable(std::string_view uri);

  // Whether so many addresses more may be subscribed to.
  bool HasRoom(size_t more) const;
  // REQUIRES: HasRoom(), and IsSubscribable() each.
  void Subscribe(const std::string& uri);
  void Listen(const std::string& id, const std::vector<std::string>& uris);

  void Unsubscribe(std::string_view uri);
  // Whether there was a listen of that id; it is over now, without a word.
  bool Cancel(std::string_view id);
  bool Listens(std::string_view id) const;

  // Ends all listens with their closing results.
  void Close();

  uint64_t timer_ns() const;
  void OnTimer();
  void OnNewRing();

 private:
  struct Watch;

  Watch* FindOrAdd(const std::string& uri);
  void Leave(std::string_view id, std::string_view uri);  // an empty uri: all of them
  bool attached() const { return shim_->log->ring() != nullptr; }
  void Attach();
  void Arm();
  void ArmOwn(Watch* watch);
  void ArmShared();
  void Disarm();
  void Look(Watch* watch);
  void Tell(Watch* watch, uint64_t now_ns);
  void TellSubscriber(const Watch& watch, const std::string& id);

  Shim* shim_;
  OutputQueue* output_;
  std::vector<std::unique_ptr<Watch>> watches_;
  std::vector<std::string> listens_;  // ids, raw
  size_t subscribers_ = 0;            // of all watches together
  bool attaching_ = false;
  uint64_t retry_ns_ = UINT64_MAX;
  uint64_t generation_ = 0;  // of the ring that the watches look at
  uint64_t shared_wait_ = 0;
  bool shared_over_ = false;      // the last shared wait has called back
  uint64_t shared_ready_ns_ = 0;  // not to be registered again before
  Guard guard_;
};

}  // namespace roost

#endif  // ROOST_CLIENT_MCP_SUBSCRIPTIONS_H_
