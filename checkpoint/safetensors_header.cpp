// SPDX-License-Identifier: Apache-2.0
// Every check that the header of a safetensors file must pass before anything in it is believed.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <unordered_set>

#include "checkpoint/manifest.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/safetensors_types.h"
#include "common/error.h"
#include "common/file.h"
#include "common/text.h"

namespace r1 {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kLengthBytes = 8;
constexpr std::uint64_t kLargestNumber = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kMostSides = 32;

[[noreturn]] void fail(const fs::path& file, const std::string& problem) {
    throw Error(ExitCode::kCheckpoint, "'" + printable(file.string()) +
                                           "' is no good safetensors file: " + problem +
                                           "; export or download it again");
}

// A tensor as the header gives it.
struct Described {
    SafetensorsTensor tensor;
    std::uint64_t end = 0;
};

/// Takes the header in as it is parsed. Nothing but what the format allows is ever stored, so that
/// neither depth nor foreign values cost memory.
class HeaderReader final : public nlohmann::json::json_sax_t {
  public:
    explicit HeaderReader(const fs::path& file) : file_(file) {}

    std::map<std::string, std::string> metadata;
    std::vector<Described> tensors;

    bool null() override { fail_value(); }
    bool boolean(bool) override { fail_value(); }
    bool number_integer(number_integer_t) override { fail_value(); }
    bool number_float(number_float_t, const string_t&) override { fail_value(); }
    bool binary(binary_t&) override { fail_value(); }
    bool number_unsigned(number_unsigned_t value) override {
        if (place_ == Place::kShape && value <= kLargestNumber && sides().size() < kMostSides)
            sides().push_back(static_cast<std::int64_t>(value));
        else if (place_ == Place::kOffsets && offsets_.size() < 2)
            offsets_.push_back(value);
        else
            fail_value();
        return true;
    }
    bool string(string_t& value) override {
        if (place_ == Place::kMetadata)
            metadata[key_] = value;
        else if (place_ == Place::kTensor && key_ == "dtype")
            take_type(value);
        else
            fail_value();
        return true;
    }
    bool start_object(std::size_t) override {
        if (place_ == Place::kOutside)
            place_ = Place::kHeader;
        else if (place_ == Place::kHeader && key_ == kSafetensorsMetadata)
            place_ = Place::kMetadata;
        else if (place_ == Place::kHeader)
            begin_tensor();
        else
            fail_value();
        return true;
    }
    bool key(string_t& name) override {
        key_ = name;
        const bool is_new =
            place_ == Place::kHeader ? names_.insert(name).second : keys_.insert(name).second;
        if (!is_new) fail("it has the key '" + printable(name) + "' twice");
        return true;
    }
    bool end_object() override {
        if (place_ == Place::kTensor) end_tensor();
        keys_.clear();
        place_ = place_ == Place::kHeader ? Place::kOutside : Place::kHeader;
        return true;
    }
    bool start_array(std::size_t) override {
        if (place_ == Place::kTensor && key_ == "shape")
            place_ = Place::kShape;
        else if (place_ == Place::kTensor && key_ == "data_offsets")
            place_ = Place::kOffsets;
        else
            fail_value();
        return true;
    }
    bool end_array() override {
        place_ = Place::kTensor;
        return true;
    }
    bool parse_error(std::size_t at, const std::string&,
                     const nlohmann::json::exception&) override {
        fail("its header is no JSON at byte " + std::to_string(at));
    }

  private:
    enum class Place { kOutside, kHeader, kMetadata, kTensor, kShape, kOffsets };

    [[noreturn]] void fail(const std::string& problem) const { r1::fail(file_, problem); }
    [[noreturn]] void fail_value() const {
        if (place_ == Place::kOutside) fail("its header is not an object");
        const std::string of =
            tensors.empty() || place_ == Place::kHeader || place_ == Place::kMetadata
                ? ""
                : " of tensor '" + printable(tensors.back().tensor.name) + "'";
        fail("'" + printable(key_) + "'" + of + " has a value that the format does not allow");
    }
    std::vector<std::int64_t>& sides() { return tensors.back().tensor.shape; }

