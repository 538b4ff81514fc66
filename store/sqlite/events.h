// The ring of notable events, for people: view rejoin_log.
#pragma once

#include "store/sqlite/engine.h"

namespace rejoin {

// Kinds are short nouns: identity, schema, merge, rules, cell. Keeps the last
// kMaxEvents. Inside a write transaction.
Status NoteEvent(Engine& engine, std::string_view kind, std::string_view message);

}  // namespace rejoin
