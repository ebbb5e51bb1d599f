// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/safetensors.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "checkpoint/safetensors_types.h"
#include "checkpoint/tensor_parts.h"
#include "common/bfloat16.h"
#include "common/error.h"
#include "common/file.h"
#include "common/text.h"

namespace r1 {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kAlignment = 8;

bool is_float(TensorType type) {
    return type == TensorType::kFloat32 || type == TensorType::kFloat64 ||
           type == TensorType::kBfloat16;
}

template <class From, class To, class Convert>
void convert_all(const char* data, std::uint64_t bytes, std::string& out, Convert convert) {
    out.resize(bytes / sizeof(From) * sizeof(To));
    char* to = out.data();
    for (const char* end = data + bytes; data < end; data += sizeof(From), to += sizeof(To)) {
        From value;
        std::memcpy(&value, data, sizeof value);
        const To converted = convert(value);
        std::memcpy(to, &converted, sizeof converted);
    }
}

void convert(TensorType from, TensorType to, const char* data, std::uint64_t bytes,
             std::string& out) {
    const bool wide = to == TensorType::kFloat32;
    if (from == to)
        out.assign(data, bytes);
    else if (from == TensorType::kBfloat16)
        convert_all<std::uint16_t, float>(data, bytes, out, from_bfloat16);
    else if (from == TensorType::kFloat32)
        convert_all<float, std::uint16_t>(data, bytes, out, [](float v) { return to_bfloat16(v); });
    else if (wide)
        convert_all<double, float>(data, bytes, out,
                                   [](double v) { return static_cast<float>(v); });
    else
        convert_all<double, std::uint16_t>(data, bytes, out,
                                           [](double v) { return to_bfloat16(v); });
}

// A tensor on its way.
struct Planned {
    const TensorEntry* from = nullptr;
    SafetensorsTensor to;
};

// The widest values first, so that each tensor is aligned to its own.
std::vector<Planned> plan(const Manifest& manifest, const ExportOptions& options) {
    std::vector<Planned> list;
    for (const TensorEntry& tensor : manifest.tensors) {
        if (!tensor.name.starts_with(options.prefix) || tensor.name == options.prefix) continue;
        Planned one{&tensor, {}};
        static_cast<TensorInfo&>(one.to) = tensor;
        one.to.name = tensor.name.substr(options.prefix.size());
        if (options.float_type && is_float(tensor.type)) one.to.type = *options.float_type;
        if (one.to.name == kSafetensorsMetadata)
            throw Error(ExitCode::kCheckpoint,
                        "a safetensors file cannot hold a tensor named '" + one.to.name + "'");
        list.push_back(std::move(one));
    }
    std::sort(list.begin(), list.end(), [](const Planned& a, const Planned& b) {
        const auto key = [](const Planned& p) {
            return std::tuple(-static_cast<int>(bytes_of(p.to.type)), std::string_view(p.to.name));
        };
        return key(a) < key(b);
    });
    std::uint64_t end = 0;
    for (Planned& one : list) {
        one.to.begin = end;
        end += one.to.bytes();
    }
    return list;
}

void throw_if_exists(const fs::path& to, bool replace) {
    std::error_code error;
    const fs::file_status status = fs::symlink_status(to, error);
    if (!fs::exists(status)) return;
    if (fs::is_directory(status))
        throw Error(ExitCode::kUsage, "'" + to.string() + "' is a folder; name a file in it");
    if (!replace)
        throw Error(ExitCode::kUsage, "'" + to.string() + "' exists; --force replaces it");
}

/// A file that has its name only once it is complete and synced.
class PendingFile {
  public:
    explicit PendingFile(const fs::path& to)
        : to_(to),
          folder_(to.has_parent_path() ? to.parent_path() : fs::path(".")),
          path_(folder_ / ("." + to.filename().string() + ".tmp-" + std::to_string(::getpid()))) {
        ::unlink(path_.c_str());  // a killed process had the same number
        fd_ = open_file(path_, O_WRONLY | O_CREAT | O_EXCL);
    }
    PendingFile(const PendingFile&) = delete;
    PendingFile& operator=(const PendingFile&) = delete;
    ~PendingFile() {
        if (!done_) ::unlink(path_.c_str());
    }

