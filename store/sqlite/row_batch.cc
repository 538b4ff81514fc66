#include "store/sqlite/row_batch.h"

#include <algorithm>
#include <cstring>

namespace rejoin {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{64} << 10;

// The first bytes, as a number that orders as they do.
std::uint64_t PrefixOf(ByteView key) {
  std::uint64_t prefix = 0;
  for (std::size_t i = 0; i < sizeof prefix; ++i) {
    prefix = prefix << 8 | (i < key.size() ? static_cast<std::uint8_t>(key[i]) : 0u);
  }
  return prefix;
}

}  // namespace

void RowBatch::Add(RowDelta&& row) {
  order_.push_back({PrefixOf(row.key), static_cast<std::uint32_t>(whole_.size()), false});
  whole_.push_back(std::move(row));
}

void RowBatch::Add(const InsertedRow& row) {
  order_.push_back({PrefixOf(row.key), static_cast<std::uint32_t>(inserted_.size()), true});
  const bool as_before = !inserts_.empty() && inserts_.back().birth == row.birth &&
                         std::equal(row.columns.begin(), row.columns.end(), inserts_.back().columns.begin(),
                                    inserts_.back().columns.end());
  if (!as_before) inserts_.push_back({row.birth, {row.columns.begin(), row.columns.end()}});
  inserted_.push_back({Keep(row.key), values_.size(), inserts_.size() - 1});
  for (const ValueView& value : row.values) values_.push_back({value.type, value.bits, Keep(value.bytes)});
}

void RowBatch::SortByKey() {
  std::sort(order_.begin(), order_.end(), [this](const Place& a, const Place& b) {
    return a.prefix != b.prefix ? a.prefix < b.prefix : KeyAt(a) < KeyAt(b);
  });
}

void RowBatch::Clear() {
  order_.clear();
  whole_.clear();
  inserted_.clear();
  inserts_.clear();
  values_.clear();
  chunks_.clear();
  free_bytes_ = 0;
}

ByteView RowBatch::KeyAt(const Place& place) const {
  return place.inserted ? inserted_[place.index].key : ByteView(whole_[place.index].key);
}

InsertedRow RowBatch::At(const Inserted& row) const {
  const Insert& insert = inserts_[row.insert];
  return {row.key, insert.birth, insert.columns,
          std::span(values_).subspan(row.first_value, insert.columns.size())};
}

ByteView RowBatch::Keep(ByteView bytes) {
  if (bytes.empty()) return {};
  if (bytes.size() > free_bytes_) {
    const std::size_t size = std::max(bytes.size(), kChunkBytes);
    chunks_.push_back(std::make_unique_for_overwrite<char[]>(size));
    free_ = chunks_.back().get();
    free_bytes_ = size;
  }
  char* const kept = free_;
  std::memcpy(kept, bytes.data(), bytes.size());
  free_ += bytes.size();
  free_bytes_ -= bytes.size();
  return {kept, bytes.size()};
}

}  // namespace rejoin
