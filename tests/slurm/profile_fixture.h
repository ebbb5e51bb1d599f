// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "slurm/profile.h"

namespace r1::testing {

/// Every key of a cluster file. The tests break it, so its line numbers matter.
inline constexpr std::string_view kAlps = R"(clusters:
  - name: alps
    partition: gpu
    account: m1234
    launcher: srun
    mpi: pmix
    gpu_request: gpus-per-node
    modules: [openmpi/4.1]
    environment: {NCCL_DEBUG: WARN}
    shared_folders: [/scratch]
    partitions:
      - name: gpu
        gpu_type: h800
        gpus_per_node: 8
        cores_per_node: 128
        nodes: 64
        time_limit: 24h
        price_per_gpu_hour: 2.00
        price_per_core_hour: 0.01
      - name: debug
)";

/// Runs each test in a folder of its own, so that reports name the file as "c.yaml", and without
/// the variables that choose files and clusters.
class ProfileTest : public ::testing::Test {
  protected:
    void SetUp() override;
    void TearDown() override;

    static void write(const std::string& file, std::string_view text);
    /// The clusters of `text` as c.yaml.
    static std::vector<ClusterProfile> load(std::string_view text);
    /// The report on these files; empty when they are good.
    static std::string report_of(const std::vector<std::filesystem::path>& files);
    /// The report on `text` as c.yaml.
    static std::string report(std::string_view text);
    /// The report's first line, with a line added to the cluster of kAlps, after its name.
    static std::string complaint(const std::string& line);
    /// kAlps with one text in the place of another.
    static std::string broken(std::string_view old_text, std::string_view new_text);
    const std::filesystem::path& folder() const { return folder_; }

  private:
    std::filesystem::path before_;
    std::filesystem::path folder_;
};

/// The text of the Error (kUsage) that a call throws; empty when it throws none.
template <class Call>
std::string usage_error(Call call) {
    try {
        call();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::kUsage);
        return error.what();
    }
    return {};
}

}  // namespace r1::testing
