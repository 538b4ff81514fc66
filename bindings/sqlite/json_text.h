// Values, keys, rows and times as text for people and for JSON readers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "store/sqlite/catalog.h"

namespace rejoin {

// A JSON string, quotes included. Bytes that are no UTF-8 become U+FFFD.
void AppendJsonText(std::string& out, std::string_view text);

// null, numbers (all digits; infinities as 9e999, which SQLite reads back; what is no
// number as null, as SQLite would store it), text, {"blob": "<hex>"}. Blobs and texts
// beyond `max_bytes` are cut, with "…" behind.
void AppendJsonValue(std::string& out, const Value& value, std::size_t max_bytes);

// The key as an array of its parts. Bytes that are no key become {"blob": ...}.
std::string KeyToJson(ByteView key);

// What a row shows, by logical column name, key parts first where the table is
// known here. Values are cut at kShownBytes.
std::string RowToJson(const TrackedTable& table, ByteView key, const std::vector<const Cell*>& cells);

// A list of names.
std::string NamesToJson(const std::vector<std::string>& names);

// 2026-05-01T12:34:56.789Z
std::string TimeText(std::uint64_t wall_ms);

inline constexpr std::size_t kShownBytes = 1024;

}  // namespace rejoin
