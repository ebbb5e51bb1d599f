// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/hostile/hdf5_files.h"

#include <hdf5.h>

#include <array>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <string_view>

#include "common/file.h"

namespace r1::crash {
namespace {

namespace fs = std::filesystem;

constexpr hsize_t kBomb = hsize_t{1} << 62;

hid_t check(hid_t result) {
    if (result < 0) throw std::runtime_error("libhdf5 failed in the generator");
    return result;
}

hid_t create(const fs::path& path, bool new_format) {
    const hid_t access = check(H5Pcreate(H5P_FILE_ACCESS));
    if (new_format) check(H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110));
    const hid_t file = check(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access));
    H5Pclose(access);
    return file;
}

void add_dataset(hid_t file, const char* name, const std::vector<hsize_t>& shape, hid_t list) {
    const hid_t space =
        check(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr));
    const hid_t set =
        check(H5Dcreate2(file, name, H5T_STD_U8LE, space, H5P_DEFAULT, list, H5P_DEFAULT));
    H5Dclose(set);
    H5Sclose(space);
}

void add_external_storage(hid_t file) {
    const hid_t list = check(H5Pcreate(H5P_DATASET_CREATE));
    check(H5Pset_external(list, "/etc/passwd", 0, 64));
    add_dataset(file, "outside", {64}, list);
    H5Pclose(list);
}

void add_virtual(hid_t file) {
    const hid_t list = check(H5Pcreate(H5P_DATASET_CREATE));
    const hsize_t side = 64;
    const hid_t space = check(H5Screate_simple(1, &side, nullptr));
    check(H5Pset_virtual(list, space, "/etc/passwd", "/x", space));
    add_dataset(file, "virtual", {side}, list);
    H5Sclose(space);
    H5Pclose(list);
}

void add_chunked(hid_t file, const char* name, hsize_t side, H5Z_filter_t filter) {
    const hid_t list = check(H5Pcreate(H5P_DATASET_CREATE));
    const hsize_t chunk = 16;
    check(H5Pset_chunk(list, 1, &chunk));
    if (filter != 0) check(H5Pset_filter(list, filter, H5Z_FLAG_OPTIONAL, 0, nullptr));
    add_dataset(file, name, {side}, list);
    H5Pclose(list);
}

void add_group(hid_t file, const std::string& path) {
    const hid_t links = check(H5Pcreate(H5P_LINK_CREATE));
    check(H5Pset_create_intermediate_group(links, 1));
    H5Gclose(check(H5Gcreate2(file, path.c_str(), links, H5P_DEFAULT, H5P_DEFAULT)));
    H5Pclose(links);
}

void add_cycles(hid_t file) {
    add_group(file, "a/b");
    check(H5Lcreate_hard(file, "/", file, "/a/b/root", H5P_DEFAULT, H5P_DEFAULT));
    check(H5Lcreate_hard(file, "/a", file, "/a/self", H5P_DEFAULT, H5P_DEFAULT));
    check(H5Lcreate_soft("/loop", file, "/loop", H5P_DEFAULT, H5P_DEFAULT));
}

void add_depth(hid_t file) {
    std::string path = "d";
    for (int i = 0; i < 1000; ++i) path += "/d";
    add_group(file, path);
}

/// A file with a bit of everything whose structure can be harmed.
void add_everything(hid_t file) {
    add_dataset(file, "plain", {100}, H5P_DEFAULT);
    add_chunked(file, "chunked", 64, H5Z_FILTER_NONE);
    const hid_t chunked = check(H5Dopen2(file, "chunked", H5P_DEFAULT));
    const std::array<std::uint8_t, 64> values{1, 2, 3};
    check(H5Dwrite(chunked, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()));
    H5Dclose(chunked);
    for (int i = 0; i < 40; ++i) add_group(file, "groups/g" + std::to_string(i));
    const hid_t text = check(H5Tcopy(H5T_C_S1));
    check(H5Tset_size(text, H5T_VARIABLE));
    const hid_t scalar = check(H5Screate(H5S_SCALAR));
    for (int i = 0; i < 12; ++i) {
        const hid_t attribute = check(H5Acreate2(file, ("a" + std::to_string(i)).c_str(), text,
                                                 scalar, H5P_DEFAULT, H5P_DEFAULT));
        const char* value = "a value in the global heap";
        check(H5Awrite(attribute, text, &value));
        H5Aclose(attribute);
    }
    H5Sclose(scalar);
    H5Tclose(text);
}

std::string bytes_of(const fs::path& scratch, bool new_format,
                     const std::function<void(hid_t)>& fill) {
    const hid_t file = create(scratch, new_format);
    fill(file);
    check(H5Fclose(file));
    return read_file(scratch);
}

/// What a field becomes.
struct Pattern {
    const char* name;
    std::function<std::string(std::size_t at, std::size_t size)> bytes;
};
const std::vector<Pattern>& patterns() {
    static const std::vector<Pattern> all = {
        {"zeros", [](std::size_t, std::size_t size) { return std::string(size, '\0'); }},
        {"ones", [](std::size_t, std::size_t size) { return std::string(size, '\xff'); }},
        {"its own address",
         [](std::size_t at, std::size_t size) {
             std::string bytes(size, '\0');
             std::memcpy(bytes.data(), &at, std::min(size, sizeof at));
             return bytes;
         }},
    };
    return all;
}

