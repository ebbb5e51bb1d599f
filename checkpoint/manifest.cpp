// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/manifest.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "checkpoint/hash.h"
#include "common/error.h"
#include "common/json.h"
#include "common/text.h"

namespace r1 {
namespace {

constexpr std::string_view kHashLine = "xxh3-128 ";
constexpr std::size_t kHashDigits = 32;
constexpr std::uint64_t kLargestFile = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kLongestName = 1024;

// One object of the manifest, with the words to say what is wrong with it.
class Reader {
  public:
    Reader(const Json& object, std::string where, const std::string& origin)
        : object_(object), where_(std::move(where)), origin_(origin) {
        if (!object_.is_object()) fail("is not an object");
    }

    [[noreturn]] void fail(const std::string& problem) const {
        throw_bad_checkpoint(origin_, where_ + " " + problem);
    }
    const Json& value(const char* key) const {
        const auto found = object_.find(key);
        if (found == object_.end()) fail(std::string("has no '") + key + "'");
        return *found;
    }
    std::string text(const char* key) const {
        const Json& v = value(key);
        if (!v.is_string()) fail(std::string("has a '") + key + "' that is no text");
        return v.get<std::string>();
    }
    bool flag(const char* key) const {
        const Json& v = value(key);
        if (!v.is_boolean()) fail(std::string("has a '") + key + "' that is not true or false");
        return v.get<bool>();
    }
    std::uint64_t number(const char* key) const { return number(value(key), key); }
    std::uint64_t number(const Json& v, const char* key) const {
        if (!v.is_number_unsigned() || v.get<std::uint64_t>() > kLargestFile)
            fail(std::string("has a '") + key + "' that is not a number from 0 to 2^63-1");
        return v.get<std::uint64_t>();
    }
    const Json& list(const char* key) const {
        const Json& v = value(key);
        if (!v.is_array()) fail(std::string("has a '") + key + "' that is no list");
        return v;
    }
    std::string hash(const char* key) const {
        std::string digits = text(key);
        if (digits.size() != kHashDigits ||
            digits.find_first_not_of("0123456789abcdef") != std::string::npos)
            fail(std::string("has a '") + key + "' that is not 32 hex digits");
        return digits;
    }

