#include "store/sqlite/capture_entry.h"

#include <cstring>
#include <new>

namespace rejoin {
namespace {

constexpr char kKindMask = 7;
constexpr char kHasRowid = 8;
constexpr char kContinues = 16;

constexpr char kKeyChanged = 1;
constexpr char kHasTooLarge = 2;

ByteView BytesOf(sqlite3_value* value) {
  // Not sqlite3_value_text: it would copy every text to put a zero behind it. The
  // length first: it converts text of a UTF-16 database, in place, to UTF-8.
  const auto size = static_cast<std::size_t>(sqlite3_value_bytes(value));
  const void* const bytes = sqlite3_value_blob(value);
  if (bytes == nullptr && size > 0) throw std::bad_alloc();
  return {static_cast<const char*>(bytes), size};
}

std::uint64_t BitsOf(double number) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &number, sizeof bits);
  return bits;
}

// Same storage class and bits or bytes.
bool Same(sqlite3_value* a, sqlite3_value* b) {
  const int type = sqlite3_value_type(a);
  if (type != sqlite3_value_type(b)) return false;
  switch (type) {
    case SQLITE_INTEGER:
      return sqlite3_value_int64(a) == sqlite3_value_int64(b);
    case SQLITE_FLOAT:
      return BitsOf(sqlite3_value_double(a)) == BitsOf(sqlite3_value_double(b));
    case SQLITE_NULL:
      return true;
    default:
      return BytesOf(a) == BytesOf(b);
  }
}

ValueView ViewOf(sqlite3_value* value, int type) {
  switch (type) {
    case SQLITE_INTEGER:
      return {ValueType::kInteger, static_cast<std::uint64_t>(sqlite3_value_int64(value)), {}};
    case SQLITE_FLOAT:
      return {ValueType::kReal, BitsOf(sqlite3_value_double(value)), {}};
    case SQLITE_TEXT:
      return {ValueType::kText, 0, BytesOf(value)};
    case SQLITE_BLOB:
      return {ValueType::kBlob, 0, BytesOf(value)};
    default:
      return {};
  }
}

bool AnyNull(sqlite3_value** parts, int count, int step) {
  for (int i = 0; i < count; ++i) {
    if (sqlite3_value_type(parts[i * step]) == SQLITE_NULL) return true;
  }
  return false;
}

bool ReadKeyParts(ByteReader& reader, std::uint32_t parts, ByteView& key) {
  const ByteView before = reader.rest();
  for (std::uint32_t i = 0; i < parts && reader.ok(); ++i) ReadKeyPart(reader);
  if (!reader.ok()) return false;
  key = before.substr(0, before.size() - reader.remaining());
  return true;
}

// The number of columns in the ranges; `ranges` gets their bytes.
std::uint64_t ReadRangeBytes(ByteReader& reader, ByteView& ranges) {
  const ByteView before = reader.rest();
  const std::uint64_t count = reader.VarintUpTo(reader.remaining());
  std::uint64_t columns = 0;
  for (std::uint64_t i = 0; i < count && reader.ok(); ++i) {
    reader.VarintUpTo(UINT32_MAX - kMaxCaptureColumns);
    columns += reader.VarintUpTo(kMaxCaptureColumns);
    if (columns > kMaxCaptureColumns) reader.MarkFailed();
  }
  if (reader.ok()) ranges = before.substr(0, before.size() - reader.remaining());
  return columns;
}

// Everything of a head behind its kind.
bool ReadHeadFields(ByteReader& reader, CaptureEntry& entry) {
  entry.table = static_cast<TableNumber>(reader.VarintUpTo(UINT32_MAX));
  entry.version = reader.Varint();
  entry.key_parts = static_cast<std::uint32_t>(reader.VarintUpTo(kMaxCaptureColumns));
  const std::uint64_t known = ReadRangeBytes(reader, entry.ranges);
  entry.from = static_cast<std::uint32_t>(reader.VarintUpTo(known));
  entry.count = static_cast<std::uint32_t>(reader.VarintUpTo(known - entry.from));
  return reader.ok();
}

}  // namespace

