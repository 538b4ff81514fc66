#include "bindings/sqlite/id_maker.h"

#include <algorithm>

namespace rejoin {
namespace {

constexpr std::uint64_t kIdEpochMs = 1'735'689'600'000;  // 2025-01-01T00:00:00Z
constexpr unsigned kNodeBits = 20;
constexpr unsigned kQuarterBits = 43;
constexpr std::uint64_t kCounterMax = 0xfff;

constexpr std::uint64_t Mask(unsigned bits) { return (std::uint64_t{1} << bits) - 1; }

void PutHex(std::string& out, std::uint64_t value, int digits) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (int at = digits - 1; at >= 0; --at) out.push_back(kDigits[(value >> (4 * at)) & 0xf]);
}

}  // namespace

std::string IdMaker::Uuid() {
  const std::uint64_t now = clock_.WallMs();
  if (now > uuid_time_) {
    uuid_time_ = now;
    uuid_counter_ = random_.Draw64() & (kCounterMax >> 1);
  } else if (++uuid_counter_ > kCounterMax) {
    ++uuid_time_;
    uuid_counter_ = 0;
  }
  const std::uint64_t tail = random_.Draw64();
  std::string uuid;
  uuid.reserve(36);
  PutHex(uuid, uuid_time_ >> 16, 8);
  uuid.push_back('-');
  PutHex(uuid, uuid_time_, 4);
  uuid.push_back('-');
  PutHex(uuid, 0x7000 | uuid_counter_, 4);
  uuid.push_back('-');
  PutHex(uuid, 0x8000 | ((tail >> 48) & 0x3fff), 4);
  uuid.push_back('-');
  PutHex(uuid, tail, 12);
  return uuid;
}

std::int64_t IdMaker::Id() {
  if (id_quarter_ == 0) id_node_ = random_.Draw64() & Mask(kNodeBits);
  const std::uint64_t now = std::max(clock_.WallMs(), kIdEpochMs) - kIdEpochMs;
  id_quarter_ = std::max(now * 4, id_quarter_ + 1);
  return static_cast<std::int64_t>(((id_quarter_ & Mask(kQuarterBits)) << kNodeBits) | id_node_);
}

}  // namespace rejoin
