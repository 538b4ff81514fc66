// Deltas taken apart into sections and put together again, with right checksums:
// what a hostile or a newer writer could send.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "crdt/delta_format.h"
#include "crdt/section.h"
#include "tests/crdt/delta_samples.h"

namespace rejoin {

// kInternal if there is none.
inline Error ErrorOf(ByteView bytes) {
  const Result<WholeDelta> delta = ReadDelta(bytes);
  return delta ? Error{Code::kInternal, "it was accepted"} : delta.error();
}

using Sections = std::vector<std::pair<std::uint8_t, Bytes>>;

// The bodies of a delta's sections, to be written again in another way.
inline Sections SectionsOf(const WholeDelta& delta) {
  const Bytes bytes = *WriteDelta(delta);
  ViewSource source(bytes);
  SectionReader reader(source);
  EXPECT_TRUE(reader.Prelude());
  Sections sections;
  for (;;) {
    const Section section = *reader.Next();
    sections.emplace_back(section.type, Bytes(section.body));
    if (section.type == static_cast<std::uint8_t>(SectionType::kEnd)) return sections;
  }
}

inline Bytes Rewritten(const Sections& sections, std::uint64_t must = 0, std::uint64_t may = 0) {
  BytesSink sink(std::size_t{1} << 30);
  SectionWriter writer(sink);
  EXPECT_TRUE(writer.Prelude(must, may));
  for (const auto& [type, body] : sections) EXPECT_TRUE(writer.Write(type, body));
  return sink.Take();
}

// The milk delta with its end section told of `more` further sections.
inline Sections MilkSections(std::uint8_t more) {
  Sections sections = SectionsOf(MilkDelta());
  sections.back().second[0] = static_cast<char>(sections.back().second[0] + more);
  return sections;
}

}  // namespace rejoin
