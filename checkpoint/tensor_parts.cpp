// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/tensor_parts.h"

#include "checkpoint/manifest.h"

namespace r1 {

std::vector<ByteRange> parts_of(const Manifest& manifest, const TensorEntry& tensor) {
    const std::uint64_t value = bytes_of(tensor.type);
    std::vector<ByteRange> parts;
    std::uint64_t begin = 0;
    std::uint64_t end = 0;  // what the part can be closed at
    const auto close = [&] {
        if (end > begin) parts.push_back({begin, end});
        begin = end;
    };
    for (const TensorPiece& piece : tensor.pieces)
        for (std::uint64_t block = 0; block < piece.blocks.size(); ++block) {
            const std::uint64_t next = piece.begin + block_range(manifest, piece, block).end;
            const std::uint64_t whole = next - next % value;
            if (whole - begin > kBlockBytes) close();
            end = whole;
        }
    close();
    return parts;
}

void for_each_part(
    TensorReader& reader, const Manifest& manifest, const TensorEntry& tensor,
    const std::function<void(std::uint64_t begin, const char* data, std::uint64_t bytes)>& take) {
    std::vector<char> buffer;
    for (const ByteRange& part : parts_of(manifest, tensor)) {
        const std::uint64_t bytes = part.end - part.begin;
        if (buffer.size() < bytes) buffer.resize(bytes);
        reader.read(tensor, part.begin, bytes, buffer.data());
        take(part.begin, buffer.data(), bytes);
    }
}

}  // namespace r1
