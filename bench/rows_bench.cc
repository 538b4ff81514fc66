// What a hub's store costs: merging a room's rows delta by delta, and telling what
// changed. Process CPU time and wall time, durable commits. Prints a Markdown table.
//
// usage: rejoin-rows-bench [--rows N] [--folder DIR] [--keys random|ordered]

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "store/rows/row_store.h"

namespace {

using namespace rejoin;

constexpr std::size_t kDeltaTargetBytes = std::size_t{4} << 20;
constexpr std::size_t kRowBytes = 120;  // of key and values
constexpr std::uint64_t kStartMs = 1'700'000'000'000;

double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double WallSeconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "rejoin-rows-bench: %s\n", what.c_str());
  std::exit(1);
}

template <class T>
T Must(Result<T> result) {
  if (!result) Die(result.error().message);
  return std::move(*result);
}

struct Spent {
  double cpu = 0;
  double wall = 0;
};

Spent Time(const std::function<void()>& work) {
  const double cpu = CpuSeconds();
  const double wall = WallSeconds();
  work();
  return {CpuSeconds() - cpu, WallSeconds() - wall};
}

void Print(const char* what, const Spent& spent, double rows) {
  std::printf("| %s | %.0f | %.1f | %.1f | %.2f |\n", what, rows, 1e3 * spent.cpu, 1e3 * spent.wall,
              rows == 0 ? 0 : 1e6 * spent.cpu / rows);
  std::fflush(stdout);
}

// One writer's rows: a UUID as key, random or in the order of time, two texts and a
// number.
class Writer {
 public:
  explicit Writer(bool ordered_keys) : ordered_keys_(ordered_keys) {}

