// Writes the corpora that consist of our own bytes: real messages, records and scripts,
// so that mutations of them get beyond what tells a format from noise.
//
//   make_corpus FOLDER           writes FOLDER/<target>/<name>
//   make_corpus --check FOLDER   says which of them are others by now; status 1
//
// What was found by hand or by fuzzing stands beside them and is left alone.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "base/hash.h"
#include "fuzz/record_world.h"
#include "fuzz/require.h"
#include "replica/message.h"
#include "store/resume_point.h"
#include "store/rows/state_record.h"
#include "store/sqlite/log_codec.h"
#include "store/sqlite/scan_point.h"

namespace rejoin::fuzz {
namespace {

using Corpus = std::map<std::string, Bytes>;  // by path

Bytes With(char first, ByteView rest) { return Bytes(1, first) + Bytes(rest); }

VersionVector SomeVector() {
  return VersionVector::Of({{TestReplicaId(0), HybridTimestamp::FromWall(1'700'000'000'000)},
                            {TestReplicaId(1), HybridTimestamp{77}},
                            {TestReplicaId(2), HybridTimestamp{std::uint64_t{1} << 63}}});
}

ScanPoint SomeScan() {
  ScanPoint point;
  point.start = {0x1122334455667788u, 300, 5};
  point.seen = {0x1122334455667788u, 302, 6};
  point.vector = SomeVector();
  point.layout = 7;
  point.table = 3;
  point.place.in_table = true;
  point.place.rowid = 40;
  point.place.last_rowid = 1000;
  return point;
}

// --- message ---------------------------------------------------------------------------

void AddMessages(Corpus& corpus) {
  const auto add = [&corpus](const char* name, const Message& message) {
    corpus[std::string("message/") + name] = EncodeMessage(message);
  };
  Hello hello;
  hello.replica = TestReplicaId(3);
  add("hello_bare", hello);
  hello.room.bytes[5] = 9;
  hello.wall_ms = 1'700'000'000'000;
  hello.durable = hello.keeps_time = true;
  hello.part_bytes = 70'000;
  hello.name = "phone";
  hello.software = "rejoin 0.1.0";
  add("hello", hello);

  Ask ask;
  ask.number = 1;
  add("ask_everything", ask);
  ask.room = hello.room;
  ask.point = EncodeScanPoint(SomeScan());
  ask.vector = SomeVector();
  add("ask_on", ask);

  Chunk chunk;
  chunk.part = 300;
  chunk.first = true;
  chunk.ask = 2;
  chunk.from = EncodeResumePoint({1, 2, 3});
  chunk.bytes = "a delta";
  add("chunk_first", chunk);
  chunk.first = false;
  chunk.ask = 0;
  chunk.from.clear();
  add("chunk_middle", chunk);
  chunk.last = chunk.partial = chunk.more = true;
  chunk.until = EncodeScanPoint(SomeScan());
  chunk.done_permille = 777;
  add("chunk_last", chunk);
  Chunk nothing;
  nothing.part = nothing.ask = 1;
  nothing.first = nothing.last = nothing.nothing = true;
  nothing.until = EncodeResumePoint({1, 9, 3});
  add("chunk_nothing", nothing);

  add("ack", Ack{12'345, true});
  add("bye", Bye{Code::kClock, "the clock of 0123 is ahead"});
  add("probe", Probe{300});
  add("echo", Echo{7});
  add("compare_question", Compare{Compare::Kind::kQuestion, 0x1122334455667788u, {}});
  add("compare_answer", Compare{Compare::Kind::kAnswer, ~std::uint64_t{0}, {}});
  add("compare_none", Compare{Compare::Kind::kNoAnswer, 0, {}});
}

// --- record ----------------------------------------------------------------------------

// A few bytes that many changes come out of.
Bytes BodyOfALongRun() {
  LogBodyWriter writer;
  ChangeView change;
  change.has_rowid = true;
  change.table = 2;
  change.version = 1;
  for (change.rowid = 1; change.rowid <= 20'000; ++change.rowid) writer.Add(change);
  return writer.Take(Rank::kWritten, {{1, {}, HybridTimestamp{77}}}, false);
}

void AddRecords(Corpus& corpus) {
  RecordWorld world;
  std::size_t number = 0;
  const auto name = [&number](const char* kind) {
    return std::string("record/") + kind + "_" + std::to_string(number++);
  };
  for (const Bytes& record : world.Records()) {
    corpus[name("row")] = With(0, record);
    const auto row = UnpackRecord(world.context(), record);
    Require(row.has_value(), "what stands in the file can be read");
    // Numbers of replicas are given as they come, so the device's become the hub's.
    const auto state = EncodeState(world.room(), row->state);
    if (number < 6) corpus[name("hub_state")] = With(3, *state);
  }
  for (const Bytes& body : world.LogBodies()) corpus[name("log")] = With(1, body);
  corpus["record/log_long_run"] = With(1, BodyOfALongRun());
  corpus["record/scan_by_rowid"] = With(2, EncodeScanPoint(SomeScan()));
  ScanPoint by_key = SomeScan();
  by_key.place = {};
  by_key.place.key = EncodeKey({Value::Text("milk")});
  by_key.place.last_key = EncodeKey({Value::Text("tea")});
  by_key.begun_again = 1;
  corpus["record/scan_by_key"] = With(2, EncodeScanPoint(by_key));
  corpus["record/position"] = With(2, EncodeResumePoint({0x1122334455667788u, 300, 5}));
  corpus["record/key"] = With(4, EncodeKey({Value::Integer(-1), Value::Text("milk"),
                                            Value::Real(0.5), Value::Blob(Bytes("\0\1", 2))}));
}

// --- session -----------------------------------------------------------------------------

// Steps of session_fuzz.cc by number, each with the end of a link.
constexpr char kSend = 0, kDeliver = 1, kCarry = 2, kWrite = 3, kWriteLarge = 4, kRepeat = 5, kDrop = 6, kSwap = 7,
               kDamage = 8, kForge = 9, kBytes = 10, kSealed = 11, kSlice = 12, kProbe = 13, kReconnect = 14,
               kPassTime = 15, kSetAhead = 16;

Bytes Write(char end, char kind, char key, char number) {
  return {kWrite, end, kind, key, number};
}
Bytes Carry(char end) { return {kCarry, end, 7}; }

void AddSessions(Corpus& corpus) {
  const Bytes written = Write(0, 0, 1, 5) + Write(1, 3, 1, 6) + Write(2, 0, 2, 7);
  const Bytes all = Carry(0) + Carry(2) + Carry(4);
  const auto add = [&corpus](const char* name, const Bytes& program) {
    corpus[std::string("session/") + name] = program;
  };
  add("meet", written + all);
  add("meet_and_go_on", written + all + Write(0, 1, 1, 9) + Write(1, 1, 1, 8) + all + all);
  add("clash", Write(0, 0, 1, 1) + Write(1, 0, 1, 2) + Write(2, 3, 2, 3) + Write(0, 3, 3, 3) + all + all);
  add("delete_and_edit", Write(0, 0, 1, 1) + all + all + Write(0, 2, 1, 0) + Write(1, 1, 1, 9) + all);
  add("large", Bytes{kWriteLarge, 0, kWriteLarge, 1} + all + all);
  add("breaks", written + Carry(0) + Bytes{kReconnect, 0} + Write(0, 1, 1, 3) + Carry(0) + Bytes{kReconnect, 1} + all);
  add("loses", written + Bytes{kSend, 0, kSend, 1, kDeliver, 1, kDeliver, 0, kSend, 0, kDrop, 1, kSend, 0} + all);
  add("repeats", written + Bytes{kSend, 0, kDeliver, 1, kRepeat, 1} + all);
  add("swaps", written + Bytes{kSend, 0, kSend, 1, kDeliver, 1, kDeliver, 0, kSend, 0, kSwap, 1} + all);
  add("damages", written + Bytes{kSend, 0, kDamage, 1, 77, 0} + all);
  add("forges", written + Carry(0) + Write(0, 1, 1, 3) + Bytes{kSend, 0, kForge, 1, 40, 1} + all);
  add("probes", written + Bytes{kProbe, 0, kProbe, 3} + all + Bytes{kProbe, 1} + all + Bytes{kSlice, 0});
  add("clocks", Bytes{kSetAhead, 0, '\xff', kSetAhead, 1, 0} + written + Bytes{kPassTime, 0, 100} + all + all);
  const Bytes ack = EncodeMessage(Ack{1, true});
  const Bytes unsealed = ack.substr(0, ack.size() - 8);
  // Found: what acknowledged these waited for a peer that never read.
  Bytes unread = Carry(0);
  Chunk nothing;
  nothing.first = nothing.last = nothing.nothing = true;
  nothing.ask = 1;
  for (nothing.part = 2; nothing.part < 42; ++nothing.part) {
    const Bytes frame = EncodeMessage(nothing);
    unread += Bytes{kSealed, 1, static_cast<char>(frame.size() - 8)} + frame.substr(0, frame.size() - 8);
  }
  add("found_unread_acks", unread + Bytes{kSend, 1});
  add("bytes", Bytes{kBytes, 1, static_cast<char>(ack.size())} + ack + Carry(2) +
                   Bytes{kSealed, 3, static_cast<char>(unsealed.size())} + unsealed + all);
}

// --- sql ---------------------------------------------------------------------------------

// Decisions of sql_script.cc: a row of numbers that makes inserts, one that ends in updates
// and deletes, one in transactions. Text behind them makes what nobody thought of.
void AddScripts(Corpus& corpus) {
  const Bytes insert{13, 0, 0, 0, 1, 2, 3, 4, 0, 13, 0, 1, 1, 4, 5, 6, 7, 8, 0};
  const Bytes change{7, 0, 0, 2, 5, 2, 0, 9, 1, 0, 0, 1, 10, 0, 2, 0};
  const auto add = [&corpus](const char* name, const Bytes& script) {
    corpus[std::string("sql/") + name] = script;
  };
  add("insert", insert);
  add("insert_and_change", insert + change);
  add("transaction", Bytes{0, 0} + insert + Bytes{1, 0} + Bytes{0, 0} + change + Bytes{1, 1});
  add("rolled_back", insert + Bytes{0, 0} + change + Bytes{5, 0, 0} + insert);
  add("savepoints", Bytes{3, 0, 0} + insert + Bytes{3, 1, 0} + change + Bytes{2, 1, 0} + insert + Bytes{4, 0, 1});
  for (char table = 0; table < 5; ++table) {
    Bytes script;
    for (char row = 0; row < 6; ++row) {
      script += Bytes{static_cast<char>(13 + row % 5), table, static_cast<char>(row % 8), row, row, 3, 2, 1, row, 4, 2, 0};
      script += Bytes{static_cast<char>(6 + row), table, row, 1, 2, row, 3, 1};
    }
    add(("table_" + std::to_string(table)).c_str(), script);
  }
  FakeRandom random(1);
  for (int i = 0; i < 4; ++i) {
    Bytes script;
    while (script.size() < 300) PutFixed64(script, random.Draw64());
    add(("any_" + std::to_string(i)).c_str(), script);
  }
}

// --- Files -----------------------------------------------------------------------------

Bytes Content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

int Run(const std::filesystem::path& folder, bool check) {
  Corpus corpus;
  AddMessages(corpus);
  AddRecords(corpus);
  AddSessions(corpus);
  AddScripts(corpus);
  int status = 0;
  for (const auto& [name, bytes] : corpus) {
    const std::filesystem::path path = folder / name;
    if (!check) {
      std::filesystem::create_directories(path.parent_path());
      std::ofstream(path, std::ios::binary) << bytes;
    } else if (Content(path) != bytes) {
      std::printf("%s is another one by now: run make_corpus\n", path.c_str());
      status = 1;
    }
  }
  return status;
}

}  // namespace
}  // namespace rejoin::fuzz

int main(int count, char** arguments) {
  const bool check = count == 3 && std::string(arguments[1]) == "--check";
  if (count != 2 && !check) {
    std::fprintf(stderr, "usage: make_corpus [--check] FOLDER\n");
    return 2;
  }
  return rejoin::fuzz::Run(arguments[count - 1], check);
}
