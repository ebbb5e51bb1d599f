// SPDX-License-Identifier: Apache-2.0
// A checkpoint made by hand: tensors in several pieces, in several files, with bytes between them.
#pragma once

#include <map>
#include <random>
#include <string>

#include "checkpoint/checkpoint.h"
#include "checkpoint/manifest.h"
#include "tests/checkpoint/damage.h"

namespace r1 {

class PiecedCheckpoint {
  public:
    PiecedCheckpoint() {
        std::filesystem::create_directory(path());
        manifest_.step = 5;
        manifest_.block_bytes = 4096;
        make_tensor("big", TensorType::kUint8, {30000});
        make_tensor("small", TensorType::kFloat32, {5, 5});
        make_tensor("none", TensorType::kFloat64, {0});
        gap("a.h5", 300);
        piece("big", "a.h5", 10000);
        piece("big", "b.h5", 12288);
        gap("b.h5", 1);
        piece("small", "b.h5", 100);
        gap("a.h5", 4000);
        piece("big", "a.h5", 7712);
        gap("a.h5", 77);
        gap("empty.h5", 0);
        for (const auto& [name, bytes] : files_) {
            write_bytes(path() / name, bytes);
            manifest_.files.push_back({name, bytes.size(), hash_hex(rests_[name])});
        }
        write_bytes(path() / kManifestName, encode_manifest(manifest_));
    }

    std::filesystem::path path() const { return folder_.path() / checkpoint_name(5); }
    const Manifest& manifest() const { return manifest_; }
    const std::map<std::string, std::string>& files() const { return files_; }
    const std::string& values(const std::string& tensor) const { return values_.at(tensor); }

    void flip(const std::string& file, std::size_t at) const {
        std::string bytes = files_.at(file);
        bytes[at] = static_cast<char>(bytes[at] ^ 1);
        write_bytes(path() / file, bytes);
    }
    void restore(const std::string& file) const { write_bytes(path() / file, files_.at(file)); }

  private:
    std::string some_bytes(std::size_t count) {
        std::string bytes;
        for (std::size_t i = 0; i < count; ++i) bytes.push_back(static_cast<char>(random_()));
        return bytes;
    }
    void make_tensor(const std::string& name, TensorType type, std::vector<std::int64_t> shape) {
        TensorEntry& entry = manifest_.tensors.emplace_back();
        static_cast<TensorInfo&>(entry) = {name, type, std::move(shape)};
        values_[name] = some_bytes(entry.bytes());
    }
    void gap(const std::string& file, std::size_t bytes) {
        const std::string rest = some_bytes(bytes);
        files_[file] += rest;
        rests_[file] += rest;
    }
    // The tensor's next bytes.
    void piece(const std::string& tensor, const std::string& file, std::uint64_t bytes) {
        auto& pieces = const_cast<TensorEntry&>(manifest_.tensor(tensor)).pieces;
        const std::uint64_t begin = pieces.empty() ? 0 : pieces.back().begin + pieces.back().bytes;
        const std::string part = values_.at(tensor).substr(begin, bytes);
        TensorPiece one{file, files_[file].size(), begin, bytes, {}};
        for (std::size_t at = 0; at < part.size(); at += manifest_.block_bytes) {
            const std::string block = part.substr(at, manifest_.block_bytes);
            one.blocks.push_back(hash_of(block.data(), block.size()));
        }
        files_[file] += part;
        pieces.push_back(std::move(one));
    }

    TemporaryFolder folder_;
    std::mt19937 random_{3};
    Manifest manifest_;
    std::map<std::string, std::string> values_;
    std::map<std::string, std::string> files_;
    std::map<std::string, std::string> rests_;
};

}  // namespace r1
