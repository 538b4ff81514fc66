// What a server has of a room: a store, and how what arrives is committed. Used on the
// server's own thread only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "replica/session.h"

namespace rejoin {

class RoomStore {
 public:
  virtual ~RoomStore() = default;

  virtual SyncStore& store() = 0;
  // A commit survives a power cut.
  virtual bool durable() = 0;
  // Several joins become one transaction, where the store can do that: one wait for
  // the disk for many peers. Nothing is acknowledged before Commit.
  virtual Status Begin() { return {}; }
  virtual Status Commit() { return {}; }
  // A peer came, for who keeps a list of them. Inside a transaction.
  virtual Status Greet(const ReplicaId& peer, const std::string& name, std::uint64_t wall_ms) {
    static_cast<void>(peer);
    static_cast<void>(name);
    static_cast<void>(wall_ms);
    return {};
  }
  // How far a peer that leaves is, for such a list. Inside a transaction.
  virtual Status NoteLeaving(const ReplicaId& peer, const PeerAcknowledgement& has) {
    static_cast<void>(peer);
    static_cast<void>(has);
    return {};
  }
  // For stores that have a host beside the server: was there a commit since the last call?
  virtual Result<bool> WasWritten() { return false; }
  // What others then write to. Empty: there are no others.
  virtual std::vector<std::string> SharedFiles() const { return {}; }
};

class RoomSource {
 public:
  virtual ~RoomSource() = default;
  // Opens or makes the room. kRefused where it is none of ours.
  virtual Result<std::unique_ptr<RoomStore>> Open(const std::string& name) = 0;
};

}  // namespace rejoin
