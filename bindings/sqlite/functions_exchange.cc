#include <algorithm>
#include <utility>

#include "bindings/sqlite/functions.h"
#include "bindings/sqlite/options.h"

namespace rejoin {
namespace {

// Collects a delta in a buffer that SQLite can take over without a copy.
class SqlBlobSink : public ByteSink {
 public:
  explicit SqlBlobSink(sqlite3* db)
      : max_bytes_(static_cast<std::uint64_t>(sqlite3_limit(db, SQLITE_LIMIT_LENGTH, -1))) {}
  SqlBlobSink(const SqlBlobSink&) = delete;
  SqlBlobSink& operator=(const SqlBlobSink&) = delete;
  ~SqlBlobSink() override { sqlite3_free(buffer_); }

  Status Append(ByteView bytes) override {
    if (bytes.size() > max_bytes_ - size_) {
      return Fail(Code::kLimit, "the delta is larger than " + std::to_string(max_bytes_) +
                                    " bytes, the most that a blob may have here; write it to a "
                                    "file with: rejoin export FILE -o DELTA");
    }
    REJOIN_TRY(Reserve(size_ + bytes.size()));
    std::copy(bytes.begin(), bytes.end(), buffer_ + size_);
    size_ += bytes.size();
    return {};
  }

  std::uint64_t size_bytes() const { return size_; }
  void* Take() { return std::exchange(buffer_, nullptr); }

 private:
  Status Reserve(std::uint64_t bytes) {
    if (bytes <= capacity_) return {};
    const std::uint64_t wanted = std::max(bytes, std::min(capacity_ * 2, max_bytes_));
    void* const grown = sqlite3_realloc64(buffer_, wanted);
    if (grown == nullptr) return Fail(Code::kNoMemory, "out of memory for the delta");
    buffer_ = static_cast<char*>(grown);
    capacity_ = wanted;
    return {};
  }

  const std::uint64_t max_bytes_;
  char* buffer_ = nullptr;
  std::uint64_t size_ = 0;
  std::uint64_t capacity_ = 0;
};

Status Vector(Call& call) {
  SqliteStore store = call.connection().Store();
  REJOIN_ASSIGN(const VersionVector vector, store.Vector());
  call.Return(std::string_view(VectorToJson(vector)));
  return {};
}

Status Delta(Call& call) {
  REJOIN_ASSIGN(const auto json, call.OptionalText(0, "the vector"));
  VersionVector since;
  if (json) {
    Result<VersionVector> parsed = ParseVector(*json);
    if (!parsed) return call.Refuse(parsed.error().message);
    since = std::move(*parsed);
  }
  REJOIN_TRY(call.connection().RequireNoCapture(call.function()));
  SqliteStore store = call.connection().Store();
  SqlBlobSink sink(call.connection().handle());
  REJOIN_TRY(store.ExtractSince(since, sink));
  const std::uint64_t size_bytes = sink.size_bytes();
  call.ReturnBlob(sink.Take(), size_bytes);
  return {};
}

Status Merge(Call& call) {
  REJOIN_ASSIGN(const ByteView blob, call.Blob(0, "the delta"));
  REJOIN_TRY(call.connection().RequireNoCapture(call.function()));
  SqliteStore store = call.connection().Store();
  ViewSource source(blob);
  REJOIN_ASSIGN(const MergeReport report, store.Merge(source));
  call.Return(static_cast<std::int64_t>(report.rows_changed));
  return {};
}

// A table may be named by its logical name, which all replicas share, or by its
// local one.
Status StateDigest(Call& call) {
  REJOIN_ASSIGN(std::optional<std::string> table, call.OptionalText(0, "the table's name"));
  REJOIN_TRY(call.connection().RequireNoCapture(call.function()));
  SqliteStore store = call.connection().Store();
  if (table) {
    REJOIN_ASSIGN(const bool set_up, call.connection().IsSetUp());
    Catalog& catalog = store.engine().catalog;
    const TrackedTable* found = set_up ? catalog.FindLogical(*table) : nullptr;
    if (set_up && found == nullptr) found = catalog.FindLocal(*table);
    if (found != nullptr) table = found->name;
  }
  REJOIN_ASSIGN(const Digest digest, store.StateDigest(table));
  call.Return(std::string_view(digest.Hex()));
  return {};
}

constexpr FunctionSpec kFunctions[] = {
    {"rejoin_vv", "rejoin_vv()", 0, 0, FunctionSpec::Kind::kEffect, Vector},
    {"rejoin_delta", "rejoin_delta([vector])", 0, 1, FunctionSpec::Kind::kEffect, Delta},
    {"rejoin_merge", "rejoin_merge(delta)", 1, 1, FunctionSpec::Kind::kEffect, Merge},
    {"rejoin_digest", "rejoin_digest([table])", 0, 1, FunctionSpec::Kind::kEffect, StateDigest},
};

}  // namespace

std::span<const FunctionSpec> ExchangeFunctions() { return kFunctions; }

}  // namespace rejoin
