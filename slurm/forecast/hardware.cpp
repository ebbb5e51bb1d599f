// SPDX-License-Identifier: Apache-2.0
#include "slurm/forecast/hardware.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

namespace r1 {

namespace {

constexpr double kTera = 1e12;
constexpr double kGiga = 1e9;

struct Row {
    const char* name;
    const char* words;  ///< all of them are in Slurm's name; rows with more words come first
    double teraflops;   ///< dense bf16
    double memory;      ///< GB of 1e9 bytes
    double bandwidth;   ///< GB/s
    double node;        ///< GB/s each way: half of what the sheet calls total
    double network;     ///< GB/s each way of one device's share of its node's adapters
    const char* source;
};

// The sheets of the L40S, the A40 and the A6000 give rates with sparsity: these are half of them.
constexpr std::array<Row, 18> kRows = {{
    {"h100_pcie", "h100 pcie", 756, 80, 2000, 64, 50, "NVIDIA H100 data sheet (PCIe)"},
    {"a100_80gb", "a100 80", 312, 80, 2039, 300, 25, "NVIDIA A100 data sheet (80 GB SXM)"},
    {"rtx4090", "rtx4090", 165.2, 24, 1008, 32, 12.5, "NVIDIA Ada whitepaper (RTX 4090)"},
    {"rtx4090", "rtx 4090", 165.2, 24, 1008, 32, 12.5, "NVIDIA Ada whitepaper (RTX 4090)"},
    {"rtx4090", "4090", 165.2, 24, 1008, 32, 12.5, "NVIDIA Ada whitepaper (RTX 4090)"},
    {"a6000", "a6000", 154.8, 48, 768, 32, 12.5, "NVIDIA RTX A6000 data sheet"},
    {"a6000", "rtxa6000", 154.8, 48, 768, 32, 12.5, "NVIDIA RTX A6000 data sheet"},
    {"a100", "a100", 312, 40, 1555, 300, 25, "NVIDIA A100 data sheet (40 GB SXM)"},
    {"h100", "h100", 989.4, 80, 3350, 450, 50, "NVIDIA H100 data sheet (SXM)"},
    {"h200", "h200", 989.4, 141, 4800, 450, 50, "NVIDIA H200 data sheet (SXM)"},
    {"h800", "h800", 989.4, 80, 3350, 200, 50, "NVIDIA H800 data sheet"},
    {"h20", "h20", 148, 96, 4000, 450, 50, "NVIDIA H20 data sheet"},
    {"b200", "b200", 2250, 180, 8000, 900, 50, "NVIDIA DGX B200 data sheet"},
    {"l40s", "l40s", 362, 48, 864, 32, 25, "NVIDIA L40S data sheet"},
    {"a40", "a40", 149.7, 48, 696, 32, 25, "NVIDIA A40 data sheet"},
    {"l4", "l4", 121, 24, 300, 32, 12.5, "NVIDIA L4 data sheet"},
    {"a800", "a800", 312, 80, 2039, 200, 25, "NVIDIA A800 data sheet (80 GB SXM)"},
    {"mi300x", "mi300x", 1307.4, 192, 5300, 448, 50, "AMD Instinct MI300X data sheet"},
}};

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words(1);
    for (const char letter : text) {
        const auto byte = static_cast<unsigned char>(letter);
        if (std::isalnum(byte) != 0)
            words.back() += static_cast<char>(std::tolower(byte));
        else if (!words.back().empty())
            words.emplace_back();
    }
    return words;
}

/// "80" is in "80gb" too.
bool has_word(const std::vector<std::string>& words, const std::string& wanted) {
    return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
        return word == wanted || word == wanted + "g" || word == wanted + "gb";
    });
}

}  // namespace

std::optional<Hardware> find_hardware(std::string_view gpu_type) {
    constexpr std::int64_t kDevicesPerNode = 8;
    // Slurm calls a part of a GPU "a100_3g.20gb".
    if (gpu_type.find('.') != std::string_view::npos) return std::nullopt;
    const std::vector<std::string> words = words_of(gpu_type);
    for (const Row& row : kRows) {
        const std::vector<std::string> wanted = words_of(row.words);
        if (!std::all_of(wanted.begin(), wanted.end(),
                         [&](const std::string& word) { return has_word(words, word); }))
            continue;
        return Hardware{
            row.name,         row.teraflops * kTera, row.memory * kGiga, row.bandwidth * kGiga,
            row.node * kGiga, row.network * kGiga,   kDevicesPerNode,    row.source};
    }
    return std::nullopt;
}

std::string known_hardware() {
    std::vector<std::string> names;
    for (const Row& row : kRows) names.emplace_back(row.name);
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

Hardware cpu_core() {
    // Two fused multiply-adds of 16 single-precision numbers a cycle at 2.5 GHz; memory and network
    // of a plain server, shared by its cores.
    return {"cpu",     160 * kGiga,  0, 20 * kGiga,
            5 * kGiga, 1.25 * kGiga, 0, "a core with AVX-512 at 2.5 GHz, roughly"};
}

}  // namespace r1
