// Errors that pass by themselves.
#pragma once

#include "base/status.h"

namespace rejoin {

// Somebody writes at this moment: another connection, or this one in a transaction of the
// application. The same call succeeds when that has ended.
inline bool IsLocked(const Error& error) {
  return error.code == Code::kBusy || error.code == Code::kOpenTransaction;
}

}  // namespace rejoin
