// SPDX-License-Identifier: Apache-2.0
// Every check that a manifest must pass before anything in it is believed.
#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <unordered_set>

#include "checkpoint/manifest.h"
#include "common/error.h"
#include "common/text.h"

namespace r1 {
namespace {

// Looks keys up in a tree: in the list of Json (common/json.h) a hostile object of a million keys
// would take hours.
using Parsed = nlohmann::json;

constexpr std::size_t kHashDigits = 32;
constexpr std::uint64_t kLargestFile = std::numeric_limits<std::int64_t>::max();
constexpr std::uint64_t kSmallestBlock = 4096;
constexpr std::uint64_t kLargestBlock = std::uint64_t{1} << 30;
constexpr std::uint64_t kWholeTensor = std::numeric_limits<std::uint64_t>::max();
constexpr std::size_t kLongestShownName = 1024;
constexpr std::uint64_t kFormatOfWholeTensors = 1;

// One object of the manifest, with the words to say what is wrong with it.
class Reader {
  public:
    Reader(const Parsed& object, std::string where, const std::string& origin)
        : object_(object), where_(std::move(where)), origin_(origin) {
        if (!object_.is_object()) fail("is not an object");
    }

    [[noreturn]] void fail(const std::string& problem) const {
        throw_bad_checkpoint(origin_, where_ + " " + problem);
    }
    const std::string& where() const { return where_; }
    const Parsed& value(const char* key) const {
        const auto found = object_.find(key);
        if (found == object_.end()) fail(std::string("has no '") + key + "'");
        return *found;
    }
    const std::string& text(const char* key) const {
        const Parsed& v = value(key);
        if (!v.is_string()) fail(std::string("has a '") + key + "' that is no text");
        return v.get_ref<const std::string&>();
    }
    bool flag(const char* key) const {
        const Parsed& v = value(key);
        if (!v.is_boolean()) fail(std::string("has a '") + key + "' that is not true or false");
        return v.get<bool>();
    }
    std::uint64_t number(const char* key) const { return number(value(key), key); }
    std::uint64_t number(const Parsed& v, const char* key) const {
        if (!v.is_number_unsigned() || v.get<std::uint64_t>() > kLargestFile)
            fail(std::string("has a '") + key + "' that is not a number from 0 to 2^63-1");
        return v.get<std::uint64_t>();
    }
    const Parsed& list(const char* key) const {
        const Parsed& v = value(key);
        if (!v.is_array()) fail(std::string("has a '") + key + "' that is no list");
        return v;
    }
    // `count` hashes, one after the other.
    std::vector<Hash128> hashes(const char* key, std::uint64_t count) const {
        const std::string_view digits = text(key);
        if (digits.size() % kHashDigits != 0 || digits.size() / kHashDigits != count)
            fail(std::string("has a '") + key + "' that is not " +
                 (count == 1 ? "" : std::to_string(count) + " times ") + "32 hex digits");
        std::vector<Hash128> hashes;
        hashes.reserve(count);
        for (std::size_t at = 0; at < digits.size(); at += kHashDigits) {
            const auto hash = parse_hex(digits.substr(at, kHashDigits));
            if (!hash) fail(std::string("has a '") + key + "' that is not hex digits");
            hashes.push_back(*hash);
        }
        return hashes;
    }

  private:
    const Parsed& object_;
    std::string where_;
    const std::string& origin_;
};

bool is_file_name(std::string_view name) {
    return !name.empty() && name.size() <= 255 && name != "." && name != ".." &&
           name.find_first_of(std::string_view("/\0", 2)) == std::string_view::npos;
}

/// Turns the record into a Manifest. One use.
class Decoder {
  public:
    Decoder(const Parsed& record, const std::string& origin)
        : reader_(record, "it", origin), origin_(origin) {}

    Manifest decode() {
        read_head();
        read_files();
        std::unordered_set<std::string> names;
        for (const Parsed& value : reader_.list("tensors")) {
            manifest_.tensors.push_back(read_tensor(value));
            const std::string& name = manifest_.tensors.back().name;
            if (!names.insert(name).second)
                reader_.fail("lists the tensor '" + printable(name) + "' twice");
        }
        check_no_overlap();
        return std::move(manifest_);
    }

