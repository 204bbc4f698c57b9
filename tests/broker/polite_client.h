// A client beside hostile ones: appends to a stream of its own and reads each event back from the ring, whole.
#ifndef ROOST_TESTS_BROKER_POLITE_CLIENT_H_
#define ROOST_TESTS_BROKER_POLITE_CLIENT_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "log/record.h"
#include "tests/broker/threadless_broker.h"

namespace roost {

class PoliteClient {
 public:
  explicit PoliteClient(ThreadlessBroker* broker)
      : broker_(broker), client_(broker->Join("polite", 1001)) {}

  void AppendAndReadBack() {
    const std::string data = std::to_string(++appended_);
    encoder_.BeginAppend();
    encoder_.AddEvent({.stream = "polite", .type = "t", .agent = "polite", .data = data});
    encoder_.AddCondition("polite", appended_ - 1);
    broker_->Handle(*client_, encoder_.FinishAppend(appended_));
    broker_->EndTurn();
    const wire::Reply* reply = client_->Receive();
    ASSERT_TRUE(reply != nullptr && reply->body_as_Appended() != nullptr);
    ASSERT_EQ(reply->body_as_Appended()->revision(), appended_);
    std::vector<std::byte> record;
    RecordHeader header;
    uint64_t position = 0;
    ASSERT_EQ(broker_->ring().ReadHeader(reply->body_as_Appended()->sequence(), &header, &position),
              RingReader::Outcome::kEvent);
    ASSERT_EQ(broker_->ring().ReadRecordAt(position, &record), RingReader::Outcome::kEvent);
    ASSERT_TRUE(RecordIsSound(record));
    const wire::Event* event =
        DecodeEventBody(Bytes(record).subspan(kRecordHeaderBytes, header.body_length));
    ASSERT_NE(event, nullptr);
    ASSERT_EQ(event->stream()->string_view(), "polite");
    ASSERT_EQ(AsText(std::as_bytes(std::span(event->data()->data(), event->data()->size()))), data);
  }
  bool HasNothing() { return client_->Receive() == nullptr; }

 private:
  ThreadlessBroker* const broker_;
  std::unique_ptr<ThreadlessClient> client_;
  RequestEncoder encoder_;
  uint64_t appended_ = 0;
};

}  // namespace roost

#endif  // ROOST_TESTS_BROKER_POLITE_CLIENT_H_
