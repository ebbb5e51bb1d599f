// SPDX-License-Identifier: Apache-2.0
// C4: a flipped bit, a cut, a zeroed page anywhere in any file of a checkpoint is found.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <random>

#include "common/error.h"
#include "common/file.h"
#include "tests/crash/tools/child.h"
#include "tests/crash/tools/figure.h"
#include "tests/crash/tools/numbered.h"

namespace r1::crash {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kPage = 4096;

/// One checkpoint, harmed in one place at a time and mended again.
class Harm : public ::testing::Test {
  protected:
    void SetUp() override {
        save_wide(folder_.path(), 1, 300);
        layout_ = layout_of(checkpoint_);
        ASSERT_FALSE(problem());
    }
    bool problem() const {
        try {
            verify_checkpoint(checkpoint_);
        } catch (const Error&) {
            return true;
        }
        return false;
    }
    // What a resume does: load, without verifying first.
    bool load_fails() const {
        try {
            read_tensors(checkpoint_, read_manifest(checkpoint_));
        } catch (const Error&) {
            return true;
        }
        return false;
    }
    static void put(const fs::path& file, std::uint64_t at, const std::string& bytes) {
        const FileDescriptor fd = open_file(file, O_WRONLY);
        ASSERT_EQ(::pwrite(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(at)),
                  static_cast<ssize_t>(bytes.size()));
    }
    // Flips one bit in each of `count` equal parts of the ranges; returns how often that was found.
    std::uint64_t flip(const std::vector<Range>& ranges, std::uint64_t count, bool is_data) {
        std::uint64_t total = 0;
        for (const Range& range : ranges) total += range.end - range.begin;
        std::uint64_t found = 0;
        for (std::uint64_t i = 0; i < count; ++i) {
            const std::uint64_t part = std::max<std::uint64_t>(total / count, 1);
            std::uint64_t at = (total * i / count + random_() % part) % total;
            auto range = ranges.begin();
            for (; at >= range->end - range->begin; ++range) at -= range->end - range->begin;
            found += flip_at(range->file, range->begin + at, is_data) ? 1 : 0;
        }
        return found;
    }
    bool flip_at(const fs::path& file, std::uint64_t at, bool is_data) {
        std::string good(1, '\0');
        const FileDescriptor fd = open_file(file, O_RDONLY);
        EXPECT_EQ(::pread(fd.get(), good.data(), 1, static_cast<off_t>(at)), 1);
        put(file, at, std::string(1, static_cast<char>(good[0] ^ (1 << random_() % 8))));
        const bool found = problem() && (!is_data || load_fails());
        EXPECT_TRUE(found) << "a bit of byte " << at << " of " << file;
        put(file, at, good);
        return found;
    }
    std::uint64_t cut(std::uint64_t count) {
        std::uint64_t found = 0;
        for (std::uint64_t i = 0; i < count; ++i) {
            const fs::path& file = layout_.files[i % layout_.files.size()];
            const std::string good = read_file(file);
            const std::uint64_t size = good.size() * i / count;
            fs::resize_file(file, size);
            const bool is_found = problem() && load_fails();
            EXPECT_TRUE(is_found) << file << " cut to " << size;
            found += is_found ? 1 : 0;
            put(file, 0, good);
        }
        return found;
    }
    // Of the pages that are not zero already.
    std::vector<Range> pages() const {
        std::vector<Range> list;
        for (const fs::path& file : layout_.files) {
            const std::string bytes = read_file(file);
            for (std::uint64_t at = 0; at < bytes.size(); at += kPage) {
                const std::uint64_t end = std::min<std::uint64_t>(at + kPage, bytes.size());
                if (bytes.substr(at, end - at) != std::string(end - at, '\0'))
                    list.push_back({file, at, end});
            }
        }
        return list;
    }
    std::uint64_t zero(std::uint64_t count) {
        const std::vector<Range> all = pages();
        EXPECT_GE(all.size(), count);
        std::uint64_t found = 0;
        for (std::uint64_t i = 0; i < count; ++i) {
            const Range& page = all[all.size() * i / count];
            const std::uint64_t size = page.end - page.begin;
            const std::string good = read_file(page.file).substr(page.begin, size);
            put(page.file, page.begin, std::string(size, '\0'));
            const bool is_found = problem();
            EXPECT_TRUE(is_found) << "the page at " << page.begin << " of " << page.file;
            found += is_found ? 1 : 0;
            put(page.file, page.begin, good);
        }
        return found;
    }
    MemoryFolder folder_;
    fs::path checkpoint_ = folder_.path() / checkpoint_name(1);
    Layout layout_;
    std::mt19937 random_{1};
};

TEST_F(Harm, OfEveryKindInEveryFileIsFound) {
    const std::uint64_t flips = short_or_long<std::uint64_t>(1000, 10000);
    const std::uint64_t cuts = short_or_long<std::uint64_t>(200, 2000);
    const std::uint64_t zeroed = 200;
    const std::uint64_t found = flip(layout_.data, flips, true) +
                                flip(layout_.metadata, flips, false) + cut(cuts) + zero(zeroed);
    const std::uint64_t made = 2 * flips + cuts + zeroed;
    EXPECT_EQ(found, made);
    EXPECT_FALSE(problem()) << "the test has not mended it";
    print_figure("C4", grouped(2 * flips) + " bit flips (half of them in metadata), " +
                           grouped(cuts) + " truncations, " + grouped(zeroed) +
                           " zeroed pages in " + std::to_string(layout_.files.size()) + " files, " +
                           grouped(found) + " of " + grouped(made) + " found");
}

}  // namespace
}  // namespace r1::crash
