// Status and Result: how Roost says that the world is wrong (files, peers, users, bytes that another
// process can write). What is wrong with Roost itself is a ROOST_CHECK; an ordinary outcome of a hot
// path is an enum. Values; any thread.
//
// The code says what the caller can do about it; the message says to a person what happened, to what
// (the path, the stream), with the errno, and what to do.
#ifndef ROOST_BASE_STATUS_H_
#define ROOST_BASE_STATUS_H_

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace roost {

enum class StatusCode : uint8_t {
  kOk,
  kInvalidArgument,  // the caller's input can never be right; mend it
  kNotFound,         // there is no such thing (yet)
  kAlreadyExists,    // somebody else has it: another broker, a used id
  kUnavailable,      // no broker, or it went away; trying again later makes sense
  kBusy,             // a limit of the moment; trying again soon makes sense
  kTimedOut,
  kPermissionDenied,
  kTooLarge,         // over a limit that the message names
  kExhausted,        // no room, no descriptors
  kCorruption,       // bytes that cannot be right; the message says where
  kIncompatible,     // of another version
  kGone,             // it was there; retention or overwriting took it
  kUnknownOutcome,   // it may have been done: the answer was lost and cannot be asked for again
  kIoError,
};

// "invalid argument", "not found", ...
const char* StatusCodeName(StatusCode code);

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(StatusCode code, std::string message) : code_(code), message_(std::move(message)) {}

  // `context` names what was tried and on what: "open /run/roost/roost.sock".
  static Status FromErrno(int error, std::string_view context);

  bool ok() const { return code_ == StatusCode::kOk; }
  StatusCode code() const { return code_; }
  const std::string& message() const { return message_; }

 private:
  StatusCode code_ = StatusCode::kOk;
  std::string message_;
};

// A value, or why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}          // NOLINT: implicit on purpose
  Result(Status status) : status_(std::move(status)) {   // NOLINT: implicit on purpose
    if (status_.ok()) std::abort();                      // a Result without value needs a reason
  }
  Result(StatusCode code, std::string message) : Result(Status(code, std::move(message))) {}

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }

  // REQUIRES: ok().
  T& value() & { return Checked(); }
  const T& value() const& { return const_cast<Result*>(this)->Checked(); }
  T&& value() && { return std::move(Checked()); }
  T& operator*() & { return Checked(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(Checked()); }
  T* operator->() { return &Checked(); }
  const T* operator->() const { return &value(); }

 private:
  T& Checked() {
    if (!value_.has_value()) std::abort();
    return *value_;
  }

  Status status_;
  std::optional<T> value_;
};

// ROOST_RETURN_IF_ERROR(expression): hands a Status that is not ok to the caller.
#define ROOST_RETURN_IF_ERROR(expression)                    \
  do {                                                       \
    if (::roost::Status status_ = (expression); !status_.ok()) return status_; \
  } while (false)

}  // namespace roost

#endif  // ROOST_BASE_STATUS_H_
