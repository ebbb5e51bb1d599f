// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/share.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "checkpoint/direct_file.h"
#include "checkpoint/manifest.h"
#include "common/error.h"
#include "common/json.h"

namespace r1 {
namespace {

namespace fs = std::filesystem;

/// Copies what lies between the datasets; returns its hash.
class StructureCopy {
  public:
    StructureCopy(const Skeleton& skeleton, DirectFile& file, const fs::path& path)
        : skeleton_(skeleton), file_(file), path_(path) {}

    std::string run() {
        std::vector<Extent> datasets = skeleton_.datasets;
        std::sort(datasets.begin(), datasets.end(),
                  [](const Extent& a, const Extent& b) { return a.offset < b.offset; });
        std::uint64_t at = 0;
        for (const Extent& dataset : datasets) {
            if (dataset.bytes == 0) continue;
            copy(at, dataset.offset);
            at = dataset.offset + dataset.bytes;
        }
        copy(at, skeleton_.bytes);
        return hash_.hex();
    }

  private:
    void copy(std::uint64_t begin, std::uint64_t end) {
        while (begin < end) {
            const std::uint64_t bytes = std::min(end - begin, kBlockBytes);
            block_.resize(bytes);
            read_exactly(skeleton_.fd.get(), block_.data(), bytes, begin, path_);
            hash_.update(block_.data(), bytes);
            file_.write(block_.data(), bytes, begin, unbounded_);
            begin += bytes;
        }
    }

    const Skeleton& skeleton_;
    DirectFile& file_;
    const fs::path& path_;
    Hasher hash_;
    std::vector<char> block_;
    Throttle unbounded_{0};
};

TensorEntry entry_of(const ShareRange& range, const std::string& file) {
    TensorEntry entry{range.tensor, {}};
    if (range.bytes > 0)
        entry.pieces.push_back({file, range.offset, range.begin, range.bytes, range.blocks});
    return entry;
}

/// Of a record that another rank of this run has just made: what it says need not be doubted.
TensorEntry tensor_of(const Json& record) {
    constexpr std::size_t kDigits = 32;
    TensorEntry entry;
    entry.name = record.at("name");
    entry.type = parse_tensor_type(record.at("type").get<std::string>()).value();
    entry.shape = record.at("shape").get<std::vector<std::int64_t>>();
    for (const Json& one : record.at("pieces")) {
        TensorPiece piece{one.at("file"), one.at("offset"), one.at("begin"), one.at("bytes"), {}};
        const std::string digits = one.at("blocks");
        for (std::size_t at = 0; at < digits.size(); at += kDigits)
            piece.blocks.push_back(parse_hex(digits.substr(at, kDigits)).value());
        entry.pieces.push_back(std::move(piece));
    }
    return entry;
}

}  // namespace

ShareReport write_share(const Share& share, Throttle& throttle) {
    const std::string name = share.path.filename().string();
    ShareReport report;
    DirectFile file(share.path);
    file.reserve(share.file_bytes);
    for (const ShareRange& range : share.ranges) {
        file.write(range.data, range.bytes, range.offset, throttle);
        report.tensors.push_back(entry_of(range, name));
    }
    if (share.skeleton)
        report.files.push_back(
            {name, share.file_bytes, StructureCopy(*share.skeleton, file, share.path).run()});
    file.sync();
    return report;
}

FileEntry write_structure_file(const fs::path& path, const Skeleton& skeleton) {
    DirectFile file(path);
    file.reserve(skeleton.bytes);
    FileEntry entry{path.filename().string(), skeleton.bytes,
                    StructureCopy(skeleton, file, path).run()};
    file.sync();
    return entry;
}

std::string encode_report(const ShareReport& report) {
    Json record = {{"files", Json::array()}, {"tensors", Json::array()}};
    for (const FileEntry& file : report.files) record["files"].push_back(to_json(file));
    for (const TensorEntry& tensor : report.tensors) record["tensors"].push_back(to_json(tensor));
    return record.dump();
}

ShareReport decode_report(std::string_view text) {
    ShareReport report;
    try {
        const Json record = Json::parse(text);
        for (const Json& file : record.at("files"))
            report.files.push_back({file.at("name"), file.at("bytes"), file.at("rest_xxh3_128")});
        for (const Json& tensor : record.at("tensors")) report.tensors.push_back(tensor_of(tensor));
    } catch (const Json::exception& e) {
        throw Error(ExitCode::kCheckpoint,
                    std::string("a rank reports its share of a checkpoint wrongly: ") + e.what());
    }
    return report;
}

void add_report(Manifest& manifest, const ShareReport& report) {
    manifest.files.insert(manifest.files.end(), report.files.begin(), report.files.end());
    for (const TensorEntry& part : report.tensors) {
        const auto found =
            std::find_if(manifest.tensors.begin(), manifest.tensors.end(),
                         [&](const TensorEntry& entry) { return entry.name == part.name; });
        TensorEntry& entry = found != manifest.tensors.end()
                                 ? *found
                                 : manifest.tensors.emplace_back(TensorEntry{part, {}});
        entry.pieces.insert(entry.pieces.end(), part.pieces.begin(), part.pieces.end());
        std::sort(entry.pieces.begin(), entry.pieces.end(),
                  [](const TensorPiece& a, const TensorPiece& b) { return a.begin < b.begin; });
    }
}

}  // namespace r1
