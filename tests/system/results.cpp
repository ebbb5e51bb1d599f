// SPDX-License-Identifier: Apache-2.0
#include "tests/system/results.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "checkpoint/checkpoint.h"
#include "checkpoint/hash.h"
#include "common/file.h"

namespace r1 {

namespace {

bool tells_time(const std::string& key) {
    return key == "attempt" || key == "time_ms" || key == "perf/time_per_step" ||
           key == "perf/throughput" || key.starts_with("timing_s/");
}

std::map<std::string, std::string> sample_files(const RunDirectory& run) {
    std::map<std::string, std::string> files;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(run.samples(), ignored))
        files[entry.path().filename().string()] = read_file(entry.path());
    return files;
}

std::int64_t last_checkpoint(const RunDirectory& run) {
    const auto steps = list_checkpoints(run.checkpoints());
    return steps.empty() ? -1 : steps.back();
}

}  // namespace

std::map<std::string, std::string> tensor_hashes(const RunDirectory& run, std::int64_t step) {
    std::map<std::string, std::string> hashes;
    const std::filesystem::path folder = run.checkpoints() / checkpoint_name(step);
    const Manifest manifest = read_manifest(folder);
    for (const TensorEntry& tensor : manifest.tensors) {
        std::string bytes(tensor.bytes(), '\0');
        read_tensor(folder, manifest, tensor, bytes.data());
        hashes[tensor.name] = hash_hex(bytes);
    }
    return hashes;
}

std::vector<Json> json_lines(const std::filesystem::path& file) {
    std::uint64_t offset = 0;
    return read_json_lines(file, offset);
}

std::vector<std::string> timeless_lines(const std::filesystem::path& file) {
    std::vector<std::string> lines;
    for (const Json& line : json_lines(file)) {
        Json kept;
        for (const auto& [key, value] : line.items())
            if (!tells_time(key)) kept[key] = value;
        lines.push_back(kept.dump());
    }
    return lines;
}

std::int64_t newest_step(const RunDirectory& run) {
    const auto lines = json_lines(run.metrics());
    return lines.empty() ? 0 : lines.back().value("step", std::int64_t{0});
}

void expect_same_results(const RunDirectory& a, const RunDirectory& b) {
    ASSERT_GT(last_checkpoint(a), 0);
    ASSERT_EQ(last_checkpoint(a), last_checkpoint(b));
    EXPECT_NO_THROW(verify_checkpoint(b.checkpoints() / checkpoint_name(last_checkpoint(b))));
    EXPECT_EQ(tensor_hashes(a, last_checkpoint(a)), tensor_hashes(b, last_checkpoint(b)));
    EXPECT_EQ(timeless_lines(a.metrics()), timeless_lines(b.metrics()));
    EXPECT_EQ(timeless_lines(a.evaluations()), timeless_lines(b.evaluations()));
    EXPECT_EQ(sample_files(a), sample_files(b));
}

}  // namespace r1
