#include "tools/event_trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace roost {
namespace {

using ::testing::ElementsAre;

EventView Event(uint64_t sequence, std::string_view id, std::string_view correlation_id,
                std::string_view causation_id) {
  EventView event;
  event.sequence = sequence;
  event.id = id;
  event.correlation_id = correlation_id;
  event.causation_id = causation_id;
  return event;
}

std::vector<std::pair<size_t, size_t>> TreeOf(const EventTrace& trace) {
  std::vector<std::pair<size_t, size_t>> tree;
  for (const EventTrace::Place& place : trace.Tree()) tree.emplace_back(place.index, place.depth);
  return tree;
}

TEST(EventTraceTest, TakesWhatHasTheCorrelationOrWasCausedByIt) {
  EventTrace trace("c");
  EXPECT_FALSE(trace.Take(Event(1, "", "", "")));
  EXPECT_TRUE(trace.Take(Event(2, "a", "c", "")));
  EXPECT_TRUE(trace.Take(Event(3, "", "", "a")));
  EXPECT_TRUE(trace.Take(Event(4, "", "", "3")));  // a cause by its sequence
  EXPECT_FALSE(trace.Take(Event(5, "", "d", "1")));
  EXPECT_EQ(trace.size(), 3u);
}

TEST(EventTraceTest, PutsEachEventBelowItsCauseInTheOrderOfTheLog) {
  EventTrace trace("c");
  trace.Take(Event(1, "a", "c", ""));
  trace.Take(Event(2, "b", "c", ""));
  trace.Take(Event(3, "", "", "a"));
  trace.Take(Event(4, "", "", "b"));
  trace.Take(Event(5, "", "", "a"));
  EXPECT_THAT(TreeOf(trace), ElementsAre(std::pair(0, 0), std::pair(2, 1), std::pair(4, 1),
                                         std::pair(1, 0), std::pair(3, 1)));
}

TEST(EventTraceTest, BeginsAtAnEventByItsSequence) {
  EventTrace trace("7");
  trace.AddRoot(Event(7, "x", "c", "w"));
  EXPECT_FALSE(trace.Take(Event(5, "w", "", "")));
  EXPECT_TRUE(trace.Take(Event(6, "", "c", "")));
  EXPECT_TRUE(trace.Take(Event(7, "x", "c", "w")));
  EXPECT_TRUE(trace.Take(Event(8, "", "", "7")));
  EXPECT_TRUE(trace.Take(Event(9, "", "", "x")));
}

TEST(EventTraceTest, DoesNotFollowAnEventThatClaimsToCauseItself) {
  EventTrace trace("a");
  EXPECT_TRUE(trace.Take(Event(1, "a", "", "a")));
  EXPECT_THAT(TreeOf(trace), ElementsAre(std::pair(0, 0)));
}

}  // namespace
}  // namespace roost
