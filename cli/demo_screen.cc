#include "cli/demo_screen.h"

#include <cstdio>
#include <cstdlib>
#include <iostream>

#include <unistd.h>

#include "cli/print.h"

namespace rejoin::cli {
namespace {

constexpr std::size_t kLabelWidth = 11;
constexpr std::size_t kColumnWidth = 29;
constexpr char kBold[] = "\033[1m";
constexpr char kDim[] = "\033[2m";
constexpr char kGreen[] = "\033[32m";
constexpr char kPlain[] = "\033[0m";

// Characters, not bytes: continuation bytes of UTF-8 take no room.
std::size_t WidthOf(const std::string& text) {
  std::size_t width = 0;
  for (const char c : text) width += (static_cast<unsigned char>(c) & 0xc0) != 0x80 ? 1 : 0;
  return width;
}

std::string Padded(std::string text, std::size_t width) {
  const std::size_t has = WidthOf(text);
  if (has < width) text.append(width - has, ' ');
  return text;
}

std::string WithoutTrailingBlanks(std::string text) {
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

}  // namespace

Screen::Screen(bool pause) : pause_(pause && ::isatty(STDIN_FILENO) == 1) {
  const char* const no_color = std::getenv("NO_COLOR");
  colours_ = ::isatty(STDOUT_FILENO) == 1 && (no_color == nullptr || *no_color == '\0');
}

std::string Screen::Coloured(const char* code, const std::string& text) const {
  return colours_ && !text.empty() ? code + text + kPlain : text;
}

void Screen::Title(const std::string& text) { PrintLine(Coloured(kBold, text)); }

void Screen::Heads() {
  std::string line(kLabelWidth, ' ');
  for (const char* const name : kDeviceNames) line += Padded(name, kColumnWidth);
  PrintLine(Coloured(kBold, WithoutTrailingBlanks(line)));
}

void Screen::Row(const std::string& label, const std::array<std::string, kDevices>& texts) {
  std::string line;
  for (const std::string& text : texts) line += Padded(text, kColumnWidth);
  PrintLine(Coloured(kDim, Padded(label, kLabelWidth)) + WithoutTrailingBlanks(line));
}

void Screen::Line(const std::string& text, const std::string& emphasized) {
  PrintLine(text + Coloured(kGreen, emphasized));
}

void Screen::Gap() { PrintLine(""); }

void Screen::Pause() {
  if (!pause_) return;
  std::cout.flush();
  std::fputs("-- Enter goes on --", stderr);
  std::string ignored;
  std::getline(std::cin, ignored);
}

std::string Grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

}  // namespace rejoin::cli
