// A Connection and the broker that the test plays for it, in one thread.
#ifndef ROOST_TESTS_CLIENT_CONNECTION_FIXTURE_H_
#define ROOST_TESTS_CLIENT_CONNECTION_FIXTURE_H_

#include <gtest/gtest.h>
#include <poll.h>

#include <optional>
#include <string>
#include <utility>

#include "base/check.h"
#include "client/connection.h"
#include "tests/client/fake_broker.h"

namespace roost {

inline constexpr uint64_t kNever = UINT64_MAX;

inline Batch OneEvent(const std::string& stream, const std::string& id = "") {
  Batch batch;
  batch.events.push_back({.stream = stream, .type = "tested", .data = "{}"});
  batch.id = id;
  return batch;
}

class ConnectionTest : public ::testing::Test {
 protected:
  ConnectionTest() : connection_({broker_.socket(), "tester", "test/1"}) {}

  // Lets the connection work for a moment.
  void Turn() {
    pollfd polled{connection_.fd(), connection_.events(), 0};
    const int ready = ::poll(&polled, connection_.fd() >= 0 ? 1 : 0, 2);
    if (ready > 0) connection_.OnReady();
    if (MonotonicNs() >= connection_.NextTimerNs()) connection_.OnTimer();
  }
  template <typename Predicate>
  bool Until(Predicate predicate) {
    const uint64_t patience_ns = MonotonicNs() + 30 * kNsPerSecond;
    while (!predicate()) {
      if (MonotonicNs() > patience_ns) return false;
      Turn();
    }
    return true;
  }

  void Accept() {
    ASSERT_TRUE(Until([this] { return broker_.TryAccept(); }));
  }
  // The next request, which must be sound.
  GotRequest Receive() {
    std::optional<GotRequest> request;
    EXPECT_TRUE(Until([&] { return (request = broker_.TryReceive()).has_value(); }));
    ROOST_CHECK(request.has_value() && request->valid(), "the test can't go on without a request");
    return std::move(*request);
  }
  // Plays the broker up to Attached; returns what Attach said.
  GotRequest TakeAttach(bool resumed = false, uint64_t session = 11) {
    Accept();
    GotRequest request = Receive();
    EXPECT_NE(request->body_as_Attach(), nullptr);
    broker_.ReplyAttached({.session = session, .resumed = resumed});
    return request;
  }
  void AttachFully() {
    broker_.Listen();
    connection_.Attach(kNever, [](const Status& status) { EXPECT_TRUE(status.ok()); });
    TakeAttach();
    ASSERT_TRUE(Until([this] { return connection_.attached(); }));
  }

  void Append(const Batch& batch, uint64_t deadline_ns = kNever) {
    connection_.Append(batch, deadline_ns, [this](const Result<AppendResult>& result) {
      ++answers_;
      answer_ = result.status();
      if (result.ok()) result_ = *result;
    });
  }
  bool Answered(int count = 1) {
    return Until([&] { return answers_ >= count; });
  }

  FakeBroker broker_;
  Connection connection_;
  int answers_ = 0;
  Status answer_;
  AppendResult result_;
};

}  // namespace roost

#endif  // ROOST_TESTS_CLIENT_CONNECTION_FIXTURE_H_
