// The sample application of `rejoin demo`: a shop with related tables, and people
// who use it. Everything is plain SQL; one seed gives one shop and one set of edits.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "store/sqlite/sql.h"

namespace rejoin::cli {

// Chance that one seed repeats on every machine.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  // 0..below-1; below is small, so the bias of the remainder is of no interest.
  std::uint64_t Below(std::uint64_t below) { return engine_() % below; }

 private:
  std::mt19937_64 engine_;
};

// product, customer, order_, order_line: foreign keys, a UNIQUE e-mail address, a
// CHECK, a WITHOUT ROWID table with a key of two columns.
extern const char* const kShopSchema;
extern const std::vector<std::string> kShopTables;

// A few thousand rows in one transaction.
Status FillShop(Database& db, Dice& dice);

// A statement that somebody who uses the shop may make: prices, stock, orders and
// their lines. `device` (from 1) numbers its new orders apart from those of others.
// Leaves alone what the story of the demo is about.
std::string EditOfSomebody(Dice& dice, int device, int number);

}  // namespace rejoin::cli
