// A broker in this process, on a thread of its own, with a scratch directory. One thread.
#ifndef ROOST_TESTS_BROKER_RUNNING_BROKER_H_
#define ROOST_TESTS_BROKER_RUNNING_BROKER_H_

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "broker/broker.h"
#include "broker/logging.h"

namespace roost {

class RunningBroker {
 public:
  RunningBroker() {
    SetLogLevel(LogLevel::kError);
    static int count = 0;
    directory_ = ::testing::TempDir() + "/broker_test." + std::to_string(::getpid()) + "." +
                 std::to_string(++count);
    std::filesystem::create_directories(directory_);
    options_.socket = directory_ + "/roost.sock";
    options_.log.directory = directory_ + "/data";
    options_.log.ring_bytes = 1 << 20;
    options_.log.segment_bytes = 1 << 20;
    options_.log.streams_max = 1024;
    options_.sla.objectives.emplace();  // a breach would stand in the log, between what a test appends
  }
  ~RunningBroker() {
    Stop();
    std::filesystem::remove_all(directory_);
  }

  BrokerOptions& options() { return options_; }
  // A signalfd, from the next Start on.
  void SetSignals(int fd) { signal_fd_ = fd; }
  const std::string& socket() const { return options_.socket; }
  const std::string& directory() const { return directory_; }

  void Start() {
    Result<std::unique_ptr<Broker>> broker = Broker::Open(options_);
    ASSERT_TRUE(broker.ok()) << broker.status().message();
    broker_ = *std::move(broker);
    thread_ = std::thread([this] { stopped_ = broker_->Run(signal_fd_); });
  }
  void Stop() {
    if (broker_ == nullptr) return;
    broker_->Stop();
    thread_.join();
    EXPECT_TRUE(stopped_.ok()) << stopped_.message();
    broker_.reset();
  }
  void Restart() {
    Stop();
    Start();
  }

 private:
  std::string directory_;
  BrokerOptions options_;
  std::unique_ptr<Broker> broker_;
  std::thread thread_;
  Status stopped_;
  int signal_fd_ = -1;
};

}  // namespace roost

#endif  // ROOST_TESTS_BROKER_RUNNING_BROKER_H_
