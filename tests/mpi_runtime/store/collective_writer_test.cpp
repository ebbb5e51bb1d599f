// SPDX-License-Identifier: Apache-2.0
// Runs under mpirun.
#include "mpi_runtime/store/collective_writer.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>

#include "common/host.h"
#include "common/time.h"
#include "mpi_runtime/store/newest_verified.h"
#include "tests/common/temporary_folder.h"
#include "tests/mpi_runtime/ranks_main.h"
#include "tests/mpi_runtime/store/numbered_model.h"

namespace r1 {
namespace {

namespace fs = std::filesystem;

using test::world;

class Store : public ::testing::Test {
  protected:
    Store() : shard_(world->rank(), world->size()) {
        std::string path = folder_.path().string();
        path.resize(4096);
        world->broadcast(path.data(), path.size(), 0);
        checkpoints_ = fs::path(path.c_str()) / "checkpoints";
    }
    ~Store() override { world->barrier(); }

    CollectiveWriter::Options options() const { return {checkpoints_, "run", false, 0}; }
    SaveRequest request(std::int64_t step) {
        shard_.set_step(step);
        SaveRequest request;
        request.step = step;
        request.state = "{}";
        request.volumes.push_back(shard_.volume());
        return request;
    }
    fs::path at(std::int64_t step) const { return checkpoints_ / checkpoint_name(step); }
    /// Bytes that one of the ranks reads wrongly.
    std::uint64_t wrong(std::int64_t step) const {
        auto count = static_cast<std::int64_t>(
            test::count_wrong(at(step), step, world->rank(), world->size()));
        world->all_reduce(&count, 1, ReduceOp::kSum);
        return static_cast<std::uint64_t>(count);
    }
    std::size_t entries() const {
        world->barrier();
        return static_cast<std::size_t>(
            std::distance(fs::directory_iterator(checkpoints_), fs::directory_iterator{}));
    }
    void save_whole(CollectiveWriter& writer, std::int64_t step) {
        ASSERT_FALSE(writer.save(request(step)));
        const auto ending = writer.advance(true);
        ASSERT_TRUE(ending);
        EXPECT_EQ(ending->problem, "");
        EXPECT_EQ(ending->step, step);
    }

