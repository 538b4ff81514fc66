// What a small file goes through before its bytes have its name, on the real system: the calls
// to it come by here. (What a power cut leaves of a file that was not synced is up to the disk.)
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "base/os.h"

namespace {

std::vector<std::string>& Calls() {
  static std::vector<std::string> calls;
  return calls;
}

std::string NameOf(const std::filesystem::path& path) { return path.filename().string(); }

}  // namespace

// In place of libc's, for the whole program.
extern "C" int fsync(int descriptor) {
  const auto path = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(descriptor));
  struct stat state {};
  ::fstat(descriptor, &state);
  const bool folder = S_ISDIR(state.st_mode);
  Calls().push_back("sync " + (folder ? "the folder" : NameOf(path) + ", " + std::to_string(state.st_size) + " bytes"));
  return static_cast<int>(::syscall(SYS_fsync, descriptor));
}

extern "C" int rename(const char* from, const char* to) noexcept {
  Calls().push_back("rename " + NameOf(from) + " to " + NameOf(to));
  return ::renameat(AT_FDCWD, from, AT_FDCWD, to);
}

namespace rejoin {
namespace {

TEST(SmallFileSync, IsOnTheDiskBeforeItTakesItsNameAndThenItsNameIs) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("rejoin_sync_test_" + std::to_string(SystemRandom().Draw64()));
  std::filesystem::create_directory(folder);
  Calls().clear();
  const Status replaced = SystemSmallFiles().Replace((folder / "token").string(), "seventeen bytes..");
  std::filesystem::remove_all(folder);
  ASSERT_TRUE(replaced);
  EXPECT_EQ(Calls(), (std::vector<std::string>{"sync token.new, 17 bytes", "rename token.new to token",
                                               "sync the folder"}));
}

}  // namespace
}  // namespace rejoin
