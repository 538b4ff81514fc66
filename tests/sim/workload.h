// What devices write: random transactions over a few tables with few keys, so that rows
// meet.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/memory/table_def.h"

namespace rejoin::sim {

// item(id, title, qty); person with two UNIQUE columns; number with an INTEGER PRIMARY KEY
// and a UNIQUE column; twin_a and twin_b, which are only ever written alike, together.
std::vector<TableDef> FirstTables();
// Comes later, with rows in it.
TableDef NoteTable();
Rows NotesFoundThere();
// Of item, comes later.
ColumnDef LateColumn();

Transaction DrawTransaction(std::uint64_t choice, bool has_notes, bool has_late_column);
// The same to both twins.
Transaction DrawTwins(std::uint64_t choice);
// A row that nobody else writes.
Transaction OwnMark(std::size_t node, std::uint64_t time_ms);

std::string Described(const Transaction& transaction);

}  // namespace rejoin::sim
