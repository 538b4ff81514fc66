// A transaction too large for memory, made ready for the Coalescer.
//
// The buffer is read window by window. A key that is in one window only is told of
// there, so bulk inserts reach the log in about the order of their rowids and
// become few runs. What happened to a key in several windows is gathered first, by
// an external merge sort, and told at once, as if all had been in memory. (To take
// each window as a transaction of its own would be simpler, and wrong: what
// the tables hold at the end is not what they held when the window ended, and a row that
// left in one window and came back in another would get two histories.)
//
// Memory: a few windows, and all entries about one row, of whose updates at most
// a few of each window are kept.
#pragma once

#include "store/sqlite/capture_buffer.h"
#include "store/sqlite/coalesce.h"

namespace rejoin {

Status CoalesceSpilled(CaptureBuffer& buffer, std::size_t window_bytes, Coalescer& coalescer);

}  // namespace rejoin
