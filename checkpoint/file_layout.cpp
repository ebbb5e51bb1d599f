// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/file_layout.h"

#include <algorithm>
#include <cstdio>

#include "common/error.h"
#include "common/text.h"

namespace r1 {
namespace {

[[noreturn]] void fail(const TensorInfo& tensor, const char* why) {
    throw Error(ExitCode::kCheckpoint,
                "cannot save tensor '" + printable(tensor.name) + "': " + why);
}

void append(std::vector<FileDataset>& datasets, const TensorRange& range) {
    if (!datasets.empty()) {
        TensorRange& last = datasets.back().range;
        if (last.tensor == range.tensor && last.begin + last.bytes == range.begin) {
            last.bytes += range.bytes;
            return;
        }
    }
    datasets.push_back({range, 0, {}});
}

void set_rows(FileDataset& dataset, const TensorInfo& tensor) {
    const TensorRange& range = dataset.range;
    const std::uint64_t total = tensor.bytes();
    dataset.shape = tensor.shape;
    if (range.begin == 0 && range.bytes == total) return;
    if (range.bytes == 0 || range.begin + range.bytes > total) fail(tensor, "a part is not of it");
    const std::uint64_t row = total / static_cast<std::uint64_t>(tensor.shape.front());
    if (range.begin % row != 0 || range.bytes % row != 0) fail(tensor, "it is cut inside a row");
    dataset.first_row = static_cast<std::int64_t>(range.begin / row);
    dataset.shape.front() = static_cast<std::int64_t>(range.bytes / row);
}

void check_coverage(const std::vector<TensorInfo>& tensors, const std::vector<FileLayout>& files) {
    std::vector<std::uint64_t> covered(tensors.size(), 0);
    std::vector<bool> seen(tensors.size(), false);
    for (const FileLayout& file : files) {
        for (const FileDataset& dataset : file.datasets) {
            const std::size_t tensor = dataset.range.tensor;
            if (dataset.range.begin != covered[tensor])
                fail(tensors[tensor], "its parts have a gap or overlap");
            covered[tensor] += dataset.range.bytes;
            seen[tensor] = true;
        }
    }
    for (std::size_t i = 0; i < tensors.size(); ++i)
        if (!seen[i] || covered[i] != tensors[i].bytes())
            fail(tensors[i], "no process holds all of it");
}

}  // namespace

std::string checkpoint_file_name(const std::string& prefix, std::size_t file, std::size_t files) {
    char text[64];
    std::snprintf(text, sizeof text, "%05zu-of-%05zu.h5", file, files);
    return prefix + text;
}

std::vector<FileLayout> lay_out_files(const std::vector<TensorInfo>& tensors,
                                      const std::vector<std::vector<TensorRange>>& ranges,
                                      const std::vector<std::size_t>& file_of,
                                      const std::string& prefix) {
    const std::size_t count = file_of.empty() ? 0 : file_of.back() + 1;
    std::vector<FileLayout> files(count);
    for (std::size_t f = 0; f < count; ++f) {
        files[f].name = checkpoint_file_name(prefix, f, count);
        std::vector<TensorRange> all;
        for (std::size_t p = 0; p < file_of.size(); ++p)
            if (file_of[p] == f) all.insert(all.end(), ranges[p].begin(), ranges[p].end());
        std::stable_sort(all.begin(), all.end(), [](const TensorRange& a, const TensorRange& b) {
            return a.tensor != b.tensor ? a.tensor < b.tensor : a.begin < b.begin;
        });
        for (const TensorRange& range : all) append(files[f].datasets, range);
        for (FileDataset& dataset : files[f].datasets)
            set_rows(dataset, tensors[dataset.range.tensor]);
    }
    check_coverage(tensors, files);
    return files;
}

std::size_t dataset_of(const FileLayout& file, const TensorRange& range) {
    for (std::size_t i = 0; i < file.datasets.size(); ++i) {
        const TensorRange& held = file.datasets[i].range;
        if (held.tensor == range.tensor && held.begin <= range.begin &&
            range.begin + range.bytes <= held.begin + held.bytes)
            return i;
    }
    throw Error(ExitCode::kCheckpoint, "'" + file.name + "' has no place for a part of a tensor");
}

}  // namespace r1
