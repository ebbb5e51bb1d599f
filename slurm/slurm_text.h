// SPDX-License-Identifier: Apache-2.0
// What Slurm's commands print, read strictly. Names and comments of jobs are other people's free
// text: fields end in control characters, and a name that holds one cannot shift what follows it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "slurm/scheduler.h"

namespace r1 {

/// A decimal number without a sign that fits; nullopt for anything else.
std::optional<std::int64_t> parse_whole_number(std::string_view text);
/// One part more than there are separators; parts may be empty.
std::vector<std::string_view> split(std::string_view text, char separator);

/// Of sbatch --parsable: "12" or "12;east" on the last line; lines before it are a site's words.
/// nullopt when it is anything else.
std::optional<JobId> parse_submitted(std::string_view output);

/// For squeue --Format.
std::string queue_format();
/// Jobs of queue_format(), without tasks of arrays and parts of heterogeneous jobs, which are other
/// tools' jobs. Throws Error (kScheduler) when a row cannot be read, or the last one is cut off: a
/// job that is not understood must not look like a job that is gone.
std::vector<QueuedJob> parse_queue(std::string_view output);

/// For sacct --format and --delimiter.
std::string history_format();
std::string history_delimiter();
/// Records of history_format(), oldest first, without arrays and heterogeneous jobs. Throws as
/// parse_queue.
std::vector<PastJob> parse_history(std::string_view output);

/// Seconds since 1970, as SLURM_TIME_FORMAT=%s has them printed. nullopt for everything else:
/// "Unknown", "None", "N/A", and also "2026-10-25T02:30:00", which only something that lost our
/// environment prints. It does not say its zone, and it comes twice where clocks are put back.
std::optional<std::int64_t> parse_epoch(std::string_view text);
/// "1-02:03:04", "02:03:04", "02:03" (minutes and seconds); nullopt for "UNLIMITED", "NOT_SET" and
/// the like.
std::optional<std::int64_t> parse_slurm_duration(std::string_view text);
/// "2026-11-21T20:26:01", in UTC.
std::string slurm_utc_text(std::int64_t seconds);

/// A command's stderr in one printable line, without the command's name before every line.
std::string slurm_words(std::string_view errors);
/// True when a command did not hear from the controller, or not to the end. Whatever else it says,
/// the controller may have done what it was asked.
bool lost_controller(std::string_view errors);
/// True for what sbatch says when it has looked at the job and will never take it as it is. Nothing
/// was queued then.
bool is_refusal(std::string_view errors);
/// True when sacct's stderr says that there is no accounting, or that it cannot be reached.
bool lacks_accounting(std::string_view errors);

}  // namespace r1
