// SPDX-License-Identifier: Apache-2.0
// What a power loss may leave of a folder, given the operations that the shim recorded. The model
// is that of ALICE (Pillai and others, OSDI 2014) without the promises of any one file system,
// checked at every prefix as CrashMonkey does (Mohan and others, OSDI 2018):
// - Operations break into effects: the creation, removal or renaming of names, a file's new size,
// and
//   its new bytes page by page of 4 KiB, a page sector by sector of 512 bytes.
// - fsync of a file makes its earlier sizes and bytes durable, but no name; fsync of a folder makes
//   the earlier changes of its names durable, but no file. A rename is one effect, durable with its
//   new folder, and so is an exchange. sync_file_range and close make nothing durable.
// - Every other effect may have reached the disk or not, whatever came before or after it: no order
//   as of ext4's journal is assumed. Of a lost page the old bytes, zeros or garbage are found.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/crash/shim/operation_log.h"

namespace r1::crash {

/// Folders and files below a root, by their relative paths.
struct Tree {
    std::vector<std::string> folders;  ///< a folder comes before what is in it
    std::map<std::string, std::string> files;
    friend bool operator==(const Tree&, const Tree&) = default;
};
Tree read_tree(const std::filesystem::path& root);
/// Into an existing folder.
void write_tree(const Tree& tree, const std::filesystem::path& root);

/// What became of an effect that was not durable: a bit for each sector of its page.
enum : std::uint8_t { kLost = 0, kKept = 0xff };
struct Fates {
    std::vector<std::uint8_t> of;  ///< one an undecided effect, in their order
    bool garbage = false;          ///< lost bytes are neither the old ones nor zeros
};

class DiskModel {
  public:
    /// What lies below `root` now is on the disk for good.
    explicit DiskModel(const std::filesystem::path& root);
    /// Throws std::runtime_error on an operation that the model does not know.
    void replay(std::vector<shim::Record> records);

    const std::vector<shim::Record>& records() const { return records_; }
    /// Whether an effect is of bytes, and which record caused it.
    struct Undecided {
        std::size_t record = 0;
        bool is_data = false;
    };
    /// The effects of the first `prefix` records that are not durable then.
    std::vector<Undecided> undecided(std::size_t prefix) const;
    /// What is on the disk when the power is lost after `prefix` records.
    Tree after(std::size_t prefix, const Fates& fates) const;

  private:
    using Id = std::size_t;  // of a file or folder; 0: none
    struct Object {
        bool is_folder = false;
        std::string bytes;
        std::map<std::string, Id> names;
    };
    struct NameChange {
        Id folder = 0;
        std::string name;
        Id target = 0;
    };
    enum class What { kNames, kData, kExtend, kResize };
    struct Effect {
        What what = What::kNames;
        std::size_t record = 0;
        std::size_t durable = ~std::size_t{0};  // the record that made it so
        Id object = 0;  // the file, or the folder whose fsync makes the names durable
        std::vector<NameChange> names;
        std::uint64_t offset = 0;  // or size
        std::uint64_t begin = 0;   // of its bytes in the record's
        std::uint64_t bytes = 0;
    };
    struct Place {
        Id folder = 0;
        std::string name;
        Id target = 0;
    };

    void load(Id folder, const std::filesystem::path& path);
    Place find(const std::string& path) const;
    Id by_inode(const shim::Record& record) const;
    Id add_object(bool is_folder, std::uint64_t inode);
    void change_names(std::size_t record, Id durable_with, std::vector<NameChange> changes);
    void change_file(What what, std::size_t record, Id file, std::uint64_t offset,
                     std::uint64_t begin = 0, std::uint64_t bytes = 0);
    void replay_one(std::size_t index);
    void replay_open(std::size_t index);
    void replay_rename(std::size_t index);
    void replay_write(std::size_t index);
    void replay_sync(std::size_t index);
    void apply_data(const Effect& effect, std::uint8_t fate, bool garbage,
                    std::string& bytes) const;
    static void apply(const Effect& effect, std::vector<Object>& objects,
                      std::vector<std::uint64_t>& sizes);
    static void collect(const std::vector<Object>& objects, Id folder, const std::string& path,
                        Tree& tree);

    std::filesystem::path root_;
    std::vector<Object> start_{1};  // [1] is the root
    std::vector<Object> now_;       // with every effect; their bytes are not kept
    std::map<std::uint64_t, Id> inodes_;
    std::vector<shim::Record> records_;
    std::vector<Effect> effects_;
};

}  // namespace r1::crash
