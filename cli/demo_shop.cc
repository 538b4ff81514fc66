#include "cli/demo_shop.h"

#include <array>

namespace rejoin::cli {
namespace {

constexpr int kProducts = 300;
constexpr int kOrderedProducts = 290;  // the rest nobody has ordered, so it can be deleted
constexpr int kCustomers = 400;
constexpr int kOrders = 800;
constexpr int kMaxLines = 5;
// Products and orders up to here are the story's.
constexpr int kStoryRows = 20;

constexpr std::array<const char*, 8> kColours = {"Red",   "Blue",  "Green", "White",
                                                 "Black", "Brass", "Oak",   "Grey"};
constexpr std::array<const char*, 10> kThings = {"teapot", "mug",  "lamp",  "shelf", "chair",
                                                 "clock",  "bowl", "plate", "vase",  "tray"};
constexpr std::array<const char*, 8> kNames = {"Ann",  "Ben",  "Cleo", "Dora",
                                               "Emil", "Finn", "Gwen", "Hugo"};
constexpr std::array<const char*, 4> kStates = {"open", "paid", "packed", "sent"};

std::string Numbered(const char* prefix, std::uint64_t number) {
  std::string digits = std::to_string(number);
  digits.insert(0, 4 - digits.size(), '0');
  return prefix + digits;
}

std::string Sku(std::uint64_t number) { return Numbered("P-", number); }

Status FillProducts(Database& db, Dice& dice) {
  REJOIN_ASSIGN(Statement insert, db.Prepare("INSERT INTO {s}.product VALUES(?1, ?2, ?3, ?4)"));
  for (std::uint64_t number = 1; number <= kProducts; ++number) {
    const std::string sku = Sku(number);
    const std::string name =
        std::string(kColours[dice.Below(kColours.size())]) + ' ' + kThings[dice.Below(kThings.size())];
    insert.BindText(1, sku).BindText(2, name);
    insert.Bind(3, 2 + dice.Below(90)).Bind(4, dice.Below(100));
    REJOIN_TRY(insert.Run());
  }
  return {};
}

Status FillCustomers(Database& db, Dice& dice) {
  REJOIN_ASSIGN(Statement insert, db.Prepare("INSERT INTO {s}.customer VALUES(?1, ?2, ?3)"));
  for (std::uint64_t number = 1; number <= kCustomers; ++number) {
    const std::string id = Numbered("C-", number);
    const std::string name = kNames[dice.Below(kNames.size())];
    const std::string email = name + std::to_string(number) + "@shop.test";
    insert.BindText(1, id).BindText(2, name).BindText(3, email);
    REJOIN_TRY(insert.Run());
  }
  return {};
}

Status FillOrders(Database& db, Dice& dice) {
  REJOIN_ASSIGN(Statement order, db.Prepare("INSERT INTO {s}.order_ VALUES(?1, ?2, ?3, NULL)"));
  REJOIN_ASSIGN(Statement line,
                db.Prepare("INSERT INTO {s}.order_line SELECT ?1, ?2, sku, ?4, price"
                           " FROM {s}.product WHERE sku = ?3"));
  for (std::uint64_t number = 1; number <= kOrders; ++number) {
    const std::string customer = Numbered("C-", 1 + dice.Below(kCustomers));
    order.Bind(1, number).BindText(2, customer).BindText(3, kStates[dice.Below(kStates.size())]);
    REJOIN_TRY(order.Run());
    const std::uint64_t lines = 1 + dice.Below(kMaxLines);
    for (std::uint64_t at = 1; at <= lines; ++at) {
      const std::string sku = Sku(1 + dice.Below(kOrderedProducts));
      line.Bind(1, number).Bind(2, at).BindText(3, sku).Bind(4, 1 + dice.Below(9));
      REJOIN_TRY(line.Run());
    }
  }
  return {};
}

}  // namespace

const char* const kShopSchema = R"sql(
CREATE TABLE {s}.product(
  sku TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL, price INTEGER NOT NULL,
  stock INTEGER NOT NULL DEFAULT 0);
CREATE TABLE {s}.customer(id TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL, email TEXT UNIQUE);
CREATE TABLE {s}.order_(
  id INTEGER PRIMARY KEY, customer TEXT NOT NULL REFERENCES customer(id),
  state TEXT NOT NULL DEFAULT 'open', note TEXT);
CREATE TABLE {s}.order_line(
  order_id INTEGER NOT NULL REFERENCES order_(id) ON DELETE CASCADE, line INTEGER NOT NULL,
  sku TEXT NOT NULL REFERENCES product(sku), qty INTEGER NOT NULL CHECK(qty > 0),
  price INTEGER NOT NULL, PRIMARY KEY(order_id, line)) WITHOUT ROWID;
)sql";

const std::vector<std::string> kShopTables = {"product", "customer", "order_", "order_line"};

Status FillShop(Database& db, Dice& dice) {
  REJOIN_ASSIGN(Savepoint transaction, Savepoint::Begin(db));
  REJOIN_TRY(FillProducts(db, dice));
  REJOIN_TRY(FillCustomers(db, dice));
  REJOIN_TRY(FillOrders(db, dice));
  return transaction.Release();
}

std::string EditOfSomebody(Dice& dice, int device, int number) {
  const std::string product =
      QuoteText(Sku(kStoryRows + 1 + dice.Below(kOrderedProducts - kStoryRows)));
  const std::string order = std::to_string(kStoryRows + 1 + dice.Below(kOrders - kStoryRows));
  const std::string few = std::to_string(1 + dice.Below(9));
  switch (dice.Below(8)) {
    case 0:
    case 1:
      return "UPDATE product SET price = price + " + few + " WHERE sku = " + product;
    case 2:
    case 3:
      return "UPDATE product SET stock = stock + " + few + " WHERE sku = " + product;
    case 4:
      return "UPDATE order_ SET state = " + QuoteText(kStates[dice.Below(kStates.size())]) +
             ", note = 'call back' WHERE id = " + order;
    case 5:
      return "UPDATE order_line SET qty = " + few + " WHERE order_id = " + order + " AND line = 1";
    case 6:
      return "DELETE FROM order_line WHERE order_id = " + order + " AND line > 3";
    default: {
      const std::string made = std::to_string(device * 10'000 + number);
      return "BEGIN; INSERT INTO order_(id, customer) VALUES(" + made + ", " +
             QuoteText(Numbered("C-", 1 + dice.Below(kCustomers))) +
             "); INSERT INTO order_line SELECT " + made + ", 1, sku, " + few +
             ", price FROM product WHERE sku = " + product + "; COMMIT";
    }
  }
}

}  // namespace rejoin::cli
