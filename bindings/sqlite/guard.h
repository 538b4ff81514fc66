// One guard around every callback that SQLite makes: no exception gets out.
#pragma once

#include <exception>
#include <new>
#include <string>
#include <utility>

#include "base/status.h"

namespace rejoin {

// Runs `body`, which returns a Status; what it throws becomes one.
template <class Body>
Status Guarded(Body&& body) noexcept {
  try {
    try {
      return std::forward<Body>(body)();
    } catch (const std::bad_alloc&) {
      return Fail(Code::kNoMemory, "out of memory");
    } catch (const std::exception& fault) {
      return Fail(Code::kInternal, std::string("a mistake of ours, please report it: ") + fault.what());
    } catch (...) {
      return Fail(Code::kInternal, "a mistake of ours, please report it");
    }
  } catch (...) {  // not even memory for the message
    return Fail(Code::kNoMemory, std::string());
  }
}

// Every message that leaves through SQL begins so.
inline std::string Prefixed(const Error& error) { return "rejoin: " + error.message; }

// The SQLite result code that says the same, for hosts that look at it.
int ResultCodeOf(Code code);

}  // namespace rejoin
