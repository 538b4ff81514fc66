// Who is measured: plain SQLite, the session extension, Rejoin, and its peers where they are
// (peers.h). Each does the same to the same table `t`; what a side cannot do it does not offer.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench/tables.h"

namespace rejoin::bench {

// A table under one of the sides, and what it gives to another one and takes from it.
class Side {
 public:
  Side(const FileOptions& options, const TableKind& kind, const std::string& name);
  Side(const Side&) = delete;
  Side& operator=(const Side&) = delete;
  virtual ~Side() = default;

  Database& db() { return db_; }
  const TableKind& kind() const { return kind_; }

  // Before what Everything() or Changes() are to tell.
  virtual void BeginRecording() {}
  // All rows, for a replica that has none.
  virtual std::string Everything() = 0;
  // What was written since the last call of BeginRecording().
  virtual std::string Changes() = 0;
  // Into a replica of the same side.
  virtual void ApplyEverything(const std::string& payload) = 0;
  virtual void ApplyChanges(const std::string& payload) = 0;
  // Asks a sender, all of whose rows are here, what is new. Who cannot tell gets everything again.
  virtual void AskAgain(Side& /*sender*/, const std::string& everything) { ApplyEverything(everything); }
  // Of the file, what is kept of the past; 0: nothing is.
  virtual double LogBytes() { return 0; }
  // Work that writing left for later. Nothing where there is none.
  virtual void CatchUp() {}

 private:
  const TableKind& kind_;
  Database db_;
};

struct SideKind {
  const char* name;
  std::unique_ptr<Side> (*make)(const FileOptions&, const TableKind&, const std::string& name);
};
// Plain SQLite first: what the others are told as ratios to.
const std::vector<SideKind>& SideKinds();

}  // namespace rejoin::bench
