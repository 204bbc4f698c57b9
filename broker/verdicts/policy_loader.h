// The thread that loads the policy anew when it is told to, so that no file, however large or wrong, holds the
// sequencer up. Requests that come while it loads become one more loading afterwards.
//
// Start, Stop: the broker's wiring. The rest: the sequencer thread.
#ifndef ROOST_BROKER_VERDICTS_POLICY_LOADER_H_
#define ROOST_BROKER_VERDICTS_POLICY_LOADER_H_

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/status.h"
#include "base/unique_fd.h"
#include "broker/doorbell.h"
#include "broker/verdicts/policy.h"

namespace roost {

class PolicyLoader {
 public:
  using Loaded = Result<std::shared_ptr<const Policy>>;

  explicit PolicyLoader(std::string path);
  ~PolicyLoader();

  void Start();
  void Stop();

  void Load();
  // Without Start(): loads, if Load() was called since. False: it was not. As a step of the thread.
  bool Step();
  bool wanted() const { return wanted_.load(std::memory_order_acquire); }
  // Readable when a loading has ended.
  int fd() const { return done_event_.get(); }
  // The newest result that was not taken yet.
  std::optional<Loaded> TakeLoaded();

  const std::string& path() const { return path_; }

 private:
  void Run();

  const std::string path_;
  Doorbell bell_;
  UniqueFd done_event_;
  std::atomic<bool> wanted_{false};
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;  // held for a moment, once a loading
  std::optional<Loaded> loaded_;
  std::thread thread_;
};

}  // namespace roost

#endif  // ROOST_BROKER_VERDICTS_POLICY_LOADER_H_