ChangeKind KindOfHead(ByteView head) { return static_cast<ChangeKind>(head.front() & kKindMask); }

void PutHead(Bytes& out, const CaptureHead& head) {
  char kind = static_cast<char>(head.kind);
  if (head.has_rowid) kind = static_cast<char>(kind | kHasRowid);
  if (head.continues) kind = static_cast<char>(kind | kContinues);
  out.push_back(kind);
  PutVarint(out, head.table);
  PutVarint(out, head.version);
  PutVarint(out, head.key_parts);
  std::vector<std::pair<ColumnId, ColumnId>> ranges;  // first, count
  for (const ColumnId column : head.known) {
    const bool extends = !ranges.empty() && ranges.back().first + ranges.back().second == column;
    if (!extends) ranges.push_back({column, 0});
    ++ranges.back().second;
  }
  PutVarint(out, ranges.size());
  for (const auto& [first, count] : ranges) {
    PutVarint(out, first);
    PutVarint(out, count);
  }
  PutVarint(out, head.from);
  PutVarint(out, head.count);
}

bool EntryWriter::Parse(ByteView bytes, Head& head) {
  ByteReader reader(bytes);
  head.bytes = bytes;
  const std::uint8_t kind_byte = reader.Byte();
  const int kind = kind_byte & kKindMask;
  if (kind < static_cast<int>(ChangeKind::kInsert) || kind > static_cast<int>(ChangeKind::kProbe)) {
    return false;
  }
  head.kind = static_cast<ChangeKind>(kind);
  head.has_rowid = (kind_byte & kHasRowid) != 0;
  CaptureEntry fields;
  if (!ReadHeadFields(reader, fields) || !reader.AtEnd()) return false;
  head.key_parts = static_cast<int>(fields.key_parts);
  const std::vector<ColumnId> known = ReadRanges(fields.ranges);
  const auto first = known.begin() + static_cast<std::ptrdiff_t>(fields.from);
  head.columns.assign(first, first + static_cast<std::ptrdiff_t>(fields.count));
  return true;
}

bool EntryWriter::TakeHead(ByteView bytes) {
  if (!bytes.empty() && bytes == head_bytes_) return true;
  // Where there is no memory to read it, head_ is half this one: of none that is known.
  head_bytes_.clear();
  Bytes taken(bytes);
  if (!Parse(taken, head_)) return false;
  head_bytes_ = std::move(taken);
  head_.bytes = head_bytes_;
  return true;
}

Result<std::optional<ByteView>> EntryWriter::Write(ByteView bytes, const CapturedRow& row,
                                                   std::uint64_t max_cell_bytes) {
  unchanged_ = false;
  const bool understood = TakeHead(bytes);
  const Head& head = head_;
  int expected = head.key_parts;
  if (head.kind != ChangeKind::kInsert) expected += head.column_count();
  if (head.kind == ChangeKind::kUpdate) expected = 2 * expected + (head.has_rowid ? 1 : 0);
  if (!understood || expected > row.count) {
    return Fail(Code::kDirectWrite, "a capture trigger is damaged; run rejoin doctor");
  }
  max_cell_bytes_ = max_cell_bytes;
  const std::int64_t rowid = sqlite3_value_int64(row.rowid);
  bool written = false;
  switch (head.kind) {
    case ChangeKind::kInsert:
      written = PutInsert(head, {row.values, 1}, rowid);
      break;
    case ChangeKind::kUpdate:
      written = PutUpdate(head, row);
      break;
    case ChangeKind::kDelete:
    case ChangeKind::kProbe:
      written = PutGone(head, head.kind, {row.values, 1}, rowid);
      break;
  }
  if (!written) return std::optional<ByteView>();
  return std::optional<ByteView>(entry_);
}

