// SPDX-License-Identifier: Apache-2.0
// What the texts of a profile may be: they become arguments, options and variables. Each returns
// what is wrong with the text, for a message that begins with the text, or an empty text.
#pragma once

#include <string>
#include <string_view>

namespace r1 {

/// A name that becomes the argument of an option; it may be empty.
std::string check_argument(std::string_view text);
/// The same, and never empty.
std::string check_present_argument(std::string_view text);
/// A word of a command line: anything but nothing.
std::string check_word(std::string_view text);
/// What a variable holds; it may be empty.
std::string check_value(std::string_view text);
std::string check_folder(std::string_view text);

/// The name of a variable: it stands in the job script, so a secret's is refused.
std::string check_variable(std::string_view name);

/// An option that r1ctl does not set itself.
std::string check_submit_option(std::string_view word);
std::string check_launcher_option(std::string_view word);

}  // namespace r1
