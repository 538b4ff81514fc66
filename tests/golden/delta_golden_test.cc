// Deltas as format version 1 wrote them. They stay readable for ever: a file here
// is never written anew, a later version adds its own folder.
//
// To make the files of a new version: REJOIN_WRITE_GOLDEN=<folder> runs this test
// and leaves the samples there.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "base/os.h"
#include "tests/crdt/delta_samples.h"

namespace rejoin {
namespace {

constexpr std::size_t kMaxGoldenBytes = 1 << 20;

struct Golden {
  const char* name;
  WholeDelta content;
  // Whether the bytes are compared too. Where zstd took part they may differ
  // with its version; the content may not.
  bool same_bytes;
};

std::vector<Golden> Goldens() {
  return {{"empty", WholeDelta(), true},
          {"milk", MilkDelta(), true},
          {"motley", MotleyDelta(), true},
          {"wide", WideDelta(200), false}};
}

void LeaveSamplesIn(const std::string& folder) {
  for (const Golden& golden : Goldens()) {
    std::ofstream file(folder + "/" + golden.name + ".delta", std::ios::binary);
    file << *WriteDelta(golden.content);
    ASSERT_TRUE(file.good());
  }
}

TEST(DeltaGolden, Version1IsReadAndWrittenAsEver) {
  if (const char* folder = std::getenv("REJOIN_WRITE_GOLDEN")) LeaveSamplesIn(folder);
  for (const Golden& golden : Goldens()) {
    const std::string file =
        std::string(REJOIN_SOURCE_DIR "/tests/golden/delta_v1/") + golden.name + ".delta";
    const auto bytes = SystemSmallFiles().Read(file, kMaxGoldenBytes);
    ASSERT_TRUE(bytes && *bytes) << file;
    const Result<WholeDelta> read = ReadDelta(**bytes);
    ASSERT_TRUE(read) << file << ": " << read.error().message;
    EXPECT_TRUE(SameDelta(*read, golden.content)) << file;
    if (golden.same_bytes) {
      EXPECT_TRUE(*WriteDelta(golden.content) == **bytes) << file;
    }
  }
}

// docs/format.md shows the milk delta byte by byte: lines of "offset | hex | meaning".
TEST(DeltaGolden, WorkedBytesOfTheDocumentAreTheEncoders) {
  std::ifstream document(REJOIN_SOURCE_DIR "/docs/format.md");
  std::string line;
  while (std::getline(document, line) && line != "```milk") {
  }
  Bytes shown;
  while (std::getline(document, line) && line != "```") {
    const std::size_t from = line.find('|');
    const std::size_t to = line.find('|', from + 1);
    ASSERT_NE(to, std::string::npos) << line;
    EXPECT_EQ(std::stoul(line.substr(0, from), nullptr, 16), shown.size()) << line;
    for (std::size_t at = from + 1; at < to; ++at) {
      if (line[at] == ' ') continue;
      shown.push_back(static_cast<char>(std::stoi(line.substr(at, 2), nullptr, 16)));
      ++at;
    }
  }
  EXPECT_TRUE(shown == *WriteDelta(MilkDelta())) << shown.size() << " bytes are shown";
}

}  // namespace
}  // namespace rejoin