void EntryWriter::Begin(const Head& head, ChangeKind kind, std::int64_t rowid,
                        std::int64_t old_rowid) {
  entry_.assign(head.bytes);
  const char others = static_cast<char>(entry_[0] & ~kKindMask);
  entry_[0] = static_cast<char>(others | static_cast<char>(kind));
  flags_at_ = entry_.size();
  entry_.push_back(0);
  if ((others & kHasRowid) == 0) return;
  PutVarint(entry_, ZigZag(rowid));
  const std::uint64_t difference =
      static_cast<std::uint64_t>(old_rowid) - static_cast<std::uint64_t>(rowid);
  PutVarint(entry_, ZigZag(static_cast<std::int64_t>(difference)));
}

bool EntryWriter::PutKey(Places parts, int count) {
  for (int i = 0; i < count; ++i) {
    sqlite3_value* const part = parts.first[i * parts.step];
    const int type = sqlite3_value_type(part);
    if (type == SQLITE_NULL) return false;
    AppendKeyPart(entry_, ViewOf(part, type));
  }
  return true;
}

void EntryWriter::PutColumn(sqlite3_value* value) {
  const ValueView view = ViewOf(value, sqlite3_value_type(value));
  if (view.bytes.size() > max_cell_bytes_) {
    entry_.push_back(kTooLargeMark);
    entry_[flags_at_] = static_cast<char>(entry_[flags_at_] | kHasTooLarge);
    return;
  }
  entry_.push_back(static_cast<char>(view.type));
  if (view.type == ValueType::kInteger) {
    PutVarint(entry_, ZigZag(static_cast<std::int64_t>(view.bits)));
  } else if (view.type == ValueType::kReal) {
    PutFixed64(entry_, view.bits);
  } else if (view.type != ValueType::kNull) {
    PutBytes(entry_, view.bytes);
  }
}

void EntryWriter::PutColumns(Places values, int count) {
  for (int i = 0; i < count; ++i) PutColumn(values.first[i * values.step]);
}

bool EntryWriter::PutChanged(const std::vector<ColumnId>& columns, sqlite3_value** pairs) {
  bool any = false;
  for (const ColumnId column : columns) {
    if (!Same(pairs[0], pairs[1])) {
      any = true;
      PutVarint(entry_, std::uint64_t{column} + 1);
      PutColumn(pairs[0]);
    }
    pairs += 2;
  }
  PutVarint(entry_, 0);
  return any;
}

bool EntryWriter::PutInsert(const Head& head, Places key, std::int64_t rowid) {
  Begin(head, ChangeKind::kInsert, rowid, rowid);
  return PutKey(key, head.key_parts);
}

bool EntryWriter::PutGone(const Head& head, ChangeKind kind, Places values, std::int64_t rowid) {
  Begin(head, kind, rowid, rowid);
  if (!PutKey(values, head.key_parts)) return false;
  PutColumns({values.first + head.key_parts * values.step, values.step}, head.column_count());
  return true;
}

bool EntryWriter::PutUpdate(const Head& head, const CapturedRow& row) {
  const std::int64_t rowid = sqlite3_value_int64(row.rowid);
  sqlite3_value** pairs = row.values;
  const std::int64_t old_rowid = head.has_rowid ? sqlite3_value_int64(*pairs++) : 0;
  const Places was{pairs, 2};
  const Places now{pairs + 1, 2};
  // Rows with a NULL in the key are local: coming from there is an insert for
  // everybody else, going there a delete.
  if (AnyNull(was.first, head.key_parts, 2)) return PutInsert(head, now, rowid);
  if (AnyNull(now.first, head.key_parts, 2)) {
    return PutGone(head, ChangeKind::kDelete, was, old_rowid);
  }
  bool key_changed = head.key_parts == 0 && rowid != old_rowid;
  for (int i = 0; i < head.key_parts && !key_changed; ++i) {
    key_changed = !Same(was.first[2 * i], now.first[2 * i]);
  }
  Begin(head, ChangeKind::kUpdate, rowid, old_rowid);
  PutKey(now, head.key_parts);
  sqlite3_value** const columns = pairs + 2 * head.key_parts;
  if (key_changed) {
    entry_[flags_at_] = static_cast<char>(entry_[flags_at_] | kKeyChanged);
    PutKey(was, head.key_parts);
    PutColumns({columns, 2}, head.column_count());
    return true;
  }
  unchanged_ = !PutChanged(head.columns, columns) && rowid == old_rowid;
  return !unchanged_;
}

