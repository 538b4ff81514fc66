#include "bench/tables.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <random>
#include <string_view>

namespace rejoin::bench {
namespace {

constexpr const char* kWords[] = {"milk",  "bread", "invoice", "north", "green", "meeting", "paper", "light",
                                  "seven", "river", "call",    "blue",  "house", "train",   "apple", "letter"};

std::string Uuid(std::mt19937_64& random) {
  const std::uint64_t a = random();
  const std::uint64_t b = random();
  char text[40];
  std::snprintf(text, sizeof text, "%08x-%04x-4%03x-%04x-%012llx", static_cast<unsigned>(a >> 32),
                static_cast<unsigned>(a >> 16) & 0xffff, static_cast<unsigned>(a) & 0xfff,
                0x8000 | (static_cast<unsigned>(b >> 48) & 0x3fff),
                static_cast<unsigned long long>(b & 0xffff'ffff'ffff));
  return text;
}

std::string Text(std::mt19937_64& random, int bytes) {
  std::string text;
  while (text.size() < static_cast<std::size_t>(bytes)) {
    if (!text.empty()) text += ' ';
    text += kWords[random() % std::size(kWords)];
  }
  return text;
}

void PutSize(std::string& out, std::size_t size) {
  const auto size32 = static_cast<std::uint32_t>(size);
  out.append(reinterpret_cast<const char*>(&size32), sizeof size32);
}

struct Cell {
  char type = 0;
  std::string_view bytes;
};

Cell NextCell(std::string_view& rest) {
  std::uint32_t size = 0;
  std::memcpy(&size, rest.data() + 1, sizeof size);
  const Cell cell{rest.front(), rest.substr(1 + sizeof size, size)};
  rest.remove_prefix(1 + sizeof size + size);
  return cell;
}

}  // namespace

const std::vector<TableKind>& TableKinds() {
  static const std::vector<TableKind> kKinds = {
      {"integer key", "id INTEGER PRIMARY KEY NOT NULL", ")", false, 2, 40, 1},
      {"text key", "id TEXT PRIMARY KEY NOT NULL", ")", true, 2, 35, 1},
      {"WITHOUT ROWID", "id TEXT PRIMARY KEY NOT NULL", ") WITHOUT ROWID", true, 2, 35, 1},
      {"wide (40 columns)", "id TEXT PRIMARY KEY NOT NULL", ")", true, 20, 12, 20, 4},
      {"large values (10 KB)", "id TEXT PRIMARY KEY NOT NULL", ")", true, 1, 10'000, 1, 80},
  };
  return kKinds;
}

int ColumnCount(const TableKind& kind) { return kind.text_columns + kind.number_columns; }

std::string CreateTable(const TableKind& kind) {
  std::string sql = std::string("CREATE TABLE t(") + kind.key;
  for (int i = 0; i < ColumnCount(kind); ++i) {
    sql += ", c" + std::to_string(i) + (i < kind.text_columns ? " TEXT" : " INTEGER");
  }
  return sql + kind.end;
}

std::string ColumnNames(const TableKind& kind) {
  std::string names = "id";
  for (int i = 0; i < ColumnCount(kind); ++i) names += ", c" + std::to_string(i);
  return names;
}

std::string UpdatedColumn(const TableKind& kind) { return "c" + std::to_string(ColumnCount(kind) - 1); }

std::string Parameters(const TableKind& kind) {
  std::string parameters = "?1";
  for (int i = 2; i <= ColumnCount(kind) + 1; ++i) parameters += ", ?" + std::to_string(i);
  return parameters;
}

std::unique_ptr<Database> MakeSource(const FileOptions& options, const TableKind& kind, std::int64_t rows,
                                     std::uint64_t seed) {
  auto source = std::make_unique<Database>(options, "source");
  source->Exec("CREATE TABLE source(i INTEGER PRIMARY KEY, " + ColumnNames(kind) + ")");
  std::mt19937_64 random(seed);
  source->Exec("BEGIN");
  {
    Prepared insert(source->handle(), "INSERT INTO source VALUES(?" + std::to_string(ColumnCount(kind) + 2) + ", " +
                                          Parameters(kind) + ")");
    for (std::int64_t i = 1; i <= rows; ++i) {
      BindKey(kind, insert.raw(), 1, kind.text_key ? Uuid(random) : std::to_string(i));
      int at = 2;
      for (int column = 0; column < kind.text_columns; ++column) {
        const std::string text = Text(random, kind.text_bytes);
        sqlite3_bind_text(insert.raw(), at++, text.c_str(), -1, SQLITE_TRANSIENT);
      }
      for (int column = 0; column < kind.number_columns; ++column) {
        sqlite3_bind_int64(insert.raw(), at++, static_cast<std::int64_t>(random() % 100'000));
      }
      sqlite3_bind_int64(insert.raw(), at, i);
      insert.Run();
    }
  }
  source->Exec("COMMIT");
  return source;
}

Keys PickKeys(Database& source, std::int64_t rows, std::int64_t count) {
  Keys keys;
  Prepared read(source.handle(), "SELECT id FROM source WHERE i <= " + std::to_string(rows));
  while (read.Step()) keys.emplace_back(reinterpret_cast<const char*>(sqlite3_column_text(read.raw(), 0)));
  std::mt19937_64 random(static_cast<std::uint64_t>(count));
  std::shuffle(keys.begin(), keys.end(), random);
  keys.resize(std::min(keys.size(), static_cast<std::size_t>(count)));
  return keys;
}

void BindKey(const TableKind& kind, sqlite3_stmt* statement, int at, const std::string& key) {
  if (kind.text_key) {
    sqlite3_bind_text(statement, at, key.data(), static_cast<int>(key.size()), SQLITE_TRANSIENT);
  } else {
    sqlite3_bind_int64(statement, at, std::stoll(key));
  }
}

std::int64_t Serialise(Prepared& rows, std::string& out) {
  std::int64_t count = 0;
  const int columns = sqlite3_column_count(rows.raw());
  for (; rows.Step(); ++count) {
    for (int i = 0; i < columns; ++i) {
      const int type = sqlite3_column_type(rows.raw(), i);
      out.push_back(static_cast<char>(type));
      if (type == SQLITE_INTEGER) {
        const std::int64_t number = sqlite3_column_int64(rows.raw(), i);
        PutSize(out, sizeof number);
        out.append(reinterpret_cast<const char*>(&number), sizeof number);
      } else {
        const void* const bytes = sqlite3_column_blob(rows.raw(), i);
        const auto size = static_cast<std::size_t>(sqlite3_column_bytes(rows.raw(), i));
        PutSize(out, size);
        if (size > 0) out.append(static_cast<const char*>(bytes), size);
      }
    }
  }
  return count;
}

void RunForEach(const std::string& serialised, int columns, Prepared& statement) {
  for (std::string_view rest = serialised; !rest.empty();) {
    for (int i = 1; i <= columns; ++i) {
      const Cell cell = NextCell(rest);
      if (cell.type == SQLITE_INTEGER) {
        std::int64_t number = 0;
        std::memcpy(&number, cell.bytes.data(), sizeof number);
        sqlite3_bind_int64(statement.raw(), i, number);
      } else if (cell.type == SQLITE_TEXT) {
        sqlite3_bind_text64(statement.raw(), i, cell.bytes.data(), cell.bytes.size(), SQLITE_STATIC, SQLITE_UTF8);
      } else {
        sqlite3_bind_null(statement.raw(), i);
      }
    }
    statement.Run();
  }
}

std::string ColumnBytes(const std::string& serialised, int columns) {
  std::vector<std::string> bytes(static_cast<std::size_t>(columns));
  for (std::string_view rest = serialised; !rest.empty();) {
    for (std::string& column : bytes) column.append(NextCell(rest).bytes);
  }
  std::string all;
  for (const std::string& column : bytes) all += column;
  return all;
}

}  // namespace rejoin::bench
