// Messages of the control socket as their receiver parses them: any bytes as a request that the broker checks, any
// bytes as replies to a client that has asked for everything there is. What passes the check can be read to its last
// byte; every question of the client gets at most one answer, and all of them one when the connection ends.
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/clock.h"
#include "base/unix_socket.h"
#include "broker/append_request.h"
#include "client/connection.h"
#include "ipc/messages.h"
#include "ipc/protocol.h"
#include "log/log_writer.h"
#include "tests/fuzz/fuzz_input.h"

namespace roost {
namespace {

constexpr size_t kQuestions = 12;

size_t Touch(std::string_view text) {
  size_t sum = text.size();
  for (const char c : text) sum += static_cast<unsigned char>(c);
  return sum;
}

// As the broker does: the check first, then everything in it.
void CheckRequest(Bytes bytes) {
  const wire::Request* request = DecodeRequest(bytes, 1000);
  if (request == nullptr) return;
  const wire::Append* append = request->body_as_Append();
  if (append == nullptr) return;
  AppendRequest checked;
  if (DecodeAppend(*append, "tester", {1 << 20, 1000}, &checked).has_value()) return;
  ROOST_CHECK(!checked.events.empty() && checked.events.size() == checked.decoded.size());
  size_t sum = Touch(checked.id);
  for (const EventToStage& event : checked.events) {
    ROOST_CHECK(!event.stream.empty() && event.stream.front() != '$' && !event.is_own);
    ROOST_CHECK(event.stream.size() <= kStreamNameBytesMax);
    sum += Touch(AsText(event.body)) + Touch(event.stream);
  }
  for (const ExpectedRevision& condition : checked.conditions) sum += Touch(condition.stream);
  ROOST_CHECK(sum > 0);
}

// A client whose broker is the input.
class FuzzedClient {
 public:
  FuzzedClient(const std::string& path, const UniqueFd& listener, int ring_fd)
      : ring_fd_(ring_fd), connection_({path, "tester", "test/1"}) {
    connection_.Attach(UINT64_MAX, [this](const Status&) { Answered(0); });
    auto accepted = AcceptSeqpacket(listener.get());
    ROOST_CHECK(accepted.ok(), "{}", accepted.status().message());
    broker_ = *std::move(accepted);
  }
  ~FuzzedClient() {
    broker_.Reset();
    for (int i = 0; i < 3 && connection_.fd() >= 0; ++i) connection_.OnReady();
  }

  void Reply(Bytes bytes, bool with_descriptor) {
    const int fd = with_descriptor ? ring_fd_ : -1;
    if (SendSeqpacket(broker_.get(), bytes, fd) != SocketOutcome::kDone) return;
    if (connection_.fd() >= 0) connection_.OnReady();
    Drain();
  }
  void Attach() {
    flatbuffers::FlatBufferBuilder builder;
    const std::vector<uint8_t> secret(kSessionSecretBytes, 7);
    const std::vector<uint8_t> log_id(16, 8);
    const auto attached = wire::CreateAttachedDirect(builder, 11, &secret, false, 0, &log_id, 1, 1,
                                                     "v", "", /*has_ring=*/true);
    builder.Finish(wire::CreateReply(builder, 0, wire::ReplyBody::Attached, attached.Union()));
    Reply({reinterpret_cast<const std::byte*>(builder.GetBufferPointer()), builder.GetSize()},
          true);
  }
  void AskEverything() {
    const uint64_t never = UINT64_MAX;
    Batch batch;
    batch.events.push_back({.stream = "s", .type = "t", .data = "{}"});
    connection_.Append(batch, never, [this](const auto&) { Answered(1); });
    connection_.Claim({.keys = {"k"}, .wait = std::chrono::seconds(1)}, never,
                      [this](const auto&) { Answered(2); });
    connection_.Release(3, "", never, [this](const auto&) { Answered(3); });
    connection_.Take({.stream = "s", .group = "g"}, never, [this](const auto&) { Answered(4); });
    const std::array<ItemToken, 2> tokens = {ItemToken{3, 0}, ItemToken{3, 1}};
    connection_.Settle(tokens, Outcome::kDone, "", never, [this](const auto& settled) {
      if (settled.ok()) ROOST_CHECK(settled->size() == 2);
      Answered(5);
    });
    connection_.ListParked("s", "g", 0, 10, never, [this](const auto&) { Answered(6); });
    const std::array<Question, 1> questions = {Question{"check.x", "{}"}};
    connection_.Validate(questions, {}, never, [this](const auto& answers) {
      if (answers.ok()) ROOST_CHECK(answers->size() == 1);
      Answered(7);
    });
    connection_.ListLeases("", never, [this](const auto&) { Answered(8); });
    connection_.ListGroups("", never, [this](const auto&) { Answered(9); });
    connection_.ListSessions(never, [this](const auto&) { Answered(10); });
    connection_.FetchSegment(1, 0, never, [this](const auto&) { Answered(11); });
    connection_.Wait({}, 0, [](const Status&) {});
    connection_.TakeEndedLeases();
    Drain();
  }

 private:
  void Answered(size_t question) {
    ROOST_CHECK(++answers_.at(question) == 1, "question {} was answered twice", question);
  }
  // What the client sends is not looked at.
  void Drain() {
    while (ReceiveSeqpacket(broker_.get(), reinterpret_cast<std::byte*>(drained_.data()),
                            drained_.size() * 8)
               .outcome == SocketOutcome::kDone) {
    }
  }

