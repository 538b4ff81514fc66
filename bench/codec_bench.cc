// How fast deltas become bytes and come back, and how small they are: rows per
// second of process CPU time, best of several rounds. Prints a Markdown table.
//
// usage: rejoin-codec-bench [--rows N] [--rounds N]

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <random>
#include <string>
#include <vector>

#include "base/os.h"
#include "crdt/delta_codec.h"
#include "crdt/delta_format.h"

namespace {

using namespace rejoin;

double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Words of a vocabulary of 4,000, few of them often, as in any text.
class Words {
 public:
  Words() {
    constexpr const char* kSyllables[] = {"ba", "con", "der", "e", "fil", "gra", "ho", "in",
                                          "ka", "lem", "mo", "ne", "or", "pri", "qua", "ro",
                                          "sta", "ti", "ul", "ver", "wo", "ze", "ing", "ly"};
    for (int i = 0; i < 4000; ++i) {
      std::string word;
      for (std::uint64_t left = 1 + Draw(3); left-- > 0;) word += kSyllables[Draw(24)];
      vocabulary_.push_back(word);
    }
  }

  std::uint64_t Draw(std::uint64_t below) { return random_() % below; }
  Value Text(int words) {
    std::string text;
    for (int i = 0; i < words; ++i) {
      if (i > 0) text += ' ';
      const auto frequent = Draw(1 + Draw(1 + Draw(vocabulary_.size())));
      text += vocabulary_[static_cast<std::size_t>(frequent)];
    }
    return Value::Text(text);
  }

 private:
  std::mt19937_64 random_{7};
  std::vector<std::string> vocabulary_;
};

// How the rows of a delta came about.
struct Kind {
  const char* name;
  bool born_apart;   // each row in a transaction of its own
  bool update;       // the delta carries one column's update, not the rows
  bool edited_apart; // each update in a transaction of its own
  bool shuffled;     // in another order than that of the keys
};

constexpr std::uint64_t kStartMs = 1'700'000'000'000;
constexpr std::uint64_t kEditMs = 1'720'000'000'000;

struct Sample {
  DeltaHeader header;
  DeltaTable table{"note", {}, 1, {"title", "body", "place", "stars", "done"}};
  std::vector<RowDelta> rows;
  Bytes bare;  // the columns' bytes without any frame, one column after another
};

Bytes UuidAt(std::uint64_t wall_ms, Words& words) {
  char text[64];
  std::snprintf(text, sizeof(text), "%08x-%04x-7%03x-%04x-%012llx",
                static_cast<unsigned>(wall_ms >> 16), static_cast<unsigned>(wall_ms & 0xffff),
                static_cast<unsigned>(words.Draw(0x1000)),
                static_cast<unsigned>(0x8000 + words.Draw(0x4000)),
                static_cast<unsigned long long>(words.Draw(std::uint64_t{1} << 48)));
  return text;
}

void AddBare(const std::vector<Value>& values, Bytes& out) {
  for (const Value& value : values) {
    out += value.type == ValueType::kInteger ? std::to_string(value.integer()) : value.bytes;
  }
}

Sample MakeSample(const Kind& kind, int rows) {
  Words words;
  Sample sample;
  const ReplicaId replica = ReplicaId::Random(11, 12);
  const auto stamp = [&](std::uint64_t wall_ms) {
    return Stamp{Rank::kWritten, HybridTimestamp::FromWall(wall_ms), replica};
  };
  std::vector<std::vector<Value>> columns(6);
  std::uint64_t wall_ms = kStartMs;
  std::vector<std::uint64_t> edit_ms;
  for (int i = 0; i < rows; ++i) {
    edit_ms.push_back(kEditMs + static_cast<std::uint64_t>(i) * 10'000 + words.Draw(10'000));
  }
  if (kind.shuffled) std::shuffle(edit_ms.begin(), edit_ms.end(), std::mt19937_64(3));
  for (int i = 0; i < rows; ++i) {
    wall_ms += 1 + words.Draw(20'000);
    const Value key = Value::Text(UuidAt(wall_ms, words));
    std::vector<Cell> cells = {{0, {}, words.Text(3)},
                               {1, {}, words.Text(9)},
                               {2, {}, words.Text(1)},
                               {3, {}, Value::Integer(static_cast<std::int64_t>(words.Draw(1000)))},
                               {4, {}, Value::Integer(static_cast<std::int64_t>(words.Draw(2)))}};
    const Stamp birth = stamp(kind.born_apart ? wall_ms : kStartMs);
    RowState state = InsertDelta(birth, cells);
    if (kind.update) {
      cells = {cells[2]};
      const Stamp edit = stamp(kind.edited_apart ? edit_ms[static_cast<std::size_t>(i)] : kEditMs);
      state = UpdateDelta(state, {}, edit, cells);
    }
    columns[5].push_back(key);
    for (const Cell& cell : cells) columns[cell.column].push_back(cell.value);
    sample.rows.push_back({EncodeKey({key}), std::move(state)});
  }
  std::sort(sample.rows.begin(), sample.rows.end(),
            [](const RowDelta& a, const RowDelta& b) { return a.key < b.key; });
  for (const auto& column : columns) AddBare(column, sample.bare);
  sample.header.sender = replica;
  sample.header.end.Raise(replica, HybridTimestamp::FromWall(kStartMs << 1));
  return sample;
}

[[noreturn]] void Die(const Error& error) {
  std::fprintf(stderr, "rejoin-codec-bench: %s\n", error.message.c_str());
  std::exit(1);
}

// As a store writes: a row is made, written and dropped while the cache holds it.
// Only the writing is timed, `kBatchRows` at a time.
Bytes Encode(const Sample& sample, double& seconds) {
  constexpr std::size_t kBatchRows = 500;
  double spent = 0;
  BytesSink sink(std::size_t{1} << 32);
  DeltaWriter writer(sink);
  if (const Status begun = writer.Begin(sample.header); !begun) Die(begun.error());
  const auto table = writer.AddTable(sample.table);
  if (!table) Die(table.error());
  std::vector<RowDelta> batch;
  for (std::size_t at = 0; at < sample.rows.size(); at += batch.size()) {
    const auto begin = sample.rows.begin() + static_cast<std::ptrdiff_t>(at);
    const std::size_t count = std::min(kBatchRows, sample.rows.size() - at);
    batch.assign(begin, begin + static_cast<std::ptrdiff_t>(count));
    const double start = CpuSeconds();
    for (const RowDelta& row : batch) {
      if (const Status added = writer.Add(*table, row); !added) Die(added.error());
    }
    spent += CpuSeconds() - start;
  }
  const double start = CpuSeconds();
  if (const Status done = writer.Finish(); !done) Die(done.error());
  seconds = std::min(seconds, spent + CpuSeconds() - start);
  return sink.Take();
}

// What comes out is dropped again, and that is timed too.
void Decode(const Bytes& bytes, double& seconds) {
  const double start = CpuSeconds();
  ViewSource source(bytes);
  DeltaReader reader(source);
  if (const auto header = reader.Begin(); !header) Die(header.error());
  for (;;) {
    const auto block = reader.NextBlock();
    if (!block) Die(block.error());
    if (!*block) break;
  }
  seconds = std::min(seconds, CpuSeconds() - start);
}

int Number(const char* text) { return std::max(1, std::atoi(text)); }

}  // namespace

