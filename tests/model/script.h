// What replicas of the small model do.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "store/memory/table_def.h"

namespace rejoin {

// One entry of a script: transactions, or rows found when the table was tracked.
struct Deed {
  std::string name;
  std::vector<Transaction> transactions;
  Rows adopted = {};
};

inline constexpr std::size_t kReplicas = 3;
using Script = std::array<std::vector<Deed>, kReplicas>;

// The model's table: item(id, a, b, u UNIQUE); and the two rows that are there at first.
TableDef SmallTable(RowRules rules);
Transaction SmallTableAtFirst();

// What replica `replica` may do there. The rarer a deed is, the later it stands.
std::vector<Deed> Alphabet(std::size_t replica);

// "name, name | name | ": what each does.
std::string Described(const Script& script);

// Each of the first `letters` in each place, counted up like a number in base `letters`;
// until `visit(number, script)` says false.
template <class Visit>
void ForEachScript(std::size_t letters, std::size_t deeds_each, Visit visit) {
  std::array<std::vector<Deed>, kReplicas> alphabet;
  for (std::size_t i = 0; i < kReplicas; ++i) alphabet[i] = Alphabet(i);
  const std::size_t places = kReplicas * deeds_each;
  std::size_t scripts = 1;
  for (std::size_t i = 0; i < places; ++i) scripts *= letters;
  for (std::size_t number = 0; number < scripts; ++number) {
    Script script;
    std::size_t rest = number;
    for (std::size_t place = 0; place < places; ++place) {
      const std::size_t replica = place % kReplicas;
      script[replica].push_back(alphabet[replica][rest % letters]);
      rest /= letters;
    }
    if (!visit(number, script)) return;
  }
}

}  // namespace rejoin
