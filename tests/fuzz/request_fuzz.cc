// Requests of every kind, of three clients, as bytes that their encoder made and the input then changed: decided by the
// broker's rooms over a real log. Whatever the two hostile ones send, every answer is a reply, every event in the log is
// whole and in order, and the polite one appends and claims as if it were alone.
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "broker/logging.h"
#include "log/record.h"
#include "tests/broker/threadless_broker.h"
#include "tests/fuzz/fuzz_input.h"

namespace roost {
namespace {

constexpr std::array<std::string_view, 6> kStreams = {"tasks",      "a",       "b/1",
                                                      "$questions", "$leases", ""};
constexpr std::array<std::string_view, 4> kGroups = {"g", "workers", "", "x/y"};
constexpr std::array<std::string_view, 6> kKeys = {"k", "src/**", "src/a.cc", "*/x", "**", ""};
constexpr size_t kStepsMax = 64;

class FuzzedBroker {
 public:
  explicit FuzzedBroker(CountersWriter* counters)
      : broker_(counters, 64 << 10), polite_(broker_.Join("polite", 1)) {
    for (auto& client : hostile_) client = broker_.Join("hostile", 2);
  }

  void Step(FuzzInput* input) {
    const size_t who = input->Below(hostile_.size());
    switch (input->Below(16)) {
      case 0:
        broker_.Leave(*hostile_[who]);
        hostile_[who] = broker_.Join("hostile", 2);
        number_ = 0;
        break;
      case 1:
        broker_.EndTurn();
        Answers(input);
        break;
      case 2:
        // Up to some hours later; there is no way back in time.
        now_ns_ += static_cast<uint64_t>(input->Byte()) * kNsPerSecond;
        broker_.RunTimers(MonotonicNs() + now_ns_);
        break;
      case 3:
        Polite();
        break;
      default:
        Send(*hostile_[who], input);
    }
  }

  void End(FuzzInput* input) {
    broker_.EndTurn();
    Answers(input);
    Polite();
    CheckLog();
    for (auto& client : hostile_) broker_.Leave(*client);
    broker_.Leave(*polite_);
  }

 private:
  std::string_view Name(FuzzInput* input, std::span<const std::string_view> names) {
    const uint8_t choice = input->Byte();
    return choice < 240 ? names[choice % names.size()] : input->Text();
  }
  // Mostly one that was given out.
  uint64_t Token(FuzzInput* input) {
    const uint8_t choice = input->Byte();
    if (tokens_.empty() || choice >= 240) return input->Take<uint64_t>();
    return tokens_[tokens_.size() - 1 - choice % tokens_.size()];
  }
  uint64_t Number(FuzzInput* input) {
    const uint8_t choice = input->Byte();
    if (choice < 200) return ++number_;
    return choice < 250 ? number_ : input->Take<uint64_t>();
  }

