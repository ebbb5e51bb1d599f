// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/metrics_log.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>

#include "common/error.h"
#include "tests/common/temporary_folder.h"

namespace r1 {
namespace {

struct StepLogTest : testing::Test {
    void write(const std::string& text) const { std::ofstream(path, std::ios::binary) << text; }
    std::vector<std::int64_t> steps() const {
        std::uint64_t offset = 0;
        std::vector<std::int64_t> found;
        for (const Json& line : read_json_lines(path, offset)) found.push_back(line.at("step"));
        EXPECT_EQ(offset, std::filesystem::file_size(path)) << "a line is torn";
        return found;
    }
    static Json step_line(std::int64_t step) {
        Json line;
        line["step"] = step;
        line["loss"] = 0.5;
        return line;
    }
    TemporaryFolder folder;
    std::filesystem::path path = folder / "metrics.jsonl";
};

using Steps = std::vector<std::int64_t>;

TEST_F(StepLogTest, NewFileGetsLinesWithSchemaAndTime) {
    StepLog log(path, -1);
    log.append(step_line(1));
    std::uint64_t offset = 0;
    const std::vector<Json> lines = read_json_lines(path, offset);
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_EQ(lines[0].at("schema"), 1);
    EXPECT_EQ(lines[0].at("loss"), 0.5);
    EXPECT_GT(lines[0].at("time_ms"), 1'600'000'000'000);  // after 2020
}

TEST_F(StepLogTest, LinesBeyondTheStepAreDroppedAndWrittenAgain) {
    {
        StepLog log(path, -1);
        for (std::int64_t step = 1; step <= 5; ++step) log.append(step_line(step));
    }
    StepLog log(path, 3);
    EXPECT_EQ(steps(), (Steps{1, 2, 3}));
    log.append(step_line(4));
    EXPECT_EQ(steps(), (Steps{1, 2, 3, 4}));
}

TEST_F(StepLogTest, StartingOverKeepsNothing) {
    write("{\"step\":0}\n{\"step\":1}\n");
    StepLog log(path, -1);
    EXPECT_EQ(steps(), Steps{});
}

TEST_F(StepLogTest, TornLastLineGoesAndTheNextStandsAlone) {
    write("{\"step\":1}\n{\"step\":2}\n{\"step\":2,\"lo");
    StepLog log(path, 2);
    log.append(step_line(3));
    EXPECT_EQ(steps(), (Steps{1, 2, 3}));
}

TEST_F(StepLogTest, NumbersKeepTheirBitsThroughATrim) {
    Json line = step_line(1);
    line["loss"] = 0.1 + 0.2;
    {
        StepLog log(path, -1);
        log.append(line);
    }
    StepLog log(path, 1);
    std::uint64_t offset = 0;
    EXPECT_EQ(read_json_lines(path, offset).at(0).at("loss").get<double>(), 0.1 + 0.2);
}

/// No file of this process grows beyond `bytes`: stands in for a full disk.
struct FileLimit {
    explicit FileLimit(rlim_t bytes) {
        std::signal(SIGXFSZ, SIG_IGN);
        getrlimit(RLIMIT_FSIZE, &before);
        const rlimit limit{bytes, before.rlim_max};
        setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~FileLimit() { setrlimit(RLIMIT_FSIZE, &before); }
    rlimit before{};
};

TEST_F(StepLogTest, LinesThatDoNotFitAreWrittenInOrderWhenThereIsRoom) {
    StepLog log(path, -1);
    log.append(step_line(1));
    {
        const FileLimit full(std::filesystem::file_size(path) + 5);
        log.append(step_line(2));
        log.append(step_line(3));
        EXPECT_THROW(log.sync(), Error);
        EXPECT_EQ(steps(), Steps{1}) << "or a part of a line is left";
    }
    log.append(step_line(4));
    log.sync();
    EXPECT_EQ(steps(), (Steps{1, 2, 3, 4}));
}

TEST_F(StepLogTest, LongestOfAKeyIsFoundOverAllLines) {
    EXPECT_EQ(longest_in(path, "timing_s/save"), 0);
    write("{\"step\":1}\n{\"step\":2,\"timing_s/save\":3.5}\n{\"step\":3,\"timing_s/save\":2}\n");
    EXPECT_EQ(longest_in(path, "timing_s/save"), 3.5);
}

}  // namespace
}  // namespace r1
