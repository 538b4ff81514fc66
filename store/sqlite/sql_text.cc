#include "store/sqlite/sql_text.h"

#include <algorithm>

namespace rejoin {
namespace {

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// SQLite takes every byte beyond ASCII for a letter.
bool IsWordByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '$' || static_cast<unsigned char>(c) >= 0x80;
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// Behind the quoted piece that begins at `at`; a doubled quote stands for one.
std::size_t EndOfQuoted(std::string_view sql, std::size_t at) {
  const char close = sql[at] == '[' ? ']' : sql[at];
  for (++at; at < sql.size(); ++at) {
    if (sql[at] != close) continue;
    if (close == ']' || at + 1 >= sql.size() || sql[at + 1] != close) return at + 1;
    ++at;
  }
  return sql.size();
}

// Behind white space and comments.
std::size_t SkipBlanks(std::string_view sql, std::size_t at) {
  for (;;) {
    while (at < sql.size() && IsSpace(sql[at])) ++at;
    const std::string_view rest = sql.substr(at);
    std::size_t end = 0;
    if (rest.substr(0, 2) == "--") {
      end = rest.find('\n');
    } else if (rest.substr(0, 2) == "/*") {
      end = rest.find("*/", 2);
      if (end != std::string_view::npos) ++end;
    } else {
      return at;
    }
    if (end == std::string_view::npos) return sql.size();
    at += end + 1;
  }
}

bool Is(const SqlToken& token, std::string_view word) {
  return token.kind == SqlToken::Kind::kWord && SameName(token.text, word);
}

// The text from token `first` up to and without token `last`, less what only
// orders an index: ASC, DESC and a COLLATE at the end.
std::string TermText(std::string_view sql, const std::vector<SqlToken>& tokens, std::size_t first,
                     std::size_t last) {
  if (last > first && (Is(tokens[last - 1], "ASC") || Is(tokens[last - 1], "DESC"))) --last;
  if (last > first + 2 && Is(tokens[last - 2], "COLLATE")) last -= 2;
  if (last <= first) return {};
  const SqlToken& end = tokens[last - 1];
  return std::string(sql.substr(tokens[first].at, end.at + end.text.size() - tokens[first].at));
}

}  // namespace

std::vector<SqlToken> SqlTokens(std::string_view sql) {
  std::vector<SqlToken> tokens;
  for (std::size_t at = SkipBlanks(sql, 0); at < sql.size(); at = SkipBlanks(sql, at)) {
    SqlToken token;
    token.at = at;
    std::size_t end = at + 1;
    const char c = sql[at];
    if (c == '\'' || c == '"' || c == '`' || c == '[') {
      token.kind = c == '\'' ? SqlToken::Kind::kText : SqlToken::Kind::kQuotedName;
      end = EndOfQuoted(sql, at);
    } else if (IsWordByte(c)) {
      token.kind = SqlToken::Kind::kWord;
      while (end < sql.size() && IsWordByte(sql[end])) ++end;
    }
    token.text = sql.substr(at, end - at);
    tokens.push_back(token);
    at = end;
  }
  return tokens;
}

std::string NameOf(const SqlToken& token) {
  if (token.kind == SqlToken::Kind::kWord || token.text.size() < 2) return std::string(token.text);
  const char quote = token.text.back();
  std::string name;
  for (std::size_t i = 1; i + 1 < token.text.size(); ++i) {
    name.push_back(token.text[i]);
    if (token.text[i] == quote && quote != ']') ++i;
  }
  return name;
}

bool SameName(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return Lower(x) == Lower(y); });
}

IndexParts PartsOfCreateIndex(std::string_view sql) {
  const std::vector<SqlToken> tokens = SqlTokens(sql);
  IndexParts parts;
  std::size_t at = 0;
  while (at < tokens.size() && !Is(tokens[at], "ON")) ++at;
  while (at < tokens.size() && tokens[at].text != "(") ++at;
  std::size_t first = at + 1;
  int depth = 0;
  for (; at < tokens.size(); ++at) {
    if (tokens[at].text == "(") ++depth;
    if (tokens[at].text == ")") --depth;
    if (depth == 0 || (depth == 1 && tokens[at].text == ",")) {
      parts.terms.push_back(TermText(sql, tokens, first, at));
      first = at + 1;
    }
    if (depth == 0) break;
  }
  if (at + 1 < tokens.size() && Is(tokens[at + 1], "WHERE") && at + 2 < tokens.size()) {
    const SqlToken& last = tokens.back();
    const std::size_t begin = tokens[at + 2].at;
    parts.where = std::string(sql.substr(begin, last.at + last.text.size() - begin));
  }
  return parts;
}

std::vector<std::string> MentionedNames(std::string_view sql,
                                        const std::vector<std::string>& names) {
  std::vector<std::string> mentioned;
  const std::vector<SqlToken> tokens = SqlTokens(sql);
  for (const std::string& name : names) {
    const bool found = std::any_of(tokens.begin(), tokens.end(), [&name](const SqlToken& token) {
      const bool may_name =
          token.kind == SqlToken::Kind::kWord || token.kind == SqlToken::Kind::kQuotedName;
      return may_name && SameName(NameOf(token), name);
    });
    if (found) mentioned.push_back(name);
  }
  return mentioned;
}

bool SaysOnConflictReplace(std::string_view sql) {
  const std::vector<SqlToken> tokens = SqlTokens(sql);
  for (std::size_t i = 0; i + 2 < tokens.size(); ++i) {
    if (Is(tokens[i], "ON") && Is(tokens[i + 1], "CONFLICT") && Is(tokens[i + 2], "REPLACE")) {
      return true;
    }
  }
  return false;
}

}  // namespace rejoin