  Bytes Encode(FuzzInput* input) {
    const uint64_t number = Number(input);
    const uint32_t wait_ms = input->Flag() ? input->Take<uint16_t>() : 0;
    const std::string_view note = input->Flag() ? input->Text() : std::string_view();
    switch (input->Below(20)) {
      case 0: {
        encoder_.BeginAppend();
        const size_t events = 1 + input->Below(3);
        for (size_t i = 0; i < events; ++i) {
          encoder_.AddEvent({.stream = Name(input, kStreams),
                             .type = "t",
                             .agent = input->Below(8) == 0 ? "polite" : "hostile",
                             .id = input->Flag() ? input->Text() : std::string_view(),
                             .data = input->Text()});
        }
        if (input->Flag()) encoder_.AddCondition(Name(input, kStreams), input->Below(4));
        return encoder_.FinishAppend(number);
      }
      case 1: {
        keys_.assign(1 + input->Below(3), "");
        for (std::string& key : keys_) key = Name(input, kKeys);
        return encoder_.Claim(number, {.keys = keys_,
                                       .ttl_ms = 100u + input->Take<uint16_t>(),
                                       .wait_ms = wait_ms,
                                       .note = note});
      }
      case 2:
        return encoder_.Release(number, Token(input), note);
      case 3:
      case 4:
        return encoder_.Take(number, {.stream = Name(input, kStreams),
                                      .group = Name(input, kGroups),
                                      .from_head = input->Flag(),
                                      .max = input->Below(20),
                                      .lease_ms = 100u + input->Take<uint16_t>(),
                                      .wait_ms = wait_ms});
      case 5:
      case 6: {
        items_.clear();
        const size_t count = input->Below(5);
        for (size_t i = 0; i < count; ++i) {
          items_.emplace_back(Token(input), input->Below(6));
        }
        return encoder_.Settle(number, items_, static_cast<wire::Outcome>(input->Below(4)), note);
      }
      case 7:
        return encoder_.ListParked(number, Name(input, kStreams), Name(input, kGroups),
                                   input->Below(8), input->Below(200));
      case 8: {
        revisions_.clear();
        for (size_t i = input->Below(4); i > 0; --i) revisions_.push_back(input->Below(10));
        return encoder_.Unpark(number, {.stream = Name(input, kStreams),
                                        .group = Name(input, kGroups),
                                        .revisions = revisions_,
                                        .drop = input->Flag(),
                                        .note = note});
      }
      case 9:
      case 10: {
        questions_.clear();
        const size_t count = 1 + input->Below(3);
        for (size_t i = 0; i < count; ++i) {
          questions_.push_back({input->Flag() ? "check.x" : input->Text(),
                                input->Flag() ? R"({"a":1})" : input->Text()});
        }
        return encoder_.Validate(number, questions_, wait_ms, input->Flag());
      }
      case 11:
        return encoder_.Decide(number, {.key = verdict_key_,
                                        .token = {Token(input), input->Below(2)},
                                        .verdict = static_cast<wire::Verdict>(input->Below(5)),
                                        .reason = note,
                                        .ttl_ms = input->Take<uint16_t>()});
      case 12:
        return encoder_.CancelRequest(number_ - input->Below(8));
      case 13:
        return encoder_.ListLeases(number, Name(input, kKeys), input->Below(30), input->Below(200));
      case 14:
        return encoder_.ListGroups(number, {.prefix = Name(input, kStreams), .limit = 100});
      case 15:
        return encoder_.Wait(
            {.registration = number, .after = input->Below(30), .stream = Name(input, kStreams)});
      case 16:
        return encoder_.ListSessions(number, input->Below(8), input->Below(255));
      case 17:
        return encoder_.FindSegment(number, input->Below(30), input->Below(2));
      case 18:
        return encoder_.Attach("hostile", note, input->Below(8), AsBytes(input->Text()));
      default:
        return encoder_.InMemory(number, input->Take<uint32_t>());
    }
  }

  void Send(ThreadlessClient& client, FuzzInput* input) {
    const Bytes bytes = Encode(input);
    words_.assign(bytes.size() / 8 + 1, 0);
    auto* const message = reinterpret_cast<std::byte*>(words_.data());
    std::copy(bytes.begin(), bytes.end(), message);
    Damage(input, {message, bytes.size()});
    if (broker_.Handle(client, Bytes(message, bytes.size()))) return;
    for (auto& hostile : hostile_) {
      if (hostile.get() != &client) continue;
      broker_.Leave(client);
      hostile = broker_.Join("hostile", 2);
    }
  }

  // What they were told, so that it can be used.
  void Answers(FuzzInput*) {
    for (auto& client : hostile_) {
      while (const wire::Reply* reply = client->Receive()) {
        if (const auto* granted = reply->body_as_Granted()) tokens_.push_back(granted->token());
        if (const auto* taken = reply->body_as_Taken()) tokens_.push_back(taken->lease());
        if (const auto* validated = reply->body_as_Validated()) {
          for (const wire::Answer* answer : *validated->answers()) {
            if (answer->token() != 0) tokens_.push_back(answer->token());
            if (answer->key() != nullptr && answer->key()->size() == verdict_key_.size()) {
              std::copy(answer->key()->begin(), answer->key()->end(), verdict_key_.begin());
            }
          }
        }
      }
    }
  }

  // The answer to its last request. What else it may be told is that its own lease has ended.
  const wire::Reply* PoliteReply() {
    for (;;) {
      const wire::Reply* reply = polite_->Receive();
      ROOST_CHECK(reply != nullptr, "request {} was not answered", polite_number_);
      if (reply->number() == polite_number_) return reply;
      ROOST_CHECK(reply->body_as_LeaseEnded() != nullptr, "{}",
                  wire::EnumNameReplyBody(reply->body_type()));
    }
  }

