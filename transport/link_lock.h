// Which process has the link of a file to a URL, and how that link stands.
//
// A file beside the database, `<database>-rejoin-link-<hash of the URL>`, is locked by the process
// whose link it is, and says how the link stands. A lock ends with its process, however that
// ends; the file goes with the link, or is taken over by the next one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rejoin {

// Thread-compatible.
class LinkLock {
 public:
  LinkLock(const std::string& file, std::string_view url);
  ~LinkLock();
  LinkLock(const LinkLock&) = delete;
  LinkLock& operator=(const LinkLock&) = delete;

  const std::string& path() const { return path_; }
  // False: another process has it. True also where nothing can be locked, as in a folder
  // that cannot be written: better two links than none.
  bool TryHold();
  // What other processes are told from now on; for who holds it. Best effort.
  void Tell(std::string_view status) const;
  void Release();

 private:
  const std::string path_;
  int descriptor_ = kNone;
  static constexpr int kNone = -1;
};

// What the links of other processes to a database say. One that is being written just now may
// be cut off.
std::vector<std::string> StatusesOfOthers(const std::string& file);

}  // namespace rejoin
