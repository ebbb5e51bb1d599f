// SPDX-License-Identifier: Apache-2.0
// What Slurm's commands say on stderr.
#include <algorithm>
#include <array>

#include "common/text.h"
#include "slurm/slurm_text.h"

namespace r1 {

namespace {

// Texts of slurm_strerror() and of sbatch's own checks of its options. Only what is certain to mean
// "not queued, and never will be" belongs here: anything else is looked for in the queue.
constexpr std::array<std::string_view, 40> kRefusals{
    "invalid partition",
    "Requested partition configuration not available",
    "Requested time limit is invalid",
    "Requested node configuration is not available",
    "Node count specification invalid",
    "More processors requested than permitted",
    "CPU count per node can not be satisfied",
    "CPU count specification invalid",
    "Memory specification can not be satisfied",
    "Memory required by task is not available",
    "Invalid generic resource",
    "Invalid GRES specification",
    "Invalid Trackable RESource",
    "Invalid node name specified",
    "Invalid feature specification",
    "Invalid account",
    "Invalid qos specification",
    "Invalid wckey specification",
    "Invalid license specification",
    "Invalid burst buffer",
    "Job violates accounting/QOS policy",
    "Job size specification needs to be specified",
    "User's group not permitted to use this partition",
    "Requested reservation is invalid",
    "Access denied to requested reservation",
    "Requested operation not supported",
    "Requested topology configuration is not available",
    "Job dependency problem",
    "Job dependency can't be created",
    "Batch script contains DOS line breaks",
    "Batch job submission failed: Pathname of a file, directory or other parameter too long",
    "Invalid job array specification",
    "Access/permission denied",
    "User not found",
    "unrecognized option",
    "unrecognized command line parameter",
    "invalid option",
    "Unable to open file",
    "This does not look like a batch script",
    "Batch script is empty",
};

constexpr std::array<std::string_view, 10> kNoAccounting{
    "accounting storage is disabled",
    "slurmdbd",
    "persistent connection",
    "PersistInit",
    "database",
    "Connection refused",
    "Connection timed out",
    "Socket timed out",
    "Unable to connect",
    "Unable to contact",
};

bool contains_any(std::string_view text, const auto& phrases) {
    const auto lower = [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; };
    return std::any_of(phrases.begin(), phrases.end(), [&](std::string_view phrase) {
        return std::search(text.begin(), text.end(), phrase.begin(), phrase.end(),
                           [&](char a, char b) {
                               return lower(static_cast<unsigned char>(a)) ==
                                      lower(static_cast<unsigned char>(b));
                           }) != text.end();
    });
}

/// "Invalid --time specification": sbatch's own check of an option.
bool names_an_invalid_option(std::string_view errors) {
    const std::size_t at = errors.find("Invalid --");
    const std::size_t end = errors.find(" specification", at);
    return at != std::string_view::npos && end != std::string_view::npos &&
           errors.substr(at, end - at).find('\n') == std::string_view::npos;
}

constexpr std::array<std::string_view, 7> kLost{
    "timed out",  "Unable to contact", "Transport endpoint",          "Connection refused",
    "Zero Bytes", "Communication",     "Unexpected message received",
};

std::string_view without_prefix(std::string_view line) {
    for (const std::string_view name : {"sbatch: ", "squeue: ", "sacct: ", "scancel: ",
                                        "scontrol: ", "sinfo: ", "srun: ", "error: ", "fatal: "})
        if (line.starts_with(name)) line.remove_prefix(name.size());
    return line;
}

}  // namespace

std::string slurm_words(std::string_view errors) {
    constexpr std::size_t kMost = 2000;
    std::string words;
    while (!errors.empty() && words.size() < kMost) {
        const std::size_t end = std::min(errors.find('\n'), errors.size());
        const std::string_view line = without_prefix(errors.substr(0, end));
        errors.remove_prefix(std::min(end + 1, errors.size()));
        if (!line.empty()) words += (words.empty() ? "" : "; ") + printable(line.substr(0, kMost));
    }
    return words;
}

bool lost_controller(std::string_view errors) {
    return contains_any(errors, kLost);
}

bool is_refusal(std::string_view errors) {
    if (lost_controller(errors)) return false;
    return contains_any(errors, kRefusals) || names_an_invalid_option(errors);
}

bool lacks_accounting(std::string_view errors) {
    return contains_any(errors, kNoAccounting);
}

}  // namespace r1