bool EntryReader::ReadHead(CaptureEntry& entry) {
  const ByteView before = reader_.rest();
  if (!head_.empty() && before.substr(0, head_.size()) == head_) {
    reader_.Raw(head_.size());
    entry = shared_;
    return true;
  }
  const auto kind = static_cast<char>(reader_.Byte());
  shared_ = {};
  shared_.kind = static_cast<ChangeKind>(kind & kKindMask);
  shared_.has_rowid = (kind & kHasRowid) != 0;
  shared_.continues = (kind & kContinues) != 0;
  ReadHeadFields(reader_, shared_);
  head_ = reader_.ok() ? before.substr(0, before.size() - reader_.remaining()) : ByteView();
  entry = shared_;
  return reader_.ok();
}

bool EntryReader::Next(CaptureEntry& entry) {
  ByteReader& reader = reader_;
  if (!ReadHead(entry)) return false;
  const auto flags = static_cast<char>(reader.Byte());
  entry.key_changed = (flags & kKeyChanged) != 0;
  entry.has_too_large = (flags & kHasTooLarge) != 0;
  if (entry.has_rowid) {
    entry.rowid = UnZigZag(reader.Varint());
    entry.old_rowid =
        static_cast<std::int64_t>(static_cast<std::uint64_t>(entry.rowid) +
                                  static_cast<std::uint64_t>(UnZigZag(reader.Varint())));
  }
  if (!reader.ok()) return false;
  if (entry.key_parts > 0) {
    if (!ReadKeyParts(reader, entry.key_parts, entry.key)) return false;
    if (entry.key_changed && !ReadKeyParts(reader, entry.key_parts, entry.old_key)) return false;
  }
  const ByteView before = reader.rest();
  if (entry.kind == ChangeKind::kUpdate && !entry.key_changed) {
    while (reader.ok() && reader.Varint() != 0) SkipValue(reader);
  } else if (entry.kind != ChangeKind::kInsert) {
    for (std::uint32_t i = 0; i < entry.count && reader.ok(); ++i) SkipValue(reader);
  }
  if (!reader.ok()) return false;
  entry.values = before.substr(0, before.size() - reader.remaining());
  rest_ = reader.remaining();
  return true;
}

ByteView SkipValue(ByteReader& reader) {
  const ByteView before = reader.rest();
  switch (reader.Byte()) {
    case static_cast<std::uint8_t>(ValueType::kNull):
    case static_cast<std::uint8_t>(kTooLargeMark):
      break;
    case static_cast<std::uint8_t>(ValueType::kInteger):
      reader.Varint();
      break;
    case static_cast<std::uint8_t>(ValueType::kReal):
      reader.Raw(8);
      break;
    case static_cast<std::uint8_t>(ValueType::kText):
    case static_cast<std::uint8_t>(ValueType::kBlob):
      reader.LengthPrefixed();
      break;
    default:
      reader.MarkFailed();
  }
  return reader.ok() ? before.substr(0, before.size() - reader.remaining()) : ByteView();
}

std::vector<ColumnId> ReadRanges(ByteView bytes) {
  std::vector<ColumnId> columns;
  ByteReader reader(bytes);
  for (std::uint64_t left = reader.Varint(); left > 0 && reader.ok(); --left) {
    const auto first = static_cast<ColumnId>(reader.Varint());
    const auto count = static_cast<ColumnId>(reader.Varint());
    for (ColumnId i = 0; i < count; ++i) columns.push_back(first + i);
  }
  return columns;
}

}  // namespace rejoin
