#include "cli/demo_story.h"

namespace rejoin::cli {
namespace {

constexpr StoryEdit kEdits[] = {
    {kPhone, "order 12, line 1: qty 3",
     "UPDATE order_line SET qty = 3 WHERE order_id = 12 AND line = 1"},
    {kLaptop, "order 12, line 1: price 9",
     "UPDATE order_line SET price = 9 WHERE order_id = 12 AND line = 1"},
    {kTablet, "deletes product P-0300", "DELETE FROM product WHERE sku = 'P-0300'"},
    {kPhone, "product P-0300: stock 40", "UPDATE product SET stock = 40 WHERE sku = 'P-0300'"},
    {kLaptop, "P-0007 is a 'Red teapot'",
     "UPDATE product SET name = 'Red teapot' WHERE sku = 'P-0007'"},
    {kTablet, "P-0007 is a 'Teapot, red'",
     "UPDATE product SET name = 'Teapot, red' WHERE sku = 'P-0007'"},
    {kPhone, "adds order 14, line 9",
     "INSERT INTO order_line VALUES(14, 9, 'P-0031', 2, 30)"},
    {kLaptop, "adds order 14, line 9",
     "INSERT INTO order_line VALUES(14, 9, 'P-0044', 5, 12)"},
    {kTablet, "adds C-0901 ann@shop.test",
     "INSERT INTO customer VALUES('C-0901', 'Ann', 'ann@shop.test')"},
    {kPhone, "adds C-0902 ann@shop.test",
     "INSERT INTO customer VALUES('C-0902', 'Annie', 'ann@shop.test')"},
};

constexpr StoryConflict kConflicts[] = {
    {"order 12, line 1", "phone qty=3 · laptop price=9",
     "SELECT CASE WHEN qty = 3 AND price = 9 THEN 'both kept'"
     " ELSE 'qty ' || qty || ', price ' || price END"
     " FROM order_line WHERE order_id = 12 AND line = 1"},
    {"product P-0300", "tablet deleted · phone stock=40",
     "SELECT CASE total(stock = 40) WHEN 0 THEN 'gone'"
     " ELSE 'kept, because the delete had not seen the edit' END"
     " FROM product WHERE sku = 'P-0300'"},
    {"product P-0007", "laptop 'Red teapot' · tablet 'Teapot, red'",
     "SELECT '''' || name || ''', the later edit' FROM product WHERE sku = 'P-0007'"},
    {"order 14, line 9", "phone 2 x P-0031 · laptop 5 x P-0044",
     "SELECT qty || ' x ' || sku || '; rejoin_conflicts has ' || (SELECT max(other_value)"
     " FILTER(WHERE \"column\" = 'qty') || ' x ' || max(other_value) FILTER(WHERE \"column\" = 'sku')"
     " FROM rejoin_conflicts WHERE tbl = 'order_line')"
     " FROM order_line WHERE order_id = 14 AND line = 9"},
    {"ann@shop.test", "tablet C-0901 · phone C-0902",
     "SELECT id || ', the newer; addresses are UNIQUE, see below'"
     " FROM customer WHERE email = 'ann@shop.test'"},
};

}  // namespace

const char* const kDeviceNames[kDevices] = {"phone", "laptop", "tablet"};

std::span<const StoryEdit> StoryEdits() { return kEdits; }
std::span<const StoryConflict> StoryConflicts() { return kConflicts; }

}  // namespace rejoin::cli
