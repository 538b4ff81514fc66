// `rejoin demo`: three devices that edit apart and become one again. Every line
// it prints about rows was read from the files.
#include <filesystem>
#include <optional>

#include <unistd.h>

#include "bindings/sqlite/database_file.h"
#include "cli/command.h"
#include "cli/demo_network.h"
#include "cli/demo_screen.h"
#include "cli/demo_shop.h"
#include "cli/demo_story.h"
#include "cli/query.h"

namespace rejoin::cli {
namespace {

struct DemoArguments {
  std::string keep;
  std::uint64_t seed = 1;
  bool pause = false;
  std::string program;
};

constexpr int kEditsMore = 200;  // of each device, besides the story's
constexpr std::uint64_t kStepMs = 250;
constexpr std::uint64_t kBeganBeforeMs = 24 * 3'600 * std::uint64_t{1'000};
constexpr std::size_t kDigestShown = 20;

constexpr char kSettings[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                             " PRAGMA foreign_keys = ON";
constexpr char kPosition[] = "SELECT coalesce(max(position), 0) FROM rejoin_changes";
constexpr char kMerged[] =
    "SELECT count(DISTINCT tbl || key) FROM rejoin_changes WHERE kind = 'merge' AND position > ?1";
constexpr char kDigest[] = "SELECT rejoin_digest()";
constexpr char kQuarantine[] =
    "SELECT tbl || ' ' || key || ': ' || detail FROM rejoin_quarantine ORDER BY tbl, key";

// The devices' common clock: it stands still but for a step before each edit, so
// that which edit is the later one does not depend on the machine's speed. It
// starts a day ago, so that what is written to kept files afterwards is newer.
class StoryClock : public Clock {
 public:
  std::uint64_t WallMs() override { return wall_ms_; }
  std::uint64_t SteadyMs() override { return SystemClock().SteadyMs(); }
  void Step() { wall_ms_ += kStepMs; }

 private:
  std::uint64_t wall_ms_ = SystemClock().WallMs() - kBeganBeforeMs;
};

// Where the files live: a folder that is kept, or one that goes with the demo.
class Folder {
 public:
  static Result<Folder> Make(const std::string& keep) {
    std::error_code failed;
    Folder folder;
    if (!keep.empty()) {
      std::filesystem::create_directories(keep, failed);
      if (failed || !std::filesystem::is_empty(keep, failed) || failed) {
        return Fail(Code::kIo, keep + ": --keep wants a folder that is empty or can be made");
      }
      folder.path_ = keep;
      return folder;
    }
    std::string pattern = (std::filesystem::temp_directory_path(failed) / "rejoin-demo-XXXXXX").string();
    if (failed || ::mkdtemp(pattern.data()) == nullptr) {
      return Fail(Code::kIo, pattern + ": cannot make a folder for the demo's files");
    }
    folder.path_ = pattern;
    folder.remove_ = true;
    return folder;
  }
  Folder(Folder&& other) noexcept
      : path_(std::move(other.path_)), remove_(std::exchange(other.remove_, false)) {}
  Folder& operator=(Folder&&) = delete;
  ~Folder() {
    std::error_code ignored;
    if (remove_) std::filesystem::remove_all(path_, ignored);
  }
  std::string File(const std::string& name) const { return (path_ / name).string(); }

 private:
  Folder() = default;
  std::filesystem::path path_;
  bool remove_ = false;
};

using Texts = std::array<std::string, kDevices>;

class Demo {
 public:
  explicit Demo(const DemoArguments& arguments)
      : arguments_(arguments), screen_(arguments.pause), dice_(arguments.seed) {}

  Result<Exit> Run() {
    REJOIN_ASSIGN(const Folder folder, Folder::Make(arguments_.keep));
    REJOIN_TRY(Open(folder));
    REJOIN_TRY(network_.StartHub(folder.File("rooms")));
    REJOIN_TRY(Start(folder));
    REJOIN_TRY(EditApart());
    REJOIN_TRY(ComeBack(folder));
    REJOIN_ASSIGN(const bool equal, ShowDigests());
    REJOIN_TRY(ShowConflicts());
    ShowCommands();
    for (auto& device : devices_) device.reset();  // before their folder goes
    return equal ? Exit::kOk : Exit::kFound;
  }

 private:
  Database& Db(int device) { return devices_[static_cast<std::size_t>(device)]->sql(); }

  static std::string FileOf(const Folder& folder, int device) {
    return folder.File(std::string(kDeviceNames[device]) + ".db");
  }

  Status Open(const Folder& folder) {
    const Environment environment{&clock_, &SystemRandom()};
    for (int device = 0; device < kDevices; ++device) {
      REJOIN_ASSIGN(DatabaseFile file,
                    DatabaseFile::Open(FileOf(folder, device), OpenMode::kCreate, environment));
      devices_[static_cast<std::size_t>(device)].emplace(std::move(file));
      REJOIN_TRY(Db(device).Exec(kSettings));
      REJOIN_TRY(Db(device).Exec(kShopSchema));
    }
    return {};
  }

  // The phone has a shop already; the laptop gets it by the hub, the tablet from the laptop.
  Status Start(const Folder& folder) {
    REJOIN_TRY(FillShop(Db(kPhone), dice_));
    std::uint64_t adopted = 0;
    for (int device = 0; device < kDevices; ++device) {
      clock_.Step();
      for (const std::string& table : kShopTables) {
        REJOIN_ASSIGN(const std::string rows,
                      QueryText(Db(device), "SELECT rejoin_track(" + QuoteText(table) + ")"));
        adopted += std::stoull(rows);
      }
    }
    REJOIN_TRY(ThroughHub(kPhone));
    REJOIN_ASSIGN(const SessionReport laptop, ThroughHub(kLaptop));
    REJOIN_ASSIGN(const SessionReport tablet, FromTheLaptop(kTablet, folder));
    screen_.Title("One shop on three devices: an SQLite file each, " + Count(kShopTables.size(), "table") +
                  ", written with ordinary SQL.");
    screen_.Gap();
    screen_.Heads();
    screen_.Row("start", {Grouped(adopted) + " rows, tracked", Grouped(laptop.rows_received) + " rows, by a hub",
                          Grouped(tablet.rows_received) + " rows, by the laptop"});
    screen_.Pause();
    return {};
  }

  Status EditApart() {
    std::string label = "offline";
    Texts texts;
    for (const StoryEdit& edit : StoryEdits()) {
      clock_.Step();
      REJOIN_TRY(Db(edit.device).Exec(edit.sql));
      std::string& text = texts[static_cast<std::size_t>(edit.device)];
      if (!text.empty()) Flush(label, texts);
      text = edit.shown;
    }
    Flush(label, texts);
    for (int number = 0; number < kEditsMore; ++number) {
      for (int device = 0; device < kDevices; ++device) {
        clock_.Step();
        REJOIN_TRY(Db(device).Exec(EditOfSomebody(dice_, device + 1, number)));
      }
    }
    texts.fill("and " + std::to_string(kEditsMore) + " edits more");
    Flush(label, texts);
    screen_.Pause();
    return {};
  }

  void Flush(std::string& label, Texts& texts) {
    screen_.Row(label, texts);
    label.clear();
    texts.fill("");
  }

  DatabaseFile& File(int device) { return *devices_[static_cast<std::size_t>(device)]; }
  Result<SessionReport> ThroughHub(int device) {
    return network_.SyncWithHub(File(device), kDeviceNames[device]);
  }
  Result<SessionReport> FromTheLaptop(int device, const Folder& folder) {
    return DemoNetwork::SyncWithDevice(File(device), kDeviceNames[device], FileOf(folder, kLaptop));
  }

  // The phone and the laptop find the hub again; the tablet only the laptop, which serves.
  Status ComeBack(const Folder& folder) {
    std::array<std::string, kDevices> positions;
    for (int device = 0; device < kDevices; ++device) {
      REJOIN_ASSIGN(positions[static_cast<std::size_t>(device)], QueryText(Db(device), kPosition));
    }
    REJOIN_TRY(ThroughHub(kPhone));
    REJOIN_TRY(ThroughHub(kLaptop));
    REJOIN_TRY(FromTheLaptop(kTablet, folder));
    REJOIN_TRY(ThroughHub(kLaptop));
    REJOIN_TRY(ThroughHub(kPhone));
    screen_.Row("online", {"by the hub", "by the hub, and serves", "by the laptop"});
    Texts texts;
    for (std::size_t at = 0; at < kDevices; ++at) {
      REJOIN_ASSIGN(Statement merged, Db(static_cast<int>(at)).Prepare(kMerged));
      REJOIN_TRY(merged.Bind(1, static_cast<std::int64_t>(std::stoll(positions[at]))).Step());
      texts[at] = Grouped(merged.Unsigned(0)) + " rows merged";
    }
    screen_.Row("", texts);
    return {};
  }

  Result<bool> ShowDigests() {
    Texts digests;
    for (std::size_t at = 0; at < kDevices; ++at) {
      REJOIN_ASSIGN(digests[at], QueryText(Db(static_cast<int>(at)), kDigest));
    }
    const bool equal = digests[0] == digests[1] && digests[1] == digests[2];
    for (std::string& digest : digests) digest = digest.substr(0, kDigestShown) + "…";
    screen_.Row("digest", digests);
    screen_.Gap();
    screen_.Pause();
    return equal;
  }

  // The answer of all three, or of each where they are not one.
  Result<std::string> Answer(const char* sql) {
    Texts answers;
    for (std::size_t at = 0; at < kDevices; ++at) {
      REJOIN_ASSIGN(answers[at], QueryText(Db(static_cast<int>(at)), sql));
    }
    if (answers[0] == answers[1] && answers[1] == answers[2]) return answers[0];
    return "NOT EQUAL: " + answers[0] + " / " + answers[1] + " / " + answers[2];
  }

  Status ShowConflicts() {
    screen_.Title("What became of the conflicts, read back from all three files:");
    for (const StoryConflict& conflict : StoryConflicts()) {
      REJOIN_ASSIGN(const std::string outcome, Answer(conflict.outcome_sql));
      std::string what = conflict.what;
      what.resize(kWhatWidth, ' ');
      screen_.Line(" " + what + conflict.done + " → ", outcome);
    }
    screen_.Gap();
    screen_.Title("In quarantine on all three: not shown, not lost, back when the reason is gone:");
    REJOIN_ASSIGN(const std::string row, Answer(kQuarantine));
    screen_.Line(" " + row);
    screen_.Gap();
    screen_.Pause();
    return {};
  }

  void ShowCommands() {
    const std::string folder = arguments_.keep.empty() ? "shop" : arguments_.keep;
    const std::string& program = arguments_.program;
    screen_.Title(arguments_.keep.empty()
                      ? "To look around, run it once more with --keep " + folder + ", then:"
                      : "To look around:");
    screen_.Line(" sqlite3 " + folder + "/phone.db 'SELECT * FROM product LIMIT 3'");
    screen_.Line(" sqlite3 " + folder + "/phone.db -cmd '.load " + program +
                 "' 'SELECT * FROM rejoin_conflicts'");
    screen_.Line(" " + program + " diff " + folder + "/phone.db " + folder + "/laptop.db");
    screen_.Line(" " + program + " doctor " + folder + "/tablet.db");
  }

  static constexpr std::size_t kWhatWidth = 17;

  const DemoArguments& arguments_;
  Screen screen_;
  Dice dice_;
  StoryClock clock_;
  DemoNetwork network_;
  std::array<std::optional<DatabaseFile>, kDevices> devices_;
};

Result<Exit> RunDemo(const DemoArguments& arguments) { return Demo(arguments).Run(); }

}  // namespace

void AddDemo(CLI::App& app, Chosen& chosen, const std::string& program) {
  const auto [command, options] = AddCommand<DemoArguments>(
      app, chosen, "demo", "Three devices edit a shop apart, and become one again.",
      "rejoin demo --keep shop", RunDemo);
  options->program = program;
  command->add_option("--keep", options->keep, "Keep the files in this folder, which is made");
  command->add_option("--seed", options->seed, "Another shop and other edits")->capture_default_str();
  command->add_flag("--pause", options->pause, "Wait for Enter between the parts");
}

}  // namespace rejoin::cli
