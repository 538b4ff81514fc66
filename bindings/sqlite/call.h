// One call of an SQL function of ours: its arguments, checked, and its result.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "bindings/sqlite/connection.h"

namespace rejoin {

class Call;

// An SQL function as it is registered.
struct FunctionSpec {
  const char* name;
  const char* usage;  // for messages: "rejoin_track(table [, options])"
  int min_arguments;
  int max_arguments;
  // kValue: may be used anywhere, in schemas of files that are not trusted too.
  // kAnswer: reads; usable in a schema that is trusted. kEffect: changes, folds or
  // takes long; only from SQL that the host itself runs, outside statements that write.
  enum class Kind { kValue, kAnswer, kEffect } kind;
  Status (*body)(Call& call);
};

// Argument positions count from 0; messages name the argument.
class Call {
 public:
  Call(Connection& connection, const FunctionSpec& spec, sqlite3_context* context, int count,
       sqlite3_value** values)
      : connection_(connection), spec_(spec), context_(context), count_(count), values_(values) {}

  Connection& connection() { return connection_; }
  const char* function() const { return spec_.name; }
  int count() const { return count_; }

  // kInvalidArgument unless between min and max arguments were given.
  Status CheckCount() const;

  // kInvalidArgument for any other storage class, NULL included. The view lives
  // as long as the call.
  Result<std::string_view> Text(int at, std::string_view what) const;
  Result<ByteView> Blob(int at, std::string_view what) const;
  Result<std::int64_t> Integer(int at, std::string_view what) const;
  // nullopt where the argument was not given. (NULL is an error.)
  Result<std::optional<std::string>> OptionalText(int at, std::string_view what) const;

  // kInvalidArgument: "rejoin_track(table [, options]): <problem>".
  tl::unexpected<Error> Refuse(const std::string& problem) const;

  void Return(std::int64_t number);
  void Return(std::string_view text);
  // Takes a buffer of sqlite3_malloc.
  void ReturnBlob(void* buffer, std::uint64_t size_bytes);

 private:
  Connection& connection_;
  const FunctionSpec& spec_;
  sqlite3_context* context_;
  int count_;
  sqlite3_value** values_;
};

}  // namespace rejoin
