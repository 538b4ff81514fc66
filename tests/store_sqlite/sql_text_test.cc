// CREATE INDEX and CREATE TABLE taken apart by tokens.
#include <gtest/gtest.h>

#include "store/sqlite/sql_text.h"

namespace rejoin {
namespace {

using Texts = std::vector<std::string>;

Texts TokensOf(std::string_view sql) {
  Texts texts;
  for (const SqlToken& token : SqlTokens(sql)) texts.emplace_back(token.text);
  return texts;
}

TEST(SqlText, TokensPassOverBlanksAndComments) {
  EXPECT_EQ(TokensOf("a -- b\n, /* c ) */ \"d\"\"e\" 'f''g' [h i] `j`"),
            (Texts{"a", ",", "\"d\"\"e\"", "'f''g'", "[h i]", "`j`"}));
  EXPECT_EQ(TokensOf("  "), Texts{});
  EXPECT_EQ(TokensOf("a/*"), Texts{"a"});
  EXPECT_EQ(TokensOf("'open"), Texts{"'open"});
}

TEST(SqlText, NamesAreWhatQuotesMean) {
  for (const char* text : {"\"a\"\"b\"", "`a\"b`", "[a\"b]"}) {
    EXPECT_EQ(NameOf(SqlTokens(text).at(0)), "a\"b") << text;
  }
  EXPECT_EQ(NameOf(SqlTokens("ab").at(0)), "ab");
}

TEST(SqlText, PartsOfAnIndex) {
  const IndexParts plain = PartsOfCreateIndex("CREATE UNIQUE INDEX i ON t(a, b DESC)");
  EXPECT_EQ(plain.terms, (Texts{"a", "b"}));
  EXPECT_EQ(plain.where, "");

  const IndexParts rich = PartsOfCreateIndex(
      "create unique index if not exists \"on (\" on [t(]( lower(a /*,*/), coalesce(b, ')') "
      "COLLATE nocase ASC, \"c,\" ) where d IN (1, 2) AND e<>'x'");
  EXPECT_EQ(rich.terms, (Texts{"lower(a /*,*/)", "coalesce(b, ')')", "\"c,\""}));
  EXPECT_EQ(rich.where, "d IN (1, 2) AND e<>'x'");
}

TEST(SqlText, MentionedNamesAreWholeNamesOnly) {
  const Texts names = {"a", "B", "when", "id"};
  EXPECT_EQ(MentionedNames("lower(A) || \"b\" || 'id' || idx", names), (Texts{"a", "B"}));
  EXPECT_EQ(MentionedNames("CASE WHEN x THEN [id] END", names), (Texts{"when", "id"}));
}

TEST(SqlText, OnConflictReplaceOfAConstraint) {
  EXPECT_TRUE(SaysOnConflictReplace("CREATE TABLE t(a UNIQUE on  conflict /**/ Replace)"));
  EXPECT_FALSE(SaysOnConflictReplace("CREATE TABLE t(a UNIQUE ON CONFLICT IGNORE)"));
  EXPECT_FALSE(SaysOnConflictReplace("CREATE TABLE t(a DEFAULT 'ON CONFLICT REPLACE')"));
}

}  // namespace
}  // namespace rejoin
