#include "bindings/sqlite/call.h"

#include "bindings/sqlite/guard.h"

namespace rejoin {
namespace {

const char* ClassName(int type) {
  switch (type) {
    case SQLITE_INTEGER:
      return "an integer";
    case SQLITE_FLOAT:
      return "a real number";
    case SQLITE_TEXT:
      return "text";
    case SQLITE_BLOB:
      return "a blob";
    default:
      return "NULL";
  }
}

}  // namespace

int ResultCodeOf(Code code) {
  switch (code) {
    case Code::kNoMemory:
      return SQLITE_NOMEM;
    case Code::kBusy:
      return SQLITE_BUSY;
    case Code::kReadOnly:
      return SQLITE_READONLY;
    case Code::kIo:
      return SQLITE_IOERR;
    case Code::kLimit:
      return SQLITE_TOOBIG;
    default:
      return SQLITE_ERROR;
  }
}

tl::unexpected<Error> Call::Refuse(const std::string& problem) const {
  return Fail(Code::kInvalidArgument, std::string(spec_.usage) + ": " + problem);
}

Status Call::CheckCount() const {
  if (count_ >= spec_.min_arguments && count_ <= spec_.max_arguments) return {};
  std::string takes = std::to_string(spec_.min_arguments);
  if (spec_.max_arguments > spec_.min_arguments) {
    takes += " to " + std::to_string(spec_.max_arguments);
  }
  if (spec_.max_arguments == 0) takes = "no";
  return Refuse("it takes " + takes + (spec_.max_arguments == 1 ? " argument" : " arguments") +
                ", not " + std::to_string(count_));
}

Result<std::string_view> Call::Text(int at, std::string_view what) const {
  sqlite3_value* const value = values_[at];
  const int type = sqlite3_value_type(value);
  if (type != SQLITE_TEXT) {
    return Refuse(std::string(what) + " must be text, not " + ClassName(type));
  }
  const auto* const text = reinterpret_cast<const char*>(sqlite3_value_text(value));
  if (text == nullptr) return Fail(Code::kNoMemory, "out of memory");
  return std::string_view(text, static_cast<std::size_t>(sqlite3_value_bytes(value)));
}

Result<std::int64_t> Call::Integer(int at, std::string_view what) const {
  sqlite3_value* const value = values_[at];
  const int type = sqlite3_value_type(value);
  if (type == SQLITE_INTEGER) return sqlite3_value_int64(value);
  return Refuse(std::string(what) + " must be a whole number, not " + ClassName(type));
}

Result<ByteView> Call::Blob(int at, std::string_view what) const {
  sqlite3_value* const value = values_[at];
  const int type = sqlite3_value_type(value);
  if (type != SQLITE_BLOB) {
    return Refuse(std::string(what) + " must be a blob, not " + ClassName(type));
  }
  const auto* const blob = static_cast<const char*>(sqlite3_value_blob(value));
  const auto size = static_cast<std::size_t>(sqlite3_value_bytes(value));
  if (blob == nullptr && size > 0) return Fail(Code::kNoMemory, "out of memory");
  return size == 0 ? ByteView() : ByteView(blob, size);
}

Result<std::optional<std::string>> Call::OptionalText(int at, std::string_view what) const {
  if (at >= count_) return std::optional<std::string>();
  REJOIN_ASSIGN(const std::string_view text, Text(at, what));
  return std::optional<std::string>(std::string(text));
}

void Call::Return(std::int64_t number) { sqlite3_result_int64(context_, number); }

void Call::Return(std::string_view text) {
  sqlite3_result_text64(context_, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

void Call::ReturnBlob(void* buffer, std::uint64_t size_bytes) {
  if (buffer == nullptr) {
    sqlite3_result_zeroblob(context_, 0);
  } else {
    sqlite3_result_blob64(context_, buffer, size_bytes, sqlite3_free);
  }
}

}  // namespace rejoin
