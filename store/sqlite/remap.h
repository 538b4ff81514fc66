// Metadata of a table whose rows got new rowids, mapped anew by key.
//
// Only tables of KeyKind::kIndexed need it: there metadata stands by rowid and
// the key hashes beside it tell which row it was made for. Elsewhere the key
// itself is what metadata is kept by.
#pragma once

#include <cstdint>

#include "store/sqlite/engine.h"

namespace rejoin {

// Cheap: looks at the ends of each hash chunk. True: some row has another key
// than its metadata says.
Result<bool> RowsHaveMoved(Engine& engine, const TrackedTable& table);

// Gives each row the metadata of its key. Rows of unknown keys are left without
// any (AdoptRows is next). Returns how many known, living keys are in no row.
Result<std::uint64_t> RemapRows(Engine& engine, const TrackedTable& table);

}  // namespace rejoin
