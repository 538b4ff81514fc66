#include "store/sqlite/coalesce.h"

#include <algorithm>
#include <unordered_set>

#include "store/sqlite/fold.h"

namespace rejoin {
namespace {

// Of rows that changed their key in a transaction of several windows. Beyond, a row
// that came by several keys is taken to come from the last, and one that came back
// to have changed: more than its net effect, and as right.
constexpr std::size_t kMaxFollowedMoves = 65'536;

constexpr std::uint64_t kSignBit = std::uint64_t{1} << 63;

// The first 8 bytes as a number that orders as they do.
std::uint64_t PrefixOf(ByteView key) {
  std::uint64_t prefix = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    prefix = (prefix << 8) | (i < key.size() ? static_cast<std::uint8_t>(key[i]) : 0u);
  }
  return prefix;
}

void SortAndUnite(std::vector<ColumnId>& columns) {
  std::sort(columns.begin(), columns.end());
  columns.erase(std::unique(columns.begin(), columns.end()), columns.end());
}

}  // namespace

Coalescer::Event Coalescer::EventOf(const CaptureEntry& entry, ByteView key, std::int64_t rowid,
                                    Role role) {
  Event event;
  event.table = entry.table;
  event.role = role;
  if (entry.key_parts == 0) {
    event.prefix = static_cast<std::uint64_t>(rowid) ^ kSignBit;
  } else {
    event.prefix = PrefixOf(key);
    event.key = key.data();
    event.key_size = static_cast<std::uint32_t>(key.size());
  }
  return event;
}

bool Coalescer::SameKey(const Event& a, const Event& b) {
  return a.table == b.table && a.prefix == b.prefix && a.key_view() == b.key_view();
}

// By key, then as it happened.
bool Coalescer::Before(const Event& a, const Event& b) {
  if (a.table != b.table) return a.table < b.table;
  if (a.prefix != b.prefix) return a.prefix < b.prefix;
  const int order = a.key_view().compare(b.key_view());
  return order != 0 ? order < 0 : a.offset < b.offset;
}

Status Coalescer::Take(ByteView entries) {
  Glance(entries);
  std::size_t taken = 0;
  if (only_new_rows()) {
    REJOIN_ASSIGN(taken, TakeNew(entries));
  } else {
    taken = Read(entries);
  }
  if (taken != entries.size()) {
    return Fail(Code::kInternal, "captured changes cannot be read; please report it");
  }
  if (only_new_rows()) return {};
  Arrange();
  return EmitAll();
}

const Coalescer::Event* Coalescer::EndOfKey(const Event* first) const {
  const Event* const end = events_.data() + events_.size();
  const Event* next = first + 1;
  while (next != end && SameKey(*first, *next)) ++next;
  return next;
}

Status Coalescer::EmitAll() {
  const Event* const end = events_.data() + events_.size();
  for (const Event* first = events_.data(); first != end;) {
    const Event* const next = EndOfKey(first);
    REJOIN_TRY(EmitGroup(first, next));
    first = next;
  }
  return {};
}

void Coalescer::Restart(ByteView bytes) {
  bytes_ = bytes.substr(0, UINT32_MAX);  // offsets are 32 bits wide
  events_.clear();
  origins_.clear();
  ascending_ = true;
  moves_ = false;
  reader_ = EntryReader(bytes_);
}

std::size_t Coalescer::Read(ByteView bytes) {
  Restart(bytes);
  CaptureEntry entry;
  std::size_t offset = 0;
  while (reader_.Next(entry)) {
    AddEvents(entry, static_cast<std::uint32_t>(offset));
    offset = bytes_.size() - reader_.rest();
  }
  return offset;
}

void Coalescer::Arrange() {
  if (moves_ || !moved_.empty()) FollowMoves();
  if (!ascending_) std::sort(events_.begin(), events_.end(), Before);
}

Coalescer::Event Coalescer::EventOf(const CaptureEntry& entry, Role role) {
  if (role == Role::kLeft) return EventOf(entry, entry.old_key, entry.old_rowid, role);
  return EventOf(entry, entry.key, entry.rowid, role);
}

void Coalescer::AddEvents(const CaptureEntry& entry, std::uint32_t offset) {
  moves_ = moves_ || entry.key_changed;
  for (const Role role : {Role::kWhole, Role::kLeft, Role::kCame}) {
    if (entry.key_changed == (role == Role::kWhole)) continue;
    Event event = EventOf(entry, role);
    event.offset = offset;
    if (IsOfNewRows(entry)) {
      event.prefix = static_cast<std::uint64_t>(entry.rowid) ^ kSignBit;
      event.key = nullptr;
      event.key_size = 0;
    }
    Push(event);
  }
}

void Coalescer::Push(const Event& event) {
  if (ascending_ && !events_.empty()) {
    const Event& before = events_.back();
    ascending_ = Before(before, event) && !SameKey(before, event);
  }
  events_.push_back(event);
}

