// Writes rows of one user table as a merge wants them, and tells why SQLite
// refused one.
//
// Statements are prepared once per set of columns. Whatever conflict clauses the
// table declares, nothing is replaced, ignored or given a default in silence.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "store/sqlite/merge_scope.h"

namespace rejoin {

// One value of a row that is to be written. Columns have a local name.
struct ColumnValue {
  ColumnId column = 0;
  const Value* value = nullptr;
};
// Ascending by column. What it does not mention shows the local default.
using Image = std::vector<ColumnValue>;

enum class Written : std::uint8_t {
  kDone,
  kRefused,  // the row itself breaks a check, a type or a NOT NULL, or a trigger objects
  kTaken,    // a UNIQUE value, or the key as SQLite compares keys, is another row's
};

class RowWriter {
 public:
  RowWriter(Engine& engine, const TrackedTable& table, MergeScope& scope);
  ~RowWriter();

  // `rowid`: where the row is to be, for tables of KeyKind::kIndexed.
  Result<Written> Insert(const Key& key, std::int64_t rowid, const Image& image);
  // The row is in the table.
  Result<Written> Update(const Key& key, std::int64_t rowid, const Image& changed);
  // The same, unless there is no such row, or it has values already that SQL calls equal: then kRefused, too.
  Result<Written> UpdateDiffering(const Key& key, std::int64_t rowid, const Image& changed);
  Status Delete(const Key& key, std::int64_t rowid);

  // Why the last write did not happen, in SQLite's words where they are its own.
  const std::string& refusal() const { return refusal_; }

  // A row that stands in the way of inserting this one, as SQLite judges: its
  // key, or nullopt where a part of that is NULL. Called after Insert said kTaken.
  // Where nothing stands in the way any more, the row is inserted and its own key returned.
  Result<std::optional<Key>> FindHolder(const Key& key, std::int64_t rowid, const Image& image);

  // A rowid that no row has or had since this writer was made, beyond all that
  // the table and its runs use (unless those reach the end of the numbers).
  Result<std::int64_t> NewRowid();

 private:
  struct Cache;

  enum class Verb : std::uint8_t { kInsert, kUpdate, kUpdateDiffering, kProbe };

  Result<Statement*> StatementFor(Verb verb, const Image& image);
  std::string InsertSql(const Image& image) const;
  std::string UpdateSql(const Image& image) const;
  std::string UpdateDifferingSql(const Image& image) const;
  std::string Sql(Verb verb, const Image& image) const;
  std::string ProbeSql(const Image& image) const;
  std::string Place(std::size_t parameter) const;  // WHERE: the row of a key
  void BindRow(Statement& statement, const Key& key, std::int64_t rowid, const Image& image) const;
  void BindPlace(Statement& statement, int parameter, const Key& key, std::int64_t rowid) const;
  Result<Written> Execute(Statement& statement, const Key& key);
  Result<Written> Classify(const Error& error);
  Result<Written> Update(Verb verb, const Key& key, std::int64_t rowid, const Image& changed);
  Result<Written> InsertOnce(const Key& key, std::int64_t rowid, const Image& image);
  Status CheckTriggers() const;
  bool MayAlterKey(const Key& key) const;
  Result<bool> KeyStands(const Key& key, std::int64_t rowid);
  Status FindConflictClauses();
  Result<std::int64_t> HighestRowid();

  Engine& engine_;
  const TrackedTable& table_;
  MergeScope& scope_;
  std::optional<std::string> or_abort_;  // known once something was prepared
  std::string refusal_;
  std::int64_t highest_deleted_ = 0;
  std::optional<std::int64_t> last_new_rowid_;
  std::unique_ptr<Cache> cache_;
};

}  // namespace rejoin