    /// A disk without room says so before the work.
    void reserve(std::uint64_t bytes) {
        if (bytes == 0 || ::fallocate(fd_.get(), 0, 0, static_cast<off_t>(bytes)) == 0) return;
        if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)
            throw_system_error("reserve " + std::to_string(bytes) + " bytes for", to_.string());
    }
    void write(std::string_view bytes) { write_all(fd_.get(), bytes, path_); }
    void commit(bool replace) {
        sync_file(fd_.get(), path_);
        const unsigned flags = replace ? 0 : RENAME_NOREPLACE;
        if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, to_.c_str(), flags) != 0) {
            const bool unknown = errno == EINVAL || errno == ENOSYS || errno == ENOTSUP;
            if (errno == EEXIST || unknown) throw_if_exists(to_, replace);
            if (!unknown || ::rename(path_.c_str(), to_.c_str()) != 0)
                throw_system_error("rename to", to_.string());
        }
        done_ = true;
        sync_folder(folder_);
    }

  private:
    fs::path to_;
    fs::path folder_;
    fs::path path_;
    FileDescriptor fd_{-1};
    bool done_ = false;
};

[[noreturn]] void throw_nothing_under(const Manifest& manifest, const std::string& prefix) {
    std::string first = manifest.tensors.empty() ? "" : manifest.tensors.front().name;
    throw Error(ExitCode::kUsage,
                "no tensor of step " + std::to_string(manifest.step) + " is under '" +
                    printable(prefix) + "'" +
                    (first.empty() ? "" : "; its first is '" + printable(first) + "'"));
}

}  // namespace

std::string encode_safetensors_header(const std::map<std::string, std::string>& metadata,
                                      const std::vector<SafetensorsTensor>& tensors) {
    const auto name_of = [](TensorType type) {
        for (const auto& [known, name] : kSafetensorsTypes)
            if (known == type) return name;
        return "U8";
    };
    // Piece by piece: an object of a hundred thousand keys would look each key up in a list.
    std::string text =
        "{\"" + std::string(kSafetensorsMetadata) + "\":" + nlohmann::json(metadata).dump();
    for (const SafetensorsTensor& tensor : tensors) {
        const nlohmann::json value = {
            {"dtype", name_of(tensor.type)},
            {"shape", tensor.shape},
            {"data_offsets", {tensor.begin, tensor.begin + tensor.bytes()}}};
        text += "," + nlohmann::json(tensor.name).dump() + ":" + value.dump();
    }
    text += "}";
    text.append((kAlignment - text.size() % kAlignment) % kAlignment, ' ');
    if (text.size() > kLargestSafetensorsHeader)
        throw Error(ExitCode::kCheckpoint,
                    "the names and shapes need more than the 100 MB that a safetensors header may "
                    "have; export fewer tensors with --prefix");
    std::string length;
    for (std::uint64_t rest = text.size(); length.size() < 8; rest >>= 8)
        length.push_back(static_cast<char>(rest & 0xFFu));
    return length + text;
}

std::uint64_t export_bytes(const Manifest& manifest, const std::string& prefix) {
    std::uint64_t bytes = 0;
    for (const TensorEntry& tensor : manifest.tensors)
        if (tensor.name.starts_with(prefix)) bytes += tensor.bytes();
    return bytes;
}

SafetensorsHeader export_safetensors(const fs::path& checkpoint, const Manifest& manifest,
                                     const fs::path& to, const ExportOptions& options) {
    const std::vector<Planned> list = plan(manifest, options);
    if (list.empty()) throw_nothing_under(manifest, options.prefix);
    throw_if_exists(to, options.replace);
    SafetensorsHeader header;
    header.metadata = {
        {"format", "pt"}, {"run", manifest.run_id}, {"step", std::to_string(manifest.step)}};
    for (const Planned& one : list) header.tensors.push_back(one.to);
    const std::string head = encode_safetensors_header(header.metadata, header.tensors);
    header.data_offset = head.size();
    const SafetensorsTensor& last = header.tensors.back();
    PendingFile file(to);
    file.reserve(head.size() + last.begin + last.bytes());
    file.write(head);
    TensorReader reader(checkpoint, manifest);
    std::string converted;
    std::uint64_t done = 0;
    for (const Planned& one : list)
        for_each_part(reader, manifest, *one.from,
                      [&](std::uint64_t, const char* data, std::uint64_t bytes) {
                          convert(one.from->type, one.to.type, data, bytes, converted);
                          file.write(converted);
                          done += bytes;
                          if (options.read_so_far) options.read_so_far(done);
                      });
    file.commit(options.replace);
    return header;
}

}  // namespace r1
