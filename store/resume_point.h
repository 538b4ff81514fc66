// A cursor as a resume point: what stores with a log of their own hand out.
#pragma once

#include <optional>

#include "store/sync_store.h"

namespace rejoin {

// version byte 1, epoch (fixed64), position (varint), tag (fixed64).
ResumePoint EncodeResumePoint(const Cursor& cursor);
// nullopt: nothing that EncodeResumePoint writes.
std::optional<Cursor> DecodeResumePoint(ByteView point);

// Entries that are the same in start and end say nothing: the header without them.
void LeaveOutUnchanged(DeltaHeader& header);

}  // namespace rejoin
