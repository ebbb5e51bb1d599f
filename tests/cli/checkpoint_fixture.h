// SPDX-License-Identifier: Apache-2.0
// A run with checkpoints, and the command line to look at them.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>

#include "checkpoint/manifest.h"
#include "checkpoint/run_directory.h"
#include "cli/run.h"
#include "common/file.h"
#include "common/json.h"
#include "tests/checkpoint/damage.h"
#include "tests/checkpoint/one_process_writer.h"
#include "tests/checkpoint/sample_checkpoint.h"

namespace r1 {

inline constexpr const char* kRunId = "tiny-20261121-202601-x7k2qf";

class CheckpointVerbs : public ::testing::Test {
  protected:
    CheckpointVerbs() {
        ::setenv("R1CTL_RUNS", (folder_ / "runs").c_str(), 1);
        run_ = create_run(folder_ / "runs", kRunId, "name: tiny\n");
    }

    void save(std::int64_t step, const SampleCheckpoint& sample = SampleCheckpoint(),
              bool keep = false, const std::string& state = R"({"stage":1,"cursor":{"epoch":2}})") {
        make_hdf5_checkpoint_writer(run_.checkpoints(), kRunId)
            ->save(step, keep, state, sample.views());
    }
    std::filesystem::path path(std::int64_t step) const {
        return run_.checkpoints() / checkpoint_name(step);
    }
    /// Writes the manifest again with changes.
    template <class Change>
    void change_manifest(std::int64_t step, Change change) {
        Manifest manifest = read_manifest(path(step));
        change(manifest);
        write_bytes(path(step) / kManifestName, encode_manifest(manifest));
    }
    /// Flips a bit of the tensor's byte; returns its block's place in the file.
    std::uint64_t flip(std::int64_t step, const std::string& tensor, std::uint64_t byte) {
        const TensorPiece piece = read_manifest(path(step)).tensor(tensor).pieces.at(0);
        std::string bytes = read_file(path(step) / piece.file);
        bytes[piece.offset + byte] ^= 1;
        write_bytes(path(step) / piece.file, bytes);
        return piece.offset + byte / kBlockBytes * kBlockBytes;
    }

    int r1ctl(const std::vector<std::string>& arguments) {
        std::vector<const char*> argv = {"r1ctl", "checkpoint"};
        for (const std::string& argument : arguments) argv.push_back(argument.c_str());
        out_.str("");
        err_.str("");
        return cli::run(static_cast<int>(argv.size()), argv.data(), out_, err_);
    }
    Json json(std::vector<std::string> arguments, int expected = 0) {
        arguments.push_back("--json");
        EXPECT_EQ(r1ctl(arguments), expected) << err_.str();
        Json record = parse_json_object(out_.str(), "stdout");
        EXPECT_EQ(record.at("schema"), 1);
        return record;
    }
    bool says(const std::string& text) const { return out_.str().find(text) != std::string::npos; }
    std::string out() const { return out_.str(); }
    std::string err() const { return err_.str(); }

    TemporaryFolder folder_;
    RunDirectory run_{""};
    std::ostringstream out_;
    std::ostringstream err_;
};

}  // namespace r1
