// SPDX-License-Identifier: Apache-2.0
// HDF5 files made to harm whoever opens them: those that point out of themselves, and the classes
// of the public CVE files. The only user of libhdf5 here.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace r1::crash {

struct HostileFile {
    std::string name;
    std::string bytes;
};

/// Links, storage and virtual datasets that lead to /etc/passwd and to other files, shapes of 2^62
/// elements, groups that contain themselves, nesting without end, unknown filters.
std::vector<HostileFile> files_that_lead_astray(const std::filesystem::path& scratch);
/// Both formats of HDF5 with one field at a time set to 0, to all ones or to its own address:
/// superblock, object headers (counts, sizes, continuations), B-trees, symbol tables, heaps; and
/// cut short in the superblock.
std::vector<HostileFile> files_of_known_classes(const std::filesystem::path& scratch);

}  // namespace r1::crash