  private:
    void read_head() {
        major_ = reader_.number("format_major");
        if (major_ > static_cast<std::uint64_t>(kFormatMajor) || major_ < 1)
            reader_.fail("has format " + std::to_string(major_) +
                         " and this r1ctl reads formats 1 to " + std::to_string(kFormatMajor) +
                         ": read it with the r1ctl that wrote it");
        manifest_.run_id = reader_.text("run_id");
        manifest_.step = static_cast<std::int64_t>(reader_.number("step"));
        manifest_.written_at = reader_.text("written_at");
        manifest_.keep = reader_.flag("keep");
        manifest_.state = reader_.text("state");
        if (major_ == kFormatOfWholeTensors) {
            manifest_.block_bytes = kWholeTensor;
            return;
        }
        const Parsed& metrics = reader_.value("metrics");
        if (!metrics.is_object()) reader_.fail("has a 'metrics' that is not an object");
        for (const auto& [name, value] : metrics.items()) {
            if (!value.is_number() || !std::isfinite(value.get<double>()))
                reader_.fail("has a metric '" + printable(name) + "' that is no finite number");
            manifest_.metrics[name] = value.get<double>();
        }
        manifest_.block_bytes = reader_.number("block_bytes");
        const std::uint64_t block = manifest_.block_bytes;
        if (block < kSmallestBlock || block > kLargestBlock || (block & (block - 1)) != 0)
            reader_.fail("has a 'block_bytes' that is no power of two from 4096 to 2^30");
    }

    void read_files() {
        std::uint64_t total = 0;
        for (const Parsed& value : reader_.list("files")) {
            const Reader file(value, "a file", origin_);
            const FileEntry entry{file.text("name"), file.number("bytes"),
                                  to_hex(file.hashes("rest_xxh3_128", 1).front())};
            if (!is_file_name(entry.name)) file.fail("has a name that is no file name");
            if (entry.bytes > kLargestFile - total)
                reader_.fail("has files of more than 2^63-1 bytes together");
            total += entry.bytes;
            if (!sizes_.emplace(entry.name, entry.bytes).second)
                reader_.fail("lists the file '" + printable(entry.name) + "' twice");
            manifest_.files.push_back(entry);
        }
    }

    TensorEntry read_tensor(const Parsed& value) const {
        const std::string& name = Reader(value, "a tensor", origin_).text("name");
        const Reader reader(value, "tensor '" + printable(name.substr(0, kLongestShownName)) + "'",
                            origin_);
        if (!is_tensor_name(name)) reader.fail("has a name that is no tensor name");
        TensorEntry entry;
        entry.name = name;
        const std::optional<TensorType> type = parse_tensor_type(reader.text("type"));
        if (!type) reader.fail("has the unknown type '" + printable(reader.text("type")) + "'");
        entry.type = *type;
        for (const Parsed& side : reader.list("shape"))
            entry.shape.push_back(static_cast<std::int64_t>(reader.number(side, "shape")));
        const std::optional<std::uint64_t> bytes = checked_bytes(entry.type, entry.shape);
        if (!bytes) reader.fail("has an impossible shape");

        if (major_ == kFormatOfWholeTensors) {
            TensorPiece piece = read_whole(reader);
            if (piece.bytes != *bytes) reader.fail("has a shape that does not fit its bytes");
            if (*bytes > 0) entry.pieces.push_back(std::move(piece));
            return entry;
        }
        std::uint64_t end = 0;
        for (const Parsed& one : reader.list("pieces")) {
            entry.pieces.push_back(read_piece(one, reader, end));
            end += entry.pieces.back().bytes;
        }
        if (end != *bytes) reader.fail("has a shape that does not fit its pieces");
        return entry;
    }

    TensorPiece read_piece(const Parsed& value, const Reader& tensor, std::uint64_t begin) const {
        if (!value.is_object()) tensor.fail("has a piece that is not an object");
        const Reader reader(value, tensor.where() + " has a piece that", origin_);
        TensorPiece piece = read_place(reader);
        piece.begin = reader.number("begin");
        if (piece.begin != begin) reader.fail("does not begin where the one before it ends");
        if (piece.bytes == 0) reader.fail("has no bytes");
        piece.blocks = reader.hashes("blocks", count_blocks(piece.bytes, manifest_.block_bytes));
        return piece;
    }

    // Format 1: the tensor is its own only piece, and its only block.
    TensorPiece read_whole(const Reader& reader) const {
        TensorPiece piece = read_place(reader);
        piece.blocks = reader.hashes("xxh3_128", 1);
        return piece;
    }

