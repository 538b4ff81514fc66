// The one error type: what crosses every layer boundary instead of an exception.
//
// A message is one sentence that says what is wrong, where, and what to do. It
// carries no prefix; bindings add "rejoin: ". Values are immutable and may be
// shared between threads.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace rejoin {

enum class Code : int {
#define REJOIN_CODE(name, number, meaning, cure) k##name = number,
#include "base/error_codes.def"
#undef REJOIN_CODE
};

// The code's name without its k, such as "NotCovered".
std::string_view CodeName(Code code);

struct Error {
  Code code = Code::kInternal;
  std::string message;
};

template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

inline tl::unexpected<Error> Fail(Code code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

// Passes another result's error on.
template <class T>
tl::unexpected<Error> Forward(Result<T>& failed) {
  return tl::unexpected<Error>(std::move(failed.error()));
}

}  // namespace rejoin

#define REJOIN_JOIN2(a, b) a##b
#define REJOIN_JOIN(a, b) REJOIN_JOIN2(a, b)

// Returns the error of a Status or Result expression, if it has one.
#define REJOIN_TRY(expression)                             \
  do {                                                     \
    auto rejoin_status = (expression);                     \
    if (!rejoin_status) return ::rejoin::Forward(rejoin_status); \
  } while (false)

// REJOIN_ASSIGN(auto x, Call()): x is the value, or the error is returned.
#define REJOIN_ASSIGN(target, expression) \
  REJOIN_ASSIGN_IMPL(REJOIN_JOIN(rejoin_result_, __LINE__), target, expression)
#define REJOIN_ASSIGN_IMPL(result, target, expression)   \
  auto result = (expression);                            \
  if (!result) return ::rejoin::Forward(result);         \
  target = std::move(*result)
