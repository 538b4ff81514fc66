// A transaction in several windows: what the Coalescer does for capture_sort.cc.
#include <algorithm>
#include <limits>

#include "base/hash.h"
#include "store/sqlite/coalesce.h"

namespace rejoin {

// record := role | 0, or 1 + size of the key it came from, and that | entry
Bytes Coalescer::RecordOf(const Event& event, ByteView entry) const {
  Bytes record(1, static_cast<char>(event.role));
  const auto origin = event.role == Role::kCame ? origins_.find(event.offset) : origins_.end();
  if (origin == origins_.end()) {
    PutVarint(record, 0);
  } else {
    PutVarint(record, origin->second.size() + 1);
    record.append(origin->second);
  }
  return record.append(entry);
}

// After two changes of a column its value is compared with the table's anyway.
bool Coalescer::SaysNothingNew(const Event& event, const CaptureEntry& entry) {
  const bool plain = event.role == Role::kWhole && entry.kind == ChangeKind::kUpdate &&
                     entry.rowid == entry.old_rowid && !entry.continues;
  if (!plain) {
    told_.clear();
    return false;
  }
  bool nothing_new = true;
  ByteReader values(entry.values);
  for (std::uint64_t next = values.Varint(); next != 0; next = values.Varint()) {
    const auto column = static_cast<ColumnId>(next - 1);
    SkipValue(values);
    auto told = std::find_if(told_.begin(), told_.end(),
                             [column](const auto& one) { return one.first == column; });
    if (told == told_.end()) told = told_.insert(told, {column, 0});
    nothing_new = nothing_new && told->second >= 2;
    ++told->second;
  }
  return nothing_new && !told_.empty();
}

std::uint64_t Coalescer::HashOf(const Event& event) {
  Bytes named;
  PutFixed64(named, event.table);
  if (event.key == nullptr) PutFixed64(named, event.prefix);
  return Hash64(named.append(event.key_view()));
}

Coalescer::Glanced& Coalescer::GlancedOf(TableNumber table) {
  if (last_glanced_ < glanced_.size() && glanced_[last_glanced_].table == table) return glanced_[last_glanced_];
  const auto at = std::find_if(glanced_.begin(), glanced_.end(),
                               [table](const Glanced& one) { return one.table == table; });
  last_glanced_ = static_cast<std::size_t>(at - glanced_.begin());
  if (at == glanced_.end()) {
    glanced_.push_back({table, std::numeric_limits<std::int64_t>::min(), !glanced_enough_});
  }
  return glanced_[last_glanced_];
}

std::size_t Coalescer::Glance(ByteView window) {
  if (glanced_enough_) return window.size();
  EntryReader reader(window);
  CaptureEntry entry;
  while (reader.Next(entry)) {
    Glanced& glanced = GlancedOf(entry.table);
    const bool is_new = entry.kind == ChangeKind::kInsert && entry.has_rowid;
    glanced.only_new = glanced.only_new && is_new && entry.rowid > glanced.last_rowid;
    glanced.last_rowid = entry.rowid;
    glanced_enough_ = !glanced.only_new && std::none_of(glanced_.begin(), glanced_.end(),
                                                        [](const Glanced& one) { return one.only_new; });
    if (glanced_enough_) return window.size();
  }
  return window.size() - reader.rest();
}

bool Coalescer::IsOfNewRows(const CaptureEntry& entry) {
  return entry.key_parts > 0 && GlancedOf(entry.table).only_new;
}

Result<std::size_t> Coalescer::TakeNew(ByteView window) {
  EntryReader reader(window);
  CaptureEntry entry;
  while (reader.Next(entry)) {
    SelectTable(entry.table);
    if (table_.tracked != nullptr) REJOIN_TRY(EmitInsert(entry));
  }
  return window.size() - reader.rest();
}

std::optional<std::size_t> Coalescer::Ascend(ByteView window) {
  const std::size_t taken = Read(window);
  if (events_.empty()) return taken;
  const Event& first = events_.front();
  if (!ascending_) return std::nullopt;
  if (highest_ && (SameKey(*highest_, first) || !Before(*highest_, first))) return std::nullopt;
  highest_ = events_.back();
  highest_key_ = highest_->key_view();
  if (highest_->key != nullptr) highest_->key = highest_key_.data();
  return taken;
}

std::size_t Coalescer::Survey(ByteView window, std::vector<std::uint64_t>& key_hashes) {
  const std::size_t taken = Read(window);
  for (const Event& event : events_) key_hashes.push_back(HashOf(event));
  std::sort(key_hashes.begin(), key_hashes.end());
  key_hashes.erase(std::unique(key_hashes.begin(), key_hashes.end()), key_hashes.end());
  return taken;
}

Result<std::size_t> Coalescer::TakeBut(const KeyHashes& recurring, ByteView window,
                                       const Record& tell) {
  const std::size_t taken = Read(window);
  Arrange();
  const Event* const end = events_.data() + events_.size();
  for (const Event* first = events_.data(); first != end;) {
    const Event* const next = EndOfKey(first);
    const bool later = !recurring.empty() && recurring.Has(HashOf(*first));
    REJOIN_TRY(later ? TellGroup(first, next, tell) : EmitGroup(first, next));
    first = next;
  }
  return taken;
}

Status Coalescer::TellGroup(const Event* first, const Event* last, const Record& tell) {
  told_.clear();
  for (const Event* event = first; event != last; ++event) {
    const CaptureEntry entry = EntryOf(*event);
    if (SaysNothingNew(*event, entry)) continue;
    const std::size_t size = bytes_.size() - event->offset - reader_.rest();
    REJOIN_TRY(tell(RecordOf(*event, bytes_.substr(event->offset, size))));
  }
  return {};
}

Coalescer::Place::Place(ByteView record) {
  ByteReader reader(record);
  const auto role = static_cast<Role>(reader.Byte());
  const std::uint64_t origin = reader.Varint();
  if (origin > 0) reader.Raw(static_cast<std::size_t>(origin - 1));
  CaptureEntry entry;
  EntryReader(reader.rest()).Next(entry);
  event_ = EventOf(entry, role);
}

Status Coalescer::TakeSorted(ByteView records) {
  Restart(records);
  ByteReader reader(bytes_);
  while (!reader.AtEnd()) {
    const ByteView record = reader.LengthPrefixed();
    if (!reader.ok()) return Fail(Code::kInternal, "captured changes cannot be read; please report it");
    ByteReader fields(record);
    fields.Byte();
    const std::uint64_t origin = fields.Varint();
    const ByteView from = origin > 0 ? fields.Raw(static_cast<std::size_t>(origin - 1)) : ByteView();
    Event event = Place(record).event_;
    event.offset = static_cast<std::uint32_t>(fields.rest().data() - bytes_.data());
    if (origin > 0) origins_[event.offset] = Bytes(from);
    events_.push_back(event);
  }
  return EmitAll();
}

}  // namespace rejoin
