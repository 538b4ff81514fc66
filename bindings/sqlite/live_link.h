// A link to a peer that lasts until it is cut from here: rejoin_connect.
//
// There are two kinds. One has a thread and a connection of its own (background_link.h);
// the other does everything on the host's thread and connection, when the host says so.
#pragma once

#include <memory>
#include <string>

#include "bindings/sqlite/host.h"
#include "store/sqlite/sqlite_store.h"
#include "transport/live_client.h"

namespace rejoin {

struct LinkState {
  enum class Mode { kBackground, kStep, kOtherProcess };
  Url url;
  Mode mode = Mode::kBackground;
  bool elsewhere = false;  // kBackground: another process has the link
  LiveStatus live;
};

class LiveLink {
 public:
  virtual ~LiveLink() = default;

  virtual const Url& url() const = 0;
  // Any thread: something was committed.
  virtual void OnCommit() = 0;
  virtual LinkState GetState() = 0;
  // Waits until everything committed here is durable at the peer and everything that the
  // peer has is here; false when the time is over before. Called on the thread of `host`,
  // which may be nullptr.
  virtual bool WaitSynced(HostConnection* host, std::uint64_t timeout_ms) = 0;
  // For links without a thread: does what there is to do, and waits for more. Returns
  // whether nothing is left to do.
  virtual bool Step(std::uint64_t wait_ms) = 0;
};

// Without a thread. Of the thread of the store's connection.
class SteppedLink final : public LiveLink {
 public:
  SteppedLink(std::shared_ptr<Network> network, const Url& url, SqliteStore store, SessionOptions options)
      : url_(url),
        store_(std::move(store)),
        network_(std::move(network)),
        client_(*network_, url_, store_, std::move(options)) {}

  const Url& url() const override { return url_; }
  void OnCommit() override {}
  LinkState GetState() override { return {url_, LinkState::Mode::kStep, false, client_.GetStatus()}; }
  bool WaitSynced(HostConnection* host, std::uint64_t timeout_ms) override;
  bool Step(std::uint64_t wait_ms) override;

 private:
  Url url_;
  SqliteStore store_;
  std::shared_ptr<Network> network_;
  LiveClient client_;
};

}  // namespace rejoin
