// What a library owes to the process that it lives in: threads that take none of its
// signals, and nothing of its own half done when the process forks.
#pragma once

#include <cstdint>
#include <functional>
#include <thread>

#include "base/status.h"

namespace rejoin {

// One that takes no signal: those are the host's, for threads that it knows.
using QuietThread = std::thread;

// kNetwork where the system gives none.
Result<QuietThread> StartQuietThread(const char* name, std::function<void()> function);

// Of this process; another one in a forked child.
std::uint64_t ProcessId();

// From now on, around every fork: `before` on the thread that forks, then `in_parent` or
// `in_child`, where no other thread is left. For as long as the process lives; once each.
void AroundForks(void (*before)(), void (*in_parent)(), void (*in_child)());

}  // namespace rejoin
