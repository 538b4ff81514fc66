#include "store/resume_point.h"

namespace rejoin {
namespace {

constexpr char kPointVersion = 1;

}  // namespace

ResumePoint EncodeResumePoint(const Cursor& cursor) {
  ResumePoint point(1, kPointVersion);
  PutFixed64(point, cursor.epoch);
  PutVarint(point, cursor.position);
  PutFixed64(point, cursor.tag);
  return point;
}

std::optional<Cursor> DecodeResumePoint(ByteView point) {
  ByteReader reader(point);
  const bool known = reader.Byte() == static_cast<std::uint8_t>(kPointVersion);
  Cursor cursor;
  cursor.epoch = reader.Fixed64();
  cursor.position = reader.Varint();
  cursor.tag = reader.Fixed64();
  if (!known || !reader.AtEnd()) return std::nullopt;
  return cursor;
}

void LeaveOutUnchanged(DeltaHeader& header) {
  VersionVector start;
  VersionVector end;
  for (const auto& [replica, time] : header.end.entries()) {
    const HybridTimestamp before = header.start.Get(replica);
    if (before == time) continue;
    end.Set(replica, time);
    if (before != HybridTimestamp{}) start.Set(replica, before);
  }
  header.start = std::move(start);
  header.end = std::move(end);
}

}  // namespace rejoin
