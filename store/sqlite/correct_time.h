// The file's own times, when the clock that made them was wrong.
#pragma once

#include "store/sqlite/engine.h"
#include "store/time_correction.h"

namespace rejoin {

// SyncStore::CorrectTime. In one transaction: looks whether the file is a copy or came back
// from the past, and then only takes the new identity, for others may have its
// changes too; folds; finds the own times that may move, and moves them in all metadata.
// The log begins anew with the clock that the remaining stamps justify.
Result<bool> CorrectOwnTimes(Engine& engine, const TimeCorrection& correction);

}  // namespace rejoin
