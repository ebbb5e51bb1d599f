// SPDX-License-Identifier: Apache-2.0
// list, show and verify.
#include <chrono>
#include <cmath>
#include <limits>
#include <thread>

#include "cli/output/progress.h"
#include "tests/cli/checkpoint_fixture.h"

namespace r1 {
namespace {

namespace fs = std::filesystem;

TEST_F(CheckpointVerbs, ListShowsFilesWritersRoomAndWhyOneIsKept) {
    save(1, SampleCheckpoint(), true);
    save(2);
    change_manifest(2, [](Manifest& manifest) { manifest.metrics["pass@1"] = 0.25; });
    EXPECT_EQ(r1ctl({"list", "tiny", "--metric", "pass@1"}), 0) << err();
    EXPECT_TRUE(says("files  writers   on disk  pass@1  note\n")) << out();
    EXPECT_TRUE(says("end of a stage")) << out();
    EXPECT_TRUE(says("0.2500")) << out();
    EXPECT_TRUE(says(std::string("next: r1ctl checkpoint verify ") + kRunId)) << out();
    const Json record = json({"list", "tiny"});
    EXPECT_EQ(record.at("run_id"), kRunId);
    const Json& first = record.at("checkpoints").at(0);
    EXPECT_EQ(first.at("kept_because"), "end of a stage");
    EXPECT_EQ(first.at("files"), 1);
    EXPECT_EQ(first.at("writers"), 1);
    EXPECT_EQ(first.at("tensors"), 6);
    EXPECT_GT(first.at("disk_bytes"), first.at("bytes"));
    EXPECT_EQ(record.at("checkpoints").at(1).at("metrics").at("pass@1"), 0.25);
    EXPECT_EQ(r1ctl({"list", "tiny", "--metric", "pass"}), 2);
    EXPECT_EQ(err(), "r1ctl: no checkpoint has the metric 'pass'; there are pass@1\n");
}

TEST_F(CheckpointVerbs, ListCountsAHardLinkedFileOnce) {
    save(1);
    const std::string name = read_manifest(path(1)).files.at(0).name;
    fs::create_directory(path(2));
    fs::copy(path(1) / kManifestName, path(2) / kManifestName);
    fs::create_hard_link(path(1) / name, path(2) / name);
    change_manifest(2, [](Manifest& manifest) { manifest.step = 2; });
    const Json record = json({"list", "tiny"});
    const auto disk = [&](std::size_t i) {
        return record.at("checkpoints").at(i).at("disk_bytes").get<std::uint64_t>();
    };
    EXPECT_EQ(record.at("disk_bytes"), disk(0) + disk(1));
    EXPECT_GT(disk(0), fs::file_size(path(1) / name));
    EXPECT_LT(disk(1), fs::file_size(path(1) / name));  // its manifest only
}

TEST_F(CheckpointVerbs, AFolderOfCheckpointsAndOneCheckpointAreTargets) {
    save(1);
    save(2);
    const std::string other = (folder_ / "kept here").string();
    fs::copy(run_.checkpoints(), other, fs::copy_options::recursive);
    EXPECT_EQ(json({"list", other}).at("checkpoints").size(), 2U);
    EXPECT_EQ(r1ctl({"list", other}), 0);
    EXPECT_TRUE(says("next: r1ctl checkpoint verify '" + other + "'")) << out();
    EXPECT_EQ(json({"verify", path(1).string()}).at("checkpoints").size(), 1U);
    EXPECT_EQ(json({"show", run_.checkpoints().string(), "--step", "1"}).at("step"), 1);
    // Under another name the manifest says the step.
    fs::rename(fs::path(other) / checkpoint_name(2), folder_ / "best");
    EXPECT_EQ(json({"show", (folder_ / "best").string()}).at("step"), 2);
    EXPECT_EQ(r1ctl({"show", (folder_ / "nowhere").string()}), 2);
}

TEST_F(CheckpointVerbs, ShowPrintsHeadStateFilesAndTensors) {
    save(3, SampleCheckpoint(), true);
    EXPECT_EQ(r1ctl({"show", "tiny"}), 0) << err();
    EXPECT_TRUE(says("step: 3 (end of a stage)\n")) << out();
    EXPECT_TRUE(says("  \"cursor\": {\n      \"epoch\": 2\n")) << out();
    EXPECT_TRUE(says("model/lm_head.weight   float32  16 x 32     2048       1\n")) << out();
    EXPECT_TRUE(says("state/cursor           int64    scalar         8       1\n")) << out();
    EXPECT_TRUE(says("verify tiny-20261121-202601-x7k2qf --step 3\n")) << out();
    const Json record = json({"show", "tiny"});
    EXPECT_EQ(record.at("format"), 2);
    EXPECT_EQ(record.at("state").at("cursor").at("epoch"), 2);
    EXPECT_EQ(record.at("files").at(0).at("bytes"),
              fs::file_size(path(3) / record.at("files").at(0).at("name").get<std::string>()));
    EXPECT_EQ(r1ctl({"show", "tiny", "--step", "4"}), 2);
}

TEST_F(CheckpointVerbs, ShowTensorGivesItsPiecesAndWhatItsValuesAreLike) {
    SampleCheckpoint sample;
    sample.weights.assign(512, 0.0F);
    sample.weights[0] = 3;
    sample.weights[1] = -4;
    sample.weights[2] = std::numeric_limits<float>::infinity();
    sample.weights[3] = std::numeric_limits<float>::quiet_NaN();
    save(1, sample);
    const Json shown = json({"show", "tiny", "--tensor", "model/lm_head.weight"}).at("tensor");
    const Json& statistics = shown.at("statistics");
    EXPECT_EQ(statistics.at("min"), -4);
    EXPECT_EQ(statistics.at("max"), 3);
    EXPECT_DOUBLE_EQ(statistics.at("mean").get<double>(), -1.0 / 510);
    EXPECT_DOUBLE_EQ(statistics.at("rms").get<double>(), std::sqrt(25.0 / 510));
    EXPECT_EQ(statistics.at("zeros"), 508);
    EXPECT_EQ(statistics.at("not_finite"), 2);
    EXPECT_EQ(shown.at("pieces").at(0).at("bytes"), 2048);
    // The square of -1e300 is no double.
    EXPECT_NEAR(json({"show", "tiny", "--tensor", "adam/m/lm_head.weight"})
                        .at("tensor")
                        .at("statistics")
                        .at("rms")
                        .get<double>() /
                    1e300,
                std::sqrt(1.0 / 3), 1e-12);
    EXPECT_FALSE(
        json({"show", "tiny", "--tensor", "counters"}).at("tensor").contains("statistics"));
    EXPECT_EQ(r1ctl({"show", "tiny", "--tensor", "state/cursr"}), 2);
    EXPECT_NE(err().find("did you mean 'state/cursor'?"), std::string::npos) << err();
    flip(1, "model/lm_head.weight", 9);
    EXPECT_EQ(r1ctl({"show", "tiny", "--tensor", "model/lm_head.weight"}), 5);
}

TEST_F(CheckpointVerbs, VerifyNamesEveryWrongBlock) {
    SampleCheckpoint sample(std::size_t{72} << 10);  // 9 MiB of weights: 3 blocks
    save(1, sample);
    save(2, sample);
    EXPECT_EQ(r1ctl({"verify", "tiny"}), 0) << err();
    EXPECT_TRUE(says("step-00000001: ok (6 tensors, ")) << out();
    EXPECT_TRUE(says(" GB/s)")) << out();
    EXPECT_EQ(err(), "");
    const std::uint64_t first = flip(2, "model/lm_head.weight", 5);
    const std::uint64_t last = flip(2, "model/lm_head.weight", 2 * kBlockBytes + 7);
    flip(2, "counters", 1);
    EXPECT_EQ(r1ctl({"verify", "tiny"}), 5);
    EXPECT_TRUE(says("step-00000001: ok")) << out();
    EXPECT_TRUE(says("step-00000002: damaged in 3 places")) << out();
    const auto range = [](std::uint64_t begin, std::uint64_t bytes) {
        return "(bytes " + std::to_string(begin) + " to " + std::to_string(begin + bytes - 1) + ")";
    };
    EXPECT_TRUE(says("block 0 of tensor 'model/lm_head.weight' in 'w00000-of-00001.h5' " +
                     range(first, kBlockBytes)))
        << out();
    EXPECT_TRUE(says("block 2 of tensor 'model/lm_head.weight' in 'w00000-of-00001.h5' " +
                     range(last, kBlockBytes / 4)))
        << out();
    EXPECT_TRUE(says("block 0 of tensor 'counters'")) << out();
    EXPECT_NE(err().find("damaged: step-00000002"), std::string::npos) << err();
    const Json record = json({"verify", "tiny", "--step", "2"}, 5);
    EXPECT_EQ(record.at("ok"), false);
    const Json& damage = record.at("checkpoints").at(0).at("damage");
    ASSERT_EQ(damage.size(), 3U);
    std::uint64_t bytes = 0;
    for (const Json& one : damage) bytes += one.at("bytes").get<std::uint64_t>();
    EXPECT_EQ(bytes, kBlockBytes + kBlockBytes / 4 + 24);
}

TEST_F(CheckpointVerbs, VerifyReadsFormatOneToo) {
    const std::string golden = std::string(R1_GOLDEN_FOLDER) + "/format-1";
    EXPECT_EQ(r1ctl({"verify", golden}), 0) << err();
    EXPECT_TRUE(says("step-00000007: ok (6 tensors, ")) << out();
    const Json shown = json({"show", golden});
    EXPECT_EQ(shown.at("format"), 1);
    EXPECT_TRUE(shown.at("block_bytes").is_null());
}

TEST(BytesBar, ShowsOnATerminalOnlyAndClearsItsLine) {
    std::ostringstream err;
    {
        cli::BytesBar bar(err, false, "verify x", 4'000'000'000);
        bar.at(1'000'000'000);
    }
    EXPECT_EQ(err.str(), "");
    {
        cli::BytesBar bar(err, true, "verify x", 4'000'000'000);
        bar.at(1'000'000);  // too soon to know a speed
        std::this_thread::sleep_for(std::chrono::milliseconds(110));
        bar.at(1'000'000'000);
        bar.at(1'000'000'001);  // too soon after the first
    }
    const std::string text = err.str();
    EXPECT_EQ(text.find("\r\x1b[Kverify x"), 0U) << text;
    EXPECT_NE(text.find("25%  "), std::string::npos) << text;
    EXPECT_NE(text.find(" GB/s  eta "), std::string::npos) << text;
    EXPECT_TRUE(text.ends_with("\r\x1b[K")) << text;
    EXPECT_EQ(text.find("verify x", 8), std::string::npos) << text;
}

}  // namespace
}  // namespace r1
