// When the user's schema moved under the metadata.
//
// ALTER TABLE, VACUUM, DROP and re-create, the rebuild that migration tools do
// (new table, copy, drop, rename), dump and restore: none of them tells us. They
// are noticed by the schema cookie; then triggers, names, columns and, where
// rows may have been renumbered, the key hashes are checked, and metadata is
// mapped anew by key. Metadata that belongs to no row is never given to another. Triggers
// that another version of Rejoin made are made anew, too.
//
// Rows that were in the metadata and are no longer in a rebuilt table are not
// deletes: nobody said so. The file is then *incomplete*: it asks its peers for
// everything (an empty vector, and no point) and hands out nothing until it got it, in
// however many parts.
#pragma once

#include "store/sqlite/engine.h"
#include "store/sqlite/sqlite_store.h"

namespace rejoin {

// Brings catalog, triggers and metadata in line with the schema; cheap where the
// schema cookie is the one last seen. Inside a write transaction, or opens one
// when something has to change. Every merge, extraction and status call begins
// with it. A read-only file gets kReadOnly where something has to change.
Status FollowSchema(Engine& engine);

// Called in xSync for a table that a transaction wrote under triggers older than
// its columns: interns the new columns, makes the triggers anew.
Status AdoptSchemaChange(Engine& engine, TrackedTable& table);

// Rows may be missing here (see above).
Result<bool> IsIncomplete(Engine& engine);
// After a merge of a delta that starts at nothing, or of the last part of one.
Status MarkComplete(Engine& engine);

// For what hands out state: kNotCovered where the file is incomplete.
Status RefuseIncomplete(Engine& engine);

// SQLite's number of the schema: another one after every change of it.
Result<std::int64_t> SchemaCookie(Engine& engine);

// Is the schema as it was when it was last checked?
Result<bool> IsSchemaRemembered(Engine& engine);
// Takes the schema as it is now for the one that was checked.
Status RememberSchema(Engine& engine);

// ALTER TABLE DROP COLUMN with everything that must go before and after it.
Status DropColumnOf(Engine& engine, TrackedTable& table, const std::string& column);

// What doctor reports: FollowSchema's checks without repairs, and every row.
Result<std::vector<Finding>> CheckTables(Engine& engine);

}  // namespace rejoin
