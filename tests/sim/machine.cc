#include "tests/sim/machine.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "store/memory/memory_store.h"

namespace rejoin::sim {
namespace {

constexpr char kSidecar[] = "-rejoin";

// The simulation itself is broken, or the machine that it runs on.
template <class Outcome>
void Must(const Outcome& outcome, const char* what) {
  if (outcome) return;
  std::fprintf(stderr, "rejoin-sim: %s: %s\n", what, outcome.error().message.c_str());
  std::abort();
}

void CopyFile(const std::string& from, const std::string& to) {
  std::error_code missing;
  std::filesystem::remove(to, missing);
  std::filesystem::copy_file(from, to, missing);
}

}  // namespace

Machine::Machine(const Place& place, Ground& ground)
    : place_(place), ground_(ground), raw_clock_(ground.truth) {
  clock_.emplace(raw_clock_);
  if (place_.has_file) file_ = std::make_unique<ScratchPath>();
  Open();
}

Machine::Machine(const Place& place, Ground& ground, const Image& image)
    : place_(place), ground_(ground), raw_clock_(ground.truth) {
  clock_.emplace(raw_clock_);
  if (place_.has_file) file_ = std::make_unique<ScratchPath>();
  OpenFrom(image);
}

Machine::~Machine() { Close(); }

SyncStore& Machine::store() {
  return hub_ != nullptr ? static_cast<SyncStore&>(*hub_) : dynamic_cast<SyncStore&>(device_->store());
}

SqliteKind Machine::kind() const { return AllSqliteKinds()[place_.kind - 1]; }

void Machine::Open() {
  const std::string path = file_ == nullptr ? ":memory:" : file_->text();
  if (place_.is_hub) {
    random_ = std::make_unique<FakeRandom>(ground_.seeds.Draw64());
    RowStoreOptions options;
    options.random = random_.get();
    options.durable = false;
    options.max_read_bytes = ground_.hub_read_bytes;
    auto opened = RowStore::Open(path, options);
    Must(opened, "a hub's file cannot be opened");
    hub_ = std::move(*opened);
  } else if (place_.kind == 0) {
    device_ = MemoryReplicas().make(++ground_.memory_ids, *clock_);
  } else {
    device_ = OpenSqliteReplica(kind(), {path, ground_.seeds.Draw64(), tables_}, *clock_);
  }
}

void Machine::Close() {
  device_.reset();
  hub_.reset();
}

Status Machine::Define(const TableDef& def, const Rows& existing) {
  REJOIN_TRY(device_->Define(def, existing));
  tables_[def.name] = def;
  return {};
}

Status Machine::AddColumn(const std::string& table, const ColumnDef& column) {
  REJOIN_TRY(device_->AddColumn(table, column));
  tables_[table].columns.push_back(column);
  return {};
}

// As a kill leaves it: the files as they are at this moment, whatever closing does to them.
void Machine::Crash() {
  clock_.emplace(raw_clock_);
  if (file_ == nullptr) {
    if (hub_ != nullptr) hub_->RollbackBatch();
    if (device_ != nullptr) (void)device_->RollBack();  // an open transaction, if there is one
    return;
  }
  ScratchPath kept;
  CopyDatabase(file_->text(), kept.text());
  CopyFile(file_->text() + kSidecar, kept.text() + kSidecar);
  Close();
  CopyDatabase(kept.text(), file_->text());
  CopyFile(kept.text() + kSidecar, file_->text() + kSidecar);
  Open();
}

Bytes Machine::Fence() const {
  if (file_ == nullptr) return {};
  std::ifstream fence(file_->text() + kSidecar, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(fence), {});
}

Image Machine::Copy() {
  Image image;
  image.tables = tables_;
  auto vector = store().Vector();
  Must(vector, "a vector");
  image.vector = std::move(*vector);
  if (file_ != nullptr) {
    image.file = std::make_unique<ScratchPath>();
    CopyDatabase(file_->text(), image.file->text());
    image.fence = Fence();
    return image;
  }
  BytesSink sink(kTestDeltaMaxBytes);
  // Whoever looks at the original itself would have seen its changes.
  if (auto* const memory = dynamic_cast<MemoryStore*>(&store()); memory != nullptr) {
    MemoryStore looked_at = *memory;
    Must(looked_at.ExtractSince({}, sink), "a copy");
  } else {
    Must(store().ExtractSince({}, sink), "a copy");
  }
  image.rows = sink.Take();
  return image;
}

void Machine::PutBack(const Image& image) {
  Close();
  clock_.emplace(raw_clock_);
  OpenFrom(image);
}

void Machine::OpenFrom(const Image& image) {
  if (file_ != nullptr) {
    tables_ = image.tables;
    CopyDatabase(image.file->text(), file_->text());
    Open();
    return;
  }
  tables_.clear();
  Open();
  for (const auto& [name, def] : image.tables) Must(Define(def, {}), "a table");
  ViewSource source(image.rows);
  Must(store().Merge(source), "a copy that is put back");
}

}  // namespace rejoin::sim
