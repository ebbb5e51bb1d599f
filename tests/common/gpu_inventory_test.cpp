// SPDX-License-Identifier: Apache-2.0
#include "common/gpu_inventory.h"

#include <gtest/gtest.h>

#include <set>

namespace r1 {

TEST(ListGpus, MachineWithoutADriverIsNoError) {
    EXPECT_NO_THROW(list_gpus());
}

TEST(ListGpus, EveryGpuHasItsOwnUuidANameAndMemory) {
    std::set<std::string> uuids;
    int index = 0;
    for (const Gpu& gpu : list_gpus()) {
        EXPECT_EQ(gpu.index, index++);
        EXPECT_EQ(gpu.uuid.size(), 40u) << gpu.uuid;
        EXPECT_EQ(gpu.uuid.rfind("GPU-", 0), 0u) << gpu.uuid;
        EXPECT_TRUE(uuids.insert(gpu.uuid).second) << gpu.uuid;
        EXPECT_FALSE(gpu.name.empty());
        EXPECT_GT(gpu.memory_bytes, 0);
        EXPECT_EQ(gpu.bus_id.size(), 12u) << gpu.bus_id;
    }
}

TEST(CurrentGpu, IsOneOfThoseThatAreListed) {
    const auto gpu = current_gpu();
    const std::vector<Gpu> gpus = list_gpus();
    ASSERT_EQ(gpu.has_value(), !gpus.empty());
    EXPECT_TRUE(!gpu || gpus[static_cast<std::size_t>(gpu->index)].uuid == gpu->uuid);
}

}  // namespace r1