Bytes Coalescer::KeyOf(const Event& event) const {
  if (event.key != nullptr) return Bytes(event.key_view());
  Bytes key;
  AppendKeyPart(key, Value::Integer(static_cast<std::int64_t>(event.prefix ^ kSignBit)));
  return key;
}

CaptureEntry Coalescer::EntryOf(const Event& event) {
  CaptureEntry entry;
  reader_.Seek(bytes_.substr(event.offset));
  reader_.Next(entry);
  return entry;
}

void Coalescer::FollowMoves() {
  const auto name = [this](const Event& event) {
    Bytes named;
    PutVarint(named, event.table);
    return named + KeyOf(event);
  };
  std::unordered_set<Bytes> sources;
  for (const Event& event : events_) {
    if (event.role == Role::kLeft) sources.insert(name(event));
  }
  if (moved_.size() > kMaxFollowedMoves) moved_.clear();
  Bytes moving;
  for (const Event& event : events_) {
    const Bytes here = name(event);
    if (event.role == Role::kWhole && sources.count(here) == 0 && moved_.count(here) == 0) continue;
    const CaptureEntry entry = EntryOf(event);
    if (entry.continues) continue;
    if (event.role == Role::kLeft) {
      const auto known = moved_.find(here);
      moving = known == moved_.end() ? KeyOf(event) : known->second;
      moved_.erase(here);
    } else if (event.role == Role::kCame) {
      moved_[here] = moving;
      if (!moving.empty() && moving != KeyOf(event)) origins_[event.offset] = moving;
    } else if (entry.kind == ChangeKind::kInsert) {
      moved_[here].clear();
    } else if (entry.kind == ChangeKind::kDelete) {
      moved_.erase(here);
    }
  }
}

void Coalescer::SelectTable(TableNumber number) {
  if (table_.number == number) return;
  table_ = {};
  table_.number = number;
  const TrackedTable* const tracked = engine_.catalog.Find(number);
  if (tracked == nullptr || !tracked->local) return;
  table_.tracked = tracked;
  table_.local = Catalog::LocalColumns(*tracked);
}

ChangeView Coalescer::ChangeOf(const CaptureEntry& entry) const {
  ChangeView change;
  change.kind = entry.kind;
  change.has_rowid = entry.has_rowid;
  change.has_key = entry.key_parts > 0;
  change.table = entry.table;
  change.version = table_.tracked->version;
  change.rowid = entry.rowid;
  change.old_rowid = entry.old_rowid;
  change.key = entry.key;
  return change;
}

Status Coalescer::EmitGroup(const Event* first, const Event* last) {
  SelectTable(first->table);
  if (table_.tracked == nullptr) return {};
  if (last == first + 1) {
    REJOIN_ASSIGN(const bool emitted, EmitAlone(*first));
    if (emitted) return {};
  }
  history_.Start(table_.tracked->shape.kind == KeyKind::kIndexed);
  key_ = KeyOf(*first);
  change_ = ChangeOf(EntryOf(*first));
  if (change_.has_key) change_.key = first->key_view();
  columns_.clear();
  for (const Event* event = first; event != last; ++event) Tell(*event);
  return EmitHistory();
}

Status Coalescer::EmitInsert(const CaptureEntry& entry) {
  ChangeView change = ChangeOf(entry);
  change.old_rowid = 0;
  change.key_hashed = IsOfNewRows(entry);
  return emit_(change);
}

// The bulk of all changes: one entry for its key, which says it all.
Result<bool> Coalescer::EmitAlone(const Event& event) {
  if (event.role != Role::kWhole) return false;
  const CaptureEntry entry = EntryOf(event);
  if (entry.kind == ChangeKind::kInsert) {
    REJOIN_TRY(EmitInsert(entry));
    return true;
  }
  ChangeView change = ChangeOf(entry);
  if (entry.kind == ChangeKind::kDelete && !entry.has_too_large) {
    const std::vector<ColumnId> known = ReadRanges(entry.ranges);
    const auto from = known.begin() + static_cast<std::ptrdiff_t>(entry.from);
    columns_.assign(from, from + static_cast<std::ptrdiff_t>(entry.count));
    change.columns = &columns_;
    change.values = entry.values;
    REJOIN_TRY(emit_(change));
    return true;
  }
  if (entry.kind != ChangeKind::kUpdate) return false;
  columns_.clear();
  ByteReader values(entry.values);
  for (std::uint64_t next = values.Varint(); next != 0; next = values.Varint()) {
    columns_.push_back(static_cast<ColumnId>(next - 1));
    SkipValue(values);
  }
  AddUnseenColumns(entry);
  REJOIN_TRY(EmitUpdate(change));
  return true;
}

void Coalescer::AddUnseenColumns(const CaptureEntry& entry) {
  if (entry.version == table_.tracked->version) return;
  const std::vector<ColumnId> seen = ReadRanges(entry.ranges);
  std::set_difference(table_.local.begin(), table_.local.end(), seen.begin(), seen.end(),
                      std::back_inserter(columns_));
}

