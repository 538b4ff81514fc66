// A link with a thread and a connection to the database of its own. The application goes on
// writing, and its connections come first (host.h).
#pragma once

#include <memory>

#include "bindings/sqlite/background_worker.h"
#include "bindings/sqlite/live_link.h"

namespace rejoin {

class BackgroundLink final : public LiveLink {
 public:
  // kNetwork where the system gives no thread.
  static Result<std::shared_ptr<BackgroundLink>> Start(std::shared_ptr<Network> network, BackgroundSpec spec);
  // Waits for the thread, kStopMs at most; one that takes longer ends by itself. In a
  // forked child, which has no such thread, it lets everything lie.
  ~BackgroundLink() override;

  const Url& url() const override { return url_; }
  void OnCommit() override { worker_->OnCommit(); }
  LinkState GetState() override;
  bool WaitSynced(HostConnection* host, std::uint64_t timeout_ms) override;
  bool Step(std::uint64_t) override { return true; }

  static constexpr std::uint64_t kStopMs = 1000;

 private:
  BackgroundLink(Url url, std::shared_ptr<BackgroundWorker> worker);

  const Url url_;
  const std::uint64_t process_;
  std::shared_ptr<BackgroundWorker> worker_;
};

}  // namespace rejoin
