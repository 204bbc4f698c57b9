#include "tools/bench/yardsticks.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/clock.h"
#include "tools/bench/statistics.h"

namespace roost {
namespace {

constexpr size_t kMemoryBytes = 64 << 20;
constexpr size_t kCopyBytes = 64 << 10;
constexpr size_t kWriteBytes = 16 << 10;
constexpr size_t kFileBytes = 4 << 20;
constexpr int kTimes = 200;
constexpr uint64_t kStop = 1 << 20;  // what the echo reads to end

}  // namespace

const char* YardstickName(Yardstick yardstick) {
  switch (yardstick) {
    case Yardstick::kWake:
      return "wake";
    case Yardstick::kCopy:
      return "copy";
    case Yardstick::kWrite:
      return "write";
  }
  return "?";
}

Result<std::unique_ptr<Yardsticks>> Yardsticks::Make(const std::string& directory) {
  UniqueFd ping(::eventfd(0, EFD_CLOEXEC));
  UniqueFd pong(::eventfd(0, EFD_CLOEXEC));
  if (!ping.valid() || !pong.valid()) return Status::FromErrno(errno, "make an eventfd");
  const std::string path = directory + "/yardstick";
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file.valid()) return Status::FromErrno(errno, "open " + path);
  return std::unique_ptr<Yardsticks>(
      new Yardsticks(std::move(ping), std::move(pong), std::move(file)));
}

Yardsticks::Yardsticks(UniqueFd ping, UniqueFd pong, UniqueFd file)
    : ping_(std::move(ping)),
      pong_(std::move(pong)),
      file_(std::move(file)),
      memory_(kMemoryBytes, 'x') {
  echo_ = std::thread([this] {
    eventfd_t value = 0;
    while (::eventfd_read(ping_.get(), &value) == 0 && value < kStop) {
      ::eventfd_write(pong_.get(), 1);
    }
  });
}

Yardsticks::~Yardsticks() {
  ::eventfd_write(ping_.get(), kStop);
  echo_.join();
}

Status Yardsticks::Once(Yardstick yardstick) {
  switch (yardstick) {
    case Yardstick::kWake: {
      eventfd_t value = 0;
      if (::eventfd_write(ping_.get(), 1) != 0 || ::eventfd_read(pong_.get(), &value) != 0) {
        return Status::FromErrno(errno, "use an eventfd");
      }
      return {};
    }
    case Yardstick::kCopy: {
      // Steps of a size that is prime to that of the memory: each piece is met
      // once before any is met again.
      at_ = (at_ + 5 * kCopyBytes) % (kMemoryBytes / 2);
      std::memcpy(memory_.data() + at_, memory_.data() + kMemoryBytes / 2 + at_, kCopyBytes);
      asm volatile("" : : "r"(memory_.data()) : "memory");
      return {};
    }
    case Yardstick::kWrite: {
      at_ = (at_ + kWriteBytes) % kFileBytes / kWriteBytes * kWriteBytes;
      const ssize_t written =
          ::pwrite(file_.get(), memory_.data(), kWriteBytes, static_cast<off_t>(at_));
      return written == kWriteBytes ? Status() : Status::FromErrno(errno, "write the yardstick");
    }
  }
  return {};
}

Result<double> Yardsticks::Measure(Yardstick yardstick) {
  std::vector<double> times;
  for (int i = 0; i < kTimes; ++i) {
    const uint64_t begin = MonotonicNs();
    ROOST_RETURN_IF_ERROR(Once(yardstick));
    times.push_back(static_cast<double>(MonotonicNs() - begin));
  }
  return Median(std::move(times));
}

}  // namespace roost
