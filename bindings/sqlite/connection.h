// What Rejoin keeps for one connection: an Engine per database file, ids, links.
//
// Every function and module registered with the connection holds it, so it goes
// when SQLite destroys the last of them: when the connection closes.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "bindings/sqlite/host.h"
#include "bindings/sqlite/id_maker.h"
#include "bindings/sqlite/live_link.h"
#include "store/sqlite/sqlite_store.h"

namespace rejoin {

class Connection {
 public:
  Connection(sqlite3* db, const Environment& environment);

  sqlite3* handle() const { return db_; }
  IdMaker& ids() { return ids_; }

  // The connection is one of a host's, which come before what runs in the background.
  void JoinHost();
  // nullptr: it is not.
  HostConnection* host() { return host_.get(); }
  // Those that were begun on this connection; about the main file.
  std::vector<std::shared_ptr<LiveLink>>& links() { return links_; }

  // The engine of an attached file; always the same one until the schema's name
  // stands for another file.
  std::shared_ptr<Engine> EngineOf(const std::string& schema);

  // The file that functions and views are about: the main one.
  std::shared_ptr<Engine> Main();
  SqliteStore Store() { return SqliteStore(Main()); }

  // True where the main file holds Rejoin's tables: dictionary loaded, metadata in
  // line with the schema as far as the file can be written.
  Result<bool> IsSetUp();

  // kOpenTransaction inside a statement that writes: a function with an effect
  // would change what that statement is reading.
  Status RequireNoWriter(const char* function);
  // kOpenTransaction while the main file's transaction holds captured changes: the
  // tables are then ahead of the metadata, and what leaves could be rolled back.
  Status RequireNoCapture(const char* function);

  // Links of this process to the main file look for something new.
  void TellLinksOfMain();

  // Statements kept by engines go before the connection can close.
  void FinalizeStatements();

 private:
  struct Known {
    std::string file;
    std::shared_ptr<Engine> engine;
  };

  // A view stays connected until the connection closes and then calls
  // FinalizeStatements (view.cc): sqlite3_close disconnects it before it counts
  // statements.
  void KeepAViewConnected();

  sqlite3* db_;
  Environment environment_;
  IdMaker ids_;
  std::map<std::string, Known> engines_;
  bool view_connected_ = false;
  std::unique_ptr<HostConnection> host_;
  std::vector<std::shared_ptr<LiveLink>> links_;
};

}  // namespace rejoin
