#include "crdt/uuid_column.h"

#include <array>
#include <cstdint>

namespace rejoin {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";
constexpr std::uint8_t kNoDigit = 0x10;

// Where each byte's two digits are in the text; the dashes are in between.
constexpr std::array<std::uint8_t, kUuidBytes> kDigitsAt = {0,  2,  4,  6,  9,  11, 14, 16,
                                                            19, 21, 24, 26, 28, 30, 32, 34};
constexpr std::array<std::uint8_t, 4> kDashesAt = {8, 13, 18, 23};

constexpr std::array<std::uint8_t, 256> MakeDigitValues() {
  std::array<std::uint8_t, 256> values{};
  for (std::uint8_t& value : values) value = kNoDigit;
  for (std::uint8_t i = 0; i < 16; ++i) values[static_cast<std::uint8_t>(kHexDigits[i])] = i;
  return values;
}
constexpr std::array<std::uint8_t, 256> kDigitValues = MakeDigitValues();

std::uint8_t DigitValue(char digit) { return kDigitValues[static_cast<std::uint8_t>(digit)]; }

}  // namespace

bool PackUuids(ByteView texts, Bytes& out) {
  if (texts.size() % kUuidTextBytes != 0) return false;
  const std::size_t count = texts.size() / kUuidTextBytes;
  const std::size_t start = out.size();
  out.resize(start + count * kUuidBytes);
  std::uint8_t wrong = 0;
  for (std::size_t i = 0; i < count && wrong == 0; ++i) {
    const char* const text = texts.data() + i * kUuidTextBytes;
    for (const std::uint8_t at : kDashesAt) wrong |= text[at] == '-' ? 0 : kNoDigit;
    for (std::size_t byte = 0; byte < kUuidBytes; ++byte) {
      const std::uint8_t high = DigitValue(text[kDigitsAt[byte]]);
      const std::uint8_t low = DigitValue(text[kDigitsAt[byte] + 1]);
      wrong |= (high | low) & kNoDigit;
      out[start + byte * count + i] = static_cast<char>(high << 4 | low);
    }
  }
  if (wrong != 0) out.resize(start);
  return wrong == 0;
}

Bytes UnpackUuids(ByteView packed) {
  const std::size_t count = packed.size() / kUuidBytes;
  Bytes texts(count * kUuidTextBytes, '-');
  for (std::size_t i = 0; i < count; ++i) {
    char* const text = texts.data() + i * kUuidTextBytes;
    for (std::size_t byte = 0; byte < kUuidBytes; ++byte) {
      const auto value = static_cast<std::uint8_t>(packed[byte * count + i]);
      text[kDigitsAt[byte]] = kHexDigits[value >> 4];
      text[kDigitsAt[byte] + 1] = kHexDigits[value & 15];
    }
  }
  return texts;
}

}  // namespace rejoin
