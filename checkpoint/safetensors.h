// SPDX-License-Identifier: Apache-2.0
// The safetensors format: 8 bytes that say how long the header is (little-endian), the header as
// JSON, then the tensors' bytes, one behind the other.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "checkpoint/tensor.h"

namespace r1 {

/// A longer header is refused by every reader of the format.
inline constexpr std::uint64_t kLargestSafetensorsHeader = 100'000'000;

struct SafetensorsTensor : TensorInfo {
    std::uint64_t begin = 0;  ///< of its first byte, counted from the first byte behind the header
};

struct SafetensorsHeader {
    std::map<std::string, std::string> metadata;
    std::vector<SafetensorsTensor> tensors;  ///< by `begin`; they cover the file without a gap
    std::uint64_t data_offset = 0;           ///< in the file, of the first byte behind the header
};

/// Reads the header and believes nothing in it: lengths, types, shapes and offsets must agree with
/// each other and with the size of the file. Throws Error (kCheckpoint) naming the file and what is
/// wrong. Types that r1ctl does not have (F16, BOOL, …) are refused by name.
SafetensorsHeader read_safetensors_header(const std::filesystem::path& file);

/// The bytes in front of the tensors: the length and the header, padded with spaces so that the
/// tensors begin at a multiple of 8. Throws Error (kCheckpoint) when it would be too long.
std::string encode_safetensors_header(const std::map<std::string, std::string>& metadata,
                                      const std::vector<SafetensorsTensor>& tensors);

struct ExportOptions {
    std::string prefix;                    ///< only tensors under it, and their names without it
    std::optional<TensorType> float_type;  ///< kFloat32 or kBfloat16, for all of a float type
    bool replace = false;                  ///< a file that exists
    std::function<void(std::uint64_t bytes)> read_so_far;  ///< may be empty; of the checkpoint
};

/// Bytes that export_safetensors() will read.
std::uint64_t export_bytes(const Manifest& manifest, const std::string& prefix);

/// Writes the tensors to a new file, verified part by part and never all in memory. The file
/// appears when it is complete and synced. Run and step go into its metadata. Throws Error: kUsage
/// when the file exists or no tensor is under the prefix, kCheckpoint naming a damaged block.
SafetensorsHeader export_safetensors(const std::filesystem::path& checkpoint,
                                     const Manifest& manifest, const std::filesystem::path& to,
                                     const ExportOptions& options);

}  // namespace r1
