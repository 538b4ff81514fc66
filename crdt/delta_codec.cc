#include "crdt/delta_codec.h"

#include <algorithm>
#include <string>

namespace rejoin {

Status BytesSink::Append(ByteView bytes) {
  if (bytes.size() > max_bytes_ - bytes_.size()) {
    return Fail(Code::kLimit, "the delta would be larger than " + std::to_string(max_bytes_) +
                                  " bytes; export it to a file instead");
  }
  bytes_.append(bytes);
  return {};
}

Result<ByteView> ViewSource::Next(std::size_t max_bytes) {
  const ByteView next = rest_.substr(0, std::min(max_bytes, rest_.size()));
  rest_.remove_prefix(next.size());
  return next;
}

}  // namespace rejoin
