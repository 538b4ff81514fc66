#include "store/sqlite/log_codec.h"

#include <algorithm>
#include <utility>

#include "store/sqlite/row_record.h"

namespace rejoin {
namespace {

constexpr std::uint8_t kBodyVersion = 1;
constexpr std::uint8_t kOverflow = 1;  // flag of a body

// A group's tag: what its entries are, and which parts they have.
constexpr std::uint8_t kWhatMask = 7;
constexpr std::uint8_t kTouchedKeys = 7;  // in place of a ChangeKind
constexpr std::uint8_t kHasRowid = 8;
constexpr std::uint8_t kHasOldRowid = 16;  // other than DefaultOldRowid
constexpr std::uint8_t kHasKey = 32;
constexpr std::uint8_t kHasMovedFrom = 64;
// Entries are runs of consecutive rowids; with kHasKey the hashes of their keys follow.
constexpr std::uint8_t kRuns = 128;

// The only tag of runs with keys: inserts that are nothing else.
constexpr std::uint8_t kHashedRuns =
    static_cast<std::uint8_t>(ChangeKind::kInsert) | kHasRowid | kHasKey | kRuns;

std::int64_t Difference(std::int64_t to, std::int64_t from) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from));
}

std::int64_t Sum(std::int64_t from, std::int64_t difference) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(from) +
                                   static_cast<std::uint64_t>(difference));
}

// An insert mostly has none; everything else mostly leaves the row where it is.
std::int64_t DefaultOldRowid(ChangeKind kind, std::int64_t rowid) {
  return kind == ChangeKind::kInsert ? 0 : rowid;
}

std::uint8_t TagOf(const ChangeView& change) {
  auto tag = static_cast<std::uint8_t>(change.kind);
  const auto add = [&tag](bool condition, std::uint8_t flag) {
    if (condition) tag = static_cast<std::uint8_t>(tag | flag);
  };
  add(change.has_rowid, kHasRowid);
  add(change.has_rowid && change.old_rowid != DefaultOldRowid(change.kind, change.rowid),
      kHasOldRowid);
  add(change.has_key, kHasKey);
  add(change.has_moved_from, kHasMovedFrom);
  const bool keyless = tag == (static_cast<std::uint8_t>(change.kind) | kHasRowid);
  add(change.key_hashed || (keyless && change.kind != ChangeKind::kDelete), kRuns);
  return tag;
}

const std::vector<ColumnId>& ColumnsOf(const ChangeView& change) {
  static const std::vector<ColumnId> kNone;
  return change.columns == nullptr ? kNone : *change.columns;
}

// Reads the groups of a body into a record.
class GroupReader {
 public:
  GroupReader(ByteReader& reader, LogRecord& record) : reader_(reader), record_(record) {}

  void ReadGroup() {
    tag_ = reader_.Byte();
    const std::uint8_t what = tag_ & kWhatMask;
    shared_ = {};
    last_rowid_ = 0;
    last_key_.clear();
    shared_.table = static_cast<TableNumber>(reader_.VarintUpTo(UINT32_MAX));
    if (what == kTouchedKeys) return ReadTouched();
    if (what < static_cast<std::uint8_t>(ChangeKind::kInsert) ||
        what > static_cast<std::uint8_t>(ChangeKind::kDelete)) {
      return reader_.MarkFailed();
    }
    shared_.kind = static_cast<ChangeKind>(what);
    shared_.version = reader_.Varint();
    ReadColumns();
    const std::uint64_t entries = Count();
    for (std::uint64_t i = 0; i < entries && reader_.ok(); ++i) {
      if ((tag_ & kRuns) != 0) {
        ReadRun();
      } else {
        ReadChange();
      }
    }
  }

 private:
  std::uint64_t Count() { return reader_.VarintUpTo(kMaxBodyWeight); }

  // False, and the reader failed, where the body has more than it can have.
  bool Weigh() {
    weight_ += ChangeWeight(shared_.columns.size());
    if (weight_ > kMaxBodyWeight) reader_.MarkFailed();
    return reader_.ok();
  }

  void ReadColumns() {
    const std::uint64_t count = reader_.VarintUpTo(reader_.remaining());
    std::uint64_t next = 0;
    for (std::uint64_t i = 0; i < count && reader_.ok(); ++i) {
      next += reader_.VarintUpTo(UINT32_MAX);
      if (next > UINT32_MAX) return reader_.MarkFailed();
      shared_.columns.push_back(static_cast<ColumnId>(next++));
    }
  }

