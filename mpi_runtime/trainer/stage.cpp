// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/stage.h"

#include <nlohmann/json.hpp>

#include "common/error.h"
#include "mpi_runtime/comm/progress.h"
#include "mpi_runtime/reward/reward.h"
#include "mpi_runtime/trainer/work_split.h"

namespace r1 {

namespace {

constexpr std::size_t kMaxStages = 64;
constexpr std::int64_t kPromptsPerStage = std::int64_t{1} << 26;

}  // namespace

std::unique_ptr<Stage> make_stage(Session& session, std::size_t index, Beginning beginning) {
    switch (session.recipe.stages[index].kind) {
        case StageKind::kSft:
            return make_sft_stage(session, index, beginning);
        case StageKind::kGrpo:
            return make_grpo_stage(session, index, beginning);
        case StageKind::kSample:
            break;
    }
    return make_sample_stage(session, index);
}

std::uint32_t prompt_number(std::size_t stage, std::int64_t i) {
    if (stage >= kMaxStages || i >= kPromptsPerStage)
        throw Error(ExitCode::kUsage,
                    "a recipe may have 64 stages with 67108864 training prompts each");
    return static_cast<std::uint32_t>(static_cast<std::int64_t>(stage) * kPromptsPerStage + i);
}

void save_policy(Snapshot& snapshot, Actor& actor) {
    const auto add = [&](const char* prefix, Kept kept) {
        snapshot.add_parameters(prefix, actor.whole_layout(), actor.saved_shards(),
                                actor.saved_values(kept));
    };
    add("model", Kept::kParameters);
    add("adam/m", Kept::kFirstMoment);
    add("adam/v", Kept::kSecondMoment);
    snapshot.state()["updates"] = actor.updates();
}

void restore_policy(Session& session, const SavedState& saved, Actor& actor) {
    const ParameterLayout& layout = actor.whole_layout();
    std::vector<float> host(layout.size(), 0.0f);
    read_together(session.comm, saved, "model", layout, host.data());
    actor.set_parameters(host);
    const auto load = [&](const char* prefix, Kept kept) {
        if (actor.is_slice()) {
            // The columns of a slice lie all over a file: what all read once is cut in memory.
            read_together(session.comm, saved, prefix, layout, host.data());
            return actor.set_moment(kept, actor.own_of(host));
        }
        host.resize(actor.own().size());
        saved.read(prefix, layout, actor.shards(), actor.own(), host.data());
        actor.set_moment(kept, host);
    };
    load("adam/m", Kept::kFirstMoment);
    load("adam/v", Kept::kSecondMoment);
    actor.set_updates(saved.state().at("updates").get<std::int64_t>());
}

std::vector<Sample> generate_samples(Session& session, Actor& actor, const SampleOrder& order) {
    const auto group = static_cast<std::size_t>(order.group_size);
    const auto [first, last] = even_part(static_cast<std::size_t>(order.prompts) * group,
                                         session.data.rank(), session.data.size());
    std::vector<RolloutRequest> requests;
    std::vector<Prompt> prompts;
    for (std::size_t at = first; at < last;) {
        const std::size_t count = std::min(last, (at / group + 1) * group) - at;
        RolloutRequest request;
        request.prompt_index = order.first_prompt + static_cast<std::uint32_t>(at / group);
        request.first_sample = static_cast<std::uint32_t>(at % group);
        request.count = static_cast<std::uint32_t>(count);
        prompts.push_back(session.task->prompt(Split::kTrain, request.prompt_index));
        request.prompt = session.tokenizer->encode_plain(prompts.back().text);
        requests.push_back(std::move(request));
        at += count;
    }
    const Activity rolling_out("rolling out");
    const std::vector<Completion> outputs = actor.generate(requests, order.options);

    std::vector<Sample> samples;
    std::size_t output = 0;
    for (std::size_t r = 0; r < requests.size(); ++r) {
        for (std::uint32_t i = 0; i < requests[r].count; ++i, ++output) {
            beat();
            const Completion& completion = outputs[output];
            std::vector<std::int32_t> text_tokens = completion.tokens;
            if (completion.ended) text_tokens.pop_back();
            const Reward reward = score(*session.task, session.recipe.rewards, prompts[r],
                                        session.tokenizer->decode(text_tokens), completion.ended);
            Sample sample;
            sample.prompt_index = completion.prompt_index;
            sample.sample = completion.sample;
            sample.ended = completion.ended;
            sample.verifier_error = reward.verdict == Verdict::kError;
            sample.accuracy = reward.accuracy;
            sample.format = reward.format;
            sample.reward = reward.total;
            sample.prompt = requests[r].prompt;
            sample.tokens = completion.tokens;
            sample.logprobs = completion.logprobs;
            samples.push_back(std::move(sample));
        }
    }
    return samples;
}

}  // namespace r1
