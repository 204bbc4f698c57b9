#include "base/status.h"

#include <fmt/core.h>

#include <cerrno>
#include <cstring>

namespace roost {

const char* StatusCodeName(StatusCode code) {
  switch (code) {
    case StatusCode::kOk: return "ok";
    case StatusCode::kInvalidArgument: return "invalid argument";
    case StatusCode::kNotFound: return "not found";
    case StatusCode::kAlreadyExists: return "already exists";
    case StatusCode::kUnavailable: return "unavailable";
    case StatusCode::kBusy: return "busy";
    case StatusCode::kTimedOut: return "timed out";
    case StatusCode::kPermissionDenied: return "permission denied";
    case StatusCode::kTooLarge: return "too large";
    case StatusCode::kExhausted: return "exhausted";
    case StatusCode::kCorruption: return "corruption";
    case StatusCode::kIncompatible: return "incompatible";
    case StatusCode::kGone: return "gone";
    case StatusCode::kUnknownOutcome: return "unknown outcome";
    case StatusCode::kIoError: return "i/o error";
  }
  return "?";
}

namespace {

StatusCode CodeOf(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR: return StatusCode::kNotFound;
    case EEXIST:
    case EADDRINUSE: return StatusCode::kAlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS: return StatusCode::kPermissionDenied;
    case ECONNREFUSED:
    case ECONNRESET:
    case ENOTCONN:
    case EPIPE: return StatusCode::kUnavailable;
    case EAGAIN:
    case EINTR: return StatusCode::kBusy;
    case ETIMEDOUT: return StatusCode::kTimedOut;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM: return StatusCode::kExhausted;
    case EMSGSIZE:
    case E2BIG:
    case EFBIG: return StatusCode::kTooLarge;
    case EINVAL: return StatusCode::kInvalidArgument;
    default: return StatusCode::kIoError;
  }
}

}  // namespace

Status Status::FromErrno(int error, std::string_view context) {
  return {CodeOf(error), fmt::format("{}: {} (errno {})", context, std::strerror(error), error)};
}

}  // namespace roost
