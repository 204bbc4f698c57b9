// The streams in which coordination is written down, and the types of their events: an interface that agents
// and operators read (docs/streams.md). A new type is added, none changes its meaning.
#ifndef ROOST_BROKER_COORDINATION_OWN_STREAMS_H_
#define ROOST_BROKER_COORDINATION_OWN_STREAMS_H_

#include <optional>
#include <string_view>

#include "broker/answer_window.h"

namespace roost {

// Claims. The sequence of lease.granted or lease.renewed is the claim's token.
inline constexpr std::string_view kLeasesStream = "$leases";
inline constexpr std::string_view kLeaseGrantedType = "lease.granted";
inline constexpr std::string_view kLeaseRenewedType = "lease.renewed";
inline constexpr std::string_view kLeaseReleasedType = "lease.released";
inline constexpr std::string_view kLeaseExpiredType = "lease.expired";

// $groups/<stream>/<group>, of which the group has no '/'. The sequence of group.taken is the lease of the
// events that it names.
inline constexpr std::string_view kGroupsPrefix = "$groups/";
inline constexpr std::string_view kGroupCreatedType = "group.created";
inline constexpr std::string_view kGroupTakenType = "group.taken";
inline constexpr std::string_view kGroupSettledType = "group.settled";
inline constexpr std::string_view kGroupReturnedType = "group.returned";
inline constexpr std::string_view kGroupParkedType = "group.parked";
inline constexpr std::string_view kGroupRetriedType = "group.retried";
inline constexpr std::string_view kGroupDroppedType = "group.dropped";
inline constexpr std::string_view kGroupRemovedType = "group.removed";
inline constexpr std::string_view kGroupSkippedType = "group.skipped";

// Questions that no rule answers. The sequence of question.asked or question.reassigned is the token of
// whoever is to decide.
inline constexpr std::string_view kQuestionsStream = "$questions";
inline constexpr std::string_view kQuestionAskedType = "question.asked";
inline constexpr std::string_view kQuestionReassignedType = "question.reassigned";
inline constexpr std::string_view kQuestionAbandonedType = "question.abandoned";

inline constexpr std::string_view kVerdictsStream = "$verdicts";
inline constexpr std::string_view kVerdictDecidedType = "verdict.decided";  // by an agent
inline constexpr std::string_view kVerdictRuledType = "verdict.ruled";      // by the policy

// What a request of a session was answered when it caused an event of this type; nullopt: it is none that
// answers a request by itself.
std::optional<KeptAnswer::Kind> AnswerKindOf(std::string_view type);

}  // namespace roost

#endif  // ROOST_BROKER_COORDINATION_OWN_STREAMS_H_
