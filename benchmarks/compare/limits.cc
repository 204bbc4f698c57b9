// What the machine itself can do, in about a second: no broker of any kind is quicker than these. Prints one JSON
// object; the directory to write in is its argument.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "base/check.h"
#include "base/clock.h"
#include "base/histogram.h"
#include "base/unique_fd.h"

namespace roost::compare {
namespace {

// A cache line to another processor and back, half of it, in ns.
double CacheLineOneWay() {
  constexpr uint64_t kTrips = 200'000;
  alignas(128) std::atomic<uint64_t> there{0};
  alignas(128) std::atomic<uint64_t> back{0};
  std::thread other([&] {
    for (uint64_t trip = 1; trip <= kTrips; ++trip) {
      while (there.load(std::memory_order_acquire) != trip) {
      }
      back.store(trip, std::memory_order_release);
    }
  });
  const uint64_t start = MonotonicNs();
  for (uint64_t trip = 1; trip <= kTrips; ++trip) {
    there.store(trip, std::memory_order_release);
    while (back.load(std::memory_order_acquire) != trip) {
    }
  }
  const uint64_t end = MonotonicNs();
  other.join();
  return static_cast<double>(end - start) / kTrips / 2;
}

// An eventfd to a sleeping thread, and another back, in us.
double EventfdRoundTrip() {
  constexpr int kTrips = 2'000;
  const UniqueFd there(::eventfd(0, EFD_CLOEXEC)), back(::eventfd(0, EFD_CLOEXEC));
  std::thread other([&] {
    uint64_t count = 0;
    for (int trip = 0; trip < kTrips; ++trip) {
      ROOST_CHECK(::read(there.get(), &count, 8) == 8 && ::write(back.get(), &count, 8) == 8);
    }
  });
  Histogram trips;
  for (int trip = 0; trip < kTrips; ++trip) {
    uint64_t count = 1;
    const uint64_t start = MonotonicNs();
    ROOST_CHECK(::write(there.get(), &count, 8) == 8 && ::read(back.get(), &count, 8) == 8);
    trips.Record(MonotonicNs() - start);
  }
  other.join();
  return static_cast<double>(trips.Quantile(0.5)) / 1e3;
}

// 256 bytes into 64 MiB, in ns.
double Memcpy256() {
  std::vector<std::byte> to(64 << 20, std::byte{1});
  const std::vector<std::byte> from(256, std::byte{2});
  const uint64_t start = MonotonicNs();
  for (size_t at = 0; at < to.size(); at += from.size())
    std::memcpy(&to[at], from.data(), from.size());
  const uint64_t end = MonotonicNs();
  // The copies are wanted.
  volatile std::byte last = to[to.size() - 1];
  static_cast<void>(last);
  return static_cast<double>(end - start) / static_cast<double>(to.size() / from.size());
}

// pwrite of `size` bytes behind each other, in ns each.
double Pwrite(int file, size_t size) {
  const std::vector<std::byte> from(size, std::byte{3});
  constexpr int kWrites = 4'000;
  const uint64_t start = MonotonicNs();
  for (int i = 0; i < kWrites; ++i) {
    ROOST_CHECK(::pwrite(file, from.data(), size, static_cast<off_t>(size) * i) ==
                static_cast<ssize_t>(size));
  }
  return static_cast<double>(MonotonicNs() - start) / kWrites;
}

// 256 bytes appended and synced, p50 in us.
double Fdatasync(int file) {
  const std::vector<std::byte> from(256, std::byte{4});
  Histogram each;
  const uint64_t end = MonotonicNs() + 200 * kNsPerMs;
  for (off_t at = 64 << 20; MonotonicNs() < end; at += 256) {
    const uint64_t start = MonotonicNs();
    ROOST_CHECK(::pwrite(file, from.data(), from.size(), at) == 256 && ::fdatasync(file) == 0);
    each.Record(MonotonicNs() - start);
  }
  return static_cast<double>(each.Quantile(0.5)) / 1e3;
}

int Main(const std::string& directory) {
  const std::string path = directory + "/limits";
  const UniqueFd file(::open(path.c_str(), O_CREAT | O_RDWR | O_TRUNC | O_CLOEXEC, 0600));
  ROOST_CHECK(file.valid(), "{}", path);
  const double small = Pwrite(file.get(), 256), large = Pwrite(file.get(), 16384);
  fmt::print(
      R"({{"cache_line_ns":{},"eventfd_round_trip_us":{},"memcpy_256_ns":{},"pwrite_256_ns":{},)"
      R"("pwrite_16k_ns":{},"fdatasync_us":{}}})"
      "\n",
      CacheLineOneWay(), EventfdRoundTrip(), Memcpy256(), small, large, Fdatasync(file.get()));
  ::unlink(path.c_str());
  return 0;
}

}  // namespace
}  // namespace roost::compare

int main(int argc, char** argv) { return roost::compare::Main(argc > 1 ? argv[1] : "."); }
