// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "checkpoint/checkpoint.h"
#include "checkpoint/manifest.h"
#include "checkpoint/sequential_file.h"
#include "common/error.h"
#include "common/text.h"

namespace r1 {
namespace {

namespace fs = std::filesystem;

// Ends the reading of one file.
struct Unreadable {
    std::string problem;
};

/// Reads one part of a checkpoint. The work is a row of units: of each file its rest, then its
/// blocks by offset. A unit belongs to the part in whose equal share of the bytes it begins.
class Scan {
  public:
    /// `found` says whether to go on.
    Scan(fs::path checkpoint, const Manifest& manifest, const VerifyOptions& options,
         std::function<bool(Damage)> found)
        : checkpoint_(std::move(checkpoint)),
          manifest_(manifest),
          options_(options),
          found_(std::move(found)) {
        if (options.parts < 1 || options.part < 0 || options.part >= options.parts)
            throw Error(ExitCode::kUsage, "part " + std::to_string(options.part) + " of " +
                                              std::to_string(options.parts) +
                                              " is no part of a checkpoint");
        for (const FileEntry& file : manifest.files) total_ += file.bytes;
        first_ = share(options.part);
        last_ = share(options.part + 1);
    }

    void run() {
        std::uint64_t start = 0;
        for (const FileEntry& file : manifest_.files) {
            if (ended()) return;
            scan_file(file, start);
            start += file.bytes;
        }
    }

  private:
    // Where part k's share begins.
    std::uint64_t share(int k) const {
        const auto part = static_cast<std::uint64_t>(k);
        const auto parts = static_cast<std::uint64_t>(options_.parts);
        return total_ / parts * part + std::min(part, total_ % parts);
    }
    bool is_mine(std::uint64_t start) const {
        if (total_ == 0) return options_.part == 0;
        const std::uint64_t at = std::min(start, total_ - 1);  // a file without bytes at the end
        return first_ <= at && at < last_;
    }
    bool ended() const { return ended_ || options_.stop.stop_requested(); }
    void report(Damage damage) { ended_ = !found_(std::move(damage)) || ended_; }

    // A file while it is read.
    struct Reading {
        const FileEntry& file;
        std::vector<PieceOf> pieces;
        std::uint64_t rest_bytes = 0;
        std::uint64_t start = 0;  // of its units in the row
        bool rest_is_mine = false;
        std::uint64_t limit = 0;  // end of the last block that is this part's; 0: none is
    };

    Reading plan(const FileEntry& file, std::uint64_t start) const {
        Reading reading{file, pieces_in(manifest_, file.name), file.bytes, start, is_mine(start)};
        for (const PieceOf& one : reading.pieces) reading.rest_bytes -= one.piece->bytes;
        std::uint64_t at = start + reading.rest_bytes;
        for (const PieceOf& one : reading.pieces)
            for (std::uint64_t block = 0; block < one.piece->blocks.size(); ++block) {
                const BlockRange range = block_range(manifest_, *one.piece, block);
                if (is_mine(at)) reading.limit = one.piece->offset + range.end;
                at += range.end - range.begin;
            }
        return reading;
    }

    void scan_file(const FileEntry& file, std::uint64_t start) {
        const Reading reading = plan(file, start);
        if (!reading.rest_is_mine && reading.limit == 0) return;
        try {
            open(file);
            read(reading);
        } catch (const Unreadable& e) {
            report({file.name,
                    {},
                    0,
                    0,
                    "'" + printable(file.name) + "' cannot be read: " + e.problem});
        }
    }

    // From the file's beginning to its end, so that its disk reads it in one go.
    void read(const Reading& reading) {
        Hasher rest;
        std::uint64_t end = 0;  // of the piece before
        std::uint64_t at = reading.start + reading.rest_bytes;
        for (const PieceOf& one : reading.pieces) {
            if (reading.rest_is_mine) hash(end, one.piece->offset, reading.limit, rest);
            end = one.piece->offset + one.piece->bytes;
            for (std::uint64_t block = 0; block < one.piece->blocks.size(); ++block) {
                if (ended()) return;
                const BlockRange range = block_range(manifest_, *one.piece, block);
                if (is_mine(at)) check_block(one, block, range, reading.limit);
                at += range.end - range.begin;
            }
        }
        if (!reading.rest_is_mine) return;
        const FileEntry& file = reading.file;
        hash(end, file.bytes, reading.limit, rest);
        if (!ended() && rest.hex() != file.rest_xxh3_128)
            report({file.name,
                    {},
                    0,
                    0,
                    "the structure of '" + printable(file.name) +
                        "', outside the tensors, is damaged"});
    }

