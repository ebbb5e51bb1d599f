// SPDX-License-Identifier: Apache-2.0
#include "recipes/character.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "common/text.h"

namespace r1 {

namespace {

struct Span {
    unsigned first;
    unsigned last;
};

// The main blocks that terminals show two columns wide (Unicode East Asian Width W and F).
constexpr std::array<Span, 8> kWide{{{0x1100, 0x115F},
                                     {0x2E80, 0xA4CF},
                                     {0xAC00, 0xD7A3},
                                     {0xF900, 0xFAFF},
                                     {0xFE30, 0xFE6F},
                                     {0xFF00, 0xFF60},
                                     {0x1F300, 0x1FAFF},
                                     {0x20000, 0x3FFFD}}};
constexpr std::array<Span, 3> kCombining{{{0x0300, 0x036F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}}};
// C1 controls, line separators, and the marks that reorder or hide text.
constexpr std::array<Span, 5> kUnsafe{
    {{0x80, 0x9F}, {0x200B, 0x200F}, {0x2028, 0x202E}, {0x2060, 0x206F}, {0xFEFF, 0xFEFF}}};

template <std::size_t N>
bool within(const std::array<Span, N>& spans, unsigned code) {
    return std::any_of(spans.begin(), spans.end(), [code](const Span& span) {
        return code >= span.first && code <= span.last;
    });
}

std::size_t sequence_length(unsigned char lead) {
    if (lead < 0xC0) return 1;
    return lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

unsigned decode(std::string_view bytes) {
    if (bytes.size() == 1) return static_cast<unsigned char>(bytes[0]);
    unsigned code = static_cast<unsigned char>(bytes[0]) & (0xFFu >> (bytes.size() + 1));
    for (const char byte : bytes.substr(1))
        code = code << 6 | (static_cast<unsigned char>(byte) & 0x3Fu);
    return code;
}

}  // namespace

Character character_at(std::string_view text, std::size_t at) {
    const auto lead = static_cast<unsigned char>(text[at]);
    if (lead == '\t') return {1, " ", 1};
    if (lead >= 0x20 && lead < 0x7F) return {1, std::string(1, text[at]), 1};
    const std::string_view bytes = text.substr(at, sequence_length(lead));
    if (lead < 0x80 || find_invalid_utf8(bytes)) {
        std::string shown = printable(text.substr(at, 1));
        const std::size_t columns = shown.size();
        return {1, std::move(shown), columns};
    }
    const unsigned code = decode(bytes);
    if (within(kUnsafe, code)) {
        std::array<char, 12> name{};
        const int length = std::snprintf(name.data(), name.size(), "\\u%04X", code);
        return {bytes.size(), name.data(), static_cast<std::size_t>(length)};
    }
    const std::size_t columns = within(kCombining, code) ? 0u : within(kWide, code) ? 2u : 1u;
    return {bytes.size(), std::string(bytes), columns};
}

}  // namespace r1
