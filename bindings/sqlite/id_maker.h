// New keys that need no coordination: rejoin_uuid() and rejoin_id().
//
// Both ascend within a connection, whatever the clock does; between connections
// they ascend as far as clocks agree. Thread-compatible.
#pragma once

#include <cstdint>
#include <string>

#include "base/os.h"

namespace rejoin {

class IdMaker {
 public:
  IdMaker(Clock& clock, Random& random) : clock_(clock), random_(random) {}

  // A UUID of version 7 (RFC 9562, 6.2 method 1): 48 bits Unix milliseconds, a
  // 12-bit counter that starts below 2048 in each millisecond and carries into
  // the time when it overflows, 62 random bits. 36 characters.
  std::string Uuid();

  // A positive 63-bit integer: 43 bits of time in quarter milliseconds since
  // 2025-01-01 UTC (until 2094), 20 bits drawn once per connection. A second id in
  // a quarter takes the next quarter, so bulk inserts run ahead of the clock (by
  // 250 s for a million rows) and still ascend. Two connections can only make
  // one id if they drew the same 20 bits (1 in 1,048,576) and use the same quarter.
  std::int64_t Id();

 private:
  Clock& clock_;
  Random& random_;
  std::uint64_t uuid_time_ = 0;     // milliseconds
  std::uint64_t uuid_counter_ = 0;  // 12 bits
  std::uint64_t id_quarter_ = 0;    // of the last id; 0: none yet
  std::uint64_t id_node_ = 0;       // 20 bits
};

}  // namespace rejoin
