// A transaction too large to be looked at as a whole, made ready for the Coalescer.
//
// The buffer is read window by window. A key that is in one window only is told of
// there, so bulk inserts reach the log in about the order of their rowids and
// become few runs. (Mostly the keys of a bulk write ascend, and then that is all.) What happened to a key in several windows is gathered first, by
// an external merge sort, and told at once, as if all had been in memory. (To take
// each window as a transaction of its own would be simpler, and wrong: what
// the tables hold at the end is not what they held when the window ended, and a row that
// left in one window and came back in another would get two histories.)
//
// Memory: about `memory_bytes`, most of it for the events of one window, and all
// entries about one row, of whose updates at most a few of each window are kept.
#pragma once

#include "store/sqlite/capture_buffer.h"
#include "store/sqlite/coalesce.h"

namespace rejoin {

// An event takes a few times what its entry does.
constexpr std::size_t WindowBytes(std::size_t memory_bytes) { return memory_bytes / 4 + 1; }

Status CoalesceInWindows(CaptureBuffer& buffer, std::size_t memory_bytes, Coalescer& coalescer);

}  // namespace rejoin