    void check_block(const PieceOf& one, std::uint64_t block, const BlockRange& range,
                     std::uint64_t limit) {
        const TensorPiece& piece = *one.piece;
        const std::uint64_t offset = piece.offset + range.begin;
        Hasher hasher;
        hash(offset, piece.offset + range.end, limit, hasher);
        if (!ended() && hasher.digest() != piece.blocks[block])
            report({piece.file, one.tensor->name, block, offset,
                    damaged_block_text(manifest_, *one.tensor, piece, block)});
    }

    // In steps, as a block of format 1 is a whole tensor.
    void hash(std::uint64_t begin, std::uint64_t end, std::uint64_t limit, Hasher& hasher) {
        while (begin < end && !ended()) {
            const std::uint64_t next = begin + std::min(kBlockBytes, end - begin);
            const std::string problem = in_.hash(begin, next, std::max(limit, end), hasher);
            if (!problem.empty()) throw Unreadable{problem};
            read_ += next - begin;
            begin = next;
            if (options_.read_so_far) options_.read_so_far(read_);
        }
    }

    void open(const FileEntry& file) {
        const std::string problem = in_.open(checkpoint_ / fs::path(file.name).filename());
        if (!problem.empty()) throw Unreadable{problem};
        if (in_.bytes() != file.bytes)
            throw Unreadable{"it has " + std::to_string(in_.bytes()) +
                             " bytes and the manifest says " + std::to_string(file.bytes)};
    }

    fs::path checkpoint_;
    const Manifest& manifest_;
    const VerifyOptions& options_;
    std::function<bool(Damage)> found_;
    SequentialFile in_;
    std::uint64_t total_ = 0;  // bytes of all files
    std::uint64_t first_ = 0;  // this part's share of them
    std::uint64_t last_ = 0;
    std::uint64_t read_ = 0;
    bool ended_ = false;
};

void throw_at_first_damage(const fs::path& checkpoint, const Manifest& manifest) {
    const VerifyOptions all;
    Scan(checkpoint, manifest, all, [&](const Damage& damage) -> bool {
        throw_bad_checkpoint(checkpoint, damage.text);
    }).run();
}

}  // namespace

std::string damaged_block_text(const Manifest& manifest, const TensorEntry& tensor,
                               const TensorPiece& piece, std::uint64_t block) {
    const BlockRange range = block_range(manifest, piece, block);
    return "block " + std::to_string(block) + " of tensor '" + printable(tensor.name) + "' in '" +
           printable(piece.file) + "' (bytes " + std::to_string(piece.offset + range.begin) +
           " to " + std::to_string(piece.offset + range.end - 1) + ") is damaged";
}

std::vector<Damage> find_damage(const fs::path& checkpoint, const Manifest& manifest,
                                const VerifyOptions& options) {
    std::vector<Damage> list;
    Scan(checkpoint, manifest, options, [&](Damage damage) {
        list.push_back(std::move(damage));
        return true;
    }).run();
    return list;
}

void verify_checkpoint(const fs::path& checkpoint) {
    throw_at_first_damage(checkpoint, read_manifest(checkpoint));
}

std::optional<std::int64_t> latest_verified(const fs::path& checkpoints,
                                            std::vector<Rejected>& rejected) {
    std::vector<std::int64_t> steps = list_checkpoints(checkpoints);
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
        const fs::path checkpoint = checkpoints / checkpoint_name(*step);
        try {
            const Manifest manifest = read_manifest(checkpoint);
            if (manifest.step != *step)
                throw_bad_checkpoint(checkpoint, "its manifest is that of another step");
            throw_at_first_damage(checkpoint, manifest);
            return *step;
        } catch (const Error& e) {
            rejected.push_back({*step, e.what()});
        }
    }
    return std::nullopt;
}

}  // namespace r1
