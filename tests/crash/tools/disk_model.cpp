// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/tools/disk_model.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include "common/file.h"

namespace r1::crash {
namespace {

namespace fs = std::filesystem;
using shim::Kind;
using shim::Record;

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kSector = 512;
constexpr char kGarbage = '\xdb';

std::uint64_t inode_of(const fs::path& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) throw std::runtime_error("no " + path.string());
    return status.st_ino;
}

[[noreturn]] void refuse(const Record& record) {
    throw std::runtime_error("the model does not know: " + describe(record));
}

}  // namespace

Tree read_tree(const fs::path& root) {
    Tree tree;
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
        const std::string path = entry.path().lexically_relative(root).string();
        if (entry.is_directory())
            tree.folders.push_back(path);
        else
            tree.files[path] = read_file(entry.path());
    }
    std::sort(tree.folders.begin(), tree.folders.end());
    return tree;
}

void write_tree(const Tree& tree, const fs::path& root) {
    for (const std::string& folder : tree.folders) fs::create_directory(root / folder);
    for (const auto& [path, bytes] : tree.files)
        std::ofstream(root / path, std::ios::binary) << bytes;
}

DiskModel::DiskModel(const fs::path& root) : root_(fs::canonical(root)) {
    const Id id = start_.size();
    start_.push_back({true, {}, {}});
    inodes_[inode_of(root_)] = id;
    load(id, root_);
    now_ = start_;
}

void DiskModel::load(Id folder, const fs::path& path) {
    for (const fs::directory_entry& entry : fs::directory_iterator(path)) {
        const Id id = start_.size();
        const auto [known, is_new] = inodes_.try_emplace(inode_of(entry.path()), id);
        start_[folder].names[entry.path().filename().string()] = known->second;
        if (!is_new) continue;  // another name of the same file
        start_.push_back({entry.is_directory(), {}, {}});
        if (entry.is_directory())
            load(id, entry.path());
        else
            start_[id].bytes = read_file(entry.path());
    }
}

DiskModel::Place DiskModel::find(const std::string& path) const {
    const fs::path relative = fs::path(path).lexically_relative(root_);
    Place place{0, {}, 1};
    if (relative == ".") return place;
    for (const fs::path& part : relative) {
        place.folder = place.target;
        place.name = part.string();
        if (place.folder == 0 || part == "..")
            throw std::runtime_error("the model does not know the path " + path);
        const auto& names = now_[place.folder].names;
        const auto found = names.find(place.name);
        place.target = found == names.end() ? 0 : found->second;
    }
    return place;
}

DiskModel::Id DiskModel::by_inode(const Record& record) const {
    const auto found = inodes_.find(record.inode);
    if (found == inodes_.end()) refuse(record);
    return found->second;
}

DiskModel::Id DiskModel::add_object(bool is_folder, std::uint64_t inode) {
    start_.push_back({is_folder, {}, {}});
    now_.push_back({is_folder, {}, {}});
    inodes_[inode] = start_.size() - 1;
    return start_.size() - 1;
}

void DiskModel::change_names(std::size_t record, Id durable_with, std::vector<NameChange> changes) {
    Effect effect;
    effect.record = record;
    effect.object = durable_with;
    effect.names = std::move(changes);
    for (const NameChange& change : effect.names) {
        if (change.target == 0)
            now_[change.folder].names.erase(change.name);
        else
            now_[change.folder].names[change.name] = change.target;
    }
    effects_.push_back(std::move(effect));
}

void DiskModel::change_file(What what, std::size_t record, Id file, std::uint64_t offset,
                            std::uint64_t begin, std::uint64_t bytes) {
    Effect effect;
    effect.what = what;
    effect.record = record;
    effect.object = file;
    effect.offset = offset;
    effect.begin = begin;
    effect.bytes = bytes;
    effects_.push_back(std::move(effect));
}

void DiskModel::replay_open(std::size_t index) {
    const Record& record = records_[index];
    if ((record.flags & O_TMPFILE) == O_TMPFILE) {
        add_object(false, record.inode);
        return;
    }
    const Place place = find(record.path);
    if (place.target == 0) {
        const Id file = add_object(false, record.inode);
        change_names(index, place.folder, {{place.folder, place.name, file}});
    } else if ((record.flags & O_TRUNC) != 0) {
        change_file(What::kResize, index, place.target, 0);
    }
}

void DiskModel::replay_rename(std::size_t index) {
    const Record& record = records_[index];
    const Place from = find(record.path);
    const Place to = find(record.path2);
    if (from.target == 0) refuse(record);
    const bool exchange = (record.flags & RENAME_EXCHANGE) != 0;
    change_names(
        index, to.folder,
        {{from.folder, from.name, exchange ? to.target : 0}, {to.folder, to.name, from.target}});
}

void DiskModel::replay_write(std::size_t index) {
    const Record& record = records_[index];
    const Id file = by_inode(record);
    const std::uint64_t bytes = record.data.size();
    change_file(What::kExtend, index, file, record.offset + bytes);
    for (std::uint64_t at = 0; at < bytes;) {
        const std::uint64_t offset = record.offset + at;
        const std::uint64_t size = std::min(kPage - offset % kPage, bytes - at);
        change_file(What::kData, index, file, offset, at, size);
        at += size;
    }
}

