// The list of present rows that a table does not show: rejoin__hidden.
//
// Kept exact by ShowRows for the reasons it knows (kUnique, kCheck,
// kUnknownTable); what is shown but too large to leave is listed by large_rows.h.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "store/sqlite/engine.h"
#include "store/sqlite/meta_schema.h"

namespace rejoin {

// Why a present row is not in its table.
struct Refusal {
  QuarantineReason reason = QuarantineReason::kCheck;
  std::string detail;  // for people
  Key holder;          // kUnique: the row that holds its value; empty: one without a key
};

// A key as SQL literals, for messages; cut where it is long.
std::string KeyText(const Key& key);

Status PutHidden(Engine& engine, TableNumber table, const Key& key, const Refusal& refusal);
Status RemoveHidden(Engine& engine, TableNumber table, const Key& key);

// Does the table hide a row for kUnique?
Result<bool> AnyHiddenForUnique(Engine& engine, TableNumber table);
// The rows hidden for kUnique whose entry names `holder`.
Result<std::vector<Key>> HiddenBehind(Engine& engine, TableNumber table, const Key& holder);
// Up to `count` hidden rows with keys beyond `after`, ascending.
Result<std::vector<Key>> HiddenAfter(Engine& engine, TableNumber table, const Key& after,
                                     std::int64_t count);

}  // namespace rejoin
