// SPDX-License-Identifier: Apache-2.0
// C10: checkpoints that mean harm. Reading one gives an Error or the bytes that its manifest names,
// within a second and 100 MB, and opens no file outside of its folder.
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <random>

#include "checkpoint/manifest.h"
#include "common/error.h"
#include "common/file.h"
#include "tests/crash/hostile/forge.h"
#include "tests/crash/hostile/hdf5_files.h"
#include "tests/crash/shim/operation_log.h"
#include "tests/crash/tools/child.h"
#include "tests/crash/tools/figure.h"
#include "tests/crash/tools/numbered.h"

namespace r1::crash {
namespace {

namespace fs = std::filesystem;

// With a sanitizer, time and memory are its own.
#ifdef __SANITIZE_ADDRESS__
constexpr double kMostSeconds = 30;
constexpr std::int64_t kMostKib = std::int64_t{4} << 20;
#else
constexpr double kMostSeconds = 1;
constexpr std::int64_t kMostKib = 100000;
#endif
constexpr std::uint64_t kWorthReading = std::uint64_t{64} << 20;

// What a resume does, which knows the shapes that it expects before it makes room for them.
void read_all(const fs::path& checkpoint) {
    const Manifest manifest = read_manifest(checkpoint);
    std::uint64_t total = 0;
    for (const FileEntry& file : manifest.files) total += std::min(file.bytes, kWorthReading);
    if (total >= kWorthReading) return;
    verify_checkpoint(checkpoint);
    const std::vector<std::string> tensors = read_tensors(checkpoint, manifest);
    for (std::size_t i = 0; i < tensors.size(); ++i)
        if (tensors[i] != named_bytes(checkpoint, manifest.tensors[i]))
            throw std::runtime_error("not the bytes that are named: " + manifest.tensors[i].name);
}

class Hostile : public ::testing::Test {
  protected:
    void SetUp() override {
        save_number(folder_.path(), 1, 1);
        manifest_ = read_manifest(good_);
        manifest_text_ = read_file(good_ / kManifestName);
        shard_ = manifest_.files.at(0).name;
        shard_bytes_ = read_file(good_ / shard_);
        fs::create_directories(bad_);
        restore();
        ::malloc_trim(0);  // a child begins with the memory of its parent
    }
    // The checkpoint that is harmed becomes the good one again.
    void restore() const {
        for (const char* name : {kManifestName, shard_.c_str()}) fs::remove_all(bad_ / name);
        write(kManifestName, manifest_text_);
        write(shard_.c_str(), shard_bytes_);
    }
    void write(const char* name, const std::string& bytes) const {
        write_file_durably(bad_ / name, bytes);
    }
    // Reads the harmed one in a child; `must_load`: its manifest is right for its bytes.
    void read(const std::string& name, bool must_load = false) {
        shim::Plan plan = plan_for(folder_.path(), log_);
        plan.record_opens = true;
        Ending ending = in_child(plan, [&] { read_all(bad_); });
        // On a machine with much else to do a reader may have to wait; a hang hangs again.
        if (ending.seconds >= kMostSeconds) ending = in_child(plan, [&] { read_all(bad_); });
        ++cases_;
        refused_ += ending.error.empty() ? 0 : 1;
        slowest_ = std::max(slowest_, ending.seconds);
        largest_ = std::max(largest_, ending.peak_kib);
        expect(ending.trouble.empty() && !ending.killed, name + ": " + ending.trouble);
        if (must_load) expect(ending.finished, name + ": " + ending.error);
        expect(ending.seconds < kMostSeconds, name + ": " + std::to_string(ending.seconds) + " s");
        expect(ending.peak_kib < kMostKib, name + ": " + std::to_string(ending.peak_kib) + " KiB");
        for (const shim::Record& record : shim::read_log(log_))
            if (record.done() && !record.path2.starts_with(bad_.string() + "/"))
                expect(false, name + " has opened " + record.path2);
        fs::remove(log_);
    }
    void read_forged(const std::string& name, const std::string& shard_bytes) {
        write(shard_.c_str(), shard_bytes);
        forge(bad_, manifest_);
        read(name, true);
    }
    void read_with_body(const std::string& name, const std::string& body) {
        write(kManifestName, with_hash(body));
        read(name);
    }
    void expect(bool right, const std::string& what) {
        bad_cases_ += right ? 0 : 1;
        EXPECT_TRUE(right) << what;
    }
    void print(const std::string& what) const {
        print_figure("C10", grouped(cases_) + " " + what + ", " + grouped(refused_) +
                                " refused, the others read as named, " + grouped(bad_cases_) +
                                " crashes or outside opens; at most " +
                                std::to_string(static_cast<int>(slowest_ * 1000)) + " ms and " +
                                std::to_string(largest_ / 1000) + " MB");
    }
    MemoryFolder folder_;
    fs::path good_ = folder_.path() / checkpoint_name(1);
    fs::path bad_ = folder_.path() / "bad" / checkpoint_name(1);
    fs::path log_ = folder_.path() / "log";
    Manifest manifest_;
    std::string manifest_text_;
    std::string shard_;
    std::string shard_bytes_;
    std::uint64_t cases_ = 0;
    std::uint64_t refused_ = 0;
    std::uint64_t bad_cases_ = 0;
    double slowest_ = 0;
    std::int64_t largest_ = 0;
};

TEST_F(Hostile, Hdf5FilesLeadNowhere) {
    const fs::path scratch = folder_.path() / "scratch.h5";
    for (const auto& make : {files_that_lead_astray, files_of_known_classes})
        for (const HostileFile& file : make(scratch)) read_forged(file.name, file.bytes);
    print("hostile HDF5 files with hashes that match");
}

TEST_F(Hostile, RandomBytesInARealFileAreReadAsNamed) {
    std::mt19937 random(1);
    const int count = short_or_long(300, 20000);
    for (int i = 0; i < count; ++i) {
        std::string bytes = shard_bytes_;
        for (auto n = 1 + random() % 64; n > 0; --n)
            bytes[random() % bytes.size()] = static_cast<char>(random());
        if (random() % 8 == 0) bytes.resize(random() % bytes.size());
        read_forged("mutation " + std::to_string(i), bytes);
    }
    print("random mutations with hashes that match");
}

TEST_F(Hostile, ManifestsAreRefusedOrMeanWhatTheySay) {
    const std::string body = without_hash(manifest_text_);
    int number = 0;
    for (const std::string& bad : hostile_bodies(body, short_or_long<std::size_t>(2, 100)))
        read_with_body("manifest " + std::to_string(number++) + " " + bad.substr(0, 200), bad);
    std::mt19937 random(1);
    const int count = short_or_long(300, 20000);
    for (int i = 0; i < count; ++i) {
        std::string bad = body;
        for (auto n = 1 + random() % 4; n > 0; --n)
            bad[random() % bad.size()] = static_cast<char>(random());
        read_with_body("manifest mutation " + std::to_string(i), bad);
    }
    print("hostile manifests with a hash that matches");
}

TEST_F(Hostile, ManifestTextsThatAreNoManifest) {
    const std::string body = without_hash(manifest_text_);
    const std::string deep(std::size_t{4} << 20, '[');
    for (const std::string& bad :
         {std::string(), std::string("{}"), std::string("{}\n"), std::string("null\n"), deep,
          std::string(1 << 20, '\0'), std::string(1 << 20, ' '), body + body,
          body.substr(0, body.size() / 2), "\xef\xbb\xbf" + body,
          std::string(1 << 20, '{') + std::string(1 << 20, '}')}) {
        read_with_body("a text of " + std::to_string(bad.size()), bad);
        write(kManifestName, bad);
        read("a text without its hash line");
    }
    print("texts that are no manifest");
}

TEST_F(Hostile, SpecialFilesAreNeitherFollowedNorWaitedFor) {
    for (const std::string& name : {shard_, std::string(kManifestName)}) {
        const fs::path path = bad_ / name;
        const auto with = [&](const std::string& what, const std::function<void()>& make) {
            fs::remove_all(path);
            make();
            read(name + " is " + what);
            restore();
        };
        with("absent", [] {});
        with("a folder", [&] { fs::create_directory(path); });
        with("a pipe", [&] { ::mkfifo(path.c_str(), 0644); });
        with("a link to the right file", [&] { fs::create_symlink(good_ / name, path); });
        for (const char* target : {"/etc/passwd", "/dev/zero", "/proc/self/mem", "/nowhere"})
            with(std::string("a link to ") + target, [&] { fs::create_symlink(target, path); });
        with("a link to itself", [&] { fs::create_symlink(path, path); });
        for (const std::uint64_t size : {std::uint64_t{63} << 20, std::uint64_t{65} << 20})
            with("all hole", [&] {
                write(name.c_str(), "");
                fs::resize_file(path, size);
            });
    }
    print("special files");
    EXPECT_EQ(refused_, cases_);
}

// The manifest and the sizes agree: nothing is wrong but that nobody can hold it.
TEST_F(Hostile, ShapeBombThatMatchesItsFileCostsNothingToLookAt) {
    for (const int power : {30, 36, 43}) {
        inflate(bad_, manifest_, std::uint64_t{1} << power);
        read("a bomb of 2^" + std::to_string(power) + " bytes");
        restore();
    }
    print("shape bombs with files as large");
}

}  // namespace
}  // namespace r1::crash
