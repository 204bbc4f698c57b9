#include "client/verdict_lookup.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "log/ring_writer.h"
#include "log/verdict_table_writer.h"

namespace roost {
namespace {

class VerdictLookupTest : public ::testing::Test {
 protected:
  VerdictLookupTest() {
    auto ring = RingWriter::Create({.records_size = kRingBytesMin, .streams_max = 16});
    EXPECT_TRUE(ring.ok()) << ring.status().message();
    ring_.emplace(*std::move(ring));
    writer_.emplace(ring_->verdicts());
    writer_->SetPolicyVersion(3);
    const UniqueFd fd(::fcntl(ring_->fd(), F_DUPFD_CLOEXEC, 0));
    auto reader = RingReader::Open(fd);
    EXPECT_TRUE(reader.ok()) << reader.status().message();
    reader_.emplace(*std::move(reader));
  }

  std::optional<RingWriter> ring_;
  std::optional<VerdictTableWriter> writer_;
  std::optional<RingReader> reader_;
};

TEST_F(VerdictLookupTest, AnswersFromSharedMemory) {
  const VerdictKey key = *QuestionKey("tool.Bash", R"({"command":"ls"})");
  EXPECT_FALSE(LookUpVerdict(*reader_, key, 5, 1).has_value());
  PublishedVerdict verdict;
  verdict.key = key;
  verdict.policy_version = 3;
  verdict.expires_ns = 100;
  verdict.decided_ns = 77;
  verdict.uid = 5;
  verdict.verdict = static_cast<uint8_t>(Verdict::kDeny);
  verdict.by = "$policy";
  verdict.reason = "no";
  writer_->Publish(verdict, 1);

  VerdictValidity validity;
  const auto answer = LookUpVerdict(*reader_, key, 5, 1, &validity);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->verdict, Verdict::kDeny);
  EXPECT_EQ(answer->by, "$policy");
  EXPECT_EQ(answer->reason, "no");
  EXPECT_EQ(answer->decided_ns, 77u);
  EXPECT_EQ(answer->key, key);
  EXPECT_TRUE(answer->cached);
  EXPECT_FALSE(answer->you_decide);
  EXPECT_FALSE(LookUpVerdict(*reader_, key, 6, 1).has_value());

  EXPECT_TRUE(validity.Holds(*reader_, 99));
  EXPECT_FALSE(validity.Holds(*reader_, 100));
  writer_->SetPolicyVersion(4);
  EXPECT_FALSE(validity.Holds(*reader_, 99));
}

}  // namespace
}  // namespace roost
