// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/snapshot.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/error.h"
#include "tests/common/message_of.h"
#include "tests/common/temporary_folder.h"
#include "tests/mpi_runtime/model/small_model.h"

namespace r1 {
namespace {

struct SnapshotTest : testing::Test {
    SnapshotTest() { device.load(host.data(), host.size()); }
    SavedState save(const Snapshot& snapshot) const {
        make_hdf5_checkpoint_writer(folder.path(), "run")
            ->save(7, false, snapshot.state_text(), snapshot.tensors());
        return SavedState(folder / checkpoint_name(7));
    }
    TemporaryFolder folder;
    std::unique_ptr<Backend<float>> backend = make_cpu_backend(1);
    ParameterLayout layout{test::small_shape(true, false)};
    std::vector<float> host = test::random_parameters<float>(layout);
    Array<float> device{*backend, layout.size()};
};

TEST_F(SnapshotTest, ParametersBytesAndStateComeBackBitForBit) {
    Snapshot snapshot;
    snapshot.add_parameters("model", layout, *backend, device.data());
    snapshot.add_bytes("rollout/samples", std::string("a\0b\xff", 4));
    snapshot.state()["updates"] = 12;
    const SavedState saved = save(snapshot);
    EXPECT_EQ(saved.step(), 7);
    EXPECT_EQ(saved.state().at("updates"), 12);
    EXPECT_EQ(saved.parameters("model", layout), host);
    EXPECT_EQ(saved.bytes("rollout/samples"), std::string("a\0b\xff", 4));
    EXPECT_TRUE(saved.has("rollout/samples"));
    EXPECT_FALSE(saved.has("rollout"));
}

TEST_F(SnapshotTest, TensorsKeepTheirOwnNamesAndShapes) {
    Snapshot snapshot;
    snapshot.add_parameters("adam/m", layout, *backend, device.data());
    ASSERT_EQ(snapshot.tensors().size(), layout.views().size());
    for (std::size_t i = 0; i < layout.views().size(); ++i) {
        EXPECT_EQ(snapshot.tensors()[i].name, "adam/m/" + layout.views()[i].name);
        EXPECT_EQ(snapshot.tensors()[i].shape, layout.views()[i].shape);
    }
}

TEST_F(SnapshotTest, LaterChangesOfTheWeightsDoNotReachTheSnapshot) {
    Snapshot snapshot;
    snapshot.add_parameters("model", layout, *backend, device.data());
    snapshot.add_parameters("adam/v", layout, *backend, device.data());
    device.zero();
    const SavedState saved = save(snapshot);
    EXPECT_EQ(saved.parameters("model", layout), host);
    EXPECT_EQ(saved.parameters("adam/v", layout), host);
}

TEST_F(SnapshotTest, AnotherModelsShapeIsRefusedNamingTheTensor) {
    Snapshot snapshot;
    snapshot.add_parameters("model", layout, *backend, device.data());
    const SavedState saved = save(snapshot);
    ModelShape wider = test::small_shape(true, false);
    wider.intermediate += 1;
    const std::string message =
        message_of([&] { saved.parameters("model", ParameterLayout(wider)); });
    EXPECT_NE(message.find("tensor 'model/model.layers.0.mlp.gate_proj.weight' has another shape"),
              std::string::npos)
        << message;
}

TEST_F(SnapshotTest, MissingTensorIsRefusedNamingIt) {
    Snapshot snapshot;
    snapshot.add_bytes("rollout/samples", "x");
    const SavedState saved = save(snapshot);
    const std::string message = message_of([&] { saved.parameters("model", layout); });
    EXPECT_NE(message.find("model/model.embed_tokens.weight"), std::string::npos) << message;
    EXPECT_THROW(saved.bytes("other"), Error);
}

TEST_F(SnapshotTest, FolderThatIsNoCheckpointIsRefused) {
    EXPECT_THROW(SavedState(folder / "step-00000001"), Error);
}

}  // namespace
}  // namespace r1
