// The numbers of the delta format: what its writer and its reader agree on.
// Grammar, worked bytes and the reasons in full: docs/format.md.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/codec.h"

namespace rejoin {

// --- Framing -----------------------------------------------------------------

inline constexpr ByteView kDeltaMagic = "RJDELTA";
inline constexpr std::uint8_t kDeltaFormatVersion = 1;

// Feature bits that this version understands; so far none is defined. An unknown
// must-understand bit refuses the delta, an unknown may-ignore bit is ignored.
inline constexpr std::uint64_t kKnownFeatures = 0;

enum class SectionType : std::uint8_t { kHeader = 1, kTable = 2, kRows = 3, kEnd = 4 };
// Set in the type of a section that whoever does not know it may skip.
inline constexpr std::uint8_t kMayIgnoreSection = 0x80;

// How a part of a rows section is stored. 2 is reserved for encryption.
enum class PartEncoding : std::uint8_t { kRaw = 0, kZstd = 1 };

// What a column holds. Others are refused: their joins are not known here.
inline constexpr std::uint8_t kColumnKindLwwRegister = 0;

// --- Limits, all inclusive -----------------------------------------------------

// A block is closed once keys and values reach this: large enough that zstd
// finds its repetitions, small enough that a phone holds several, decoded.
inline constexpr std::size_t kBlockTargetBytes = std::size_t{512} << 10;

// A value of a cell or a key. The largest that max_cell_bytes may be set to.
inline constexpr std::size_t kMaxCellBytes = std::size_t{64} << 20;

// Keys and values of one row: it has to fit into memory, several times over.
inline constexpr std::size_t kMaxRowBytes = std::size_t{192} << 20;

// What the parts of one block expand to: the largest row and what describes it.
// It bounds what a few hostile bytes of zstd can ask for.
inline constexpr std::size_t kMaxBlockBytes = std::size_t{256} << 20;

// Key values, incarnations, cells and removes in one block. Such a thing can
// cost next to nothing in bytes and takes about 100 in memory, so they are counted.
inline constexpr std::size_t kMaxBlockParts = std::size_t{1} << 20;
inline constexpr std::size_t kMaxBlockRows = std::size_t{1} << 16;

// A section's body: the largest block stored raw, and its framing.
inline constexpr std::size_t kMaxSectionBytes = kMaxBlockBytes + (std::size_t{1} << 16);

// SQLite's own upper bound on the columns of a table; a key is made of columns.
inline constexpr std::size_t kMaxColumns = 32767;
inline constexpr std::size_t kMaxKeyParts = kMaxColumns;
// Far more than anybody has; SQLite reads its whole schema at every open.
inline constexpr std::size_t kMaxTables = std::size_t{1} << 16;
inline constexpr std::size_t kMaxNameBytes = std::size_t{1} << 12;
// All table sections of a delta together, since a reader keeps them.
inline constexpr std::size_t kMaxDictionaryBytes = std::size_t{64} << 20;

// zstd's default: past it, more time buys little.
inline constexpr int kDeltaZstdLevel = 3;
// Smaller parts are stored as they are: a zstd frame alone takes 10 bytes.
inline constexpr std::size_t kMinCompressBytes = 64;

}  // namespace rejoin
