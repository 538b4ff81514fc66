// The SQL of capture triggers: one insert each (several where a table is wide),
// no logic.
#pragma once

#include <string>
#include <vector>

#include "store/sqlite/engine.h"

namespace rejoin {

// CREATE TRIGGER statements for the table as `table.shape` says, in order:
// AFTER INSERT, UPDATE, DELETE; BEFORE INSERT and UPDATE probes where a REPLACE
// can displace a row without a delete trigger and the metadata is not keyed by
// what it displaces (KeyKind::kIndexed, or further UNIQUE keys).
std::vector<std::string> CaptureTriggerSql(const TrackedTable& table, std::int64_t secret);

// Names of the triggers that the table should have.
std::vector<std::string> CaptureTriggerNames(const TrackedTable& table);

Status CreateCaptureTriggers(Engine& engine, const TrackedTable& table);
Status DropCaptureTriggers(Engine& engine, TableNumber table);

}  // namespace rejoin