  void ReadTouched() {
    const std::uint64_t entries = Count();
    for (std::uint64_t i = 0; i < entries && Weigh(); ++i) {
      record_.touched.push_back({shared_.table, ReadKey()});
    }
  }

  Key ReadKey() {
    const auto same = static_cast<std::size_t>(reader_.VarintUpTo(last_key_.size()));
    last_key_.resize(same);
    last_key_.append(reader_.LengthPrefixed());
    return last_key_;
  }

  void ReadRun() {
    const bool hashed = tag_ == kHashedRuns;
    if (!hashed && !IsKeylessRuns()) return reader_.MarkFailed();
    const std::int64_t first = Sum(last_rowid_, UnZigZag(reader_.Varint()));
    const std::uint64_t length = Count();
    for (std::uint64_t i = 0; i < length && Weigh(); ++i) {
      shared_.rowid = Sum(first, static_cast<std::int64_t>(i));
      shared_.old_rowid = DefaultOldRowid(shared_.kind, shared_.rowid);
      if (!hashed) {
        PushRowidKeyed();
      } else if (shared_.key_hash = reader_.Fixed64(); reader_.ok()) {
        record_.changes.push_back(shared_);
      }
    }
    last_rowid_ = Sum(first, static_cast<std::int64_t>(length));
  }

  // Deletes are none: each has its values.
  bool IsKeylessRuns() const {
    const auto kind = static_cast<std::uint8_t>(shared_.kind);
    return shared_.kind != ChangeKind::kDelete && tag_ == (kind | kHasRowid | kRuns);
  }

  void PushRowidKeyed() {
    shared_.key.clear();
    AppendKeyPart(shared_.key, Value::Integer(shared_.rowid));
    record_.changes.push_back(shared_);
  }

  void ReadChange() {
    if (!Weigh()) return;
    if ((tag_ & kHasRowid) != 0) {
      shared_.rowid = last_rowid_ = Sum(last_rowid_, UnZigZag(reader_.Varint()));
      shared_.old_rowid = DefaultOldRowid(shared_.kind, shared_.rowid);
    }
    if ((tag_ & kHasOldRowid) != 0) {
      shared_.old_rowid = Sum(shared_.rowid, UnZigZag(reader_.Varint()));
    }
    if ((tag_ & kHasKey) != 0) shared_.key = ReadKey();
    if ((tag_ & kHasMovedFrom) != 0) shared_.moved_from = Key(reader_.LengthPrefixed());
    if (shared_.kind == ChangeKind::kDelete) {
      shared_.old_values.clear();
      for (std::size_t i = 0; i < shared_.columns.size() && reader_.ok(); ++i) {
        shared_.old_values.push_back(ReadValue(reader_));
      }
    }
    if (!reader_.ok()) return;
    if ((tag_ & kHasKey) != 0) {
      record_.changes.push_back(shared_);
    } else {
      PushRowidKeyed();
    }
  }

  ByteReader& reader_;
  LogRecord& record_;
  std::uint64_t weight_ = 0;
  std::uint8_t tag_ = 0;
  Change shared_;
  std::int64_t last_rowid_ = 0;
  Key last_key_;
};

}  // namespace

bool LogBodyWriter::Fits(std::uint8_t tag, const ChangeView& change) const {
  return entries_ + run_length_ > 0 && tag == shared_.tag && change.table == shared_.table &&
         change.version == shared_.version && ColumnsOf(change) == shared_.columns;
}

void LogBodyWriter::BeginGroup(std::uint8_t tag, const ChangeView& change) {
  EndGroup();
  shared_.tag = tag;
  shared_.table = change.table;
  shared_.version = change.version;
  shared_.columns = ColumnsOf(change);
}

void LogBodyWriter::Add(const ChangeView& change) {
  const std::uint8_t tag = TagOf(change);
  if (!Fits(tag, change)) BeginGroup(tag, change);
  weight_ += ChangeWeight(shared_.columns.size());
  if ((tag & kRuns) != 0) {
    if (run_length_ == 0 || Difference(change.rowid, run_first_) != static_cast<std::int64_t>(run_length_)) {
      EndRun();
      run_first_ = change.rowid;
    }
    ++run_length_;
    if (change.key_hashed) PutFixed64(run_hashes_, KeyHash(change.key));
    return;
  }
  ++entries_;
  if ((tag & kHasRowid) != 0) {
    PutVarint(group_, ZigZag(Difference(change.rowid, last_rowid_)));
    last_rowid_ = change.rowid;
  }
  if ((tag & kHasOldRowid) != 0) {
    PutVarint(group_, ZigZag(Difference(change.old_rowid, change.rowid)));
  }
  if ((tag & kHasKey) != 0) PutKey(change.key);
  if ((tag & kHasMovedFrom) != 0) PutBytes(group_, change.moved_from);
  group_.append(change.values);
}