  private:
    const Json& object_;
    std::string where_;
    const std::string& origin_;
};

bool is_file_name(std::string_view name) {
    return !name.empty() && name.size() <= 255 && name != "." && name != ".." &&
           name.find_first_of(std::string_view("/\0", 2)) == std::string_view::npos;
}

TensorType read_type(const Reader& tensor) {
    const std::string name = tensor.text("type");
    for (const TensorType type : {TensorType::kFloat32, TensorType::kFloat64, TensorType::kInt32,
                                  TensorType::kInt64, TensorType::kUint8})
        if (name == to_string(type)) return type;
    tensor.fail("has the unknown type '" + printable(name) + "'");
}

FileEntry read_file_entry(const Reader& reader) {
    FileEntry file{reader.text("name"), reader.number("bytes"), reader.hash("rest_xxh3_128")};
    if (!is_file_name(file.name)) reader.fail("has a name that is no file name");
    return file;
}

TensorEntry read_tensor_entry(const Json& value, const Manifest& manifest,
                              const std::string& origin) {
    const std::string name = Reader(value, "a tensor", origin).text("name");
    const Reader reader(value, "tensor '" + printable(name.substr(0, kLongestName)) + "'", origin);
    if (!is_tensor_name(name)) reader.fail("has a name that is no tensor name");
    TensorEntry entry;
    entry.name = name;
    entry.type = read_type(reader);
    for (const Json& side : reader.list("shape"))
        entry.shape.push_back(static_cast<std::int64_t>(reader.number(side, "shape")));
    entry.file = reader.text("file");
    entry.offset = reader.number("offset");
    entry.bytes = reader.number("bytes");
    entry.xxh3_128 = reader.hash("xxh3_128");

    const std::optional<std::uint64_t> bytes = checked_bytes(entry.type, entry.shape);
    if (!bytes) reader.fail("has an impossible shape");
    if (*bytes != entry.bytes) reader.fail("has a shape that does not fit its bytes");
    const auto file = std::find_if(manifest.files.begin(), manifest.files.end(),
                                   [&](const FileEntry& f) { return f.name == entry.file; });
    if (file == manifest.files.end()) reader.fail("lies in a file that is not listed");
    if (entry.offset > file->bytes || entry.bytes > file->bytes - entry.offset)
        reader.fail("lies beyond the end of '" + file->name + "'");
    return entry;
}

void check_no_overlap(const Manifest& manifest, const std::string& origin) {
    for (const FileEntry& file : manifest.files) {
        std::uint64_t end = 0;
        for (const TensorEntry* tensor : tensors_by_offset(manifest, file.name)) {
            if (tensor->offset < end)
                throw_bad_checkpoint(origin, "tensor '" + tensor->name + "' overlaps another");
            end = tensor->offset + tensor->bytes;
        }
    }
}

// The text above the hash line, when the hash is right.
std::string_view checked_body(std::string_view text, const std::string& origin) {
    const std::size_t line = kHashLine.size() + kHashDigits + 1;
    if (text.size() < line || text.back() != '\n' ||
        text.substr(text.size() - line, kHashLine.size()) != kHashLine)
        throw_bad_checkpoint(origin, "it does not end in its hash: it is torn or damaged");
    const std::string_view body = text.substr(0, text.size() - line);
    if (hash_hex(body) != text.substr(text.size() - kHashDigits - 1, kHashDigits))
        throw_bad_checkpoint(origin, "its own hash is wrong: it is damaged");
    return body;
}

Json parse_body(std::string_view body, const std::string& origin) {
    try {
        return parse_json_object(body, origin);
    } catch (const Error& e) {
        throw_bad_checkpoint(origin, e.what());
    }
}

}  // namespace

bool is_tensor_name(std::string_view name) {
    if (name.empty() || name.size() > kLongestName || find_invalid_utf8(name) ||
        name.find('\0') != std::string_view::npos)
        return false;
    while (true) {
        const std::size_t slash = name.find('/');
        const std::string_view part = name.substr(0, slash);
        if (part.empty() || part == "." || part == "..") return false;
        if (slash == std::string_view::npos) return true;
        name.remove_prefix(slash + 1);
    }
}

std::vector<const TensorEntry*> tensors_by_offset(const Manifest& manifest,
                                                  const std::string& file) {
    std::vector<const TensorEntry*> list;
    for (const TensorEntry& tensor : manifest.tensors)
        if (tensor.file == file && tensor.bytes > 0) list.push_back(&tensor);
    std::sort(list.begin(), list.end(),
              [](const TensorEntry* a, const TensorEntry* b) { return a->offset < b->offset; });
    return list;
}

std::string encode_manifest(const Manifest& manifest) {
    Json files = Json::array();
    for (const FileEntry& file : manifest.files)
        files.push_back(
            {{"name", file.name}, {"bytes", file.bytes}, {"rest_xxh3_128", file.rest_xxh3_128}});
    Json tensors = Json::array();
    for (const TensorEntry& tensor : manifest.tensors)
        tensors.push_back({{"name", tensor.name},
                           {"type", to_string(tensor.type)},
                           {"shape", tensor.shape},
                           {"file", tensor.file},
                           {"offset", tensor.offset},
                           {"bytes", tensor.bytes},
                           {"xxh3_128", tensor.xxh3_128}});
    const Json record = {{"format_major", kFormatMajor},      {"format_minor", kFormatMinor},
                         {"run_id", manifest.run_id},         {"step", manifest.step},
                         {"written_at", manifest.written_at}, {"keep", manifest.keep},
                         {"state", manifest.state},           {"files", std::move(files)},
                         {"tensors", std::move(tensors)}};
    std::string text;
    try {
        text = record.dump(1) + "\n";
    } catch (const Json::exception& e) {
        throw Error(ExitCode::kCheckpoint,
                    std::string("cannot write the manifest of a checkpoint: ") + e.what());
    }
    return text + std::string(kHashLine) + hash_hex(text) + "\n";
}

Manifest decode_manifest(std::string_view text, const std::string& origin) {
    const Json record = parse_body(checked_body(text, origin), origin);
    const Reader reader(record, "it", origin);
    const std::uint64_t major = reader.number("format_major");
    if (major != kFormatMajor)
        reader.fail("has format " + std::to_string(major) + " and this r1ctl reads format " +
                    std::to_string(kFormatMajor) + ": read it with the r1ctl that wrote it");
    Manifest manifest;
    manifest.run_id = reader.text("run_id");
    manifest.step = static_cast<std::int64_t>(reader.number("step"));
    manifest.written_at = reader.text("written_at");
    manifest.keep = reader.flag("keep");
    manifest.state = reader.text("state");
    std::set<std::string> names;
    for (const Json& value : reader.list("files")) {
        manifest.files.push_back(read_file_entry(Reader(value, "a file", origin)));
        if (!names.insert(manifest.files.back().name).second)
            reader.fail("lists the file '" + printable(manifest.files.back().name) + "' twice");
    }
    names.clear();
    for (const Json& value : reader.list("tensors")) {
        manifest.tensors.push_back(read_tensor_entry(value, manifest, origin));
        if (!names.insert(manifest.tensors.back().name).second)
            reader.fail("lists the tensor '" + printable(manifest.tensors.back().name) + "' twice");
    }
    check_no_overlap(manifest, origin);
    return manifest;
}

}  // namespace r1
