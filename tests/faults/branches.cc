#include "tests/faults/branches.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <gtest/gtest.h>

namespace rejoin::testing {
namespace {

// Of the branches one in so many goes on to the end of the work.
constexpr std::uint64_t kToTheEnd = 4;
// Then it is one fault, seen again and again.
constexpr int kMostFaults = 20;

std::string NameOf(Heap heap, bool goes_on, std::uint64_t n) {
  return std::string(heap == Heap::kSqlite ? "sqlite" : "new") + (goes_on ? ":on:" : ":once:") + std::to_string(n);
}

std::string ReadAll(int from) {
  std::string text;
  char bytes[4096];
  for (ssize_t got; (got = ::read(from, bytes, sizeof bytes)) > 0;) text.append(bytes, static_cast<std::size_t>(got));
  return text;
}

std::string Ended(pid_t branch) {
  int status = 0;
  if (::waitpid(branch, &status, 0) != branch) return "nobody knows how the process ended";
  if (WIFSIGNALED(status)) return std::string("the process was ended by ") + ::strsignal(WTERMSIG(status));
  return WEXITSTATUS(status) == 0 ? "" : "the process ended with " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

Branches::Branches(Sweep& sweep, Heap heap) : sweep_(sweep), heap_(heap) {
  g_allocations.Fail(heap, 0, false);
  g_allocations.at_each = [this](std::uint64_t n) { At(n); };
}

Branches::~Branches() { g_allocations.at_each = nullptr; }

void Branches::At(std::uint64_t n) {
  const std::int64_t live = g_allocations.live;
  for (const bool goes_on : {false, true}) {
    if (is_branch_ || faults_ >= kMostFaults) break;
    const std::string point = NameOf(heap_, goes_on, n);
    if (sweep_.Takes(point)) Branch(n, goes_on, point);
  }
  live_beside_ += g_allocations.live - live;
}

void Branches::Branch(std::uint64_t n, bool goes_on, const std::string& point) {
  int ends[2] = {-1, -1};
  const bool forks = !sweep_.is_one_point();  // that one is for a debugger
  ASSERT_TRUE(!forks || ::pipe(ends) == 0) << std::strerror(errno);
  const pid_t branch = forks ? ::fork() : 0;
  ASSERT_GE(branch, 0) << std::strerror(errno);
  if (branch == 0) {
    is_branch_ = true;
    ends_early_ = forks && (n + sweep_.seed()) % kToTheEnd != 0;
    to_trunk_ = ends[1];
    g_allocations.first = n;
    g_allocations.goes_on = goes_on;
    return;
  }
  ::close(ends[1]);
  const std::string wrong = ReadAll(ends[0]);
  ::close(ends[0]);
  const std::string ended = Ended(branch);
  if (wrong.empty() && ended.empty()) return;
  ++faults_;
  ADD_FAILURE() << Sweep::Replay(point) << wrong << ended;
}

void Branches::End(const std::string& wrong) {
  if (to_trunk_ < 0) {
    EXPECT_EQ(wrong, "");
    return;
  }
  const char* at = wrong.data();
  for (std::size_t left = wrong.size(); left > 0;) {
    const ssize_t put = ::write(to_trunk_, at, left);
    if (put <= 0) ::_exit(1);
    at += put;
    left -= static_cast<std::size_t>(put);
  }
  ::_exit(0);
}

}  // namespace rejoin::testing