void LogBodyWriter::AddTouched(const TouchedKey& touched) {
  ChangeView view;
  view.table = touched.table;
  if (!Fits(kTouchedKeys, view)) BeginGroup(kTouchedKeys, view);
  weight_ += ChangeWeight(0);
  ++entries_;
  PutKey(touched.key);
}

// Keys come sorted: what one shares with the one before is not written again.
void LogBodyWriter::PutKey(ByteView key) {
  const std::size_t most = std::min(key.size(), last_key_.size());
  const auto differs = std::mismatch(key.begin(), key.begin() + static_cast<std::ptrdiff_t>(most),
                                     last_key_.begin());
  const auto same = static_cast<std::size_t>(differs.first - key.begin());
  PutVarint(group_, same);
  PutBytes(group_, key.substr(same));
  last_key_.assign(key);
}

void LogBodyWriter::EndRun() {
  if (run_length_ == 0) return;
  ++entries_;
  PutVarint(group_, ZigZag(Difference(run_first_, last_rowid_)));
  PutVarint(group_, run_length_);
  last_rowid_ = Sum(run_first_, static_cast<std::int64_t>(run_length_));
  run_length_ = 0;
  group_.append(run_hashes_);
  run_hashes_.clear();
}

void LogBodyWriter::EndGroup() {
  EndRun();
  if (entries_ == 0) return;
  groups_.push_back(static_cast<char>(shared_.tag));
  PutVarint(groups_, shared_.table);
  if ((shared_.tag & kWhatMask) != kTouchedKeys) {
    PutVarint(groups_, shared_.version);
    PutVarint(groups_, shared_.columns.size());
    ColumnId next = 0;
    for (const ColumnId column : shared_.columns) {
      PutVarint(groups_, column - next);
      next = column + 1;
    }
  }
  PutVarint(groups_, entries_);
  groups_.append(group_);
  group_.clear();
  entries_ = 0;
  last_rowid_ = 0;
  last_key_.clear();
}

Bytes LogBodyWriter::Take(Rank rank, const std::vector<Advance>& advances, bool overflow) {
  EndGroup();
  Bytes body;
  body.reserve(groups_.size() + kHeadBytes);
  body.push_back(static_cast<char>(kBodyVersion));
  body.push_back(static_cast<char>(overflow ? kOverflow : 0));
  body.push_back(static_cast<char>(rank));
  PutVarint(body, advances.size());
  for (const Advance& advance : advances) {
    PutVarint(body, advance.replica);
    PutVarint(body, advance.from.value);
    PutVarint(body, advance.to.value - advance.from.value);
  }
  body.append(groups_);
  groups_.clear();
  weight_ = 0;
  return body;
}

Status DecodeLogBody(ByteView body, LogRecord& record) {
  if (body.empty()) return {};  // the row that every log begins with
  ByteReader reader(body);
  if (reader.Byte() != kBodyVersion) reader.MarkFailed();
  record.overflow = (reader.Byte() & kOverflow) != 0;
  record.rank = static_cast<Rank>(reader.Byte() & kMaxRank);
  const std::uint64_t advances = reader.VarintUpTo(reader.remaining());
  for (std::uint64_t i = 0; i < advances && reader.ok(); ++i) {
    Advance advance;
    advance.replica = static_cast<ReplicaNumber>(reader.VarintUpTo(UINT32_MAX));
    advance.from.value = reader.Varint();
    advance.to.value = advance.from.value + reader.Varint();
    record.advances.push_back(advance);
  }
  GroupReader groups(reader, record);
  while (reader.ok() && reader.remaining() > 0) groups.ReadGroup();
  if (reader.ok()) return {};
  return Fail(Code::kCorrupt, "row " + std::to_string(record.cursor.position) +
                                  " of rejoin__log is damaged; run rejoin doctor");
}

}  // namespace rejoin