/// One variant for each pattern, with the field at `at` replaced; `about` is what points to itself.
void add_variants(const std::string& good, const std::string& name, std::size_t at,
                  std::size_t size, std::size_t about, std::vector<HostileFile>& files) {
    if (at + size > good.size()) return;
    for (const Pattern& pattern : patterns()) {
        std::string bad = good;
        bad.replace(at, size, pattern.bytes(about, size));
        if (bad != good) files.push_back({name + " = " + pattern.name, std::move(bad)});
    }
}

// Structures that begin with four letters: what follows is version, type, counts, addresses.
void harm_signatures(const std::string& good, const std::string& format,
                     std::vector<HostileFile>& files) {
    constexpr std::size_t kMost = 4;  // of one kind in one file
    for (const char* signature : {"TREE", "SNOD", "HEAP", "GCOL", "OHDR", "OCHK", "FRHP", "FHDB",
                                  "FHIB", "BTHD", "BTLF", "BTIN", "FSHD", "FADB", "FAHD", "EAHD"}) {
        std::size_t at = good.find(signature);
        for (std::size_t n = 0; n < kMost && at != std::string::npos; ++n) {
            const std::string name = format + " " + signature + " at " + std::to_string(at);
            add_variants(good, name + ", counts", at + 4, 4, at, files);
            add_variants(good, name + ", first address", at + 8, 8, at, files);
            add_variants(good, name + ", second address", at + 16, 8, at, files);
            at = good.find(signature, at + 1);
        }
    }
}

void harm_superblock(const std::string& good, const std::string& format,
                     std::vector<HostileFile>& files) {
    for (std::size_t at = 0; at < 96; at += 4)
        add_variants(good, format + " superblock at " + std::to_string(at), at, 4, 0, files);
    for (const std::size_t size : {0, 1, 7, 8, 9, 12, 24, 47, 48, 56, 95, 96, 200})
        files.push_back({format + " cut to " + std::to_string(size), good.substr(0, size)});
}

// Version 1 object headers have no signature: libhdf5 tells where they are.
void harm_object_headers(const fs::path& scratch, const std::string& good,
                         std::vector<HostileFile>& files) {
    write_file_durably(scratch, good);
    const hid_t file = check(H5Fopen(scratch.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT));
    for (const char* object : {"/", "/plain", "/chunked", "/groups"}) {
        H5O_info_t info{};
        check(H5Oget_info_by_name2(file, object, &info, H5O_INFO_BASIC, H5P_DEFAULT));
        const auto at = static_cast<std::size_t>(info.addr);
        const std::string name = std::string("object header of ") + object;
        add_variants(good, name + ", version", at, 1, at, files);
        add_variants(good, name + ", number of messages", at + 2, 2, at, files);
        add_variants(good, name + ", references", at + 4, 4, at, files);
        add_variants(good, name + ", size", at + 8, 4, at, files);
        // The messages: type, size, flags, and what is in them.
        for (std::size_t message = at + 16; message < at + 96; message += 8) {
            add_variants(good, name + ", message at " + std::to_string(message), message, 4, at,
                         files);
            std::string continued = good;  // a continuation of the header that is the header itself
            const std::uint64_t length = 256;
            if (message + 24 > good.size()) break;
            continued.replace(message, 8, std::string("\x10\x00\x10\x00\x00\x00\x00\x00", 8));
            std::memcpy(continued.data() + message + 8, &at, 8);
            std::memcpy(continued.data() + message + 16, &length, 8);
            files.push_back({name + ", continued in itself at " + std::to_string(message),
                             std::move(continued)});
        }
    }
    H5Fclose(file);
}

}  // namespace

std::vector<HostileFile> files_that_lead_astray(const fs::path& scratch) {
    const std::vector<std::pair<const char*, std::function<void(hid_t)>>> makers = {
        {"external link to /etc/passwd",
         [](hid_t f) {
             check(H5Lcreate_external("/etc/passwd", "/x", f, "out", H5P_DEFAULT, H5P_DEFAULT));
         }},
        {"external link to another file",
         [](hid_t f) {
             check(H5Lcreate_external("../../other.h5", "/x", f, "out", H5P_DEFAULT, H5P_DEFAULT));
         }},
        {"soft link to /etc/passwd",
         [](hid_t f) { check(H5Lcreate_soft("/etc/passwd", f, "out", H5P_DEFAULT, H5P_DEFAULT)); }},
        {"external storage", add_external_storage},
        {"virtual dataset", add_virtual},
        {"contiguous shape bomb", [](hid_t f) { add_dataset(f, "bomb", {kBomb}, H5P_DEFAULT); }},
        {"chunked shape bomb", [](hid_t f) { add_chunked(f, "bomb", kBomb, H5Z_FILTER_NONE); }},
        {"unknown filter", [](hid_t f) { add_chunked(f, "filtered", 64, 32000); }},
        {"cyclic groups", add_cycles},
        {"a thousand groups in each other", add_depth},
    };
    std::vector<HostileFile> files;
    for (const bool new_format : {false, true})
        for (const auto& [name, fill] : makers)
            files.push_back({std::string(name) + (new_format ? ", new format" : ", old format"),
                             bytes_of(scratch, new_format, fill)});
    return files;
}

std::vector<HostileFile> files_of_known_classes(const fs::path& scratch) {
    const std::string old_one = bytes_of(scratch, false, add_everything);
    const std::string new_one = bytes_of(scratch, true, add_everything);
    std::vector<HostileFile> files;
    harm_superblock(old_one, "old", files);
    harm_superblock(new_one, "new", files);
    harm_signatures(old_one, "old", files);
    harm_signatures(new_one, "new", files);
    harm_object_headers(scratch, old_one, files);
    return files;
}

}  // namespace r1::crash
