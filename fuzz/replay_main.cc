// A main for a fuzz target where there is no libFuzzer: runs the files of a
// corpus as they are and then mutations of them, the same ones for one seed.
//
//   <target> [--seed N] [--runs N] [--max-bytes N] folder-or-file...
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);

namespace {

constexpr std::size_t kMaxMutations = 8;

void Run(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

std::vector<std::string> ReadCorpus(const std::vector<std::string>& paths) {
  std::vector<std::filesystem::path> files;
  for (const std::string& path : paths) {
    if (!std::filesystem::is_directory(path)) {
      files.emplace_back(path);
      continue;
    }
    for (const auto& entry : std::filesystem::directory_iterator(path)) files.push_back(entry);
  }
  std::sort(files.begin(), files.end());
  std::vector<std::string> corpus;
  for (const auto& path : files) {
    std::ifstream file(path, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return corpus;
}

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  std::string Mutated(const std::vector<std::string>& corpus) {
    std::string input = corpus[Below(corpus.size())];
    for (std::size_t left = 1 + Below(kMaxMutations); left > 0; --left) {
      Mutate(input, corpus[Below(corpus.size())]);
    }
    return input;
  }

 private:
  std::size_t Below(std::size_t bound) {
    return static_cast<std::size_t>(random_() % std::max<std::size_t>(bound, 1));
  }

  void Mutate(std::string& input, const std::string& other) {
    if (input.empty()) input = other;
    if (input.empty()) return;
    const std::size_t at = Below(input.size());
    switch (Below(6)) {
      case 0:
        input[at] = static_cast<char>(input[at] ^ (1 << Below(8)));
        return;
      case 1:
        input[at] = static_cast<char>(random_());
        return;
      case 2:
        input.insert(at, 1, static_cast<char>(random_()));
        return;
      case 3:
        input.erase(at, 1 + Below(4));
        return;
      case 4:  // numbers are small, or at the edges
        input[at] = static_cast<char>("\x00\x01\x02\x7f\x80\xff"[Below(6)]);
        return;
      default:
        input.replace(at, Below(16), other.substr(Below(other.size()), Below(16)));
        return;
    }
  }

  std::mt19937_64 random_;
};

}  // namespace

int main(int count, char** arguments) {
  std::uint64_t seed = 1;
  std::uint64_t runs = 100000;
  std::uint64_t max_bytes = 65536;
  std::vector<std::string> paths;
  for (int i = 1; i < count; ++i) {
    const std::string argument = arguments[i];
    std::uint64_t* const number = argument == "--seed"        ? &seed
                                  : argument == "--runs"      ? &runs
                                  : argument == "--max-bytes" ? &max_bytes
                                                              : nullptr;
    if (number != nullptr && i + 1 < count) {
      *number = std::strtoull(arguments[++i], nullptr, 10);
    } else {
      paths.push_back(argument);
    }
  }
  const std::vector<std::string> corpus = ReadCorpus(paths);
  if (corpus.empty()) {
    std::fprintf(stderr, "usage: %s [--seed N] [--runs N] [--max-bytes N] corpus...\n", arguments[0]);
    return 2;
  }
  for (const std::string& input : corpus) Run(input);
  Mutator mutator(seed);
  for (std::uint64_t i = 0; i < runs; ++i) {
    const std::string input = mutator.Mutated(corpus).substr(0, max_bytes);
    // Where a crash leaves its input.
    if (const char* trace = std::getenv("REJOIN_FUZZ_LAST")) {
      std::ofstream(trace, std::ios::binary) << input;
    }
    Run(input);
  }
  std::printf("%zu files and %llu mutations of seed %llu\n", corpus.size(),
              static_cast<unsigned long long>(runs), static_cast<unsigned long long>(seed));
  return 0;
}