void DiskModel::replay_sync(std::size_t index) {
    const Id object = by_inode(records_[index]);
    for (Effect& effect : effects_)
        if (effect.object == object) effect.durable = std::min(effect.durable, index);
}

void DiskModel::replay_one(std::size_t index) {
    const Record& record = records_[index];
    if (!record.done()) return;
    switch (record.kind) {
        case Kind::kOpen:
            return replay_open(index);
        case Kind::kMkdir: {
            const Place place = find(record.path);
            const Id folder = add_object(true, record.inode);
            return change_names(index, place.folder, {{place.folder, place.name, folder}});
        }
        case Kind::kWrite:
            return replay_write(index);
        case Kind::kAllocate:
            if ((record.flags & ~FALLOC_FL_KEEP_SIZE) != 0) refuse(record);
            if (record.flags != 0) return;
            return change_file(What::kExtend, index, by_inode(record),
                               record.offset + record.bytes);
        case Kind::kTruncate:
            return change_file(What::kResize, index, by_inode(record), record.offset);
        case Kind::kSync:
            return replay_sync(index);
        case Kind::kRename:
            return replay_rename(index);
        case Kind::kLink: {
            const Place place = find(record.path2);
            return change_names(index, place.folder,
                                {{place.folder, place.name, by_inode(record)}});
        }
        case Kind::kUnlink:
        case Kind::kRmdir: {
            const Place place = find(record.path);
            return change_names(index, place.folder, {{place.folder, place.name, 0}});
        }
        case Kind::kSymlink:
            refuse(record);
        case Kind::kSyncRange:
        case Kind::kClose:
        case Kind::kLook:
        case Kind::kMark:
            return;
    }
}

void DiskModel::replay(std::vector<Record> records) {
    if (!records_.empty()) throw std::runtime_error("a model replays once");
    records_ = std::move(records);
    for (std::size_t i = 0; i < records_.size(); ++i) replay_one(i);
}

std::vector<DiskModel::Undecided> DiskModel::undecided(std::size_t prefix) const {
    std::vector<Undecided> list;
    for (const Effect& effect : effects_)
        if (effect.record < prefix && effect.durable >= prefix)
            list.push_back({effect.record, effect.what == What::kData});
    return list;
}

void DiskModel::apply_data(const Effect& effect, std::uint8_t fate, bool garbage,
                           std::string& bytes) const {
    const char* data = records_[effect.record].data.data() + effect.begin;
    if (bytes.size() < effect.offset + effect.bytes) bytes.resize(effect.offset + effect.bytes);
    for (std::uint64_t at = 0; at < effect.bytes;) {
        const std::uint64_t offset = effect.offset + at;
        const std::uint64_t size = std::min(kSector - offset % kSector, effect.bytes - at);
        if ((fate >> (offset % kPage / kSector) & 1) != 0)
            std::memcpy(bytes.data() + offset, data + at, size);
        else if (garbage)
            std::memset(bytes.data() + offset, kGarbage, size);
        at += size;
    }
}

void DiskModel::apply(const Effect& effect, std::vector<Object>& objects,
                      std::vector<std::uint64_t>& sizes) {
    std::uint64_t& size = sizes[effect.object];
    if (effect.what == What::kExtend) {
        size = std::max(size, effect.offset);
    } else if (effect.what == What::kResize) {
        size = effect.offset;
        std::string& bytes = objects[effect.object].bytes;
        if (bytes.size() > size) bytes.resize(size);
    }
    for (const NameChange& change : effect.names) {
        if (change.target == 0)
            objects[change.folder].names.erase(change.name);
        else
            objects[change.folder].names[change.name] = change.target;
    }
}

void DiskModel::collect(const std::vector<Object>& objects, Id folder, const std::string& path,
                        Tree& tree) {
    if (std::count(path.begin(), path.end(), '/') > 16)
        throw std::runtime_error("a cycle: " + path);
    for (const auto& [name, id] : objects[folder].names) {
        const std::string below = path.empty() ? name : path + "/" + name;
        if (objects[id].is_folder) {
            tree.folders.push_back(below);
            collect(objects, id, below, tree);
        } else {
            tree.files[below] = objects[id].bytes;
        }
    }
}

Tree DiskModel::after(std::size_t prefix, const Fates& fates) const {
    std::vector<Object> objects = start_;
    std::vector<std::uint64_t> sizes;
    for (const Object& object : objects) sizes.push_back(object.bytes.size());
    std::size_t next = 0;
    for (const Effect& effect : effects_) {
        if (effect.record >= prefix) break;
        const bool durable = effect.durable < prefix;
        const std::uint8_t fate = durable ? std::uint8_t{kKept} : fates.of.at(next++);
        if (effect.what == What::kData)
            apply_data(effect, fate, fates.garbage, objects[effect.object].bytes);
        else if (fate != kLost)
            apply(effect, objects, sizes);
    }
    for (Id id = 1; id < objects.size(); ++id)
        if (!objects[id].is_folder) objects[id].bytes.resize(sizes[id]);
    Tree tree;
    collect(objects, 1, "", tree);
    std::sort(tree.folders.begin(), tree.folders.end());
    return tree;
}

}  // namespace r1::crash
