// Tells that files were written, by whatever process: so that nobody has to look at them
// from time to time. inotify(7), where there is such a thing.
//
// Private to transport/: this header brings Boost.Asio. Others use Network::Watch.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "transport/loop.h"

namespace rejoin {

class WatchActivity;

// Ends when it is destroyed; a call that has begun may still run then. Any thread.
class FileWatch {
 public:
  FileWatch(std::shared_ptr<Loop> loop, std::shared_ptr<WatchActivity> activity);
  ~FileWatch();
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

 private:
  const std::shared_ptr<Loop> loop_;
  const std::shared_ptr<WatchActivity> activity_;
};

// nullptr where the system cannot do it.
std::shared_ptr<FileWatch> WatchFiles(const std::shared_ptr<Loop>& loop, std::vector<std::string> files,
                                      std::function<void()> changed);

}  // namespace rejoin
