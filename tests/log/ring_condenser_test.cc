// What goes into huge pages keeps its bytes, takes no more memory, and may be used meanwhile.
#include "log/ring_condenser.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>

#include "base/bytes.h"
#include "base/unique_fd.h"

namespace roost {
namespace {

constexpr size_t kPart = Mapping::kHugePage;
constexpr size_t kParts = 4;

class RingCondenserTest : public ::testing::Test {
 protected:
  RingCondenserTest() : fd_(::memfd_create("condensed", MFD_CLOEXEC)) {
    EXPECT_EQ(::ftruncate(fd_.get(), kParts * kPart), 0);
    mapping_ = Map(Mapping::Access::kReadWrite);
  }
  Mapping Map(Mapping::Access access) const {
    return Mapping::Map(fd_.get(), kParts * kPart, access, "the test's memory").value();
  }
  void Fill(size_t begin, size_t end) {
    for (size_t at = begin; at < end; at += sizeof(uint64_t)) {
      StoreWordRelaxed(mapping_.data() + at, at + 1);
    }
  }
  static void ExpectFilled(const Mapping& mapping, size_t begin, size_t end) {
    size_t wrong = 0;
    for (size_t at = begin; at < end; at += sizeof(uint64_t)) {
      wrong += LoadWordRelaxed(mapping.data() + at) == at + 1 ? 0 : 1;
    }
    EXPECT_EQ(wrong, 0u);
  }
  // Bytes of memory that the memfd has.
  uint64_t Allocated() const {
    struct stat info {};
    EXPECT_EQ(::fstat(fd_.get(), &info), 0);
    return static_cast<uint64_t>(info.st_blocks) * 512;
  }
  // How much of `mapping` is mapped by huge pages.
  static uint64_t HugeBytes(const Mapping& mapping) {
    std::ifstream smaps("/proc/self/smaps");
    const auto wanted = reinterpret_cast<uintptr_t>(mapping.data());
    bool inside = false;
    for (std::string line; std::getline(smaps, line);) {
      char* end = nullptr;
      const uintptr_t begin = std::strtoull(line.c_str(), &end, 16);
      if (*end == '-') inside = begin == wanted;
      if (inside && line.starts_with("ShmemPmdMapped:")) {
        return std::strtoull(line.c_str() + 15, nullptr, 10) << 10;
      }
    }
    return 0;
  }
  // Whether this kernel has huge pages for a memfd.
  static bool KernelCan() {
    const UniqueFd fd(::memfd_create("tried", MFD_CLOEXEC));
    if (::ftruncate(fd.get(), kPart) != 0) return false;
    auto mapping = Mapping::Map(fd.get(), kPart, Mapping::Access::kReadWrite, "a try");
    if (!mapping.ok()) return false;
    std::memset(mapping->data(), 1, kPart);
    return mapping->Collapse(0) == Mapping::Collapsed::kDone;
  }

  UniqueFd fd_;
  Mapping mapping_;
};

TEST_F(RingCondenserTest, CondensesWhatIsFilledAndNothingElse) {
  Fill(0, 2 * kPart);
  Fill(2 * kPart, 2 * kPart + 4096);  // the beginning of one
  Fill(4 * kPart - 4096, 4 * kPart);  // the end of another
  const uint64_t before = Allocated();
  RingCondenser condenser(mapping_);
  int steps = 0;
  while (condenser.Step()) ASSERT_LT(++steps, 1000);
  EXPECT_EQ(Allocated(), before);
  ExpectFilled(mapping_, 0, 2 * kPart);
  const Mapping reader = Map(Mapping::Access::kRead);
  ExpectFilled(reader, 0, 2 * kPart);
  ExpectFilled(reader, 2 * kPart, 2 * kPart + 4096);
  ExpectFilled(reader, 4 * kPart - 4096, 4 * kPart);
  if (!KernelCan()) GTEST_SKIP() << "this kernel has no huge pages for a memfd";
  EXPECT_EQ(HugeBytes(reader), 2 * kPart);

  // What is filled later is found in a later round.
  Fill(2 * kPart, 3 * kPart);
  EXPECT_TRUE(condenser.Step());
  EXPECT_FALSE(condenser.Step());
  ExpectFilled(reader, 0, 3 * kPart);
  EXPECT_EQ(HugeBytes(reader), 3 * kPart);
}

TEST_F(RingCondenserTest, LosesNoWriteAndShowsNoOtherBytesWhileItWorks) {
  Fill(0, kParts * kPart);
  const Mapping reader = Map(Mapping::Access::kRead);
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> written{0};
  // The same word of each page counts up; everything else stays.
  std::thread writer([&] {
    for (uint64_t round = 1; !stop.load(std::memory_order_acquire); ++round) {
      for (size_t at = 8; at < kParts * kPart; at += 4096) {
        StoreWordRelaxed(mapping_.data() + at, round);
      }
      written.store(round, std::memory_order_release);
    }
  });
  size_t wrong = 0;
  RingCondenser condenser(mapping_);
  bool more = true;
  for (int i = 0; i < 100 && (more || i < 8); ++i) {
    more = condenser.Step();
    const uint64_t round = written.load(std::memory_order_acquire);
    for (size_t at = 0; at < kParts * kPart; at += 4096) {
      wrong += LoadWordRelaxed(reader.data() + at) == at + 1 ? 0 : 1;
      if (round > 0) wrong += LoadWordRelaxed(reader.data() + at + 8) >= round ? 0 : 1;
    }
  }
  stop.store(true, std::memory_order_release);
  writer.join();
  EXPECT_EQ(wrong, 0u);
}

}  // namespace
}  // namespace roost
