#include "bindings/sqlite/background_link.h"

#include "transport/process.h"

namespace rejoin {

BackgroundLink::BackgroundLink(Url url, std::shared_ptr<BackgroundWorker> worker)
    : url_(std::move(url)), process_(ProcessId()), worker_(std::move(worker)) {}

Result<std::shared_ptr<BackgroundLink>> BackgroundLink::Start(std::shared_ptr<Network> network,
                                                              BackgroundSpec spec) {
  Url url = spec.url;
  auto worker = std::make_shared<BackgroundWorker>(std::move(network), std::move(spec));
  REJOIN_TRY(worker->StartThread());
  return std::shared_ptr<BackgroundLink>(new BackgroundLink(std::move(url), std::move(worker)));
}

BackgroundLink::~BackgroundLink() {
  if (ProcessId() == process_) {
    worker_->Stop(kStopMs);
  } else {
    // Its mutex may be locked for ever, and its thread is not here.
    static_cast<void>(new std::shared_ptr<BackgroundWorker>(std::move(worker_)));
  }
}

LinkState BackgroundLink::GetState() {
  const WorkerStatus status = worker_->GetStatus();
  return {url_, LinkState::Mode::kBackground, status.elsewhere, status.live};
}

bool BackgroundLink::WaitSynced(HostConnection* host, std::uint64_t timeout_ms) {
  const HostConnection::Waiting waiting(host);
  return worker_->WaitSynced(timeout_ms);
}

}  // namespace rejoin
