// Preloaded into a process, makes its wall clock wrong: by REJOIN_TEST_CLOCK_SHIFT_S
// seconds. The steady clocks go on, as they do on a machine whose battery is dead.
#include <cstdlib>

#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>

namespace {

time_t Shift() {
  static const time_t shift = [] {
    const char* const text = std::getenv("REJOIN_TEST_CLOCK_SHIFT_S");
    return text == nullptr ? time_t{0} : static_cast<time_t>(std::strtoll(text, nullptr, 10));
  }();
  return shift;
}

template <class Function>
Function Next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int clock_gettime(clockid_t clock, timespec* now) noexcept {
  static const auto real = Next<int (*)(clockid_t, timespec*)>("clock_gettime");
  const int result = real(clock, now);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += Shift();
  return result;
}

extern "C" __attribute__((visibility("default"))) int gettimeofday(timeval* now, void* zone) noexcept {
  static const auto real = Next<int (*)(timeval*, void*)>("gettimeofday");
  const int result = real(now, zone);
  if (result == 0) now->tv_sec += Shift();
  return result;
}

extern "C" __attribute__((visibility("default"))) time_t time(time_t* now) noexcept {
  static const auto real = Next<time_t (*)(time_t*)>("time");
  const time_t shifted = real(nullptr) + Shift();
  if (now != nullptr) *now = shifted;
  return shifted;
}
