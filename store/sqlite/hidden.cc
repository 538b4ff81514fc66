#include "store/sqlite/hidden.h"

#include <algorithm>

namespace rejoin {
namespace {

constexpr char kPut[] =
    "INSERT OR REPLACE INTO {s}.rejoin__hidden(tbl, key, reason, detail, holder) "
    "VALUES(?1, ?2, ?3, ?4, ?5)";
constexpr char kRemove[] =
    "DELETE FROM {s}.rejoin__hidden WHERE tbl = ?1 AND key = ?2 AND reason <= 3";
constexpr char kAnyForUnique[] =
    "SELECT 1 FROM {s}.rejoin__hidden WHERE tbl = ?1 AND holder IS NOT NULL LIMIT 1";
constexpr char kBehind[] = "SELECT key FROM {s}.rejoin__hidden WHERE tbl = ?1 AND holder = ?2";
constexpr char kAfter[] =
    "SELECT key FROM {s}.rejoin__hidden WHERE tbl = ?1 AND key > ?2 AND reason <= 3 "
    "ORDER BY key LIMIT ?3";

// The statements above speak of reasons up to 3 as those that a merge decides.
static_assert(static_cast<int>(QuarantineReason::kUnique) == 1 &&
              static_cast<int>(QuarantineReason::kCheck) == 2 &&
              static_cast<int>(QuarantineReason::kUnknownTable) == 3);

Result<std::vector<Key>> Keys(Statement& read) {
  std::vector<Key> keys;
  for (;;) {
    REJOIN_ASSIGN(const bool row, read.Step());
    if (!row) return keys;
    keys.emplace_back(read.Text(0));
  }
}

constexpr std::size_t kMaxKeyPartText = 60;

std::string PartText(const ValueView& part) {
  switch (part.type) {
    case ValueType::kInteger:
      return std::to_string(static_cast<std::int64_t>(part.bits));
    case ValueType::kReal:
      return std::to_string(Value{part.type, part.bits, {}}.real());
    case ValueType::kText: {
      // Not in the middle of a character.
      std::size_t cut = std::min(part.bytes.size(), kMaxKeyPartText);
      while (cut > 0 && cut < part.bytes.size() && (part.bytes[cut] & 0xc0) == 0x80) --cut;
      return QuoteText(part.bytes.substr(0, cut)) + (cut < part.bytes.size() ? "..." : "");
    }
    default: {
      constexpr char kDigits[] = "0123456789abcdef";
      std::string text = "x'";
      for (const char byte : part.bytes.substr(0, kMaxKeyPartText / 2)) {
        text.push_back(kDigits[static_cast<unsigned char>(byte) >> 4]);
        text.push_back(kDigits[static_cast<unsigned char>(byte) & 15]);
      }
      return text + (part.bytes.size() > kMaxKeyPartText / 2 ? "...'" : "'");
    }
  }
}

}  // namespace

std::string KeyText(const Key& key) {
  std::string text;
  ByteReader parts(key);
  while (parts.remaining() > 0) {
    const std::optional<ValueView> part = ReadKeyPart(parts);
    if (!part) break;
    text += (text.empty() ? "" : ", ") + PartText(*part);
  }
  return text;
}

Status PutHidden(Engine& engine, TableNumber table, const Key& key, const Refusal& refusal) {
  REJOIN_ASSIGN(CachedStatement put, engine.db.Cached(kPut));
  put->Bind(1, std::int64_t{table})
      .BindBlob(2, key)
      .Bind(3, std::int64_t{static_cast<int>(refusal.reason)})
      .BindText(4, refusal.detail);
  if (refusal.reason == QuarantineReason::kUnique) {
    put->BindBlob(5, refusal.holder);
  } else {
    put->BindNull(5);
  }
  return put->Run();
}

Status RemoveHidden(Engine& engine, TableNumber table, const Key& key) {
  REJOIN_ASSIGN(CachedStatement remove, engine.db.Cached(kRemove));
  remove->Bind(1, std::int64_t{table}).BindBlob(2, key);
  return remove->Run();
}

Result<bool> AnyHiddenForUnique(Engine& engine, TableNumber table) {
  REJOIN_ASSIGN(CachedStatement any, engine.db.Cached(kAnyForUnique));
  any->Bind(1, std::int64_t{table});
  return any->Step();
}

Result<std::vector<Key>> HiddenBehind(Engine& engine, TableNumber table, const Key& holder) {
  REJOIN_ASSIGN(CachedStatement behind, engine.db.Cached(kBehind));
  behind->Bind(1, std::int64_t{table}).BindBlob(2, holder);
  return Keys(*behind);
}

Result<std::vector<Key>> HiddenAfter(Engine& engine, TableNumber table, const Key& after,
                                     std::int64_t count) {
  REJOIN_ASSIGN(CachedStatement read, engine.db.Cached(kAfter));
  read->Bind(1, std::int64_t{table}).BindBlob(2, after).Bind(3, count);
  return Keys(*read);
}

}  // namespace rejoin
