// SPDX-License-Identifier: Apache-2.0
#include "slurm/job_state.h"

#include <algorithm>
#include <array>
#include <optional>

namespace r1 {

namespace {

/// What one word says. Where several are joined, the one further down this list counts.
enum class Meaning {
    kEnd,
    kPending,
    kCutOff,    ///< queued again, or about to be
    kHasNodes,  ///< nodes are held, whatever the base state says: "COMPLETED,COMPLETING"
    kAside,     ///< says nothing about nodes or an end by itself
};

struct Word {
    std::string_view name;
    std::string_view code;  ///< squeue's short form; empty where there is none
    Meaning meaning;
    JobEnd end = JobEnd::kNone;
};

constexpr std::array kWords{
    Word{"COMPLETED", "CD", Meaning::kEnd, JobEnd::kCompleted},
    Word{"FAILED", "F", Meaning::kEnd, JobEnd::kFailed},
    Word{"OUT_OF_MEMORY", "OOM", Meaning::kEnd, JobEnd::kFailed},
    Word{"CANCELLED", "CA", Meaning::kEnd, JobEnd::kCancelled},
    Word{"TIMEOUT", "TO", Meaning::kEnd, JobEnd::kTimeLimit},
    Word{"DEADLINE", "DL", Meaning::kEnd, JobEnd::kTimeLimit},
    Word{"PREEMPTED", "PR", Meaning::kEnd, JobEnd::kPreempted},
    Word{"NODE_FAIL", "NF", Meaning::kEnd, JobEnd::kNodeFailed},
    Word{"BOOT_FAIL", "BF", Meaning::kEnd, JobEnd::kNodeFailed},

    Word{"PENDING", "PD", Meaning::kPending},
    Word{"RESV_DEL_HOLD", "RD", Meaning::kPending},  // held: its reservation was deleted

    Word{"REQUEUED", "RQ", Meaning::kCutOff},
    Word{"REQUEUE_FED", "RF", Meaning::kCutOff},
    Word{"REQUEUE_HOLD", "RH", Meaning::kCutOff},  // waits until someone releases it
    Word{"SPECIAL_EXIT", "SE", Meaning::kCutOff},  // as above, after an exit code the site chose
    Word{"EXPEDITING", "", Meaning::kCutOff},

    Word{"RUNNING", "R", Meaning::kHasNodes},
    Word{"SUSPENDED", "S", Meaning::kHasNodes},  // gives its CPUs away, but not its GPUs
    Word{"STOPPED", "ST", Meaning::kHasNodes},   // SIGSTOP; it keeps its CPUs as well
    Word{"CONFIGURING", "CF", Meaning::kHasNodes},
    Word{"POWER_UP_NODE", "", Meaning::kHasNodes},
    Word{"RESIZING", "RS", Meaning::kHasNodes},
    Word{"SIGNALING", "SI", Meaning::kHasNodes},
    Word{"STAGE_OUT", "SO", Meaning::kHasNodes},
    Word{"COMPLETING", "CG", Meaning::kHasNodes},

    // Beside a base state they change nothing; alone they do not say what becomes of the job: after
    // a failed launch Slurm queues it again and holds it, or ends it, as the site wants it.
    Word{"LAUNCH_FAILED", "", Meaning::kAside},
    Word{"RECONFIG_FAIL", "", Meaning::kAside},
    Word{"UPDATE_DB", "", Meaning::kAside},
};
// REVOKED is left out on purpose: the job started on another cluster of the federation, so that it
// neither waits here nor has ended.

const Word* find_word(std::string_view text) {
    // Of all words only this one is followed by others: "CANCELLED by 1000".
    if (text.starts_with("CANCELLED by ")) text = "CANCELLED";
    const auto* found = std::find_if(kWords.begin(), kWords.end(), [text](const Word& word) {
        return word.name == text || (!text.empty() && word.code == text);
    });
    return found == kWords.end() ? nullptr : &*found;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    return text;
}

JobPhase phase_of(Meaning meaning) {
    switch (meaning) {
        case Meaning::kEnd:
            return JobPhase::kEnded;
        case Meaning::kPending:
        case Meaning::kCutOff:
            return JobPhase::kWaiting;
        case Meaning::kHasNodes:
            return JobPhase::kRunning;
        case Meaning::kAside:
            return JobPhase::kUnknown;
    }
    return JobPhase::kUnknown;
}

}  // namespace

JobState parse_job_state(std::string_view text) {
    JobState state;
    state.text = std::string(trimmed(text));
    std::optional<Meaning> meaning;
    std::string_view rest = state.text;
    while (!rest.empty()) {
        const std::size_t length = std::min(rest.find_first_of(",+"), rest.size());
        const std::string_view piece = trimmed(rest.substr(0, length));
        rest.remove_prefix(std::min(length + 1, rest.size()));
        if (piece.empty()) continue;
        const Word* word = find_word(piece);
        if (word == nullptr) {
            // What a new flag does to its base state is not known: no part of it is believed.
            state.phase = JobPhase::kUnknown;
            state.end = JobEnd::kNone;
            state.requeued = false;
            return state;
        }
        if (word->meaning == Meaning::kAside) continue;
        state.requeued = state.requeued || word->meaning == Meaning::kCutOff;
        if (!meaning || word->meaning > *meaning) meaning = word->meaning;
        if (word->meaning == Meaning::kEnd) state.end = word->end;
    }
    state.phase = meaning ? phase_of(*meaning) : JobPhase::kUnknown;
    if (state.phase != JobPhase::kEnded) state.end = JobEnd::kNone;
    return state;
}

}  // namespace r1
