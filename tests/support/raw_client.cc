#include "tests/support/raw_client.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "ipc/protocol.h"

namespace roost {
namespace {

using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

flatbuffers::Offset<flatbuffers::String> Optional(FlatBufferBuilder* builder,
                                                  std::string_view text) {
  return text.empty() ? Offset<flatbuffers::String>()
                      : builder->CreateString(text.data(), text.size());
}

Message EventBody(const RawEvent& event) {
  FlatBufferBuilder builder;
  const auto stream = builder.CreateString(event.stream);
  const auto type = builder.CreateString(event.type);
  const auto agent = builder.CreateString(event.agent);
  const auto id = Optional(&builder, event.id);
  const auto data =
      builder.CreateVector(reinterpret_cast<const uint8_t*>(event.data.data()), event.data.size());
  builder.Finish(wire::CreateEvent(builder, stream, type, agent, id, 0, 0, 0, data));
  const auto* begin = reinterpret_cast<const std::byte*>(builder.GetBufferPointer());
  return {begin, begin + builder.GetSize()};
}

template <typename Body>
Message Finish(FlatBufferBuilder* builder, uint64_t number, wire::RequestBody type,
               Offset<Body> body) {
  builder->Finish(wire::CreateRequest(*builder, number, type, body.Union()));
  const auto* begin = reinterpret_cast<const std::byte*>(builder->GetBufferPointer());
  return {begin, begin + builder->GetSize()};
}

}  // namespace

Message AttachMessage(std::string_view agent, uint64_t session, Bytes secret, uint32_t protocol) {
  FlatBufferBuilder builder;
  const auto label = builder.CreateString(agent.data(), agent.size());
  const auto client = builder.CreateString("raw 1");
  Offset<flatbuffers::Vector<uint8_t>> shown;
  if (!secret.empty()) {
    shown = builder.CreateVector(reinterpret_cast<const uint8_t*>(secret.data()), secret.size());
  }
  return Finish(&builder, 0, wire::RequestBody::Attach,
                wire::CreateAttach(builder, protocol, label, client, session, shown));
}

Message AppendMessage(uint64_t number, const std::vector<RawEvent>& events,
                      const std::vector<std::pair<std::string, uint64_t>>& conditions) {
  FlatBufferBuilder builder;
  std::vector<Offset<wire::NewEvent>> made;
  for (const RawEvent& event : events) {
    const Message body = EventBody(event);
    builder.ForceVectorAlignment(body.size(), 1, 8);
    made.push_back(wire::CreateNewEvent(
        builder, builder.CreateVector(reinterpret_cast<const uint8_t*>(body.data()), body.size())));
  }
  std::vector<Offset<wire::Condition>> checked;
  for (const auto& [stream, expect] : conditions) {
    checked.push_back(wire::CreateCondition(builder, builder.CreateString(stream), expect));
  }
  const auto all = builder.CreateVector(made);
  const auto all_conditions = builder.CreateVector(checked);
  return Finish(&builder, number, wire::RequestBody::Append,
                wire::CreateAppend(builder, all, all_conditions));
}

Message WaitMessage(uint64_t registration, uint64_t after, std::string_view stream) {
  FlatBufferBuilder builder;
  const auto name = Optional(&builder, stream);
  return Finish(&builder, 0, wire::RequestBody::Wait,
                wire::CreateWait(builder, registration, after, name));
}

Message CancelWaitMessage(uint64_t registration) {
  FlatBufferBuilder builder;
  return Finish(&builder, 0, wire::RequestBody::CancelWait,
                wire::CreateCancelWait(builder, registration));
}

Message FindSegmentMessage(uint64_t number, uint64_t sequence, uint64_t position) {
  FlatBufferBuilder builder;
  return Finish(&builder, number, wire::RequestBody::FindSegment,
                wire::CreateFindSegment(builder, sequence, position));
}

Message ListSessionsMessage(uint64_t number) {
  FlatBufferBuilder builder;
  return Finish(&builder, number, wire::RequestBody::ListSessions,
                wire::CreateListSessions(builder, 0, kListSessionsMax));
}

Message InMemoryMessage(uint64_t number, uint64_t length) {
  FlatBufferBuilder builder;
  return Finish(&builder, number, wire::RequestBody::InMemory,
                wire::CreateInMemory(builder, length));
}

UniqueFd MakeMemfd(Bytes content, bool sealed) {
  UniqueFd fd(::memfd_create("raw-request", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  EXPECT_TRUE(fd.valid());
  EXPECT_EQ(::write(fd.get(), content.data(), content.size()),
            static_cast<ssize_t>(content.size()));
  if (sealed) {
    EXPECT_EQ(
        ::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL),
        0);
  }
  return fd;
}

RawClient::RawClient(const std::string& socket) {
  // A broker that is busy accepting others says kBusy for a moment.
  const Deadline deadline = Deadline::Default();
  Eventually(
      [&] {
        Result<UniqueFd> fd = ConnectSeqpacket(socket);
        if (fd.ok()) {
          fd_ = std::move(*fd);
          return true;
        }
        return fd.status().code() != StatusCode::kBusy;
      },
      deadline);
}

bool RawClient::Send(Bytes message, int passed_fd) {
  return SendSeqpacket(fd_.get(), message, passed_fd) == SocketOutcome::kDone;
}

bool RawClient::SendWithDescriptors(Bytes message, std::span<const int> descriptors) {
  iovec piece{const_cast<std::byte*>(message.data()), message.size()};
  std::vector<char> control(CMSG_SPACE(descriptors.size_bytes()));
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  cmsghdr* item = CMSG_FIRSTHDR(&header);
  item->cmsg_level = SOL_SOCKET;
  item->cmsg_type = SCM_RIGHTS;
  item->cmsg_len = CMSG_LEN(descriptors.size_bytes());
  std::memcpy(CMSG_DATA(item), descriptors.data(), descriptors.size_bytes());
  return ::sendmsg(fd_.get(), &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

std::optional<RawReply> RawClient::Receive(Deadline deadline) {
  std::vector<std::byte> buffer(kReplyBytesMax);
  while (WaitReadable(fd_.get(), deadline)) {
    Received received = ReceiveSeqpacket(fd_.get(), buffer.data(), buffer.size());
    if (received.outcome == SocketOutcome::kWouldBlock) continue;
    if (received.outcome != SocketOutcome::kDone) return std::nullopt;
    buffer.resize(received.size);
    flatbuffers::Verifier verifier(reinterpret_cast<const uint8_t*>(buffer.data()), buffer.size());
    if (!verifier.VerifyBuffer<wire::Reply>()) {
      ADD_FAILURE() << "the broker sent " << buffer.size() << " bytes that are no Reply";
      return std::nullopt;
    }
    return RawReply{std::move(buffer), std::move(received.fd)};
  }
  return std::nullopt;
}

bool RawClient::WaitClosed(Deadline deadline) {
  std::vector<std::byte> buffer(kReplyBytesMax);
  while (WaitReadable(fd_.get(), deadline)) {
    const Received received = ReceiveSeqpacket(fd_.get(), buffer.data(), buffer.size());
    if (received.outcome == SocketOutcome::kClosed) return true;
  }
  return false;
}

std::optional<RawReply> RawClient::Attach(std::string_view agent) {
  if (!Send(AttachMessage(agent))) return std::nullopt;
  std::optional<RawReply> reply = Receive();
  if (!reply || reply->reply().body_type() != wire::ReplyBody::Attached) return std::nullopt;
  return reply;
}

std::optional<RawReply> RawClient::Append(uint64_t number, const std::vector<RawEvent>& events) {
  if (!Send(AppendMessage(number, events))) return std::nullopt;
  const Deadline deadline = Deadline::Default();
  while (std::optional<RawReply> reply = Receive(deadline)) {
    if (reply->reply().number() == number) return reply;
  }
  return std::nullopt;
}

}  // namespace roost