void Coalescer::Tell(const Event& event) {
  const CaptureEntry entry = EntryOf(event);
  if (event.role == Role::kLeft) return history_.Delete(entry);
  if (event.role == Role::kCame) {
    const auto origin = origins_.find(event.offset);
    if (origin == origins_.end()) return history_.Insert(entry, std::nullopt);
    return history_.Insert(entry, ByteView(origin->second));
  }
  switch (entry.kind) {
    case ChangeKind::kInsert:
      return history_.Insert(entry, std::nullopt);
    case ChangeKind::kUpdate:
      AddUnseenColumns(entry);
      return history_.Update(entry);
    case ChangeKind::kDelete:
      return history_.Delete(entry);
    case ChangeKind::kProbe:
      return history_.Probe(entry);
  }
}

Status Coalescer::EmitHistory() {
  if (history_.NeedsPresence()) {
    REJOIN_TRY(LookUp(false));
    history_.SetPresent(found_.present, found_.rowid);
  }
  ChangeView change = change_;
  change.rowid = history_.rowid();
  change.old_rowid = history_.old_rowid();
  if (history_.moved_from()) {
    change.has_moved_from = true;
    change.moved_from = *history_.moved_from();
  }
  switch (history_.net()) {
    case RowHistory::Net::kNothing:
      return {};
    case RowHistory::Net::kInsert:
      change.kind = ChangeKind::kInsert;
      return emit_(change);
    case RowHistory::Net::kInsertThenDelete:
      return EmitPassing(change);
    case RowHistory::Net::kDelete:
      return EmitDelete(change, history_.old_rowid(), history_.known());
    case RowHistory::Net::kUpdate:
      break;
  }
  if (history_.NeedsValues()) REJOIN_TRY(LookUp(true));
  std::vector<ColumnId> compared;
  for (const RowHistory::Known& known : history_.known()) {
    compared.push_back(known.column);
    bool changed = known.changes == 1;
    if (history_.remade() || known.changes > 1) {
      const auto at = std::lower_bound(table_.local.begin(), table_.local.end(), known.column);
      if (at == table_.local.end() || *at != known.column) continue;
      const auto index = static_cast<std::size_t>(at - table_.local.begin());
      changed = !found_.present || found_.values[index] != known.before;
    }
    if (changed) columns_.push_back(known.column);
  }
  if (history_.remade()) {
    std::set_difference(table_.local.begin(), table_.local.end(), compared.begin(), compared.end(),
                        std::back_inserter(columns_));
  }
  return EmitUpdate(change);
}

Status Coalescer::EmitPassing(ChangeView change) {
  if (!history_.was_there()) {
    REJOIN_ASSIGN(const bool was_shown, WasShown(engine_, *table_.tracked, key_, change.rowid));
    if (!was_shown) return {};
  }
  change.kind = ChangeKind::kInsert;
  REJOIN_TRY(emit_(change));
  change.with_last = true;
  return EmitDelete(change, history_.rowid(), history_.last_values());
}

Status Coalescer::EmitUpdate(ChangeView change) {
  SortAndUnite(columns_);
  if (columns_.empty() && change.rowid == change.old_rowid && !change.has_moved_from) return {};
  change.kind = ChangeKind::kUpdate;
  change.columns = &columns_;
  return emit_(change);
}

Status Coalescer::EmitDelete(ChangeView change, std::int64_t rowid,
                             const std::vector<RowHistory::Known>& values) {
  columns_.clear();
  values_.clear();
  for (const RowHistory::Known& known : values) {
    if (known.before.front() == kTooLargeMark) continue;
    columns_.push_back(known.column);
    values_.append(known.before);
  }
  change.kind = ChangeKind::kDelete;
  change.rowid = change.old_rowid = rowid;
  change.has_moved_from = false;
  change.columns = &columns_;
  change.values = values_;
  return emit_(change);
}

// Keys that the index calls equal, but are not, are not the row either.
Status Coalescer::LookUp(bool with_values) {
  const TrackedTable& table = *table_.tracked;
  const RowSql& sql = engine_.row_sql.For(table);
  found_.present = false;
  found_.values.clear();
  REJOIN_ASSIGN(CachedStatement row, engine_.db.Cached(sql.read_by_key));
  if (!BindKey(*row, table, key_)) return {};
  REJOIN_ASSIGN(const bool found, row->Step());
  Key there;
  if (!found || !ReadRowKey(*row, sql, table.shape.kind, there) || there != key_) return {};
  found_.present = true;
  found_.rowid = change_.has_rowid ? row->Integer(0) : 0;
  for (std::size_t i = 0; with_values && i < sql.local.size(); ++i) {
    Bytes value;
    PutValue(value, row->ColumnValue(sql.values_at + static_cast<int>(i)));
    found_.values.push_back(std::move(value));
  }
  return {};
}

}  // namespace rejoin
