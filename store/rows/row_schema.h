// The tables of a row store's file: all SQL that makes them, in one place, and
// their version. What is packed inside: docs/hub_format.md.
#pragma once

#include <cstdint>

namespace rejoin {

// In the header of the SQLite file, so that nobody takes it for another one: "RJRM".
inline constexpr std::int64_t kRowApplicationId = 0x524a524d;
inline constexpr std::int64_t kRowFormat = 1;

inline constexpr char kCreateRowStoreSql[] = R"sql(
-- name -> value: format (integer), replica (16 bytes), room (16 bytes; no row where
-- it is not set), head (the last position ever used), clock (the latest time of all
-- stamps ever seen).
CREATE TABLE {s}.meta(name TEXT PRIMARY KEY NOT NULL, value NOT NULL) WITHOUT ROWID;

-- Replicas by number, 0, 1, 2, ... applied: their entry of the version vector.
CREATE TABLE {s}.replica(
  number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, applied INTEGER NOT NULL DEFAULT 0);

-- The room's tables and their columns by number, each 0, 1, 2, ... Names are opaque bytes.
CREATE TABLE {s}.room_table(
  number INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE, same_key INTEGER NOT NULL,
  delete_wins INTEGER NOT NULL, key_parts INTEGER NOT NULL);
CREATE TABLE {s}.room_column(
  room_table INTEGER NOT NULL, number INTEGER NOT NULL, name BLOB NOT NULL,
  PRIMARY KEY(room_table, number)) WITHOUT ROWID;

-- Every row of the room at its place in the local order. It moves to the end, under a
-- new position, whenever its state rises.
CREATE TABLE {s}.row(
  position INTEGER PRIMARY KEY, room_table INTEGER NOT NULL, key BLOB NOT NULL, state BLOB NOT NULL);
CREATE UNIQUE INDEX {s}.row_by_key ON row(room_table, key);

-- Who wrote the local order when: positions beyond first_position, up to that of the
-- next epoch, were given out in this one (local_order.h).
CREATE TABLE {s}.epoch(
  number INTEGER PRIMARY KEY, id INTEGER NOT NULL, first_position INTEGER NOT NULL);

-- The registry. point: how far we are in the peer's order. acknowledged_*: how far the
-- peer is in ours, by its own word. Times are milliseconds since 1970, 0: never.
CREATE TABLE {s}.peer(
  id BLOB PRIMARY KEY NOT NULL, name TEXT NOT NULL DEFAULT '',
  first_seen_ms INTEGER NOT NULL DEFAULT 0, last_seen_ms INTEGER NOT NULL DEFAULT 0,
  point BLOB NOT NULL DEFAULT x'', acknowledged_point BLOB NOT NULL DEFAULT x'',
  acknowledged_vector BLOB NOT NULL DEFAULT x'', durable INTEGER NOT NULL DEFAULT 0);
)sql";

}  // namespace rejoin
