#include "base/unix_socket.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string>

namespace roost {
namespace {

class UnixSocketTest : public ::testing::Test {
 protected:
  void SetUp() override {
    int pair[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    near_.Reset(pair[0]);
    far_.Reset(pair[1]);
  }

  // Sends one byte and `count` descriptors, as no Roost program does.
  void SendDescriptors(size_t count) {
    std::byte byte{};
    iovec piece{&byte, 1};
    std::string control(CMSG_SPACE(count * sizeof(int)), '\0');
    msghdr header{};
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    cmsghdr* item = CMSG_FIRSTHDR(&header);
    item->cmsg_level = SOL_SOCKET;
    item->cmsg_type = SCM_RIGHTS;
    item->cmsg_len = CMSG_LEN(count * sizeof(int));
    const int fd = near_.get();
    for (size_t i = 0; i < count; ++i) {
      std::memcpy(CMSG_DATA(item) + i * sizeof(int), &fd, sizeof(int));
    }
    ASSERT_EQ(::sendmsg(near_.get(), &header, 0), 1);
  }

  static int OpenDescriptors() {
    int count = 0;
    for (int fd = 0; fd < 1024; ++fd) count += ::fcntl(fd, F_GETFD) >= 0;
    return count;
  }

  UniqueFd near_, far_;
  std::array<std::byte, 64> buffer_{};
};

TEST_F(UnixSocketTest, CarriesAMessageAndADescriptor) {
  ASSERT_EQ(SendSeqpacket(near_.get(), AsBytes("hello"), near_.get()), SocketOutcome::kDone);
  const Received received = ReceiveSeqpacket(far_.get(), buffer_.data(), buffer_.size());
  EXPECT_EQ(received.outcome, SocketOutcome::kDone);
  EXPECT_EQ(AsText(Bytes(buffer_.data(), received.size)), "hello");
  ASSERT_TRUE(received.fd.valid());
  EXPECT_EQ(::fcntl(received.fd.get(), F_GETFD), FD_CLOEXEC);
}

TEST_F(UnixSocketTest, NeverBlocksWhateverThePeerMakesOfTheFileFlags) {
  EXPECT_EQ(ReceiveSeqpacket(far_.get(), buffer_.data(), buffer_.size()).outcome,
            SocketOutcome::kWouldBlock);
  const std::string message(1024, 'x');
  SocketOutcome outcome = SocketOutcome::kDone;
  for (int i = 0; i < 100'000 && outcome == SocketOutcome::kDone; ++i) {
    outcome = SendSeqpacket(near_.get(), AsBytes(message));
  }
  EXPECT_EQ(outcome, SocketOutcome::kWouldBlock);
}

TEST_F(UnixSocketTest, RefusesAMessageLongerThanTheBuffer) {
  SendSeqpacket(near_.get(), AsBytes(std::string(65, 'x')));
  EXPECT_EQ(ReceiveSeqpacket(far_.get(), buffer_.data(), buffer_.size()).outcome,
            SocketOutcome::kMalformed);
}

TEST_F(UnixSocketTest, KeepsNoDescriptorOfAMessageWithMany) {
  const int before = OpenDescriptors();
  for (const size_t count : {2u, 3u, 253u}) {
    SendDescriptors(count);
    const Received received = ReceiveSeqpacket(far_.get(), buffer_.data(), buffer_.size());
    EXPECT_EQ(received.outcome, SocketOutcome::kMalformed) << count;
    EXPECT_FALSE(received.fd.valid());
  }
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(UnixSocketTest, SaysThatThePeerHasGone) {
  near_.Reset();
  EXPECT_EQ(ReceiveSeqpacket(far_.get(), buffer_.data(), buffer_.size()).outcome,
            SocketOutcome::kClosed);
  EXPECT_EQ(SendSeqpacket(far_.get(), AsBytes("x")), SocketOutcome::kClosed);
}

TEST_F(UnixSocketTest, KnowsThePeer) {
  const auto credentials = GetPeerCredentials(near_.get());
  ASSERT_TRUE(credentials.ok());
  EXPECT_EQ(credentials->uid, ::getuid());
  EXPECT_EQ(credentials->pid, ::getpid());
}

TEST(UnixSocketPathTest, ListensWithTheModeAskedForAndRefusesASecond) {
  const std::string path = ::testing::TempDir() + "roost-socket-test-" + std::to_string(::getpid());
  const auto listener = ListenSeqpacket(path, 0600, 8);
  ASSERT_TRUE(listener.ok()) << listener.status().message();
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(ListenSeqpacket(path, 0600, 8).status().code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(AcceptSeqpacket(listener->get()).status().code(), StatusCode::kBusy);
  const auto client = ConnectSeqpacket(path);
  ASSERT_TRUE(client.ok());
  EXPECT_TRUE(AcceptSeqpacket(listener->get()).ok());
  ::unlink(path.c_str());
  EXPECT_EQ(ConnectSeqpacket(path).status().code(), StatusCode::kNotFound);
}

TEST(UnixSocketPathTest, SaysThatAPathIsTooLong) {
  EXPECT_EQ(ConnectSeqpacket("/" + std::string(200, 'x')).status().code(),
            StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace roost
