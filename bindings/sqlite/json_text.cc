#include "bindings/sqlite/json_text.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>

#include <nlohmann/json.hpp>

namespace rejoin {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

void AppendReal(std::string& out, double number) {
  if (std::isnan(number)) {  // of a peer: as SQLite would store it
    out += "null";
    return;
  }
  if (std::isinf(number)) {
    out += number < 0 ? "-9e999" : "9e999";
    return;
  }
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  const std::string_view text(digits.data(), static_cast<std::size_t>(end - digits.data()));
  out += text;
  if (text.find_first_of(".en") == std::string_view::npos) out += ".0";
}

void AppendBlob(std::string& out, ByteView blob, std::size_t max_bytes) {
  out += "{\"blob\":\"";
  for (const char byte : blob.substr(0, max_bytes)) {
    const auto bits = static_cast<unsigned char>(byte);
    out += kHexDigits[bits >> 4];
    out += kHexDigits[bits & 0xf];
  }
  if (blob.size() > max_bytes) out += "…";
  out += "\"}";
}

void AppendPadded(std::string& out, std::uint64_t number, std::size_t digits) {
  const std::string text = std::to_string(number);
  if (text.size() < digits) out.append(digits - text.size(), '0');
  out += text;
}

}  // namespace

void AppendJsonText(std::string& out, std::string_view text) {
  out += nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void AppendJsonValue(std::string& out, const Value& value, std::size_t max_bytes) {
  switch (value.type) {
    case ValueType::kNull:
      out += "null";
      return;
    case ValueType::kInteger:
      out += std::to_string(value.integer());
      return;
    case ValueType::kReal:
      AppendReal(out, value.real());
      return;
    case ValueType::kText:
      if (value.bytes.size() > max_bytes) {
        AppendJsonText(out, value.bytes.substr(0, max_bytes) + "…");
      } else {
        AppendJsonText(out, value.bytes);
      }
      return;
    case ValueType::kBlob:
      AppendBlob(out, value.bytes, max_bytes);
      return;
  }
}

std::string KeyToJson(ByteView key) {
  std::string out;
  const std::optional<std::vector<Value>> parts = DecodeKey(key);
  if (!parts) {
    AppendBlob(out, key, kShownBytes);
    return out;
  }
  out += '[';
  for (const Value& part : *parts) {
    if (out.size() > 1) out += ',';
    AppendJsonValue(out, part, kShownBytes);
  }
  return out + ']';
}

std::string RowToJson(const TrackedTable& table, ByteView key,
                      const std::vector<const Cell*>& cells) {
  std::string out = "{";
  const auto member = [&out](std::string_view name, const Value& value) {
    if (out.size() > 1) out += ',';
    AppendJsonText(out, name);
    out += ':';
    AppendJsonValue(out, value, kShownBytes);
  };
  const std::optional<std::vector<Value>> parts = DecodeKey(key);
  if (parts && table.local && table.shape.key.size() == parts->size()) {
    for (std::size_t at = 0; at < parts->size(); ++at) {
      member(table.shape.columns[table.shape.key[at]].name, (*parts)[at]);
    }
  }
  for (const Cell* const cell : cells) {
    if (cell->column < table.columns.size()) member(table.columns[cell->column].name, cell->value);
  }
  return out + '}';
}

std::string NamesToJson(const std::vector<std::string>& names) {
  std::string out = "[";
  for (const std::string& name : names) {
    if (out.size() > 1) out += ',';
    AppendJsonText(out, name);
  }
  return out + ']';
}

std::string TimeText(std::uint64_t wall_ms) {
  using std::chrono::milliseconds;
  using Days = std::chrono::duration<std::int64_t, std::ratio<86400>>;
  const milliseconds since(static_cast<std::int64_t>(wall_ms));
  const Days days = std::chrono::floor<Days>(since);
  const std::chrono::year_month_day date{
      std::chrono::sys_days(std::chrono::days(static_cast<int>(days.count())))};
  const auto rest = static_cast<std::uint64_t>((since - days).count());
  std::string out;
  AppendPadded(out, static_cast<std::uint64_t>(static_cast<int>(date.year())), 4);
  out += '-';
  AppendPadded(out, static_cast<unsigned>(date.month()), 2);
  out += '-';
  AppendPadded(out, static_cast<unsigned>(date.day()), 2);
  out += 'T';
  AppendPadded(out, rest / 3'600'000, 2);
  out += ':';
  AppendPadded(out, rest / 60'000 % 60, 2);
  out += ':';
  AppendPadded(out, rest / 1'000 % 60, 2);
  out += '.';
  AppendPadded(out, rest % 1'000, 3);
  return out + 'Z';
}

}  // namespace rejoin
