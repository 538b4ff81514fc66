// SQL out of the decisions of an input: statements on five small tables that meet each
// other's rows often, many of them wrong.
#pragma once

#include <string>
#include <vector>

#include "fuzz/choices.h"

namespace rejoin::fuzz {

// What the tables are made by.
extern const char* const kSqlSchema;
// Names of all of them.
const std::vector<std::string>& SqlTables();
// On a plain database beside a tracked one: what makes its statements atomic in the face
// of errors that SQLite believes impossible, as triggers of ours make those of the other.
std::string TriggersThatMayAbort();

std::string NextStatement(Choices& choices);

}  // namespace rejoin::fuzz