    TemporaryFolder folder_;  // each rank has one; that of rank 0 is used
    fs::path checkpoints_;
    test::NumberedShard shard_;
};

TEST_F(Store, WhatAllRanksSaveEachReadsBack) {
    CollectiveWriter writer(*world, options());
    for (const std::int64_t step : {10, 20, 20, 30}) {
        save_whole(writer, step);
        EXPECT_EQ(newest_verified(*world, checkpoints_), step);
        EXPECT_EQ(wrong(step), 0u);
    }
    EXPECT_EQ(entries(), 3u);
    // The ranks are on one node: one file, and no need of an index.
    EXPECT_EQ(read_manifest(at(30)).files.size(), 1u);
}

TEST_F(Store, AFileARankHoldsTheSame) {
    CollectiveWriter::Options each = options();
    each.file_a_rank = true;
    CollectiveWriter writer(*world, each);
    save_whole(writer, 7);
    EXPECT_EQ(wrong(7), 0u);
    const auto ranks = static_cast<std::size_t>(world->size());
    const Manifest manifest = read_manifest(at(7));
    EXPECT_EQ(manifest.files.size(), ranks == 1 ? 1 : ranks + 1);
    EXPECT_EQ(fs::exists(at(7) / kIndexFileName), ranks > 1);
    verify_checkpoint(at(7));
}

TEST_F(Store, TrainingChangesItsStateWhileASlowDiskWrites) {
    CollectiveWriter::Options slow = options();
    slow.write_rate = 1 << 20;
    CollectiveWriter writer(*world, slow);
    std::int64_t looks = 0;
    const double begin = monotonic_seconds();
    ASSERT_FALSE(writer.save(request(5)));
    const double pause = monotonic_seconds() - begin;
    for (std::int64_t step = 6; step < 16; ++step) {
        shard_.set_step(step);
        EXPECT_TRUE(writer.on_its_way());
        looks += writer.advance(false) ? 0 : 1;
    }
    EXPECT_GT(looks, 0);
    EXPECT_FALSE(fs::exists(at(5)));
    const auto ending = writer.advance(true);
    ASSERT_TRUE(ending);
    EXPECT_TRUE(ending->committed);
    EXPECT_FALSE(writer.on_its_way());
    EXPECT_EQ(wrong(5), 0u);
    EXPECT_GT(ending->seconds, pause);
    if (world->rank() == 0)
        std::printf("C7: %d ranks, bytes wrong after training went on over a slow disk: %llu\n",
                    world->size(), static_cast<unsigned long long>(wrong(5)));
    else
        wrong(5);
}

TEST_F(Store, LooseTensorsOfTheLeaderDoNotMoveTheOthers) {
    CollectiveWriter writer(*world, options());
    for (const std::size_t size : {3u, 100000u, 0u, 70u}) {
        SaveRequest save = request(static_cast<std::int64_t>(size));
        if (world->rank() == 0)
            for (int i = 0; i < 40; ++i)
                save.volumes.front().loose.push_back({{"rollout/" + std::to_string(i),
                                                       TensorType::kUint8,
                                                       {static_cast<std::int64_t>(size)}},
                                                      std::string(size, 'x')});
        ASSERT_FALSE(writer.save(std::move(save)));
        ASSERT_TRUE(writer.advance(true)->committed);
        EXPECT_EQ(wrong(static_cast<std::int64_t>(size)), 0u);
        const fs::path folder = at(static_cast<std::int64_t>(size));
        verify_checkpoint(folder);
        const Manifest manifest = read_manifest(folder);
        std::string text(size, '\0');
        read_tensor(folder, manifest, manifest.tensor("rollout/39"), text.data());
        EXPECT_EQ(text, std::string(size, 'x'));
    }
}

TEST_F(Store, AFailureOfOneRankIsTheFailureOfAllAndLeavesNothing) {
    CollectiveWriter writer(*world, options());
    save_whole(writer, 1);
    const int last = world->size() - 1;
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, SIG_IGN);
    if (world->rank() == last) {
        const rlimit limit{1 << 16, before.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    auto ending = writer.save(request(2));
    if (!ending) ending = writer.advance(true);
    ::setrlimit(RLIMIT_FSIZE, &before);
    ASSERT_TRUE(ending);
    EXPECT_FALSE(ending->committed);
    EXPECT_NE(ending->problem.find(world->size() > 1 ? "File too large" : "no room"),
              std::string::npos)
        << ending->problem;
    if (world->size() > 1) {
        EXPECT_TRUE(
            ending->problem.starts_with("rank " + std::to_string(last) + " on " + node_name()))
            << ending->problem;
    }
    EXPECT_EQ(entries(), 1u);
    EXPECT_EQ(newest_verified(*world, checkpoints_), 1);
    save_whole(writer, 3);
    EXPECT_EQ(wrong(3), 0u);
}

TEST_F(Store, WithoutAFolderToWriteToNothingBegins) {
    if (world->rank() == 0) std::ofstream(checkpoints_) << "a file where the folder should be";
    world->barrier();
    CollectiveWriter writer(*world, options());
    const auto ending = writer.save(request(1));
    ASSERT_TRUE(ending);
    EXPECT_FALSE(ending->committed);
    EXPECT_NE(ending->problem.find("checkpoints"), std::string::npos) << ending->problem;
    EXPECT_FALSE(writer.on_its_way());
}

TEST_F(Store, WhatNoReaderWouldTakeIsNotCommitted) {
    CollectiveWriter writer(*world, options());
    for (const char* name : {"../up", "", "model/embed"}) {  // the last is there already
        SaveRequest save = request(4);
        if (world->rank() == 0)
            save.volumes.front().loose.push_back({{name, TensorType::kUint8, {1}}, "x"});
        ASSERT_FALSE(writer.save(std::move(save)));
        const auto ending = writer.advance(true);
        ASSERT_TRUE(ending);
        EXPECT_FALSE(ending->committed) << name;
    }
    EXPECT_EQ(entries(), 0u);
}

TEST_F(Store, WhatIsFrozenIsOnTheDiskOnce) {
    CollectiveWriter writer(*world, options());
    const auto save = [&](std::int64_t step, const std::string& content) {
        SaveRequest with = request(step);
        with.volumes.push_back(shard_.volume("reference-" + content + "-"));
        Volume& frozen = with.volumes.back();
        frozen.frozen = true;
        for (TensorInfo& tensor : frozen.tensors) tensor.name = "reference/" + tensor.name;
        ASSERT_FALSE(writer.save(std::move(with)));
        ASSERT_TRUE(writer.advance(true)->committed);
        verify_checkpoint(at(step));
    };
    const auto links = [&](std::int64_t step, const std::string& content) {
        struct stat status {};
        const fs::path file = at(step) / checkpoint_file_name("reference-" + content + "-", 0, 1);
        return ::stat(file.c_str(), &status) == 0 ? status.st_nlink : 0;
    };
    save(1, "a");
    save(2, "a");
    save(3, "a");
    EXPECT_EQ(links(3, "a"), 3u);
    // Values of step 1, although later saves had others in memory: what is frozen is not read
    // again.
    const Manifest manifest = read_manifest(at(3));
    std::vector<unsigned char> bytes(96 * 4);
    read_tensor(at(3), manifest, manifest.tensor("reference/model/norm"), bytes.data());
    EXPECT_EQ(bytes[40], test::numbered_byte(1, 40, 1));
    save(4, "b");
    EXPECT_EQ(links(4, "b"), 1u);
    EXPECT_EQ(links(4, "a"), 0u);
    world->barrier();
    // Another run of the program goes on from it, and each stays whole without the others.
    CollectiveWriter next(*world, options());
    next.went_on_from(read_manifest(at(3)));
    if (world->rank() == 0) fs::remove_all(at(1));
    SaveRequest again = request(5);
    again.volumes.push_back(shard_.volume("reference-a-"));
    again.volumes.back().frozen = true;
    for (TensorInfo& tensor : again.volumes.back().tensors)
        tensor.name = "reference/" + tensor.name;
    ASSERT_FALSE(next.save(std::move(again)));
    ASSERT_TRUE(next.advance(true)->committed);
    EXPECT_EQ(links(5, "a"), 3u);
    verify_checkpoint(at(5));
}

TEST_F(Store, ASaveThatIsNotFinishedIsDropped) {
    {
        CollectiveWriter::Options slow = options();
        slow.write_rate = 1 << 20;
        CollectiveWriter writer(*world, slow);
        ASSERT_FALSE(writer.save(request(5)));
    }
    EXPECT_EQ(entries(), 0u);
}

TEST_F(Store, DamageInAnyRanksPartPassesToTheOneBefore) {
    CollectiveWriter writer(*world, options());
    save_whole(writer, 1);
    save_whole(writer, 2);
    const TensorPiece piece = read_manifest(at(2)).tensor("model/wide").pieces.back();
    for (const std::uint64_t place : {piece.offset + 5, piece.offset + piece.bytes - 1}) {
        if (world->rank() == 0) {
            std::fstream file(at(2) / piece.file, std::ios::in | std::ios::out | std::ios::binary);
            file.seekp(static_cast<std::streamoff>(place));
            file.put('!');
        }
        world->barrier();
        EXPECT_EQ(newest_verified(*world, checkpoints_), 1);
    }
}

}  // namespace
}  // namespace r1

int main(int argc, char** argv) {
    return r1::test::run_on_ranks(argc, argv);
}
