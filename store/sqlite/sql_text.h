// Taking SQL text apart, as far as a stored CREATE INDEX needs it: SQLite tells
// the columns of an index, but neither its expressions nor its condition.
//
// A reading by tokens, not a parse: the text comes from sqlite_schema, so SQLite
// has parsed it already.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rejoin {

struct SqlToken {
  enum class Kind : unsigned char { kWord, kQuotedName, kText, kOther };
  Kind kind = Kind::kOther;
  std::size_t at = 0;     // where it begins in the text
  std::string_view text;  // as written, quotes included
};

// Everything but white space and comments. Unbalanced quotes end with the text.
std::vector<SqlToken> SqlTokens(std::string_view sql);

// A word or quoted name as the name it means: quotes gone, doubled ones halved.
std::string NameOf(const SqlToken& token);

// ASCII case-insensitive, as SQLite compares names and keywords.
bool SameName(std::string_view a, std::string_view b);

struct IndexParts {
  std::vector<std::string> terms;  // as written, without ASC, DESC and a last COLLATE
  std::string where;               // empty: not a partial index
};

// Of CREATE [UNIQUE] INDEX ... ON table(term, ...) [WHERE condition].
IndexParts PartsOfCreateIndex(std::string_view sql);

// Which of `names` the SQL mentions as a word or quoted name; in their order.
std::vector<std::string> MentionedNames(std::string_view sql, const std::vector<std::string>& names);

// Whether a constraint of a CREATE TABLE says ON CONFLICT REPLACE.
bool SaysOnConflictReplace(std::string_view sql);

}  // namespace rejoin
