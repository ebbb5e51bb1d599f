// SPDX-License-Identifier: Apache-2.0
// Makes the golden checkpoint of the format that this r1ctl writes. To be run by hand, once a
// format, before it is released: --gtest_also_run_disabled_tests --gtest_filter=Golden.*
#include <unistd.h>

#include <deque>

#include "checkpoint/commit.h"
#include "checkpoint/copy_and_hash.h"
#include "checkpoint/manifest.h"
#include "checkpoint/share.h"
#include "common/time.h"
#include "tests/checkpoint/damage.h"
#include "tests/checkpoint/one_process_writer.h"
#include "tests/checkpoint/sample_checkpoint.h"
#include "tests/checkpoint/two_writers.h"

namespace r1 {
namespace {

TEST(Golden, DISABLED_IsWrittenAnew) {
    const auto folder =
        std::filesystem::path(R1_GOLDEN_FOLDER) / ("format-" + std::to_string(kFormatMajor));
    const SampleCheckpoint sample;
    make_hdf5_checkpoint_writer(folder, "golden")->save(7, true, "{\"stage\": 1}", sample.views());
    verify_checkpoint(folder / checkpoint_name(7));
}

/// Of two writers, with everything that one process alone does not write.
TEST(Golden, DISABLED_OfTwoWritersIsWrittenAnew) {
    const auto folder = std::filesystem::path(R1_GOLDEN_FOLDER) /
                        ("format-" + std::to_string(kFormatMajor) + "-two-writers");
    const TwoWriters sample;
    const auto temporary = folder / temporary_name(7, ::getpid());
    make_temporary(folder, temporary);
    Manifest manifest;
    manifest.run_id = "golden";
    manifest.step = 7;
    manifest.state = "{}";
    manifest.metrics = {{"pass@1", 0.75}};
    manifest.written_at = utc_text(utc_milliseconds());
    const auto ranges = sample.ranges();
    const auto layouts = lay_out_files(sample.tensors(), ranges, {0, 1}, kFilePrefix);
    for (std::size_t writer = 0; writer < 2; ++writer) {
        std::deque<std::string> held;
        Share share;
        share.path = temporary / layouts[writer].name;
        share.skeleton =
            make_hdf5_skeleton(folder, {"golden", 7, writer, 2}, sample.tensors(), layouts[writer]);
        share.file_bytes = share.skeleton->bytes;
        for (const TensorRange& range : ranges[writer]) {
            const std::size_t dataset = dataset_of(layouts[writer], range);
            held.push_back(sample.bytes(range.tensor));
            const char* const data = held.back().data() + range.begin;
            share.ranges.push_back({sample.tensors()[range.tensor], range.begin, range.bytes, data,
                                    share.skeleton->datasets[dataset].offset,
                                    hash_blocks(data, range.bytes)});
        }
        Throttle unbounded(0);
        add_report(manifest, write_share(share, unbounded));
    }
    manifest.files.push_back(
        write_structure_file(temporary / kIndexFileName, make_hdf5_index(folder, manifest)));
    seal_checkpoint(folder, temporary, manifest);
    verify_checkpoint(folder / checkpoint_name(7));
}

}  // namespace
}  // namespace r1
