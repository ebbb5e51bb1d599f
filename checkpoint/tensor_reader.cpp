// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <utility>

#include "checkpoint/checkpoint.h"
#include "checkpoint/manifest.h"
#include "common/error.h"
#include "common/text.h"

namespace r1 {

namespace fs = std::filesystem;

// Open files, and room for what is read only to be hashed.
struct TensorReader::Files {
    std::map<std::string, OpenedFile> opened;
    std::vector<char> scratch;

    int descriptor(const fs::path& checkpoint, const std::string& name) {
        const auto found = opened.find(name);
        if (found != opened.end()) return found->second.fd.get();
        OpenedFile file = open_checkpoint_file(checkpoint / fs::path(name).filename());
        return opened.emplace(name, std::move(file)).first->second.fd.get();
    }
};

TensorReader::TensorReader(fs::path checkpoint, const Manifest& manifest)
    : checkpoint_(std::move(checkpoint)), manifest_(&manifest), files_(std::make_unique<Files>()) {}
TensorReader::TensorReader(TensorReader&&) noexcept = default;
TensorReader::~TensorReader() = default;

void TensorReader::read(const TensorEntry& tensor, std::uint64_t begin, std::uint64_t bytes,
                        void* target) {
    const std::uint64_t total = tensor.bytes();
    if (begin > total || bytes > total - begin)
        throw Error(ExitCode::kCheckpoint,
                    "tensor '" + printable(tensor.name) + "' of '" + checkpoint_.string() +
                        "' has " + std::to_string(total) + " bytes: " + std::to_string(bytes) +
                        " from byte " + std::to_string(begin) + " on are not there");
    if (bytes == 0) return;
    const std::uint64_t end = begin + bytes;
    auto* to = static_cast<char*>(target);
    auto piece =
        std::partition_point(tensor.pieces.begin(), tensor.pieces.end(),
                             [&](const TensorPiece& p) { return p.begin + p.bytes <= begin; });
    for (; piece != tensor.pieces.end() && piece->begin < end; ++piece) {
        const std::uint64_t from = std::max(begin, piece->begin) - piece->begin;
        const std::uint64_t until = std::min(end - piece->begin, piece->bytes);
        for (std::uint64_t block = from / manifest_->block_bytes;
             block < count_blocks(until, manifest_->block_bytes); ++block) {
            const BlockRange range = block_range(*manifest_, *piece, block);
            const std::uint64_t first = std::max(from, range.begin);
            const std::uint64_t last = std::min(until, range.end);
            read_block(tensor, *piece, block, first, last, to);
            to += last - first;
        }
    }
}

// [begin, end) of the piece lies in the block. What is wanted goes to the target at once, the rest
// of the block to the scratch memory; a block of format 1, which is a whole tensor, goes by parts.
void TensorReader::read_block(const TensorEntry& tensor, const TensorPiece& piece,
                              std::uint64_t block, std::uint64_t begin, std::uint64_t end,
                              char* target) {
    const fs::path path = checkpoint_ / fs::path(piece.file).filename();
    const int fd = files_->descriptor(checkpoint_, piece.file);
    const BlockRange range = block_range(*manifest_, piece, block);
    Hasher hasher;
    const auto take = [&](std::uint64_t from, std::uint64_t until, bool wanted) {
        while (from < until) {
            const std::uint64_t bytes = std::min(kBlockBytes, until - from);
            if (!wanted && files_->scratch.size() < bytes) files_->scratch.resize(bytes);
            char* const to = wanted ? target + (from - begin) : files_->scratch.data();
            read_exactly(fd, to, bytes, piece.offset + from, path);
            hasher.update(to, bytes);
            from += bytes;
        }
    };
    take(range.begin, begin, false);
    take(begin, end, true);
    take(end, range.end, false);
    if (hasher.digest() != piece.blocks[block])
        throw_bad_checkpoint(checkpoint_, damaged_block_text(*manifest_, tensor, piece, block));
}

void read_tensor(const fs::path& checkpoint, const Manifest& manifest, const TensorEntry& entry,
                 void* target) {
    TensorReader(checkpoint, manifest).read(entry, 0, entry.bytes(), target);
}

}  // namespace r1
