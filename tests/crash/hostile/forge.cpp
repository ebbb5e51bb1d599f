// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/hostile/forge.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "checkpoint/hash.h"
#include "checkpoint/manifest.h"
#include "common/file.h"

namespace r1::crash {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::vector<json> harmful_values() {
    const std::uint64_t big = std::uint64_t{1} << 62;
    std::vector<json> values = {nullptr,
                                true,
                                0,
                                1,
                                -1,
                                4096,
                                big,
                                big * 2,
                                ~std::uint64_t{0},
                                1e300,
                                0.5,
                                "",
                                "../manifest.json",
                                "/etc/passwd",
                                ".",
                                "..",
                                std::string("a\0b", 3),
                                std::string(100000, 'x'),
                                "manifest.json",
                                std::string(32, '0'),
                                json::array(),
                                json::object()};
    values.push_back(json::array({big}));
    values.push_back(json::array({big, big}));
    values.push_back(json::array({0, big}));
    values.push_back(json::array({-1}));
    values.push_back(json(std::vector<int>(33, 1)));
    values.push_back(json(std::vector<int>(100000, 0)));
    json deep = 1;
    for (int i = 0; i < 60; ++i) deep = json::array({deep});
    values.push_back(deep);
    return values;
}

// Every value of the document, the inner ones too.
void list_places(const json& value, std::size_t most, const json::json_pointer& at,
                 std::vector<json::json_pointer>& places) {
    places.push_back(at);
    if (value.is_object())
        for (const auto& [key, inner] : value.items()) list_places(inner, most, at / key, places);
    if (value.is_array())
        for (std::size_t i = 0; i < std::min(most, value.size()); ++i)
            list_places(value[i], most, at / i, places);
}

}  // namespace

void forge(const fs::path& checkpoint, Manifest before) {
    std::map<std::string, std::string> files;
    for (FileEntry& file : before.files) {
        files[file.name] = read_file(checkpoint / file.name);
        file.bytes = files[file.name].size();
    }
    std::erase_if(before.tensors, [&](const TensorEntry& tensor) {
        return std::any_of(tensor.pieces.begin(), tensor.pieces.end(), [&](const TensorPiece& one) {
            return one.offset + one.bytes > files[one.file].size();
        });
    });
    for (TensorEntry& tensor : before.tensors)
        for (TensorPiece& piece : tensor.pieces)
            for (std::size_t i = 0; i < piece.blocks.size(); ++i) {
                const BlockRange range = block_range(before, piece, i);
                piece.blocks[i] = hash_of(files[piece.file].data() + piece.offset + range.begin,
                                          range.end - range.begin);
            }
    for (FileEntry& file : before.files) {
        std::string rest;
        std::uint64_t at = 0;
        for (const auto& [tensor, piece] : pieces_in(before, file.name)) {
            rest += files[file.name].substr(at, piece->offset - at);
            at = piece->offset + piece->bytes;
        }
        rest += files[file.name].substr(at);
        file.rest_xxh3_128 = hash_hex(rest);
    }
    write_file_durably(checkpoint / kManifestName, encode_manifest(before));
}

void inflate(const fs::path& checkpoint, Manifest before, std::uint64_t bytes) {
    FileEntry& file = before.files.at(0);
    TensorEntry* last = nullptr;
    for (TensorEntry& tensor : before.tensors)
        if (!tensor.pieces.empty() &&
            (last == nullptr || tensor.pieces.front().offset > last->pieces.front().offset))
            last = &tensor;
    last->shape = {static_cast<std::int64_t>(bytes / bytes_of(last->type))};
    TensorPiece& piece = last->pieces.front();
    piece.bytes = bytes;
    before.block_bytes = std::uint64_t{1} << 30;  // the largest, so that the manifest stays small
    piece.blocks.resize(count_blocks(bytes, before.block_bytes));
    file.bytes = piece.offset + bytes;
    write_file_durably(checkpoint / kManifestName, encode_manifest(before));
    fs::resize_file(checkpoint / file.name, file.bytes);
}

std::string without_hash(const std::string& manifest) {
    return manifest.substr(0, manifest.rfind('\n', manifest.size() - 2) + 1);
}

std::string with_hash(const std::string& body) {
    return body + "xxh3-128 " + hash_hex(body) + "\n";
}

std::string named_bytes(const fs::path& checkpoint, const TensorEntry& entry) {
    std::string bytes(entry.bytes(), '\0');
    for (const TensorPiece& piece : entry.pieces) {
        std::ifstream file(checkpoint / piece.file, std::ios::binary);
        file.seekg(static_cast<std::streamoff>(piece.offset));
        file.read(bytes.data() + piece.begin, static_cast<std::streamsize>(piece.bytes));
    }
    return bytes;
}

std::vector<std::string> hostile_bodies(const std::string& body, std::size_t most) {
    const json good = json::parse(body);
    std::vector<json::json_pointer> places;
    list_places(good, most, json::json_pointer(), places);
    std::vector<std::string> bodies;
    for (const json::json_pointer& place : places) {
        for (const json& value : harmful_values()) {
            json bad = good;
            bad[place] = value;
            bodies.push_back(bad.dump() + "\n");
        }
        if (place.empty()) continue;
        json bad = good;
        json& around = bad[place.parent_pointer()];
        if (around.is_array()) {
            const json twice = good[place];
            around.push_back(twice);
        } else {
            around.erase(place.back());
        }
        bodies.push_back(bad.dump() + "\n");
    }
    return bodies;
}

}  // namespace r1::crash