int main(int argc, char** argv) {
  int rows = 200'000;
  int rounds = 5;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--rows") == 0) rows = Number(argv[i + 1]);
    if (std::strcmp(argv[i], "--rounds") == 0) rounds = Number(argv[i + 1]);
  }
  constexpr Kind kKinds[] = {
      {"full extract, one transaction", false, false, false, false},
      {"full extract, each row its own", true, false, false, false},
      {"one column, born and updated at once", false, true, false, false},
      {"one column, born apart, updated at once", true, true, false, false},
      {"one column, born and updated apart", true, true, true, false},
      {"one column, the same, in another order", true, true, true, true},
  };
  std::printf("| %d rows | bare bytes/row | encode, M rows/s | decode, M rows/s | bytes/row | to zstd of bare |\n"
              "|---|---|---|---|---|---|\n", rows);
  for (const Kind& kind : kKinds) {
    Sample sample = MakeSample(kind, rows);
    double encode = 1e9;
    double decode = 1e9;
    Bytes bytes;
    for (int round = 0; round < rounds; ++round) bytes = Encode(sample, encode);
    sample.rows = {};
    for (int round = 0; round < rounds; ++round) Decode(bytes, decode);
    const double count = rows;
    const auto per_row = [count](const Bytes& all) { return static_cast<double>(all.size()) / count; };
    const Bytes packed = Compress(sample.bare, kDeltaZstdLevel);
    std::printf("| %s | %.1f | %.2f | %.2f | %.2f | %.3f |\n", kind.name, per_row(sample.bare),
                1e-6 * count / encode, 1e-6 * count / decode, per_row(bytes),
                static_cast<double>(bytes.size()) / static_cast<double>(packed.size()));
  }
}
