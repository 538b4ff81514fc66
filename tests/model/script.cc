#include "tests/model/script.h"

#include "tests/store/ops.h"

namespace rejoin {
namespace {

constexpr const char* kItem = "item";
const Key k1 = K("k1");
const Key k2 = K("k2");
const Key k3 = K("k3");

}  // namespace

TableDef SmallTable(RowRules rules) {
  return {kItem, {"id"}, {Column("a"), Column("b", N(0)), Column("u")}, {{"u"}}, rules};
}

Transaction SmallTableAtFirst() {
  return {Insert(kItem, k1, {{"a", N(1)}, {"b", N(1)}, {"u", N(1)}}),
          Insert(kItem, k2, {{"a", N(2)}, {"b", N(2)}, {"u", N(2)}})};
}

// Its own numbers are 10 + r, so that values differ where replicas do the same, unless the
// deed says otherwise.
std::vector<Deed> Alphabet(std::size_t r) {
  const Value own = N(10 + static_cast<std::int64_t>(r));
  const Row whole{{"a", N(1)}, {"b", own}, {"u", N(1)}};
  const Op replace = Replace(kItem, k1, whole);
  const Op displace = Replace(kItem, k3, {{"a", own}, {"u", N(1)}});
  const Op upsert = Upsert(kItem, k3, {{"a", own}});
  const Op rekey = ChangeKey(kItem, k1, k3);
  const Op rekey_and_edit = ChangeKey(kItem, k2, k1, {{"a", own}});
  const Key fresh = K(r == 0 ? "n0" : r == 1 ? "n1" : "n2");
  const Transaction take_over = {Update(kItem, k2, {{"u", Value::Null()}}),
                                 Update(kItem, k1, {{"u", N(2)}})};
  const Transaction swap = {Update(kItem, k1, {{"u", N(5)}}), Update(kItem, k2, {{"u", N(1)}}),
                            Update(kItem, k1, {{"u", N(2)}})};
  const Op reinsert = Insert(kItem, k1, {{"a", own}, {"u", N(1)}});
  return {
      {"update a", {{Update(kItem, k1, {{"a", own}})}}},
      {"delete", {{Delete(kItem, k1)}}},
      {"insert", {{Insert(kItem, k3, {{"a", own}, {"u", own}})}}},
      {"delete, then insert", {{Delete(kItem, k1)}, {reinsert}}},
      {"take the unique value", {take_over}},
      {"delete and insert", {{Delete(kItem, k1), Insert(kItem, k1, whole)}}},
      {"update b", {{Update(kItem, k1, {{"b", own}})}}},
      {"update a alike", {{Update(kItem, k1, {{"a", N(9)}})}}},
      {"replace", {{replace}}},
      {"replace another row", {{displace}}},
      {"change the key", {{rekey}}},
      {"adopt", {}, {{k3, {{"a", own}, {"b", N(3)}}}}},
      {"change the key onto a deleted one", {{Delete(kItem, k1), rekey_and_edit}}},
      {"adopt alike", {}, {{k3, {{"a", N(3)}, {"b", N(3)}}}}},
      {"insert a clashing row", {{Insert(kItem, fresh, {{"u", N(7)}})}}},
      {"swap", {swap}},
      {"upsert", {{upsert}}},
      {"save the whole row", {{Update(kItem, k1, whole)}}},
      {"adopt over everything", {}, {{k1, {{"a", own}, {"u", N(1)}}}}},
  };
}

std::string Described(const Script& script) {
  std::string text;
  for (const std::vector<Deed>& deeds : script) {
    for (const Deed& deed : deeds) text += (&deed == deeds.data() ? "" : ", ") + deed.name;
    text += " | ";
  }
  return text;
}

}  // namespace rejoin
