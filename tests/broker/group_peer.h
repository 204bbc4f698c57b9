// A client of groups as bytes, over its own connection. One thread.
#ifndef ROOST_TESTS_BROKER_GROUP_PEER_H_
#define ROOST_TESTS_BROKER_GROUP_PEER_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "schemas/control_generated.h"
#include "tests/broker/control_peer.h"

namespace roost {

struct TakeOptions {
  std::string stream = "tasks";
  std::string group = "g";
  bool from_head = false;
  uint32_t max = 1;
  uint32_t lease_ms = 30'000;
  uint32_t wait_ms = 0;
};

// What a Take got, with its own memory.
struct Taken {
  uint64_t lease = 0;
  std::vector<uint64_t> revisions;
  std::vector<uint32_t> tries;
  uint64_t parked = 0;

  wire::ItemToken token(uint32_t index) const { return {lease, index}; }
  std::vector<wire::ItemToken> tokens() const {
    std::vector<wire::ItemToken> all;
    for (uint32_t i = 0; i < revisions.size(); ++i) all.push_back(token(i));
    return all;
  }
  friend bool operator==(const Taken&, const Taken&) = default;
};

class GroupPeer : public ControlPeer {
 public:
  using ControlPeer::ControlPeer;

  // Takes the session of another connection up, with numbers after those that it used.
  bool Resume(const std::string& agent, const GroupPeer& before) {
    number_ = before.number_;
    return Attach(agent, before.session(), before.secret()) && resumed();
  }

  // ---- sending; each returns the number of the request ----

  uint64_t SendTake(const TakeOptions& options, uint64_t number = 0) {
    return SendBody(number, wire::CreateTakeDirect(builder_, options.stream.c_str(),
                                                   options.group.c_str(), options.from_head,
                                                   options.max, options.lease_ms, options.wait_ms));
  }
  uint64_t SendSettle(const std::vector<wire::ItemToken>& tokens, wire::Outcome outcome,
                      uint64_t number = 0, const char* note = nullptr) {
    return SendBody(number, wire::CreateSettleDirect(builder_, &tokens, outcome, note));
  }
  uint64_t SendCancel(uint64_t cancelled) {
    return SendBody(0, wire::CreateCancelRequest(builder_, cancelled), /*numbered=*/false);
  }
  uint64_t SendUnpark(const std::vector<uint64_t>* revisions, bool drop, uint64_t number = 0,
                      const TakeOptions& of = {}) {
    return SendBody(number, wire::CreateUnparkDirect(builder_, of.stream.c_str(), of.group.c_str(),
                                                     revisions, drop));
  }
  uint64_t SendRemoveGroup(uint64_t number = 0, const char* group = "g") {
    return SendBody(number, wire::CreateRemoveGroupDirect(builder_, "tasks", group, "not needed"));
  }
  uint64_t SendListParked(uint64_t after = 0, uint32_t limit = 100) {
    return SendBody(0, wire::CreateListParkedDirect(builder_, "tasks", "g", after, limit));
  }
  uint64_t SendListGroups(const std::string& prefix = "", const std::string& after_stream = "",
                          const std::string& after_group = "", uint32_t limit = 100) {
    return SendBody(0, wire::CreateListGroupsDirect(builder_, prefix.c_str(), after_stream.c_str(),
                                                    after_group.c_str(), limit));
  }

  // ---- receiving ----

