#include "cli/diff_rows.h"

#include <algorithm>
#include <cmath>

namespace rejoin::cli {
namespace {

int Sign(bool less, bool greater) { return less ? -1 : greater ? 1 : 0; }

// Exact: a double of 2^63 or more, or with a fraction, is no integer.
int CompareIntegerReal(std::int64_t integer, double real) {
  constexpr double kTwo63 = 9223372036854775808.0;
  if (real >= kTwo63) return -1;
  if (real < -kTwo63) return 1;
  const double whole = std::trunc(real);
  const auto truncated = static_cast<std::int64_t>(whole);
  if (integer != truncated) return Sign(integer < truncated, true);
  return Sign(real > whole, real < whole);
}

int ClassRank(ValueType type) {
  switch (type) {
    case ValueType::kNull:
      return 0;
    case ValueType::kInteger:
    case ValueType::kReal:
      return 1;
    case ValueType::kText:
      return 2;
    case ValueType::kBlob:
      return 3;
  }
  return 3;
}

int CompareNumbers(const Value& a, const Value& b) {
  const bool a_real = a.type == ValueType::kReal;
  const bool b_real = b.type == ValueType::kReal;
  if (a_real && b_real) return Sign(a.real() < b.real(), a.real() > b.real());
  if (a_real) return -CompareIntegerReal(b.integer(), a.real());
  if (b_real) return CompareIntegerReal(a.integer(), b.real());
  return Sign(a.integer() < b.integer(), a.integer() > b.integer());
}

// The rows of one side, in the order of their keys.
class RowStream {
 public:
  static Result<RowStream> Open(Database& db, const TableSide& side,
                                const std::vector<std::string>& columns) {
    std::string select = "SELECT ";
    std::string where;
    std::string order;
    for (const std::string& part : side.key) {
      const std::string quoted = QuoteName(part);
      select += (order.empty() ? "" : ", ") + quoted;
      where += (where.empty() ? " WHERE " : " AND ") + quoted + " IS NOT NULL";
      order += (order.empty() ? " ORDER BY " : ", ") + quoted + " COLLATE BINARY";
    }
    for (const std::string& column : columns) select += ", " + QuoteName(column);
    RowStream stream;
    stream.key_parts_ = side.key.size();
    REJOIN_ASSIGN(stream.statement_,
                  db.Prepare(select + " FROM {s}." + QuoteName(side.table) + where + order));
    REJOIN_TRY(stream.Next());
    return stream;
  }

  Status Next() {
    REJOIN_ASSIGN(has_row_, statement_.Step());
    if (!has_row_) return {};
    ++count_;
    key_.resize(key_parts_);
    for (std::size_t part = 0; part < key_parts_; ++part) {
      key_[part] = statement_.ColumnValue(static_cast<int>(part));
    }
    return {};
  }

  bool has_row() const { return has_row_; }
  const std::vector<Value>& key() const { return key_; }
  std::uint64_t count() const { return count_; }
  Value Cell(std::size_t column) const {
    return statement_.ColumnValue(static_cast<int>(key_parts_ + column));
  }

 private:
  Statement statement_;
  std::size_t key_parts_ = 0;
  bool has_row_ = false;
  std::uint64_t count_ = 0;
  std::vector<Value> key_;
};

int CompareKeys(const std::vector<Value>& a, const std::vector<Value>& b) {
  for (std::size_t part = 0; part < a.size(); ++part) {
    const int order = CompareAsSqlite(a[part], b[part]);
    if (order != 0) return order;
  }
  return 0;
}

std::string Folded(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

const TableSide::Column* FindColumn(const TableSide& side, const std::string& name) {
  const auto at = std::find_if(
      side.columns.begin(), side.columns.end(),
      [&name](const TableSide::Column& column) { return Folded(column.name) == Folded(name); });
  return at == side.columns.end() ? nullptr : &*at;
}

// The columns that both sides have, and a report of those that one has.
struct Shared {
  std::vector<std::string> names;
  std::vector<std::string> in_a;
  std::vector<std::string> in_b;
};

Shared ShareColumns(const std::string& table, const TableSide& a, const TableSide& b,
                    DiffReport& report) {
  Shared shared;
  for (const TableSide::Column& column : a.columns) {
    const TableSide::Column* const other = FindColumn(b, column.name);
    if (other == nullptr) {
      report.ColumnOnlyIn(Side::kA, table, column.name);
      continue;
    }
    shared.names.push_back(column.name);
    shared.in_a.push_back(column.local);
    shared.in_b.push_back(other->local);
  }
  for (const TableSide::Column& column : b.columns) {
    if (FindColumn(a, column.name) == nullptr) report.ColumnOnlyIn(Side::kB, table, column.name);
  }
  return shared;
}

void CompareCells(const std::string& table, const Shared& shared, const TableSide& side,
                  const RowStream& a, const RowStream& b, DiffReport& report) {
  std::vector<CellDifference> cells;
  for (std::size_t part = 0; part < side.key.size(); ++part) {  // 1 and 1.0 are one key
    if (a.key()[part] != b.key()[part]) {
      cells.push_back({side.key[part], a.key()[part], b.key()[part]});
    }
  }
  for (std::size_t column = 0; column < shared.names.size(); ++column) {
    Value in_a = a.Cell(column);
    Value in_b = b.Cell(column);
    if (in_a != in_b) cells.push_back({shared.names[column], std::move(in_a), std::move(in_b)});
  }
  if (!cells.empty()) report.CellsDiffer(table, EncodeKey(a.key()), cells);
}

}  // namespace

int CompareAsSqlite(const Value& a, const Value& b) {
  const int a_rank = ClassRank(a.type);
  const int b_rank = ClassRank(b.type);
  if (a_rank != b_rank) return Sign(a_rank < b_rank, true);
  if (a_rank == 1) return CompareNumbers(a, b);
  const int order = a.bytes.compare(b.bytes);
  return Sign(order < 0, order > 0);
}

Result<std::uint64_t> CompareTable(const std::string& name, Database& a, const TableSide& in_a,
                                   Database& b, const TableSide& in_b, DiffReport& report) {
  if (in_a.key.size() != in_b.key.size()) {
    report.KeysDiffer(name);
    return std::uint64_t{0};
  }
  const Shared shared = ShareColumns(name, in_a, in_b, report);
  REJOIN_ASSIGN(RowStream left, RowStream::Open(a, in_a, shared.in_a));
  REJOIN_ASSIGN(RowStream right, RowStream::Open(b, in_b, shared.in_b));
  std::uint64_t both = 0;
  while (left.has_row() || right.has_row()) {
    const int order = !right.has_row()  ? -1
                      : !left.has_row() ? 1
                                        : CompareKeys(left.key(), right.key());
    if (order == 0) {
      ++both;
      CompareCells(name, shared, in_a, left, right, report);
    } else if (order < 0) {
      report.RowOnlyIn(Side::kA, name, EncodeKey(left.key()));
    } else {
      report.RowOnlyIn(Side::kB, name, EncodeKey(right.key()));
    }
    if (order <= 0) REJOIN_TRY(left.Next());
    if (order >= 0) REJOIN_TRY(right.Next());
  }
  return left.count() + right.count() - both;
}

}  // namespace rejoin::cli
