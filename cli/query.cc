#include "cli/query.h"

#include <nlohmann/json.hpp>

namespace rejoin::cli {
namespace {

Result<Json> Parse(const std::string& text) {
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return Fail(Code::kInternal, "not JSON: " + text);
  return json;
}

Result<std::vector<std::string>> Texts(Database& db, const std::string& sql) {
  REJOIN_ASSIGN(Statement statement, db.Prepare(sql));
  std::vector<std::string> texts;
  for (;;) {
    REJOIN_ASSIGN(const bool more, statement.Step());
    if (!more) return texts;
    texts.emplace_back(statement.Text(0));
  }
}

}  // namespace

Result<std::vector<std::string>> QueryTexts(Database& db, const std::string& sql) {
  Result<std::vector<std::string>> texts = Texts(db, sql);
  if (!texts) {
    // What a function of ours said is a sentence by itself; the statement around
    // it, which the user never wrote, is not.
    std::string& message = texts.error().message;
    constexpr std::string_view kOurs = "rejoin: ";
    const std::size_t at = message.find(kOurs);
    if (at != std::string::npos) message.erase(0, at + kOurs.size());
  }
  return texts;
}

Result<std::string> QueryText(Database& db, const std::string& sql) {
  REJOIN_ASSIGN(std::vector<std::string> texts, QueryTexts(db, sql));
  return texts.empty() ? std::string() : std::move(texts[0]);
}

Result<Json> QueryJson(Database& db, const std::string& sql) {
  REJOIN_ASSIGN(const std::string text, QueryText(db, sql));
  return Parse(text);
}

Result<Json> QueryJsonList(Database& db, const std::string& sql) {
  REJOIN_ASSIGN(const std::vector<std::string> texts, QueryTexts(db, sql));
  Json list = Json::array();
  for (const std::string& text : texts) {
    REJOIN_ASSIGN(Json json, Parse(text));
    list.push_back(std::move(json));
  }
  return list;
}

}  // namespace rejoin::cli