    void begin_tensor() {
        tensors.emplace_back().tensor.name = key_;
        offsets_.clear();
        place_ = Place::kTensor;
    }
    void take_type(const std::string& name) {
        for (const auto& [type, known] : kSafetensorsTypes)
            if (name == known) {
                tensors.back().tensor.type = type;
                return;
            }
        fail("tensor '" + printable(tensors.back().tensor.name) + "' has the type '" +
             printable(name) + "', which r1ctl does not read");
    }
    void end_tensor() {
        Described& one = tensors.back();
        const std::string name = "tensor '" + printable(one.tensor.name) + "'";
        if (keys_ != std::set<std::string>{"data_offsets", "dtype", "shape"})
            fail(name + " does not have just 'dtype', 'shape' and 'data_offsets'");
        if (offsets_.size() != 2 || offsets_[0] > offsets_[1])
            fail(name + " has 'data_offsets' that are not a beginning and an end");
        one.tensor.begin = offsets_[0];
        one.end = offsets_[1];
        const auto bytes = checked_bytes(one.tensor.type, one.tensor.shape);
        if (!bytes) fail(name + " has an impossible shape");
        if (*bytes != one.end - one.tensor.begin)
            fail(name + " has " + std::to_string(one.end - one.tensor.begin) +
                 " bytes and its shape needs " + std::to_string(*bytes));
    }

    const fs::path& file_;
    Place place_ = Place::kOutside;
    std::string key_;
    std::unordered_set<std::string> names_;  // of tensors
    std::set<std::string> keys_;             // of the object inside the header
    std::vector<std::uint64_t> offsets_;
};

void check_cover(const fs::path& file, std::vector<Described>& tensors, std::uint64_t bytes) {
    std::sort(tensors.begin(), tensors.end(), [](const Described& a, const Described& b) {
        return std::pair(a.tensor.begin, a.end) < std::pair(b.tensor.begin, b.end);
    });
    std::uint64_t end = 0;
    for (const Described& one : tensors) {
        if (one.tensor.begin != end)
            fail(file, "tensor '" + printable(one.tensor.name) + "' begins at byte " +
                           std::to_string(one.tensor.begin) + ", the one before ends at " +
                           std::to_string(end));
        end = one.end;
    }
    if (end != bytes)
        fail(file, "its tensors have " + std::to_string(end) + " bytes and the file has " +
                       std::to_string(bytes) + " for them");
}

FileDescriptor open_regular(const fs::path& file, std::uint64_t& bytes) {
    FileDescriptor fd = open_file(file, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) throw_system_error("read", file.string());
    if (!S_ISREG(status.st_mode)) fail(file, "it is not a regular file");
    bytes = static_cast<std::uint64_t>(status.st_size);
    return fd;
}

}  // namespace

SafetensorsHeader read_safetensors_header(const fs::path& file) {
    std::uint64_t size = 0;
    const FileDescriptor fd = open_regular(file, size);
    if (size < kLengthBytes) fail(file, "it ends before its header");
    unsigned char digits[kLengthBytes];
    read_exactly(fd.get(), digits, kLengthBytes, 0, file);
    std::uint64_t length = 0;
    for (std::size_t i = kLengthBytes; i-- > 0;) length = length << 8 | digits[i];
    if (length > kLargestSafetensorsHeader) fail(file, "its header is longer than 100 MB");
    if (length > size - kLengthBytes) fail(file, "its header is longer than the file");
    std::string text(length, '\0');
    read_exactly(fd.get(), text.data(), length, kLengthBytes, file);
    if (!text.starts_with('{')) fail(file, "its header does not begin with '{'");
    // The parser would take it for the end.
    if (text.find('\0') != std::string::npos) fail(file, "its header has a byte of value 0");
    HeaderReader reader(file);
    nlohmann::json::sax_parse(text, &reader);
    check_cover(file, reader.tensors, size - kLengthBytes - length);
    SafetensorsHeader header;
    header.metadata = std::move(reader.metadata);
    header.data_offset = kLengthBytes + length;
    for (Described& one : reader.tensors) header.tensors.push_back(std::move(one.tensor));
    return header;
}

}  // namespace r1
