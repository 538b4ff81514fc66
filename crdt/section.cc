#include "crdt/section.h"

#include "base/hash.h"
#include "crdt/delta_format.h"

namespace rejoin {
namespace {

// Asked of the source at a time: a claimed length is believed this far ahead.
constexpr std::size_t kReadBytes = std::size_t{64} << 10;

// A huge section's memory is given back after it.
constexpr std::size_t kKeptBytes = std::size_t{4} << 20;

std::string BitNames(std::uint64_t bits) {
  std::string names;
  for (unsigned bit = 0; bit < 64; ++bit) {
    if ((bits >> bit & 1) == 0) continue;
    if (!names.empty()) names += ", ";
    names += std::to_string(bit);
  }
  return names;
}

}  // namespace

tl::unexpected<Error> Damaged(const std::string& what) {
  return Fail(Code::kCorrupt, "the delta is damaged: " + what + "; fetch it again");
}

Status SectionWriter::Prelude(std::uint64_t must_understand, std::uint64_t may_ignore) {
  Bytes prelude(kDeltaMagic);
  prelude.push_back(static_cast<char>(kDeltaFormatVersion));
  PutVarint(prelude, must_understand);
  PutVarint(prelude, may_ignore);
  chain_ = Hash64(prelude);
  PutFixed64(prelude, chain_);
  return sink_.Append(prelude);
}

Status SectionWriter::Write(std::uint8_t type, ByteView body) {
  Bytes head(1, static_cast<char>(type));
  PutVarint(head, body.size());
  chain_ = Hash64(body, Hash64(head, chain_));
  Bytes tail;
  PutFixed64(tail, chain_);
  ++count_;
  REJOIN_TRY(sink_.Append(head));
  REJOIN_TRY(sink_.Append(body));
  return sink_.Append(tail);
}

Status SectionReader::Need(std::size_t count, const char* where) {
  while (buffer_.size() - position_ < count) {
    REJOIN_ASSIGN(const ByteView more, source_.Next(kReadBytes));
    if (more.empty()) {
      const std::uint64_t size_bytes = dropped_bytes_ + buffer_.size();
      return Damaged("it ends after " + std::to_string(size_bytes) + " bytes, inside " + where);
    }
    buffer_.append(more);
  }
  return {};
}

Result<std::uint64_t> SectionReader::Varint(const char* where) {
  std::size_t length = 1;
  for (; length <= kMaxVarintBytes; ++length) {
    REJOIN_TRY(Need(length, where));
    if (static_cast<std::uint8_t>(buffer_[position_ + length - 1]) < 0x80) break;
  }
  ByteReader reader(ByteView(buffer_).substr(position_));
  const std::uint64_t value = reader.Varint();
  if (!reader.ok()) return Damaged(std::string("there is no number in ") + where);
  position_ += length;
  return value;
}

std::uint64_t SectionReader::Fixed64() {
  ByteReader reader(ByteView(buffer_).substr(position_));
  position_ += 8;
  return reader.Fixed64();
}

Status SectionReader::Prelude() {
  constexpr const char* kWhere = "its first bytes";
  REJOIN_TRY(Need(kDeltaMagic.size() + 1, kWhere));
  if (ByteView(buffer_).substr(0, kDeltaMagic.size()) != kDeltaMagic) {
    return Fail(Code::kCorrupt, "these bytes are not a Rejoin delta; check where they come from");
  }
  position_ = kDeltaMagic.size();
  const auto version = static_cast<std::uint8_t>(buffer_[position_++]);
  REJOIN_ASSIGN(const std::uint64_t must_understand, Varint(kWhere));
  REJOIN_TRY(Varint(kWhere));  // may-ignore features: none is known here
  chain_ = Hash64(ByteView(buffer_).substr(0, position_));
  REJOIN_TRY(Need(8, kWhere));
  if (Fixed64() != chain_) return Damaged("its first bytes do not match their checksum");

  if (version == 0) return Damaged("it claims format version 0, which never was");
  if (version > kDeltaFormatVersion) {
    return Fail(Code::kNewerFormat, "the delta has format version " + std::to_string(version) +
                                        ", this Rejoin reads up to " +
                                        std::to_string(kDeltaFormatVersion) + "; update Rejoin");
  }
  const std::uint64_t unknown = must_understand & ~kKnownFeatures;
  if (unknown != 0) {
    return Fail(Code::kUnsupported, "the delta must be read with feature bit " +
                                        BitNames(unknown) +
                                        ", which this Rejoin does not know; update Rejoin");
  }
  return {};
}

// Seldom, so that many small sections do not move the rest many times.
void SectionReader::DropConsumed() {
  if (position_ < kReadBytes) return;
  dropped_bytes_ += position_;
  buffer_.erase(0, position_);
  position_ = 0;
  if (buffer_.capacity() > kKeptBytes) buffer_.shrink_to_fit();
}

Result<Section> SectionReader::Next() {
  DropConsumed();
  const std::string where = "section " + std::to_string(count_ + 1);

  const std::size_t start = position_;
  REJOIN_TRY(Need(1, where.c_str()));
  Section section;
  section.type = static_cast<std::uint8_t>(buffer_[position_++]);
  REJOIN_ASSIGN(const std::uint64_t length, Varint(where.c_str()));
  if (length > kMaxSectionBytes) {
    return Damaged(where + " claims " + std::to_string(length) + " bytes, more than the " +
                   std::to_string(kMaxSectionBytes) + " that a section may have");
  }
  const std::size_t head_bytes = position_ - start;
  const auto body_bytes = static_cast<std::size_t>(length);
  REJOIN_TRY(Need(body_bytes + 8, where.c_str()));
  position_ += body_bytes;
  const ByteView bytes = ByteView(buffer_).substr(start);
  section.body = bytes.substr(head_bytes, body_bytes);
  chain_ = Hash64(section.body, Hash64(bytes.substr(0, head_bytes), chain_));
  if (Fixed64() != chain_) {
    return Damaged(where + " does not match its checksum, or is not in its place");
  }
  ++count_;
  return section;
}

Status SectionReader::ExpectEnd() {
  if (position_ < buffer_.size()) return Damaged("bytes follow its end");
  REJOIN_ASSIGN(const ByteView more, source_.Next(1));
  if (!more.empty()) return Damaged("bytes follow its end");
  return {};
}

}  // namespace rejoin