  const int ring_fd_;
  std::array<int, kQuestions> answers_{};
  std::vector<uint64_t> drained_ = std::vector<uint64_t>(kInlineRequestBytesMax / 8);
  UniqueFd broker_;
  Connection connection_;
};

// A reply of that kind, with numbers and texts from the input.
Bytes MakeReply(FuzzInput* input, flatbuffers::FlatBufferBuilder* builder) {
  builder->Clear();
  const uint64_t number = input->Below(20);
  const std::string text(input->Text());
  const std::vector<uint8_t> bytes(input->Below(40), 7);
  const uint64_t value = input->Take<uint64_t>();
  const std::vector<wire::TakenItem> items(input->Below(4), wire::TakenItem(input->Byte(), 1));
  const std::vector<flatbuffers::Offset<flatbuffers::String>> texts(input->Below(3),
                                                                    builder->CreateString(text));
  const auto finish = [&](auto body, wire::ReplyBody type) {
    builder->Finish(wire::CreateReply(*builder, number, type, body.Union()));
  };
  using enum wire::ReplyBody;
  switch (input->Below(15)) {
    case 0: {
      const std::vector<uint8_t> secret(32, 7), log_id(16, 8);
      finish(wire::CreateAttachedDirect(*builder, 11, &secret, input->Flag(), value, &log_id, 1, 1,
                                        text.c_str(), text.c_str(), input->Flag()),
             Attached);
      break;
    }
    case 1:
      finish(wire::CreateAppended(*builder, value, value, value, 1, input->Flag(), value),
             Appended);
      break;
    case 2:
      finish(wire::CreateConflictDirect(*builder, text.c_str(), value, value, value), Conflict);
      break;
    case 3:
      finish(wire::CreateWoken(*builder, value), Woken);
      break;
    case 4:
      finish(wire::CreateSegment(*builder, value, value, value, value, value), Segment);
      break;
    case 5:
      finish(wire::CreateGone(*builder, value), Gone);
      break;
    case 6:
      finish(wire::CreateRefusedDirect(*builder, static_cast<wire::RefusalCode>(input->Below(12)),
                                       text.c_str(), value),
             Refused);
      break;
    case 7:
      finish(wire::CreateQueued(*builder), Queued);
      break;
    case 8:
      finish(wire::CreateGranted(*builder, value, 1000), Granted);
      break;
    case 9:
      finish(wire::CreateTakenDirect(*builder, value, &items, value), Taken);
      break;
    case 10:
      finish(wire::CreateSettledDirect(*builder, &bytes), Settled);
      break;
    case 11:
      finish(wire::CreateParkedDirect(*builder, &items, input->Flag()), Parked);
      break;
    case 12: {
      std::vector<flatbuffers::Offset<wire::Answer>> answers;
      for (size_t i = input->Below(3); i > 0; --i) {
        answers.push_back(wire::CreateAnswerDirect(*builder,
                                                   static_cast<wire::Verdict>(input->Below(6)),
                                                   input->Flag(), value, &bytes, text.c_str()));
      }
      finish(wire::CreateValidatedDirect(*builder, &answers), Validated);
      break;
    }
    case 13:
      finish(wire::CreateLeaseEndedDirect(*builder, value, &texts, text.c_str()), LeaseEnded);
      break;
    case 14: {
      std::vector<flatbuffers::Offset<wire::Lease>> leases;
      for (size_t i = input->Below(3); i > 0; --i) {
        leases.push_back(
            wire::CreateLeaseDirect(*builder, value + i, &texts, "agent", input->Below(20)));
      }
      finish(wire::CreateLeasesDirect(*builder, &leases, input->Flag()), Leases);
      break;
    }
  }
  return {reinterpret_cast<const std::byte*>(builder->GetBufferPointer()), builder->GetSize()};
}

// What every client meets: a socket, and a ring to be handed out.
struct Listening {
  Listening() {
    LogOptions options;
    options.durability = Durability::kMemory;
    options.ring_bytes = kRingBytesMin;
    options.streams_max = 16;
    log = LogWriter::Open(options, path, nullptr, nullptr).value();
    auto made = ListenSeqpacket(path, 0600, 16);
    ROOST_CHECK(made.ok(), "{}", made.status().message());
    listener = *std::move(made);
  }
  ~Listening() { ::unlink(path.c_str()); }
  const std::string path = "/tmp/roost-fuzz-control." + std::to_string(::getpid());
  UniqueFd listener;
  std::unique_ptr<LogWriter> log;
};

void Try(FuzzInput input) {
  static const Listening listening;
  std::vector<uint64_t> words(input.rest().size() / 8 + 1);
  if (input.Flag()) {
    std::memcpy(words.data(), input.rest().data(), input.rest().size());
    CheckRequest(std::as_bytes(std::span(words)).first(input.rest().size()));
    return;
  }
  FuzzedClient client(listening.path, listening.listener, listening.log->ring_fd());
  if (input.Below(8) != 0) client.Attach();
  flatbuffers::FlatBufferBuilder builder;
  const size_t asks_at = input.Below(3);
  for (size_t i = 0; i < 24 && !input.empty(); ++i) {
    if (i == asks_at) client.AskEverything();
    const uint8_t how = input.Byte();
    const Bytes made = how % 4 == 3 ? AsBytes(input.Text()) : MakeReply(&input, &builder);
    std::vector<std::byte> bytes(made.begin(), made.end());
    Damage(&input, bytes);
    if (bytes.empty()) continue;
    client.Reply(bytes, how >= 192);
  }
}

}  // namespace
}  // namespace roost

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  roost::Try(roost::FuzzInput(data, size));
  return 0;
}
