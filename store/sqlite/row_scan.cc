#include "store/sqlite/row_scan.h"

#include <limits>

namespace rejoin {
namespace {

constexpr std::int64_t kBatchRows = 10'000;

std::string KeyNotNull(const TrackedTable& table) {
  std::string condition;
  for (const std::size_t column : table.shape.key) {
    condition += " AND t." + QuoteName(table.shape.columns[column].name) + " IS NOT NULL";
  }
  return condition;
}

}  // namespace

std::string KeyColumnList(const TrackedTable& table, std::string_view prefix) {
  std::string list;
  for (const std::size_t column : table.shape.key) {
    if (!list.empty()) list += ", ";
    list += std::string(prefix) + QuoteName(table.shape.columns[column].name);
  }
  return list;
}

RowScan::RowScan(Engine& engine, const TrackedTable& table, std::string condition)
    : engine_(engine),
      table_(table),
      condition_(condition.empty() ? "1" : "(" + std::move(condition) + ")"),
      next_rowid_(std::numeric_limits<std::int64_t>::min()) {}

Result<std::vector<RowPlace>> RowScan::Next() {
  std::vector<RowPlace> batch;
  if (at_end_) return batch;
  const bool by_key = table_.shape.kind == KeyKind::kWithoutRowid;
  const std::string keys = KeyColumnList(table_, "t.");
  const std::string rowid = by_key ? "0" : "t." + QuoteName(table_.shape.rowid_name);
  std::string after = by_key ? "1" : rowid + " >= ?2";
  if (by_key && started_) {
    std::string marks;
    for (std::size_t i = 0; i < last_key_.size(); ++i) {
      marks += (i == 0 ? "?" : ", ?") + std::to_string(i + 2);
    }
    after = "(" + keys + ") > (" + marks + ")";
  }
  {
    REJOIN_ASSIGN(Statement read,
                  engine_.db.Prepare("SELECT " + rowid + ", " + keys + " FROM {s}." +
                                     QuoteName(*table_.local) + " AS t WHERE " + after + " AND " +
                                     condition_ + KeyNotNull(table_) + " ORDER BY " +
                                     (by_key ? keys : rowid) + " LIMIT ?1"));
    read.Bind(1, kBatchRows);
    if (!by_key) read.Bind(2, next_rowid_);
    for (std::size_t i = 0; by_key && i < last_key_.size(); ++i) {
      read.BindValue(static_cast<int>(i) + 2, last_key_[i]);
    }
    for (;;) {
      REJOIN_ASSIGN(const bool row, read.Step());
      if (!row) break;
      RowPlace place{{}, read.Integer(0)};
      for (int i = 1; i < read.column_count(); ++i) AppendKeyPart(place.key, read.ColumnValue(i));
      batch.push_back(std::move(place));
    }
  }
  started_ = true;
  at_end_ = batch.size() < static_cast<std::size_t>(kBatchRows);
  if (!batch.empty()) {
    last_key_ = *DecodeKey(batch.back().key);
    const std::int64_t last = batch.back().rowid;
    if (!by_key && last == std::numeric_limits<std::int64_t>::max()) {
      at_end_ = true;
    } else {
      next_rowid_ = last + 1;
    }
  }
  return batch;
}

}  // namespace rejoin
