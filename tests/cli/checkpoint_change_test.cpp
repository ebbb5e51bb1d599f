// SPDX-License-Identifier: Apache-2.0
// diff, export and prune.
#include <unistd.h>

#include <cstdio>
#include <limits>

#include "checkpoint/lease.h"
#include "checkpoint/process.h"
#include "checkpoint/safetensors.h"
#include "common/host.h"
#include "tests/checkpoint/pieced_checkpoint.h"
#include "tests/cli/checkpoint_fixture.h"

namespace r1 {
namespace {

namespace fs = std::filesystem;

TEST_F(CheckpointVerbs, DiffOfEqualOnesIsZeroAndReadsNoTensor) {
    save(1);
    save(2);
    // The file of step 2 is nonsense of the same size: what has equal hashes is not read.
    const fs::path file = path(2) / read_manifest(path(2)).files.at(0).name;
    write_bytes(file, std::string(fs::file_size(file), 'x'));
    EXPECT_EQ(r1ctl({"diff", "tiny:1", "tiny:2"}), 0) << out() << err();
    EXPECT_TRUE(says("6 tensors equal, 0 different; state equal\n")) << out();
    EXPECT_EQ(json({"diff", path(1).string(), path(2).string()}).at("equal"), true);
}

TEST_F(CheckpointVerbs, DiffSaysHowManyHowFarAndWhere) {
    SampleCheckpoint a;
    SampleCheckpoint b;
    b.weights[70] += 0.5F;  // 71 before
    b.weights[71] = std::numeric_limits<float>::quiet_NaN();
    b.cursor[0] += 3;
    save(1, a);
    save(2, b, false, R"({"stage":1,"cursor":{"epoch":3},"new":true})");
    EXPECT_EQ(r1ctl({"diff", "tiny:1", "tiny"}), 1);
    EXPECT_TRUE(
        says("tensor model/lm_head.weight: 2 of 512 values differ, by at most 0.5 "
             "(relative 0.00699), first at [2, 6], 1 not finite\n"))
        << out();
    EXPECT_TRUE(says("state /cursor/epoch: 2 in a, 3 in b\n")) << out();
    EXPECT_TRUE(says("state /new: - in a, true in b\n")) << out();
    EXPECT_TRUE(says("4 tensors equal, 2 different; state different\n")) << out();
    const Json record = json({"diff", "tiny:1", "tiny:2"}, 1);
    EXPECT_EQ(record.at("tensors").at(1).at("largest_absolute"), 3);
    EXPECT_EQ(record.at("tensors").at(1).at("first"), Json::array());
    EXPECT_EQ(r1ctl({"diff", "tiny:1", "tiny:9"}), 2);
    flip(2, "model/lm_head.weight", 3);
    EXPECT_EQ(r1ctl({"diff", "tiny:1", "tiny:2"}), 5);
}

TEST_F(CheckpointVerbs, DiffTellsMissingTensorsAndOtherTypes) {
    save(1);
    save(2);
    change_manifest(2, [](Manifest& manifest) {
        for (TensorEntry& tensor : manifest.tensors) {
            if (tensor.name == "counters") tensor.shape = {6};
            if (tensor.name == "state/empty") tensor.name = "state/void";
        }
    });
    EXPECT_EQ(r1ctl({"diff", "tiny:1", "tiny:2"}), 1);
    EXPECT_TRUE(says("tensor counters: int32 [1, 2, 3] in a, int32 [6] in b\n")) << out();
    EXPECT_TRUE(says("tensor state/empty: only in a (float32 [0, 7])\n")) << out();
    EXPECT_TRUE(says("tensor state/void: only in b (float32 [0, 7])\n")) << out();
}

TEST_F(CheckpointVerbs, DiffComparesTensorsThatAreCutInOtherPlaces) {
    const PiecedCheckpoint pieced;
    const std::string golden = std::string(R1_GOLDEN_FOLDER) + "/format-1";
    save(1);
    EXPECT_EQ(r1ctl({"diff", golden, "tiny"}), 1);  // the state is another
    EXPECT_TRUE(says("6 tensors equal, 0 different; state different\n")) << out();

    // The same values in one piece.
    std::vector<TensorView> views;
    for (const TensorEntry& tensor : pieced.manifest().tensors) {
        TensorView view;
        static_cast<TensorInfo&>(view) = tensor;
        view.data = pieced.values(tensor.name).data();
        views.push_back(view);
    }
    const auto writer = make_hdf5_checkpoint_writer(run_.checkpoints(), kRunId);
    writer->save(2, false, pieced.manifest().state, views);
    EXPECT_EQ(r1ctl({"diff", "tiny:2", pieced.path().string()}), 0) << out();
    std::string changed = pieced.values("big");
    changed[25000] ^= 1;
    for (TensorView& view : views)
        if (view.name == "big") view.data = changed.data();
    writer->save(3, false, pieced.manifest().state, views);
    const Json record = json({"diff", pieced.path().string(), "tiny:3"}, 1);
    EXPECT_EQ(record.at("tensors").at(0).at("different"), 1);
    EXPECT_EQ(record.at("tensors").at(0).at("first"), Json::array({25000}));
}

TEST_F(CheckpointVerbs, ExportIsReadByAnotherReader) {
    const SampleCheckpoint sample;
    save(4, sample);
    const std::string to = (folder_ / "m.safetensors").string();
    EXPECT_EQ(r1ctl({"export", "tiny", "--to", to}), 0) << err();
    EXPECT_TRUE(says(to + ": 1 tensor of step 4, ")) << out();
    const SafetensorsHeader header = read_safetensors_header(to);
    ASSERT_EQ(header.tensors.size(), 1U);
    EXPECT_EQ(header.tensors[0].name, "lm_head.weight");
    EXPECT_EQ(header.metadata.at("run"), kRunId);
    EXPECT_EQ(r1ctl({"export", "tiny", "--to", to}), 2);
    EXPECT_EQ(
        r1ctl({"export", "tiny", "--to", to, "--force", "--prefix", "", "--dtype", "bfloat16"}), 0)
        << err();
    if (!fs::exists("/usr/bin/python3")) GTEST_SKIP() << "no python3 to read the file with";
    const char* const script = R"(
import json, struct, sys
bytes_ = open(sys.argv[1], 'rb').read()
length, = struct.unpack('<Q', bytes_[:8])
header = json.loads(bytes_[8:8 + length])
data = bytes_[8 + length:]
assert length % 8 == 0 and header.pop('__metadata__')['step'] == '4'
begin, end = header['model/lm_head.weight']['data_offsets']
assert header['model/lm_head.weight']['dtype'] == 'BF16'
for i in range(512):
    half, = struct.unpack('<H', data[begin + 2 * i:begin + 2 * i + 2])
    value, = struct.unpack('<f', struct.pack('<I', half << 16))
    assert abs(value - (1 + i)) <= (1 + i) / 256, (i, value)
assert struct.unpack('<6i', data[slice(*header['counters']['data_offsets'])]) == (1, -2, 3, 4, -5, 6)
assert sorted(t['data_offsets'][1] for t in header.values())[-1] == len(data)
print('read', len(header))
)";
    const std::string command = "/usr/bin/python3 - '" + to + "' <<'END'\n" + script + "END\n";
    FILE* const pipe = ::popen(command.c_str(), "r");
    ASSERT_NE(pipe, nullptr);
    char line[64] = {};
    EXPECT_NE(std::fgets(line, sizeof line, pipe), nullptr);
    EXPECT_EQ(::pclose(pipe), 0);
    EXPECT_STREQ(line, "read 6\n");
}

TEST_F(CheckpointVerbs, PruneKeepsWhatThePolicyKeeps) {
    for (std::int64_t step = 1; step <= 6; ++step) {
        save(step, SampleCheckpoint(), step == 1);
        const double metric = step == 3 ? 0.9 : 0.1;
        change_manifest(step, [&](Manifest& manifest) { manifest.metrics["pass@1"] = metric; });
    }
    fs::create_directory(run_.checkpoints() / ".tmp-step-00000009-1");
    const std::vector<std::string> policy{"prune",       "tiny", "--keep-last", "1",
                                          "--keep-best", "1",    "--metric",    "pass@1"};
    std::vector<std::string> dry = policy;
    dry.push_back("--dry-run");
    EXPECT_EQ(r1ctl(dry), 0) << err();
    EXPECT_TRUE(says("would remove: 2, 4, 5\nkept: 1, 3, 6\n")) << out();
    EXPECT_TRUE(says("1 folder that killed processes left behind")) << out();
    EXPECT_EQ(list_checkpoints(run_.checkpoints()).size(), 6U);
    const Json record = json(policy);
    EXPECT_EQ(record.at("removed"), Json::array({2, 4, 5}));
    EXPECT_GT(record.at("freed_bytes"), 3 * fs::file_size(path(6) / "w00000-of-00001.h5"));
    EXPECT_EQ(list_checkpoints(run_.checkpoints()), (std::vector<std::int64_t>{1, 3, 6}));
    EXPECT_FALSE(fs::exists(run_.checkpoints() / ".tmp-step-00000009-1"));
    EXPECT_FALSE(lease_holder(run_));
    EXPECT_EQ(r1ctl({"prune", "tiny"}), 2);
    EXPECT_EQ(r1ctl({"prune", "tiny", "--keep-last", "0"}), 2);
    EXPECT_EQ(r1ctl({"prune", "tiny", "--keep-last", "1", "--keep-best", "1"}), 2);
    EXPECT_EQ(r1ctl({"prune", path(6).string(), "--keep-last", "1"}), 2);
}

TEST_F(CheckpointVerbs, PruneFreesNoRoomForAFileThatIsStillInAnother) {
    for (std::int64_t step = 1; step <= 2; ++step) save(step);
    const std::string name = read_manifest(path(1)).files.at(0).name;
    fs::create_hard_link(path(1) / name, folder_ / "elsewhere");
    const Json record = json({"prune", "tiny", "--keep-last", "1", "--dry-run"});
    EXPECT_EQ(record.at("removed"), Json::array({1}));
    EXPECT_LT(record.at("freed_bytes"), fs::file_size(folder_ / "elsewhere"));
}

TEST_F(CheckpointVerbs, PruneRefusesWhileTheRunHasAWriter) {
    for (std::int64_t step = 1; step <= 3; ++step) save(step);
    LeaseHolder holder;
    holder.attempt = 3;
    holder.host = host_name();
    holder.pid = ::getpid();
    holder.start_ticks = process_start_ticks(holder.pid).value_or(0);
    holder.boot_id = boot_id();
    {
        const Lease lease(run_, holder);
        for (const std::string& target : {std::string("tiny"), run_.checkpoints().string()}) {
            EXPECT_EQ(r1ctl({"prune", target, "--keep-last", "1"}), 1);
            EXPECT_NE(err().find(describe(holder)), std::string::npos) << err();
        }
        EXPECT_EQ(list_checkpoints(run_.checkpoints()).size(), 3U);
        EXPECT_EQ(r1ctl({"prune", "tiny", "--keep-last", "1", "--dry-run"}), 0) << err();
    }
    EXPECT_EQ(r1ctl({"prune", "tiny", "--keep-last", "1"}), 0) << err();
    EXPECT_EQ(list_checkpoints(run_.checkpoints()), std::vector<std::int64_t>{3});
}

}  // namespace
}  // namespace r1