    TensorPiece read_place(const Reader& reader) const {
        TensorPiece piece;
        piece.file = reader.text("file");
        piece.offset = reader.number("offset");
        piece.bytes = reader.number("bytes");
        const auto file = sizes_.find(piece.file);
        if (file == sizes_.end()) reader.fail("lies in a file that is not listed");
        if (piece.offset > file->second || piece.bytes > file->second - piece.offset)
            reader.fail("lies beyond the end of '" + printable(piece.file) + "'");
        return piece;
    }

    void check_no_overlap() const {
        std::vector<PieceOf> all;
        for (const TensorEntry& tensor : manifest_.tensors)
            for (const TensorPiece& piece : tensor.pieces) all.push_back({&tensor, &piece});
        std::sort(all.begin(), all.end(), [](const PieceOf& a, const PieceOf& b) {
            const int order = a.piece->file.compare(b.piece->file);
            return order != 0 ? order < 0 : a.piece->offset < b.piece->offset;
        });
        for (std::size_t i = 1; i < all.size(); ++i) {
            const TensorPiece& before = *all[i - 1].piece;
            const TensorPiece& piece = *all[i].piece;
            if (piece.file == before.file && piece.offset - before.offset < before.bytes)
                throw_bad_checkpoint(origin_, "tensor '" + printable(all[i].tensor->name) +
                                                  "' overlaps tensor '" +
                                                  printable(all[i - 1].tensor->name) + "'");
        }
    }

    Reader reader_;
    const std::string& origin_;
    std::uint64_t major_ = 0;
    Manifest manifest_;
    std::unordered_map<std::string, std::uint64_t> sizes_;  // of the files
};

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

// What a hostile text can make the parser hold is bounded before it is parsed: the depth, because
// values are destroyed recursively, their number, because a value takes about 40 times the room of
// its text, and the length of a word, which the parser copies several times.
class Extent {
  public:
    explicit Extent(const std::string& origin) : origin_(origin) {}

    void check(std::string_view text) {
        for (std::size_t at = 0; at < text.size(); ++at) {
            const char c = text[at];
            if (c == '"') {
                at = end_of_text(text, at);
                run_ = 0;
            } else if (c == ',' || c == ':' || c == '[' || c == ']' || c == '{' || c == '}') {
                count(c);
                run_ = 0;
            } else if (++run_ > kLongestRun) {
                refuse("it has a word or a gap of more than " + std::to_string(kLongestRun) +
                       " bytes");
            }
        }
    }

  private:
    static constexpr int kMostLevels = 64;
    static constexpr std::uint64_t kMostValues = std::uint64_t{8} << 20;
    static constexpr std::size_t kLongestRun = 1024;
    static constexpr std::size_t kLongestText = std::size_t{64} << 20;  // blocks of 8 TiB

    [[noreturn]] void refuse(const std::string& problem) const {
        throw_bad_checkpoint(origin_, problem);
    }
    std::size_t end_of_text(std::string_view text, std::size_t begin) const {
        for (std::size_t at = begin + 1; at < text.size() && at - begin <= kLongestText; ++at) {
            if (text[at] == '"') return at;
            if (text[at] == '\\') ++at;
        }
        refuse("it has a text without an end, or of more than 64 MiB");
    }
    void count(char c) {
        if (c == '{' || c == '[') ++depth_;
        if (c == '}' || c == ']') --depth_;
        if (c == ',' || c == '{' || c == '[') ++values_;
        if (depth_ > kMostLevels)
            refuse("it is nested deeper than " + std::to_string(kMostLevels) + " levels");
        if (values_ > kMostValues)
            refuse("it lists more than " + std::to_string(kMostValues) + " values");
    }

    const std::string& origin_;
    int depth_ = 0;
    std::uint64_t values_ = 0;
    std::size_t run_ = 0;  // bytes since the last of JSON's own signs
};

Parsed parse_body(std::string_view body, const std::string& origin) {
    Extent(origin).check(body);
    try {
        return Parsed::parse(body);
    } catch (const Parsed::exception& e) {
        constexpr std::size_t kMostText = 300;  // the parser quotes the whole word that it reads
        throw_bad_checkpoint(origin, printable(std::string_view(e.what()).substr(0, kMostText)));
    }
}

}  // namespace

Manifest decode_manifest(std::string_view text, const std::string& origin) {
    const Parsed record = parse_body(checked_body(text, origin), origin);
    return Decoder(record, origin).decode();
}

}  // namespace r1