  // The next reply, which is expected to be for `number`.
  const wire::Reply* ReceiveFor(uint64_t number) {
    const wire::Reply* reply = Receive();
    if (reply == nullptr) {
      ADD_FAILURE() << "no reply to request " << number;
      return nullptr;
    }
    EXPECT_EQ(reply->number(), number);
    return reply;
  }
  Taken ReceiveTaken(uint64_t number) {
    const wire::Reply* reply = ReceiveFor(number);
    if (reply == nullptr || reply->body_as_Taken() == nullptr) {
      ADD_FAILURE() << "not taken: " << Said(reply);
      return {};
    }
    const wire::Taken& taken = *reply->body_as_Taken();
    Taken copy{taken.lease(), {}, {}, taken.parked()};
    if (taken.items() == nullptr) return copy;
    for (const wire::TakenItem* item : *taken.items()) {
      copy.revisions.push_back(item->revision());
      copy.tries.push_back(item->tries());
    }
    return copy;
  }
  std::vector<bool> ReceiveSettled(uint64_t number) {
    const wire::Reply* reply = ReceiveFor(number);
    if (reply == nullptr || reply->body_as_Settled() == nullptr) {
      ADD_FAILURE() << "not settled: " << Said(reply);
      return {};
    }
    const auto* settled = reply->body_as_Settled()->settled();
    return {settled->begin(), settled->end()};
  }
  bool ReceiveQueued(uint64_t number) {
    const wire::Reply* reply = ReceiveFor(number);
    return reply != nullptr && reply->body_as_Queued() != nullptr;
  }
  struct Removal {
    bool removed = false;
    uint64_t taken = 0, waiting = 0, parked = 0;
    friend bool operator==(const Removal&, const Removal&) = default;
  };
  Removal ReceiveRemoval(uint64_t number) {
    const wire::Reply* reply = ReceiveFor(number);
    const auto* removed = reply == nullptr ? nullptr : reply->body_as_GroupRemoved();
    if (removed == nullptr) {
      ADD_FAILURE() << "not removed: " << Said(reply);
      return {};
    }
    return {removed->removed(), removed->taken(), removed->waiting(), removed->parked()};
  }
  std::string ReceiveRefused(uint64_t number) {
    const wire::Reply* reply = ReceiveFor(number);
    if (reply == nullptr || reply->body_as_Refused() == nullptr) {
      ADD_FAILURE() << "not refused";
      return "";
    }
    return reply->body_as_Refused()->message()->str();
  }

  // ---- both ----

  Taken Take(const TakeOptions& options = {}) { return ReceiveTaken(SendTake(options)); }
  std::vector<bool> Settle(const std::vector<wire::ItemToken>& tokens,
                           wire::Outcome outcome = wire::Outcome::Done) {
    return ReceiveSettled(SendSettle(tokens, outcome));
  }
  uint64_t Unpark(const std::vector<uint64_t>* revisions, bool drop) {
    const wire::Reply* reply = ReceiveFor(SendUnpark(revisions, drop));
    if (reply == nullptr || reply->body_as_Unparked() == nullptr) {
      ADD_FAILURE() << "not unparked: " << Said(reply);
      return 0;
    }
    return reply->body_as_Unparked()->count();
  }
  // As lists show it; all zeroes: there is none.
  struct Seen {
    uint64_t checkpoint = 0, next = 0, head = 0, taken = 0, returned = 0, parked = 0, consumers = 0,
             waiting = 0;
    friend bool operator==(const Seen&, const Seen&) = default;
  };
  Seen LookAt(const std::string& stream, const std::string& name) {
    const wire::Reply* reply = ReceiveFor(SendListGroups(stream));
    if (reply == nullptr || reply->body_as_Groups() == nullptr) {
      ADD_FAILURE() << Said(reply);
      return {};
    }
    for (const wire::Group* group : *reply->body_as_Groups()->groups()) {
      if (group->stream()->str() != stream || group->group()->str() != name) continue;
      return {group->checkpoint(), group->next(),   group->head(),      group->taken(),
              group->returned(),   group->parked(), group->consumers(), group->waiting()};
    }
    return {};
  }
  Seen Look() { return LookAt("tasks", "g"); }
  // Appends so many events to the stream.
  void Fill(size_t count, const std::string& stream = "tasks") {
    for (size_t done = 0; done < count;) {
      Texts events;
      for (; events.size() < 100 && done < count; ++done) events.emplace_back(stream, "{}");
      const wire::Reply* reply = Append(++number_, events);
      ASSERT_TRUE(reply != nullptr && reply->body_as_Appended() != nullptr) << Said(reply);
    }
  }

  static std::string Said(const wire::Reply* reply) {
    if (reply == nullptr) return "nothing";
    if (const auto* refused = reply->body_as_Refused()) return refused->message()->str();
    return wire::EnumNameReplyBody(reply->body_type());
  }

 private:
  template <typename Body>
  uint64_t SendBody(uint64_t number, flatbuffers::Offset<Body> body, bool numbered = true) {
    if (number == 0 && numbered) number = ++number_;
    builder_.Finish(wire::CreateRequest(builder_, number, wire::RequestBodyTraits<Body>::enum_value,
                                        body.Union()));
    EXPECT_TRUE(Send(std::as_bytes(std::span(builder_.GetBufferPointer(), builder_.GetSize()))));
    builder_.Clear();
    return number;
  }

  flatbuffers::FlatBufferBuilder builder_;
  uint64_t number_ = 0;
};

}  // namespace roost

#endif  // ROOST_TESTS_BROKER_GROUP_PEER_H_
