// SPDX-License-Identifier: Apache-2.0
#include "slurm/profile_words.h"

#include <algorithm>
#include <array>
#include <span>

#include "recipes/source.h"

namespace r1 {

namespace {

/// An option that is not the profile's to give. A long name that ends in '*' stands for all that
/// begin so.
struct Reserved {
    std::string_view name;  ///< without dashes
    char letter = '\0';
    std::string_view key = {};  ///< the profile's own key for it
};

constexpr auto kOfSubmission = std::to_array<Reserved>({{"job-name", 'J'},
                                                        {"comment"},
                                                        {"output", 'o'},
                                                        {"error", 'e'},
                                                        {"parsable"},
                                                        {"requeue", '\0', "requeue"},
                                                        {"no-requeue", '\0', "requeue"},
                                                        {"open-mode"},
                                                        {"signal"},
                                                        {"nodes", 'N'},
                                                        {"ntasks", 'n'},
                                                        {"ntasks-per-node"},
                                                        {"cpus-per-task", 'c'},
                                                        {"time", 't'},
                                                        {"export"},
                                                        {"wrap"},
                                                        {"array", 'a'},
                                                        {"dependency", 'd'},
                                                        {"hold", 'H'},
                                                        {"test-only"},
                                                        {"gpus*", 'G'},
                                                        {"gres"},
                                                        {"kill-on-invalid-dep"},
                                                        {"partition", 'p', "partition"},
                                                        {"account", 'A', "account"},
                                                        {"qos", 'q', "qos"},
                                                        {"constraint", 'C', "constraint"}});
constexpr auto kOfLauncher = std::to_array<Reserved>({{"mpi", '\0', "mpi"},
                                                      {"output", 'o'},
                                                      {"error", 'e'},
                                                      {"ntasks*", 'n'},
                                                      {"np"},
                                                      {"nodes", 'N'},
                                                      {"multi-prog"},
                                                      {"export"},
                                                      {"gpu-bind"},
                                                      {"cpus-per-task", 'c'}});

/// sbatch's letters without a value, which may stand before others in one word: -Hn4.
constexpr std::string_view kBareLetters = "HhkOQsvVW";

/// Slurm takes the beginning of a long name for the whole.
bool names(const Reserved& option, std::string_view name) {
    if (!option.name.ends_with('*')) return option.name.starts_with(name);
    const std::string_view stem = option.name.substr(0, option.name.size() - 1);
    return stem.starts_with(name) || name.starts_with(stem);
}

std::string refusal(const Reserved& option) {
    if (!option.key.empty())
        return "stands in the profile as a key of its own: write '" + std::string(option.key) + "'";
    return "is set by r1ctl itself; leave it out";
}

std::string check_letters(std::string_view letters, std::span<const Reserved> reserved) {
    for (const char letter : letters) {
        for (const Reserved& option : reserved)
            if (option.letter == letter) return refusal(option);
        if (kBareLetters.find(letter) == std::string_view::npos) break;
    }
    return {};
}

std::string check_option(std::string_view word, std::span<const Reserved> reserved) {
    if (word.size() < 2 || word[0] != '-' || word == "--")
        return "is not an option; write it as one word that begins with '-', as in --option=value";
    if (const std::string wrong = check_word(word); !wrong.empty()) return wrong;
    if (word[1] != '-') return check_letters(word.substr(1), reserved);
    const std::string_view name = word.substr(2, word.find('=') - 2);
    if (name.find(' ') != std::string_view::npos)
        return "has a space in its name; write it as one word, --option=value";
    for (const Reserved& option : reserved)
        if (names(option, name)) return refusal(option);
    return {};
}

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_identifier(std::string_view text) {
    return !text.empty() && is_letter(text.front()) &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

bool looks_secret(std::string_view name) {
    std::string capitals(name);
    for (char& c : capitals)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (capitals.ends_with('S')) capitals.pop_back();
    constexpr std::array<std::string_view, 10> kEnds{"TOKEN",      "SECRET", "PASSWORD",   "PASSWD",
                                                     "PASSPHRASE", "KEY",    "CREDENTIAL", "_PASS",
                                                     "_PAT",       "_AUTH"};
    return std::any_of(kEnds.begin(), kEnds.end(),
                       [&](std::string_view end) { return capitals.ends_with(end); });
}

}  // namespace

std::string check_word(std::string_view text) {
    if (text.empty()) return "is empty; leave it out";
    // The schema has refused what is below a space; this finds the line ends of Unicode too.
    if (escaped(text) != text)
        return "holds a character that no command line should; write it without";
    return {};
}

std::string check_argument(std::string_view text) {
    if (text.empty()) return {};
    if (text.front() == '-') return "begins with '-' and would be taken for an option";
    return check_word(text);
}

std::string check_present_argument(std::string_view text) {
    return text.empty() ? "is empty; write a name" : check_argument(text);
}

std::string check_value(std::string_view text) {
    return text.empty() ? "" : check_word(text);
}

std::string check_folder(std::string_view text) {
    if (!text.starts_with('/')) return "is not a whole path; begin it with '/'";
    return check_word(text);
}

std::string check_variable(std::string_view name) {
    if (!is_identifier(name))
        return "is not a variable's name; use letters, digits and '_', and no digit first";
    // How long PMIx waits is no option of srun.
    if (name.starts_with("SLURM_PMIX_")) return {};
    if (name.starts_with("SLURM_") || name.starts_with("SBATCH_") || name.starts_with("SRUN_"))
        return "belongs to Slurm, which sets it itself; leave it out";
    if (looks_secret(name))
        return "looks like a secret, and would be written into the job script for others to read; "
               "put it in a file of mode 0600 that your own code reads";
    return {};
}

std::string check_submit_option(std::string_view word) {
    return check_option(word, kOfSubmission);
}

std::string check_launcher_option(std::string_view word) {
    return check_option(word, kOfLauncher);
}

}  // namespace r1
