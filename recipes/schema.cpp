// SPDX-License-Identifier: Apache-2.0
#include "recipes/schema.h"

namespace r1 {

namespace {

constexpr Range at_least(double low) {
    return {.low = low};
}
constexpr Range between(double low, double high) {
    return {.low = low, .high = high};
}
constexpr Range above(double low, double high) {
    return {.low = low, .high = high, .low_open = true};
}
constexpr Range kSteps = between(0, 1e9);
constexpr std::size_t kMostStages = 64;

const Table& task_table() {
    using S = TaskSection;
    static const Table table{
        {
            row<&S::kind>("kind", "addition", "", {}, "What the model learns to do."),
            row<&S::prompt_template>("prompt_template", "plain", "", {},
                                     "How a prompt is worded: the bare task, or R1's dialogue."),
            row<&S::digits>("digits", "3", "digits", between(1, 18),
                            "Digits of an operand (addition) or of a number (countdown)."),
            row<&S::min_items>("min_items", "3", "items", between(1, 1000),
                               "Fewest letters (sort, reverse) or numbers (countdown)."),
            row<&S::max_items>("max_items", "3", "items", between(1, 1000),
                               "Most letters (sort, reverse) or numbers (countdown)."),
            row<&S::teacher_forget_carry>("teacher_forget_carry", "0", "", between(0, 1),
                                          "Addition: chance that the teacher forgets a carry."),
            row<&S::teacher_error>("teacher_error", "0", "", between(0, 1),
                                   "Chance a digit or an item that the teacher is wrong."),
            row<&S::data>("data", "", "", {}, "File: a JSONL file of prompts and answers."),
        },
        {}};
    return table;
}

const Table& rewards_table() {
    using S = RewardsSection;
    static const Table table{
        {
            row<&S::accuracy>("accuracy", "1", "", between(0, 1000), "Weight of a right answer."),
            row<&S::format>("format", "0.1", "", between(0, 1000),
                            "Weight of an output in the demanded form."),
            row<&S::language>("language", "0", "", between(0, 1000),
                              "Weight of the share of words in the prompt's language."),
            row<&S::preference>("preference", "0", "", between(0, 1000),
                                "Weight of a preference model's score."),
            row<&S::preference_from_step>("preference_from_step", "0", "steps", kSteps,
                                          "The step of a grpo stage from which it counts."),
        },
        {}};
    return table;
}

const Table& rollout_table() {
    using S = RolloutSection;
    static const Table table{
        {
            row<&S::batch_size>("batch_size", "256", "sequences", between(1, 65536),
                                "Sequences that one rank decodes at once."),
            row<&S::page_tokens>("page_tokens", "16", "tokens", between(1, 4096),
                                 "Tokens in one page of the KV cache."),
            row<&S::kv_cache>("kv_cache", "1GiB", "", at_least(1024 * 1024),
                              "The most memory that one rank's KV cache takes."),
        },
        {}};
    return table;
}

const Table& training_table() {
    using S = TrainingSection;
    static const Table table{
        {
            row<&S::micro_batch_tokens>("micro_batch_tokens", "2048", "tokens", between(1, 1 << 24),
                                        "Tokens in one forward and backward pass of one rank."),
            row<&S::gradient_shards>(
                "gradient_shards", "8", "parts", between(1, 65536),
                "Parts in which strict mode sums a gradient, on any number of ranks."),
            row<&S::precision>("precision", "auto", "", {},
                               "In what a model computes; auto: bf16 on a GPU, fp32 on a CPU."),
            row<&S::recompute>("recompute", "false", "", {},
                               "Keep no activations and compute them again in the backward pass."),
        },
        {}};
    return table;
}

const Table& parallel_table() {
    using S = ParallelSection;
    static const Table table{
        {
            row<&S::tensor>("tensor", "1", "ranks", between(1, 1024),
                            "Ranks that share each matrix of a model."),
            row<&S::pipeline>("pipeline", "1", "ranks", between(1, 1024),
                              "Ranks that each hold some of a model's blocks."),
            row<&S::expert>("expert", "1", "ranks", between(1, 65536),
                            "Data-parallel ranks that share the experts of a block."),
            row<&S::zero>("zero", "1", "", between(1, 3),
                          "What data-parallel ranks share: 1 the optimizer, 2 gradients too, 3 "
                          "weights too."),
        },
        {}};
    return table;
}

const Table& evaluation_table() {
    using S = EvaluationSection;
    static const Table table{
        {
            row<&S::prompts>("prompts", "200", "prompts", between(1, 1e6), "Held-out prompts."),
            row<&S::samples>("samples", "4", "outputs", between(1, 4096), "Outputs a prompt."),
            row<&S::k>("k", "4", "outputs", between(1, 4096), "The k of pass@k."),
            row<&S::temperature>("temperature", "1", "", between(0, 100),
                                 "Sampling temperature; 0 takes the likeliest token."),
            row<&S::top_p>("top_p", "1", "", above(0, 1),
                           "Sample from the likeliest tokens of this total probability."),
            row<&S::max_new_tokens>("max_new_tokens", "64", "tokens", between(1, 1 << 24),
                                    "An output that reaches this length is cut."),
            row<&S::every_steps>("every_steps", "0", "steps", kSteps,
                                 "Also evaluate within a stage; 0: before the first, after each."),
        },
        {}};
    return table;
}

const Table& checkpoint_table() {
    using S = CheckpointSection;
    static const Table table{
        {
            row<&S::interval>("interval", "steps", "", {},
                              "When to save: every so many steps, every so long, or as often as "
                              "loses the least time to saving and to failures."),
            row<&S::every_steps>("every_steps", "50", "steps", kSteps,
                                 "Save this often; 0: at the end of a stage and when stopped."),
            row<&S::every_time>("every_time", "30m", "", {},
                                "interval time: save when this long has passed since the last."),
            row<&S::mtbf_per_rank>(
                "mtbf_per_rank", "50000h", "", {},
                "interval auto (Young 1974, Daly 2006): mean time between failures of one rank "
                "with its GPU. Llama 3's cluster had one failure in about 50,700 GPU-hours."),
            row<&S::writers>("writers", "node", "", {},
                             "The files of a checkpoint: one a node, or one a rank."),
            row<&S::write_rate>("write_rate", "512MiB", "per second", at_least(0),
                                "The most that one rank writes in a second, so that saving leaves "
                                "the run its disk; 0B: no bound."),
            row<&S::max_failures>("max_failures", "3", "saves", between(1, 1e6),
                                  "Saves that may fail in a row before the run stops."),
            row<&S::keep_last>("keep_last", "2", "checkpoints", between(1, 10000),
                               "Checkpoints kept; older ones are deleted."),
            row<&S::keep_every>("keep_every", "0", "steps", kSteps,
                                "Also keep those whose step is a multiple of this; 0: none."),
            row<&S::keep_best>("keep_best", "0", "checkpoints", between(0, 10000),
                               "Also keep as many of the best by best_metric."),
            row<&S::best_metric>("best_metric", "pass@1", "", {},
                                 "The metric that keep_best goes by."),
            row<&S::best_is>("best_is", "highest", "", {}, "Which value of best_metric is best."),
        },
        {}};
    return table;
}

template <auto Member>
Section section(std::string_view key, const Table& table, std::string_view help) {
    using S = typename detail::MemberOf<Member>::Section;
    return {key,
            &table,
            kAnyStage,
            help,
            [](void* parent) -> void* { return &(static_cast<S*>(parent)->*Member); },
            [](const void* parent) -> const void* {
                return &(static_cast<const S*>(parent)->*Member);
            }};
}

}  // namespace

const Table& recipe_table() {
    static const Table table{
        {
            row<&Recipe::name>("name", kRequired, "", {},
                               "Names the run: small letters, digits and '-', at most 40.",
                               kAnyStage, check_name),
            row<&Recipe::seed>("seed", "1", "", between(0, 0x1p63),
                               "All randomness of the run follows from it."),
            row<&Recipe::deterministic>("deterministic", "same-ranks", "", {},
                                        "When two runs have the same bits: on as many ranks, or on "
                                        "any number of them, which costs some speed."),
        },
        {
            section<&Recipe::resources>("resources", resources_table(), "What the run runs on."),
            section<&Recipe::model>("model", model_table(),
                                    "The transformer, by the names of a Hugging Face config.json."),
            section<&Recipe::task>("task", task_table(), "The problems and their teacher."),
            section<&Recipe::rewards>("rewards", rewards_table(), "The weights of the rewards."),
            section<&Recipe::rollout>("rollout", rollout_table(), "How outputs are generated."),
            section<&Recipe::training>("training", training_table(), "How updates are computed."),
            section<&Recipe::parallel>("parallel", parallel_table(),
                                       "How one model is spread over the ranks."),
            section<&Recipe::evaluation>("evaluation", evaluation_table(),
                                         "What is measured on held-out prompts."),
            section<&Recipe::checkpoint>("checkpoint", checkpoint_table(), "What is saved."),
            section<&Recipe::cost>("cost", cost_table(), "The prices the bill is made from."),
        },
        {
            list<&Recipe::stages>("stages", "stage", "a recipe", kMostStages, stage_table(),
                                  "A list; the stages run in this order. A stage refuses the keys "
                                  "that its kind does not use.",
                                  "kind"),
        }};
    return table;
}

const FileForm& recipe_form() {
    static const FileForm form{"recipe", "recipe file", "name: tiny", true, &recipe_table()};
    return form;
}

}  // namespace r1
