// SPDX-License-Identifier: Apache-2.0
#include "recipes/read_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <system_error>

#include "common/file.h"
#include "common/text.h"
#include "recipes/schema.h"

namespace r1 {

namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 20;

std::string system_reason() {
    return std::generic_category().message(errno);
}

std::string refuse_kind(mode_t mode, const FileForm& form) {
    if (S_ISREG(mode)) return {};
    const std::string what = S_ISDIR(mode)    ? "a folder"
                             : S_ISFIFO(mode) ? "a pipe"
                             : S_ISSOCK(mode) ? "a socket"
                                              : "a device";
    return "this is " + what + ", not a " + std::string(form.file);
}

std::string too_large(const std::string& noun) {
    return "the file is larger than 1 MiB, the most a " + noun + " may have; is it a " + noun + "?";
}

/// The offset of the first control character that has no business in such a file, or npos.
std::size_t find_control(std::string_view text) {
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto byte = static_cast<unsigned char>(text[at]);
        const bool line_end = byte == '\n' || (byte == '\r' && text.substr(at + 1, 1) == "\n");
        if ((byte < 0x20 && byte != '\t' && !line_end) || byte == 0x7F) return at;
    }
    return std::string_view::npos;
}

bool find_tabs(const Source& source, Problems& problems) {
    const std::string_view text = source.text;
    bool found = false;
    for (std::size_t start = 0; start < text.size();) {
        const std::size_t end = std::min(text.find('\n', start), text.size());
        const std::string_view line = text.substr(start, end - start);
        const std::size_t indent = line.find_first_not_of(" \t\r");
        const std::size_t tab = line.find('\t');
        if (indent != std::string_view::npos && tab < indent) {
            problems.add({&source, start + tab},
                         "a tab in the indentation; YAML indents with spaces only");
            found = true;
        }
        start = end + 1;
    }
    return found;
}

}  // namespace

std::string read_source_file(const std::filesystem::path& file, Source& source) {
    const std::string noun(source.form->noun);
    if (file.empty()) return "no " + std::string(source.form->file) + " was named";
    // Without O_NONBLOCK, opening a pipe would wait for its writer.
    const FileDescriptor fd{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (!fd) return "cannot open the " + noun + ": " + system_reason();
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) return "cannot read the " + noun + ": " + system_reason();
    if (std::string wrong = refuse_kind(status.st_mode, *source.form); !wrong.empty()) return wrong;
    if (static_cast<std::size_t>(status.st_size) > kMostBytes) return too_large(noun);
    std::string text(kMostBytes + 1, '\0');
    std::size_t size = 0;
    while (size < text.size()) {
        const ssize_t got = ::read(fd.get(), text.data() + size, text.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return "cannot read the " + noun + ": " + system_reason();
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    if (size > kMostBytes) return too_large(noun);
    source.text.assign(text, 0, size);
    return {};
}

bool check_text(Source& source, Problems& problems) {
    std::string& text = source.text;
    if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
        problems.add({&source, 0}, "the file is UTF-16; save it as UTF-8");
        return false;
    }
    if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
    bool fit = true;
    if (const auto bad = find_invalid_utf8(text)) {
        problems.add({&source, *bad}, "byte " + printable(text.substr(*bad, 1)) +
                                          " is not UTF-8, as a " + std::string(source.form->noun) +
                                          " must be");
        fit = false;
    }
    if (const std::size_t bad = find_control(text); bad != std::string::npos) {
        problems.add({&source, bad},
                     text[bad] == '\r'
                         ? std::string("a carriage return without a line feed")
                         : "control character " + printable(text.substr(bad, 1)) + " in the text");
        fit = false;
    }
    return !find_tabs(source, problems) && fit;
}

}  // namespace r1
