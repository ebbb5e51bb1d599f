// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/shim/operation_log.h"

#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <system_error>

namespace r1::shim {

std::vector<Record> read_log(const std::filesystem::path& log) {
    std::ifstream stream(log, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
    std::vector<Record> records;
    std::size_t at = 0;
    const auto take = [&](std::size_t size) {
        if (size > bytes.size() - at) throw std::runtime_error("the log is torn: " + log.string());
        at += size;
        return bytes.data() + at - size;
    };
    while (at < bytes.size()) {
        Record record;
        RecordHead& head = record;
        std::memcpy(&head, take(sizeof head), sizeof head);
        record.path.assign(take(head.path_bytes), head.path_bytes);
        record.path2.assign(take(head.path2_bytes), head.path2_bytes);
        record.data.assign(take(head.data_bytes), head.data_bytes);
        records.push_back(std::move(record));
    }
    return records;
}

const char* to_string(Kind kind) {
    switch (kind) {
        case Kind::kOpen:
            return "open";
        case Kind::kMkdir:
            return "mkdir";
        case Kind::kWrite:
            return "write";
        case Kind::kAllocate:
            return "fallocate";
        case Kind::kTruncate:
            return "ftruncate";
        case Kind::kSync:
            return "fsync";
        case Kind::kSyncRange:
            return "sync_file_range";
        case Kind::kRename:
            return "rename";
        case Kind::kLink:
            return "link";
        case Kind::kSymlink:
            return "symlink";
        case Kind::kUnlink:
            return "unlink";
        case Kind::kRmdir:
            return "rmdir";
        case Kind::kClose:
            return "close";
        case Kind::kLook:
            return "look";
        case Kind::kMark:
            break;
    }
    return "mark";
}

std::string describe(const Record& record) {
    std::string text = std::to_string(record.number) + " " + to_string(record.kind) + " " +
                       record.path + (record.path2.empty() ? "" : " " + record.path2);
    if (!record.done()) text += ": " + std::generic_category().message(record.error);
    return text;
}

}  // namespace r1::shim
