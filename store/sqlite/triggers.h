// The SQL of capture triggers: one insert each (several where a table is wide),
// no logic.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/sqlite/engine.h"

namespace rejoin {

// Of the text that CaptureTriggerSql makes: another text, a higher number, and files that an
// earlier version tracked get the new triggers when they are opened (drift.h).
inline constexpr std::int64_t kTriggersVersion = 1;

// CREATE TRIGGER statements for the table as `table.shape` says, in order:
// AFTER INSERT, UPDATE, DELETE; BEFORE INSERT and UPDATE probes where a REPLACE
// can displace a row without a delete trigger and the metadata is not keyed by
// what it displaces (KeyKind::kIndexed, or further UNIQUE keys).
//
// Each inserts into the smallest capture table that is wide enough, or several
// times into the widest. What it passes: capture_entry.h. ColumnIds are constants
// in it, so a renamed column needs no new trigger.
std::vector<std::string> CaptureTriggerSql(const TrackedTable& table, std::int64_t secret);

// Names of the triggers without which nothing would be captured: all but the
// probes, which come and go with indexes.
std::vector<std::string> CaptureTriggerNames(const TrackedTable& table);

// Whether the triggers are those that CaptureTriggerSql makes for table.shape and
// the catalog's columns. Missing ones: false.
Result<bool> CaptureTriggersAreCurrent(Engine& engine, const TrackedTable& table);

// Makes them; those that are there already are made anew.
Status CreateCaptureTriggers(Engine& engine, const TrackedTable& table);
Status DropCaptureTriggers(Engine& engine, TableNumber table);

// The secret as it stands before every head.
Bytes SecretBytes(std::int64_t secret);

}  // namespace rejoin
