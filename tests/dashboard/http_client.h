// A client of the dashboard's server that says just what a test tells it to, over IPv4.
#ifndef ROOST_TESTS_DASHBOARD_HTTP_CLIENT_H_
#define ROOST_TESTS_DASHBOARD_HTTP_CLIENT_H_

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "tests/support/deadline.h"

namespace roost {

class HttpClient {
 public:
  // `receive_bytes` is what the kernel keeps of what was not read; 0: as it likes.
  explicit HttpClient(uint16_t port, int receive_bytes = 0)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_bytes != 0) {
      ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes));
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }

  void Send(std::string_view bytes) {
    EXPECT_EQ(::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  // GET with a right Host and `fields`, each ending with \r\n.
  void Get(std::string_view target, std::string_view fields = "") {
    Send("GET " + std::string(target) + " HTTP/1.1\r\nHost: localhost\r\n" + std::string(fields) +
         "\r\n");
  }

  // Waits for more. False: it was closed, or the time is over (a test failure).
  bool Receive() {
    char bytes[16384];
    pollfd readable{socket_.get(), POLLIN, 0};
    if (::poll(&readable, 1, Deadline::Default().PollTimeout()) != 1) {
      ADD_FAILURE() << "nothing came; so far: " << received_;
      return false;
    }
    const ssize_t size = ::recv(socket_.get(), bytes, sizeof(bytes), 0);
    if (size <= 0) return false;
    received_.append(bytes, static_cast<size_t>(size));
    return true;
  }
  // All that came when `text` is in it; "" if it was closed before.
  std::string ReceiveUntil(std::string_view text) {
    const Deadline deadline = Deadline::Default();
    while (received_.find(text) == std::string::npos) {
      if (deadline.Passed()) ADD_FAILURE() << "'" << text << "' did not come: " << received_;
      if (deadline.Passed() || !Receive()) return "";
    }
    return received_;
  }
  size_t ReceivedBytes() const { return received_.size(); }
  std::string ReceiveAll() {
    while (Receive()) {
    }
    return received_;
  }
  // One answer with a Content-Length, head and body.
  std::string ReceiveAnswer() {
    const std::string head = ReceiveUntil("\r\n\r\n");
    const size_t field = head.find("Content-Length: ");
    if (field == std::string::npos) return head;
    const size_t end = head.find("\r\n\r\n") + 4 + std::stoul(head.substr(field + 16));
    while (received_.size() < end && Receive()) {
    }
    std::string answer = received_.substr(0, end);
    received_.erase(0, end);
    return answer;
  }

 private:
  UniqueFd socket_;
  std::string received_;
};

}  // namespace roost

#endif  // ROOST_TESTS_DASHBOARD_HTTP_CLIENT_H_
