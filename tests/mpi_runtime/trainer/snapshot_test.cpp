// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/snapshot.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/error.h"
#include "tests/common/message_of.h"
#include "tests/common/temporary_folder.h"
#include "tests/mpi_runtime/model/small_model.h"
#include "tests/mpi_runtime/trainer/save_snapshot.h"

namespace r1 {
namespace {

struct SnapshotTest : testing::Test {
    SnapshotTest() { device.load(host.data(), host.size()); }
    SavedState save() { return test::save_and_open(*comm, folder.path(), 7, snapshot); }
    std::unique_ptr<Communicator> comm = make_self_communicator();
    Snapshot snapshot{*comm};
    TemporaryFolder folder;
    std::unique_ptr<Backend<float>> backend = make_cpu_backend(1);
    ParameterLayout layout{test::small_shape(true, false)};
    ParameterShards shards{layout, 1};
    std::vector<float> host = test::random_parameters<float>(layout);
    Array<float> device{*backend, layout.size()};
};

TEST_F(SnapshotTest, ParametersBytesAndStateComeBackBitForBit) {
    snapshot.add_parameters("model", layout, shards, device.data());
    snapshot.add_bytes("rollout/samples", std::string("a\0b\xff", 4));
    snapshot.state()["updates"] = 12;
    const SavedState saved = save();
    EXPECT_EQ(saved.step(), 7);
    EXPECT_EQ(saved.state().at("updates"), 12);
    EXPECT_EQ(saved.parameters("model", layout), host);
    EXPECT_EQ(saved.bytes("rollout/samples"), std::string("a\0b\xff", 4));
    EXPECT_TRUE(saved.has("rollout/samples"));
    EXPECT_FALSE(saved.has("rollout"));
}

TEST_F(SnapshotTest, TensorsKeepTheirOwnNamesAndShapes) {
    snapshot.add_parameters("adam/m", layout, shards, device.data());
    const std::vector<TensorInfo> tensors = snapshot.take_volumes().front().tensors;
    ASSERT_EQ(tensors.size(), layout.views().size());
    for (std::size_t i = 0; i < layout.views().size(); ++i) {
        EXPECT_EQ(tensors[i].name, "adam/m/" + layout.views()[i].name);
        EXPECT_EQ(tensors[i].shape, layout.views()[i].shape);
    }
}

TEST_F(SnapshotTest, ARankReadsItsRangeAlone) {
    snapshot.add_parameters("model", layout, shards, device.data());
    const SavedState saved = save();
    for (const int ranks : {1, 2, 3}) {
        const ParameterShards others(layout, ranks);
        std::vector<float> whole(layout.size(), 0.0f);
        for (int rank = 0; rank < ranks; ++rank) {
            const ValueRange& range = others.of(rank);
            saved.read("model", layout, others, range, whole.data() + range.first);
        }
        EXPECT_EQ(whole, host) << ranks;
    }
}

TEST_F(SnapshotTest, AnotherModelsShapeIsRefusedNamingTheTensor) {
    snapshot.add_parameters("model", layout, shards, device.data());
    const SavedState saved = save();
    ModelShape wider = test::small_shape(true, false);
    wider.intermediate += 1;
    const std::string message =
        message_of([&] { saved.parameters("model", ParameterLayout(wider)); });
    EXPECT_NE(message.find("tensor 'model/model.layers.0.mlp.gate_proj.weight' has another shape"),
              std::string::npos)
        << message;
}

TEST_F(SnapshotTest, MissingTensorIsRefusedNamingIt) {
    snapshot.add_bytes("rollout/samples", "x");
    const SavedState saved = save();
    const std::string message = message_of([&] { saved.parameters("model", layout); });
    EXPECT_NE(message.find("model/model.embed_tokens.weight"), std::string::npos) << message;
    EXPECT_THROW(saved.bytes("other"), Error);
}

TEST_F(SnapshotTest, FolderThatIsNoCheckpointIsRefused) {
    EXPECT_THROW(SavedState(folder / "step-00000001"), Error);
}

}  // namespace
}  // namespace r1
