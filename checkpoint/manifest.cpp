// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/manifest.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/json.h"

namespace r1 {
namespace {

Json encode_piece(const TensorPiece& piece) {
    std::string blocks;
    for (const Hash128& hash : piece.blocks) blocks += to_hex(hash);
    return {{"file", piece.file},
            {"offset", piece.offset},
            {"begin", piece.begin},
            {"bytes", piece.bytes},
            {"blocks", std::move(blocks)}};
}

// JSON has no word for a number that is not finite, and a loss of NaN is no reason not to save.
Json encode_metrics(const Manifest& manifest) {
    Json metrics = Json::object();
    for (const auto& [name, value] : manifest.metrics)
        if (std::isfinite(value)) metrics[name] = value;
    return metrics;
}

template <class Entry>
Json list_json(const std::vector<Entry>& entries) {
    Json list = Json::array();
    for (const Entry& entry : entries) list.push_back(to_json(entry));
    return list;
}

}  // namespace

Json to_json(const FileEntry& file) {
    return {{"name", file.name}, {"bytes", file.bytes}, {"rest_xxh3_128", file.rest_xxh3_128}};
}

Json to_json(const TensorEntry& tensor) {
    Json pieces = Json::array();
    for (const TensorPiece& piece : tensor.pieces) pieces.push_back(encode_piece(piece));
    return {{"name", tensor.name},
            {"type", to_string(tensor.type)},
            {"shape", tensor.shape},
            {"pieces", std::move(pieces)}};
}

std::vector<PieceOf> pieces_in(const Manifest& manifest, const std::string& file) {
    std::vector<PieceOf> list;
    for (const TensorEntry& tensor : manifest.tensors)
        for (const TensorPiece& piece : tensor.pieces)
            if (piece.file == file) list.push_back({&tensor, &piece});
    std::sort(list.begin(), list.end(),
              [](const PieceOf& a, const PieceOf& b) { return a.piece->offset < b.piece->offset; });
    return list;
}

std::string encode_manifest(const Manifest& manifest) {
    const Json record = {{"format_major", kFormatMajor},
                         {"format_minor", kFormatMinor},
                         {"run_id", manifest.run_id},
                         {"step", manifest.step},
                         {"written_at", manifest.written_at},
                         {"keep", manifest.keep},
                         {"state", manifest.state},
                         {"metrics", encode_metrics(manifest)},
                         {"block_bytes", manifest.block_bytes},
                         {"files", list_json(manifest.files)},
                         {"tensors", list_json(manifest.tensors)}};
    std::string text;
    try {
        text = record.dump(1) + "\n";
    } catch (const Json::exception& e) {
        throw Error(ExitCode::kCheckpoint,
                    std::string("cannot write the manifest of a checkpoint: ") + e.what());
    }
    return text + std::string(kHashLine) + hash_hex(text) + "\n";
}

}  // namespace r1