  void Polite() {
    broker_.EndTurn();
    encoder_.BeginAppend();
    encoder_.AddEvent({.stream = "polite", .type = "t", .agent = "polite", .data = "{}"});
    encoder_.AddCondition("polite", appended_);
    broker_.Handle(*polite_, encoder_.FinishAppend(++polite_number_));
    const std::array<std::string, 1> key = {"p"};
    broker_.EndTurn();
    const wire::Reply* reply = PoliteReply();
    const wire::Refused* refused = reply->body_as_Refused();
    ROOST_CHECK(refused == nullptr, "{}", refused->message()->string_view());
    ROOST_CHECK(reply->body_as_Appended() != nullptr, "{}",
                wire::EnumNameReplyBody(reply->body_type()));
    ROOST_CHECK(reply->body_as_Appended()->revision() == ++appended_);
    // Somebody may hold what overlaps; nobody may make it end without an answer.
    broker_.Handle(*polite_, encoder_.Claim(++polite_number_, {.keys = key, .ttl_ms = 1000}));
    broker_.EndTurn();
    ROOST_CHECK(PoliteReply()->body_as_Refused() == nullptr);
  }

  // Everything that is still in the ring.
  void CheckLog() {
    const RingReader& ring = broker_.ring();
    ROOST_CHECK(ring.head() == broker_.log().head());
    for (uint64_t sequence = 1; sequence <= ring.head(); ++sequence) {
      RecordHeader header;
      uint64_t position = 0;
      const auto outcome = ring.ReadHeader(sequence, &header, &position);
      if (outcome == RingReader::Outcome::kOverrun) continue;
      ROOST_CHECK(outcome == RingReader::Outcome::kEvent);
      std::vector<std::byte> record;
      ROOST_CHECK(ring.ReadRecordAt(position, &record) == RingReader::Outcome::kEvent);
      ROOST_CHECK(RecordIsSound(record) && header.sequence == sequence);
      const wire::Event* event =
          DecodeEventBody(Bytes(record).subspan(kRecordHeaderBytes, header.body_length));
      ROOST_CHECK(event != nullptr);
      const std::string_view stream = event->stream()->string_view();
      ROOST_CHECK(((header.flags & kRecordIsOwn) != 0) == stream.starts_with('$'));
      // Nobody speaks for another.
      const bool is_polite = event->agent()->string_view() == "polite";
      if (header.uid == 1) ROOST_CHECK(is_polite || stream.starts_with('$'));
      if (header.uid == 2) ROOST_CHECK(!is_polite);
    }
  }

  ThreadlessBroker broker_;
  std::unique_ptr<ThreadlessClient> polite_;
  std::array<std::unique_ptr<ThreadlessClient>, 2> hostile_;
  RequestEncoder encoder_;
  std::vector<uint64_t> words_;
  std::vector<std::string> keys_;
  std::vector<wire::ItemToken> items_;
  std::vector<uint64_t> revisions_;
  std::vector<RequestEncoder::QuestionFields> questions_;
  std::array<uint8_t, 32> verdict_key_{};
  std::vector<uint64_t> tokens_;
  uint64_t number_ = 0;
  uint64_t polite_number_ = 0;
  uint64_t appended_ = 0;
  uint64_t now_ns_ = 0;
};

CountersWriter MakeCounters() {
  SetLogLevel(LogLevel::kError);
  constexpr uint8_t kLogId[16] = {};
  const std::string path = "/tmp/roost-fuzz-request." + std::to_string(::getpid());
  auto counters = CountersWriter::Create(path, {kLogId, Durability::kMemory, ""});
  ROOST_CHECK(counters.ok(), "{}", counters.status().message());
  ::unlink(path.c_str());
  return *std::move(counters);
}

void Try(FuzzInput input) {
  static CountersWriter counters = MakeCounters();
  FuzzedBroker broker(&counters);
  for (size_t i = 0; i < kStepsMax && !input.empty(); ++i) broker.Step(&input);
  broker.End(&input);
}

}  // namespace
}  // namespace roost

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  roost::Try(roost::FuzzInput(data, size));
  return 0;
}