  // A delta with these rows new, each in a transaction of its own.
  Bytes Insert(std::vector<Key>& keys, std::size_t count) {
    std::vector<RowDelta> rows;
    for (std::size_t i = 0; i < count; ++i) {
      keys.push_back(EncodeKey({Value::Text(Uuid())}));
      rows.push_back({keys.back(), InsertDelta(NextStamp(), {{0, {}, Value::Text(Letters(12))},
                                                             {1, {}, Value::Text(Letters(60))},
                                                             {2, {}, Number()}})});
      births_.push_back(rows.back().state.incarnations.front().birth);
    }
    return Write(std::move(rows));
  }
  // One with the number of `count` of the rows changed, spread over all.
  Bytes Edit(const std::vector<Key>& keys, std::size_t count) {
    std::vector<RowDelta> rows;
    const std::size_t step = keys.size() / count;
    const std::size_t first = random_() % step;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t at = first + i * step;
      RowState state;
      state.incarnations.push_back({births_[at], {{2, NextStamp(), Number()}}});
      rows.push_back({keys[at], std::move(state)});
    }
    return Write(std::move(rows));
  }

 private:
  Bytes Write(std::vector<RowDelta> rows) {
    std::sort(rows.begin(), rows.end(),
              [](const RowDelta& a, const RowDelta& b) { return a.key < b.key; });
    BytesSink sink(std::size_t{1} << 30);
    DeltaWriter writer(sink);
    DeltaHeader header;
    header.sender = replica_;
    header.start = vector_;
    vector_.Raise(replica_, {time_});
    header.end = vector_;
    bool good = writer.Begin(header).has_value();
    const std::uint32_t table = Must(writer.AddTable({"note", {}, 1, {"title", "body", "stars"}}));
    for (const RowDelta& row : rows) good = good && writer.Add(table, row).has_value();
    if (!good || !writer.Finish()) Die("a delta cannot be written");
    return sink.Take();
  }

  Stamp NextStamp() { return {Rank::kWritten, {time_ += std::uint64_t{1} << 16}, replica_}; }
  Value Number() { return Value::Integer(static_cast<std::int64_t>(random_() % 100'000)); }
  Bytes Letters(int count) {
    Bytes text;
    for (; count > 0; --count) text.push_back(static_cast<char>('a' + random_() % 26));
    return text;
  }
  Bytes Uuid() {
    char text[40];
    std::snprintf(text, sizeof text, "%08llx-%04llx-4%03llx-8%03llx-%012llx",
                  static_cast<unsigned long long>(ordered_keys_ ? time_ >> 32 : random_() >> 32),
                  static_cast<unsigned long long>(ordered_keys_ ? time_ >> 16 & 0xffff : random_() >> 48),
                  static_cast<unsigned long long>(random_() >> 52),
                  static_cast<unsigned long long>(random_() >> 52),
                  static_cast<unsigned long long>(random_() >> 16));
    return text;
  }

  bool ordered_keys_;
  std::mt19937_64 random_{7};
  ReplicaId replica_ = ReplicaId::Random(1, 2);
  std::uint64_t time_ = HybridTimestamp::FromWall(kStartMs).value;
  VersionVector vector_;
  std::vector<Stamp> births_;
};

class NoSink final : public ByteSink {
 public:
  Status Append(ByteView bytes) override {
    bytes_ += bytes.size();
    return {};
  }
  std::uint64_t bytes() const { return bytes_; }

 private:
  std::uint64_t bytes_ = 0;
};

void Merge(RowStore& store, const Bytes& delta) {
  ViewSource source(delta);
  Must(store.Merge(source));
}

void Run(RowStore& store, std::size_t rows, bool ordered_keys, const std::string& path) {
  Writer writer(ordered_keys);
  std::vector<Key> keys;
  Spent merging;
  while (keys.size() < rows) {
    const Bytes delta = writer.Insert(keys, std::min(rows - keys.size(), kDeltaTargetBytes / kRowBytes));
    const Spent one = Time([&] { Merge(store, delta); });
    merging.cpu += one.cpu;
    merging.wall += one.wall;
  }
  std::printf("| %zu rows | rows | CPU ms | wall ms | CPU us/row |\n|---|---|---|---|---|\n", rows);
  Print("merge new rows, 4 MB a delta", merging, static_cast<double>(rows));
  std::printf("| file, MB | %.1f | | | |\n", 1e-6 * static_cast<double>(std::filesystem::file_size(path)));

  const VersionVector before = Must(store.Vector());
  NoSink sink;
  PartReport part;
  do {
    part = Must(store.ExtractPart({part.until, before, SIZE_MAX}, sink));
  } while (part.more);
  const ResumePoint point = part.until;
  const Bytes edits = writer.Edit(keys, 1000);
  Print("merge 1,000 edits", Time([&] { Merge(store, edits); }), 1000);
  const Spent by_point = Time([&] { part = Must(store.ExtractPart({point, before, SIZE_MAX}, sink)); });
  Print("extract them by point", by_point, static_cast<double>(part.rows));
  const Spent by_vector = Time([&] { part = Must(store.ExtractPart({{}, before, SIZE_MAX}, sink)); });
  Print("extract by vector, 64 MiB of rows", by_vector, static_cast<double>(part.rows));

  std::vector<Bytes> deltas;
  for (int i = 0; i < 100; ++i) deltas.push_back(writer.Edit(keys, 1000));
  const Spent many = Time([&] {
    for (const Bytes& delta : deltas) Merge(store, delta);
  });
  Print("merge 100 times 1,000 edits", many, 100'000);

  deltas.clear();
  for (int i = 0; i < 2000; ++i) deltas.push_back(writer.Edit(keys, 1));
  const Spent alone = Time([&] {
    for (std::size_t i = 0; i < 1000; ++i) Merge(store, deltas[i]);
  });
  Print("1,000 edits, a commit each", alone, 1000);
  const Spent grouped = Time([&] {
    for (std::size_t i = 1000; i < 2000; ++i) {
      if (i % 50 == 0 && !store.BeginBatch()) Die("no batch");
      Merge(store, deltas[i]);
      if (i % 50 == 49 && !store.CommitBatch()) Die("no commit");
    }
  });
  Print("1,000 edits, a commit for 50", grouped, 1000);

  std::size_t parts = 0;
  NoSink all;
  const Spent first = Time([&] {
    PartRequest request;
    do {
      part = Must(store.ExtractPart(request, all));
      request.from = part.until;
      ++parts;
    } while (part.more);
  });
  Print("a first sync out, 4 MiB a part", first, static_cast<double>(rows));
  std::printf("| its parts, and MB | %zu | %.1f | | |\n", parts, 1e-6 * static_cast<double>(all.bytes()));
  Print("digest", Time([&] { Must(store.StateDigest({})); }), static_cast<double>(rows));
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t rows = 1'000'000;
  bool ordered_keys = false;
  std::string folder = std::filesystem::temp_directory_path().string();
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--rows") == 0) rows = static_cast<std::size_t>(std::max(2000, std::atoi(argv[i + 1])));
    if (std::strcmp(argv[i], "--folder") == 0) folder = argv[i + 1];
    if (std::strcmp(argv[i], "--keys") == 0) ordered_keys = std::strcmp(argv[i + 1], "ordered") == 0;
  }
  const std::string path = folder + "/rejoin-rows-bench.db";
  const auto remove = [&path] {
    for (const char* const suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix);
  };
  remove();
  Run(*Must(RowStore::Open(path)), rows, ordered_keys, path);
  remove();
}
