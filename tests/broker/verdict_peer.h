// A client that asks and decides questions as bytes, over its own connection. One thread.
#ifndef ROOST_TESTS_BROKER_VERDICT_PEER_H_
#define ROOST_TESTS_BROKER_VERDICT_PEER_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "ipc/question_key.h"
#include "tests/broker/group_peer.h"

namespace roost {

// One wire::Answer, with its own memory.
struct GotAnswer {
  wire::Verdict verdict = wire::Verdict::Undecided;
  bool you_decide = false;
  uint64_t token = 0;
  std::vector<uint8_t> key;
  std::string reason, by, error;
  uint64_t decided_ns = 0;
  uint64_t sequence = 0;
  bool cached = false;
};

struct GotDecided {
  bool recorded = false;
  wire::Verdict verdict = wire::Verdict::Undecided;
  std::string reason;
};

class VerdictPeer : public GroupPeer {
 public:
  using GroupPeer::GroupPeer;
  using Questions = std::vector<std::pair<std::string, std::string>>;  // kind, input

  static constexpr uint64_t kFirstNumber = 1'000'000;  // beside those of GroupPeer

  // Returns the number of the request.
  uint64_t SendValidate(const Questions& questions, uint32_t wait_ms = 0, bool only_known = false,
                        uint64_t number = 0) {
    std::vector<RequestEncoder::QuestionFields> fields;
    for (const auto& [kind, input] : questions) fields.push_back({kind, input});
    if (number == 0) number = next_number_++;
    Bytes message = encoder().Validate(number, fields, wait_ms, only_known);
    if (message.size() <= kInlineRequestBytesMax) {
      EXPECT_TRUE(Send(message));
    } else {
      const UniqueFd memory = MakeMemfd(message);
      EXPECT_TRUE(Send(encoder().InMemory(number, message.size()), memory.get()));
    }
    return number;
  }
  // The answers to the request; Queued is passed by. Empty: it was refused, see refusal().
  std::vector<GotAnswer> ReceiveAnswers(uint64_t number) {
    std::vector<GotAnswer> answers;
    for (;;) {
      const wire::Reply* reply = ReceiveFor(number);
      if (reply == nullptr) return answers;
      if (reply->body_as_Queued() != nullptr) continue;
      refusal_.clear();
      if (const auto* refused = reply->body_as_Refused()) refusal_ = refused->message()->str();
      const auto* validated = reply->body_as_Validated();
      if (validated == nullptr) return answers;
      for (const wire::Answer* answer : *validated->answers()) answers.push_back(Copy(*answer));
      return answers;
    }
  }
  std::vector<GotAnswer> ValidateAll(const Questions& questions, uint32_t wait_ms = 0,
                                     bool only_known = false) {
    return ReceiveAnswers(SendValidate(questions, wait_ms, only_known));
  }
  GotAnswer Validate(const std::string& kind, const std::string& input, uint32_t wait_ms = 0) {
    const auto answers = ValidateAll({{kind, input}}, wait_ms);
    EXPECT_EQ(answers.size(), 1u) << refusal_;
    return answers.empty() ? GotAnswer() : answers.front();
  }
  // The request is waiting.
  bool IsQueued(uint64_t number) {
    const wire::Reply* reply = ReceiveFor(number);
    return reply != nullptr && reply->body_as_Queued() != nullptr;
  }

  uint64_t SendDecide(const std::vector<uint8_t>& key, wire::ItemToken token, wire::Verdict verdict,
                      const std::string& reason = "", uint64_t ttl_ms = 0, uint64_t number = 0) {
    if (number == 0) number = next_number_++;
    EXPECT_TRUE(Send(encoder().Decide(number, {key, token, verdict, reason, ttl_ms})));
    return number;
  }
  GotDecided ReceiveDecided(uint64_t number) {
    const wire::Reply* reply = ReceiveFor(number);
    GotDecided decided;
    refusal_.clear();
    if (reply == nullptr) return decided;
    if (const auto* refused = reply->body_as_Refused()) refusal_ = refused->message()->str();
    if (const auto* body = reply->body_as_Decided()) {
      decided.recorded = body->recorded();
      decided.verdict = body->verdict();
      if (body->reason() != nullptr) decided.reason = body->reason()->str();
    }
    return decided;
  }
  GotDecided Decide(const GotAnswer& answer, wire::Verdict verdict, const std::string& reason = "",
                    uint64_t ttl_ms = 0) {
    return ReceiveDecided(SendDecide(answer.key, {answer.token, 0}, verdict, reason, ttl_ms));
  }

  bool TakeUp(const std::string& agent, const VerdictPeer& before) {
    next_number_ = before.next_number_;
    return Resume(agent, before);
  }

  const std::string& refusal() const { return refusal_; }
  uint64_t last_number() const { return next_number_ - 1; }

 private:
  static GotAnswer Copy(const wire::Answer& answer) {
    const auto text = [](const flatbuffers::String* string) {
      return string == nullptr ? std::string() : string->str();
    };
    GotAnswer copy;
    copy.verdict = answer.verdict();
    copy.you_decide = answer.you_decide();
    copy.token = answer.token();
    if (answer.key() != nullptr) copy.key.assign(answer.key()->begin(), answer.key()->end());
    copy.reason = text(answer.reason());
    copy.by = text(answer.by());
    copy.error = text(answer.error());
    copy.decided_ns = answer.decided_ns();
    copy.sequence = answer.sequence();
    copy.cached = answer.cached();
    return copy;
  }

  uint64_t next_number_ = kFirstNumber;
  std::string refusal_;
};

}  // namespace roost

#endif  // ROOST_TESTS_BROKER_VERDICT_PEER_H_
