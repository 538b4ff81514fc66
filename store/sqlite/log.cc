#include "store/sqlite/log.h"

#include <algorithm>

#include "store/sqlite/log_codec.h"

namespace rejoin {
namespace {

constexpr char kReadHead[] =
    "SELECT pos, tag, clock, own, total, "
    "(SELECT value FROM {s}.rejoin__meta WHERE name = 'epoch') "
    "FROM {s}.rejoin__log ORDER BY pos DESC LIMIT 1";
constexpr char kAppend[] =
    "INSERT INTO {s}.rejoin__log(pos, tag, clock, own, total, body) "
    "VALUES(?1, ?2, ?3, ?4, ?5, ?6)";
constexpr char kForwards[] =
    "SELECT pos, tag, own, body FROM {s}.rejoin__log WHERE pos > ?1 ORDER BY pos";
constexpr char kBackwards[] =
    "SELECT pos, tag, own, body FROM {s}.rejoin__log WHERE pos > ?1 ORDER BY pos DESC";
constexpr char kFind[] =
    "SELECT 1 FROM {s}.rejoin__log WHERE pos = ?1 AND tag = ?2 AND EXISTS(SELECT 1 FROM "
    "{s}.rejoin__meta WHERE name = 'epoch' AND value = ?3)";
constexpr char kFirstKept[] = "SELECT pos FROM {s}.rejoin__log WHERE total > ?1 ORDER BY pos LIMIT 1";
constexpr char kTrim[] =
    "DELETE FROM {s}.rejoin__log WHERE pos < ?1 AND pos < (SELECT max(pos) FROM {s}.rejoin__log) "
    "AND pos <= (SELECT value FROM {s}.rejoin__meta WHERE name = 'folded')";
constexpr char kDropAllButLast[] =
    "DELETE FROM {s}.rejoin__log WHERE pos < (SELECT max(pos) FROM {s}.rejoin__log)";
constexpr char kFoldedToEnd[] =
    "UPDATE {s}.rejoin__meta SET value = (SELECT max(pos) FROM {s}.rejoin__log) "
    "WHERE name = 'folded'";
constexpr char kPageCount[] = "PRAGMA {s}.page_count";
constexpr char kPageSize[] = "PRAGMA {s}.page_size";

Result<std::uint64_t> ReadPragma(Engine& engine, const char* sql) {
  REJOIN_ASSIGN(CachedStatement read, engine.db.Cached(sql));
  REJOIN_ASSIGN(const bool found, read->Step());
  return found ? read->Unsigned(0) : 0;
}

Status ForEach(Engine& engine, const char* sql, std::uint64_t position,
               const std::function<Result<bool>(LogRecord&)>& each,
               const std::function<bool(const LogRecord&)>& stop_before) {
  REJOIN_ASSIGN(Statement read, engine.db.Prepare(sql));
  read.Bind(1, position);
  REJOIN_ASSIGN(const LogHead head, ReadLogHead(engine));
  for (;;) {
    REJOIN_ASSIGN(const bool row, read.Step());
    if (!row) return {};
    LogRecord record;
    record.cursor = {head.cursor.epoch, read.Unsigned(0), read.Unsigned(1)};
    record.own = HybridTimestamp{read.Unsigned(2)};
    if (stop_before && stop_before(record)) return {};
    REJOIN_TRY(DecodeLogBody(read.Text(3), record));
    REJOIN_ASSIGN(const bool more, each(record));
    if (!more) return {};
  }
}

}  // namespace

Result<LogHead> ReadLogHead(Engine& engine) {
  LogHead head;
  REJOIN_ASSIGN(CachedStatement read, engine.db.Cached(kReadHead));
  REJOIN_ASSIGN(const bool found, read->Step());
  if (!found) return head;
  head.cursor = {read->Unsigned(5), read->Unsigned(0), read->Unsigned(1)};
  head.clock = HybridTimestamp{read->Unsigned(2)};
  head.own = HybridTimestamp{read->Unsigned(3)};
  head.total_bytes = read->Unsigned(4);
  return head;
}

Status AppendLogRow(Engine& engine, LogHead& head, HybridTimestamp clock, HybridTimestamp own,
                    ByteView body) {
  LogHead next = head;
  ++next.cursor.position;
  next.cursor.tag = engine.env.random->Draw64();
  next.clock = clock;
  next.own = own;
  next.total_bytes += body.size();
  REJOIN_ASSIGN(CachedStatement append, engine.db.Cached(kAppend));
  append->Bind(1, next.cursor.position)
      .Bind(2, next.cursor.tag)
      .Bind(3, next.clock.value)
      .Bind(4, next.own.value)
      .Bind(5, next.total_bytes)
      .BindBlob(6, body);
  REJOIN_TRY(append->Run());
  head = next;
  return {};
}

Status AppendMerge(Engine& engine, const std::vector<Advance>& advances,
                   const std::vector<TouchedKey>& touched, bool overflow, HybridTimestamp clock) {
  REJOIN_ASSIGN(LogHead head, ReadLogHead(engine));
  const HybridTimestamp after = std::max(head.clock, clock);
  LogBodyWriter writer;
  for (const TouchedKey& key : touched) {
    const bool full = writer.size_bytes() + key.key.size() > engine.limits.log_body_bytes ||
                      writer.weight() >= kFullBodyWeight;
    if (full && !writer.empty()) {
      REJOIN_TRY(AppendLogRow(engine, head, after, head.own, writer.Take(Rank::kWritten, {}, false)));
    }
    writer.AddTouched(key);
  }
  // The vector advances where everything that it stands for is listed.
  return AppendLogRow(engine, head, after, head.own,
                      writer.Take(Rank::kWritten, advances, overflow));
}

Status AppendAdoption(Engine& engine, const Stamp& stamp) {
  REJOIN_ASSIGN(LogHead head, ReadLogHead(engine));
  REJOIN_ASSIGN(const ReplicaNumber self, engine.catalog.Intern(stamp.replica));
  const Bytes body = LogBodyWriter().Take(stamp.rank, {{self, head.own, stamp.time}}, true);
  return AppendLogRow(engine, head, std::max(head.clock, stamp.time), stamp.time, body);
}

Status ForEachAfter(Engine& engine, std::uint64_t position,
                    const std::function<Result<bool>(LogRecord&)>& each) {
  return ForEach(engine, kForwards, position, each, {});
}

Status ForEachBackwards(Engine& engine, std::uint64_t position,
                        const std::function<Result<bool>(const LogRecord&)>& each,
                        const std::function<bool(const LogRecord&)>& stop_before) {
  return ForEach(engine, kBackwards, position, each, stop_before);
}

Result<bool> IsKnown(Engine& engine, const Cursor& cursor) {
  REJOIN_ASSIGN(CachedStatement find, engine.db.Cached(kFind));
  find->Bind(1, cursor.position).Bind(2, cursor.tag).Bind(3, cursor.epoch);
  return find->Step();
}

Status TrimLog(Engine& engine) {
  REJOIN_ASSIGN(const LogHead head, ReadLogHead(engine));
  REJOIN_ASSIGN(const std::uint64_t pages, ReadPragma(engine, kPageCount));
  REJOIN_ASSIGN(const std::uint64_t page_bytes, ReadPragma(engine, kPageSize));
  const std::uint64_t share = pages * page_bytes / 100 * engine.limits.log_file_percent;
  const std::uint64_t kept = std::max(engine.limits.log_min_bytes, share);
  if (head.total_bytes <= kept) return {};
  std::uint64_t first_kept = head.cursor.position;
  {
    // The rows before it are few: each was kept at the last call.
    REJOIN_ASSIGN(CachedStatement find, engine.db.Cached(kFirstKept));
    find->Bind(1, head.total_bytes - kept);
    REJOIN_ASSIGN(const bool found, find->Step());
    if (found) first_kept = find->Unsigned(0);
  }
  REJOIN_ASSIGN(CachedStatement trim, engine.db.Cached(kTrim));
  trim->Bind(1, first_kept);
  return trim->Run();
}

Status RestartLog(Engine& engine, HybridTimestamp clock, HybridTimestamp own) {
  REJOIN_ASSIGN(LogHead head, ReadLogHead(engine));
  REJOIN_TRY(AppendLogRow(engine, head, clock, own, {}));
  REJOIN_TRY(engine.db.Exec(kDropAllButLast));
  REJOIN_TRY(engine.db.Exec(kFoldedToEnd));
  return engine.SetMeta("epoch", Value::Integer(static_cast<std::int64_t>(engine.env.random->Draw64())));
}

}  // namespace rejoin
