// Rejoin's own tables: all their SQL as text in one place, and their version.
//
// What each column means is told here; bytes of the packed ones in
// docs/format.md, "The database". Everything begins with rejoin__, lives in the
// user's file and goes with rejoin_uninstall().
#pragma once

#include "store/sqlite/sql.h"

namespace rejoin {

inline constexpr int kMetaFormat = 1;

// Metadata of the whole file. {s} is the schema.
inline constexpr char kCreateMetaSql[] = R"sql(
-- name -> value: format (integer), replica (16 bytes), room (16 bytes),
-- epoch (64-bit), folded (log position up to which the log is folded),
-- catalog (random, see catalog.h), last_table (the highest table number ever),
-- token (identity fence, see identity.h), secret (what capture triggers must
-- say), fingerprint and incomplete (see drift.h), ahead (see peers.h),
-- layout (see scan_point.h), settled (own stamps up to it were given their times, see
-- time_correction.h), lost_keys (see fold_table.h), "compared " and the id of a replica (see peers.h).
CREATE TABLE {s}.rejoin__meta(name TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID;

-- Replicas by number. applied: their vector entry; of the own replica it is 0
-- and the log's last row has it.
CREATE TABLE {s}.rejoin__replica(
  number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, applied INTEGER NOT NULL DEFAULT 0);

-- local: the table's name here, NULL where it is only carried for others.
-- high_rowid: the highest rowid that a run ever covered.
CREATE TABLE {s}.rejoin__table(
  number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, local TEXT, same_key INTEGER NOT NULL,
  delete_wins INTEGER NOT NULL, fire_triggers INTEGER NOT NULL, key_parts INTEGER NOT NULL,
  version INTEGER NOT NULL, high_rowid INTEGER NOT NULL DEFAULT 0);

-- number: the ColumnId. local: NULL where the local table has no such column.
CREATE TABLE {s}.rejoin__column(
  tbl INTEGER NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL, local TEXT,
  PRIMARY KEY(tbl, number)) WITHOUT ROWID;

-- A set of ColumnIds (varints, ascending) that base stamps refer to.
CREATE TABLE {s}.rejoin__colset(
  number INTEGER PRIMARY KEY, tbl INTEGER NOT NULL, columns BLOB NOT NULL, UNIQUE(tbl, columns));

-- One row per committed transaction or merge (several, with one stamp, if
-- large). clock: the hybrid clock after it; own: the latest own stamp; total:
-- bytes of all bodies ever up to here; tag: random. The last row always stays.
CREATE TABLE {s}.rejoin__log(
  pos INTEGER PRIMARY KEY, tag INTEGER NOT NULL, clock INTEGER NOT NULL, own INTEGER NOT NULL,
  total INTEGER NOT NULL, body BLOB NOT NULL);

-- Rows with rowid first..last of one transaction that have no override: one
-- incarnation, born (rank, time, replica), whose cells of the column set have
-- that stamp and the table's values. Ranges of one table never overlap.
CREATE TABLE {s}.rejoin__run(
  tbl INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, rank INTEGER NOT NULL,
  time INTEGER NOT NULL, replica INTEGER NOT NULL, colset INTEGER NOT NULL,
  PRIMARY KEY(tbl, first)) WITHOUT ROWID;

-- For tables whose key is not the rowid: 8 bytes of key hash for each rowid
-- first, first+1, ... that a run covers, to prove that metadata belongs to a row.
CREATE TABLE {s}.rejoin__hash(
  tbl INTEGER NOT NULL, first INTEGER NOT NULL, hashes BLOB NOT NULL,
  PRIMARY KEY(tbl, first)) WITHOUT ROWID;

-- Rows that are present but not shown (reason: a QuarantineReason), and rows
-- that two replicas made apart. holder: of a UNIQUE loser the key of a shown row
-- that holds one of its values (empty: a row without a key); NULL for the others.
CREATE TABLE {s}.rejoin__hidden(
  tbl INTEGER NOT NULL, key BLOB NOT NULL, reason INTEGER NOT NULL, detail TEXT NOT NULL,
  holder BLOB, PRIMARY KEY(tbl, key)) WITHOUT ROWID;
CREATE INDEX {s}.rejoin__hidden_holder ON rejoin__hidden(tbl, holder) WHERE holder IS NOT NULL;
CREATE TABLE {s}.rejoin__clash(
  tbl INTEGER NOT NULL, key BLOB NOT NULL, PRIMARY KEY(tbl, key)) WITHOUT ROWID;

-- Own stamps that ended a delta which left this file.
CREATE TABLE {s}.rejoin__issued(time INTEGER PRIMARY KEY);

-- Peers that this file has synced with. point: where in the peer's own order it is,
-- in bytes that only the peer can read.
CREATE TABLE {s}.rejoin__peer(replica BLOB PRIMARY KEY NOT NULL, point BLOB NOT NULL) WITHOUT ROWID;

-- A ring of the last kMaxEvents events.
CREATE TABLE {s}.rejoin__event(
  number INTEGER PRIMARY KEY, wall_ms INTEGER NOT NULL, kind TEXT NOT NULL, message TEXT NOT NULL);
)sql";

// The virtual tables that capture triggers write to, by width in value columns.
// Their module's name is the message that SQLite gives to who lacks the extension.
inline constexpr char kCaptureModule[] = "rejoin_extension_not_loaded_in_this_connection";
struct CaptureTable {
  const char* name;
  int width;  // value columns v0..v(width-1)
};
inline constexpr CaptureTable kCaptureTables[] = {
    {"rejoin__capture_xs", 1}, {"rejoin__capture_s", 6},   {"rejoin__capture_m", 12},
    {"rejoin__capture_l", 20}, {"rejoin__capture_xl", 40}, {"rejoin__capture_xxl", 128}};

// Per tracked table N: overrides of shown rows by rowid (rowid tables only), and
// rows by key: those not in the table (deleted, quarantined, carried), and for
// WITHOUT ROWID tables all that are not plain.
inline constexpr char kCreateRowTableSql[] =
    "CREATE TABLE {s}.rejoin__row_%d(rowid INTEGER PRIMARY KEY, record BLOB NOT NULL)";
inline constexpr char kCreateKeyTableSql[] =
    "CREATE TABLE {s}.rejoin__key_%d(key BLOB PRIMARY KEY NOT NULL, record BLOB NOT NULL) WITHOUT ROWID";

inline constexpr int kMaxEvents = 1000;

enum class QuarantineReason : int {
  kUnique = 1,       // another row holds one of its UNIQUE values
  kCheck = 2,        // a CHECK, NOT NULL or STRICT type of the local schema refuses it
  kUnknownTable = 3, // no such table here, or not tracked
  kTooLarge = 4,     // a cell beyond max_cell_bytes stays on the replica that wrote it
  kNoKey = 5,        // a NULL in the primary key: local only
};

// Makes all of it in a file that has none, with a fresh identity and epoch, and
// one empty log row. Inside the caller's transaction.
struct Engine;
Status CreateMeta(Engine& engine);

// The tables of one tracked or carried table; the one by rowid only where the
// user's table has rowids.
Status CreateKeyTable(Engine& engine, std::uint32_t table);
Status CreateRowTable(Engine& engine, std::uint32_t table);
Status DropRowTables(Engine& engine, std::uint32_t table);

// Drops everything of ours, triggers included.
Status DropMeta(Engine& engine);

// Is Rejoin set up here, and in a version that this code may write? False: not
// set up. kNewerFormat: by a newer version.
Result<bool> CheckMetaFormat(Database& db);

}  // namespace rejoin
