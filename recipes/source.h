// SPDX-License-Identifier: Apache-2.0
// Where a text came from, and the problems found in it. All of a file's problems are collected
// here and reported together.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "recipes/load.h"

namespace r1 {

struct FileForm;

/// One text under check: a file or a --set argument.
struct Source {
    const FileForm* form = nullptr;  ///< what kind of file it is, or sets values of
    std::string name;                ///< as the user named it
    std::filesystem::path folder;    ///< what a relative path in it is relative to
    std::string text;
    std::size_t order = 0;  ///< the order of the report: files before arguments
};

/// A byte of a source. The source outlives every place in it.
struct Place {
    const Source* source = nullptr;
    std::size_t offset = 0;
};

/// The place for the report; a long line is cut to a window around the caret.
SourcePlace to_source_place(const Place& place);

/// "tiny.yaml:3:5", safe to print.
std::string to_string(const Place& place);

/// The text in single quotes for a message: control characters escaped, long texts shortened.
std::string in_quotes(std::string_view text);

/// The text with everything that could move the cursor or reorder the line escaped.
std::string escaped(std::string_view text);

/// "; did you mean 'x'?" with the nearest of the names, or an empty text when none is near.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& names);

/// The problems of one recipe or profile, in the order of the sources.
class Problems {
  public:
    /// The same message at the same place is kept once.
    void add(const Place& place, std::string message);
    bool empty() const noexcept { return found_.empty(); }
    /// Throws RecipeError with all problems so far, if there are any.
    void throw_if_any() const;

  private:
    struct Found {
        Place place;
        std::string message;
    };
    std::vector<Found> found_;
};

}  // namespace r1
