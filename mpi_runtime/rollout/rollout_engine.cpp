// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/rollout/rollout_engine.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "common/error.h"
#include "common/units.h"
#include "kernels/sampling.h"
#include "mpi_runtime/comm/progress.h"

namespace r1 {

namespace {

constexpr std::int32_t kPrefillRows = 2048;  // rows of one prefill pass, more only for one prompt
// Steps between two looks at what a device drew that the host cannot see into: a sequence that ends
// keeps its place for half as many more on average.
constexpr std::int32_t kTurns = 16;
// In the place of the token that follows a prompt.
constexpr std::array<std::int32_t, 1> kUnknownToken{0};

std::int32_t pages_for(std::int32_t tokens, std::int32_t page_tokens) {
    return (tokens + page_tokens - 1) / page_tokens;
}

std::int32_t longest_prompt(const std::vector<RolloutRequest>& requests) {
    std::size_t longest = 0;
    for (const RolloutRequest& request : requests)
        longest = std::max(longest, request.prompt.size());
    return static_cast<std::int32_t>(longest);
}

}  // namespace

template <class T>
RolloutEngine<T>::RolloutEngine(Transformer<T>& model, const RolloutLimits& limits)
    : model_(model),
      backend_(model.backend()),
      limits_(limits),
      head_(model, 1),
      most_turns_(model.backend().shares_host_memory() ? 1 : kTurns) {}

template <class T>
void RolloutEngine<T>::check_fits(const std::vector<RolloutRequest>& requests,
                                  const RolloutOptions& options) {
    for (const RolloutRequest& request : requests)
        if (request.prompt.empty()) throw Error(ExitCode::kRunFailed, "a prompt has no tokens");
    const std::int32_t longest = longest_prompt(requests) + options.max_new_tokens;
    if (longest > model_.shape().max_positions)
        throw Error(ExitCode::kUsage, "a prompt of " + std::to_string(longest_prompt(requests)) +
                                          " tokens and max_new_tokens " +
                                          std::to_string(options.max_new_tokens) +
                                          " exceed the model's max_position_embeddings of " +
                                          std::to_string(model_.shape().max_positions));
}

template <class T>
void RolloutEngine<T>::reserve_cache(const std::vector<RolloutRequest>& requests,
                                     const RolloutOptions& options) {
    // Every place can hold its longest sequence and the prompt that it shares, so that an admitted
    // sequence always finds its pages.
    const std::int32_t prompt = longest_prompt(requests);
    // A sequence that has ended is written on until the host looks.
    table_stride_ =
        pages_for(prompt + options.max_new_tokens + most_turns_ - 1, limits_.page_tokens);
    const std::int32_t per_place = table_stride_ + pages_for(prompt, limits_.page_tokens);
    const std::int64_t place_bytes =
        per_place * KeyValueCache<T>::page_bytes(model_.shape(), limits_.page_tokens);
    const std::int64_t by_memory = limits_.cache_bytes / place_bytes;
    if (by_memory < 1)
        throw Error(ExitCode::kUsage, "one sequence needs " + to_string(Bytes{place_bytes}) +
                                          " of KV cache, more than rollout.kv_cache allows (" +
                                          to_string(Bytes{limits_.cache_bytes}) + ")");
    std::int64_t wanted = 0;
    for (const RolloutRequest& request : requests) wanted += request.count;
    places_ = static_cast<std::int32_t>(
        std::min<std::int64_t>({limits_.batch_size, by_memory, std::max<std::int64_t>(wanted, 1)}));
    const std::int32_t pages = places_ * per_place + 1;
    idle_page_.reset();
    if (!cache_ || cache_->pages() < pages)
        cache_ = std::make_unique<KeyValueCache<T>>(backend_, model_.shape(), pages,
                                                    limits_.page_tokens);
    idle_page_ = std::make_unique<SequencePages<T>>(*cache_);
    idle_page_->grow(1);
    reserve_rows();
}

/// Everything that decoding writes to, so that it stays where it is.
template <class T>
void RolloutEngine<T>::reserve_rows() {
    const auto vocabulary = static_cast<std::size_t>(model_.shape().vocabulary);
    const auto places = static_cast<std::size_t>(places_);
    const auto rows = static_cast<std::size_t>(backend_.replay_rows(places_));
    const std::size_t log = rows * static_cast<std::size_t>(most_turns_);
    model_.reserve_cached(activations_, static_cast<std::int32_t>(rows));
    prompt_hidden_.reserve(backend_, places * static_cast<std::size_t>(model_.shape().hidden));
    prompt_logits_.reserve(backend_, places * vocabulary);
    logits_.reserve(backend_, rows * vocabulary);
    for (Array<std::int32_t>* array : {&chosen_rows_, &tokens_, &positions_, &drawn_})
        array->reserve(backend_, rows);
    tables_.reserve(backend_, rows * static_cast<std::size_t>(table_stride_));
    counters_.reserve(backend_, rows);
    turn_.reserve(backend_, 1);
    logprob_.reserve(backend_, rows);
    log_tokens_.reserve(backend_, log);
    log_logprobs_.reserve(backend_, log);
}

template <class T>
std::vector<Completion> RolloutEngine<T>::generate(const Weights<T>& weights,
                                                   const std::vector<RolloutRequest>& requests,
                                                   const RolloutOptions& options) {
    check_fits(requests, options);
    std::vector<Completion> outputs;
    first_output_.clear();
    for (const RolloutRequest& request : requests) {
        first_output_.push_back(outputs.size());
        for (std::uint32_t i = 0; i < request.count; ++i)
            outputs.push_back({request.prompt_index, request.first_sample + i, {}, {}, false});
    }
    if (outputs.empty()) return outputs;
    groups_.clear();
    active_.clear();
    backend_.forget_replays();
    reserve_cache(requests, options);
    next_request_ = 0;
    while (true) {
        admit(weights, requests, options, outputs);
        if (active_.empty()) break;
        decode(weights, options, outputs);
        retire(options, outputs);
    }
    backend_.forget_replays();
    return outputs;
}

template <class T>
void RolloutEngine<T>::admit(const Weights<T>& weights, const std::vector<RolloutRequest>& requests,
                             const RolloutOptions& options, std::vector<Completion>& outputs) {
    // A drawn first token may already end its sequence, so places can come free while filling them.
    while (static_cast<std::int32_t>(active_.size()) < places_) {
        if (groups_.empty()) prefill(weights, requests);
        if (groups_.empty()) return;
        start_outputs(requests, options, outputs);
        retire(options, outputs);
    }
}

template <class T>
void RolloutEngine<T>::prefill(const Weights<T>& weights,
                               const std::vector<RolloutRequest>& requests) {
    const auto free_places =
        static_cast<std::int64_t>(places_) - static_cast<std::int64_t>(active_.size());
    PackedBatch batch;                // its loss rows are those that predict the first tokens
    std::vector<std::size_t> owners;  // by row, an index in groups_
    std::int64_t places_filled = 0;
    while (next_request_ < requests.size() && places_filled < free_places) {
        const RolloutRequest& request = requests[next_request_];
        const auto length = static_cast<std::int32_t>(request.prompt.size());
        if (batch.rows() > 0 && batch.rows() + length > kPrefillRows) break;
        const std::size_t index = next_request_++;
        if (request.count == 0) continue;
        groups_.push_back({index, 0, SequencePages<T>(*cache_), batch.sequences()});
        groups_.back().pages.grow(length);
        batch.append(request.prompt, kUnknownToken);
        owners.resize(static_cast<std::size_t>(batch.rows()), groups_.size() - 1);
        places_filled += request.count;
    }
    if (batch.rows() == 0) return;
    std::size_t stride = 1;
    for (const std::size_t owner : owners)
        stride = std::max(stride, groups_[owner].pages.pages().size());
    std::vector<std::int32_t> tables(owners.size() * stride, 0);
    for (std::size_t row = 0; row < owners.size(); ++row)
        std::ranges::copy(groups_[owners[row]].pages.pages(),
                          tables.begin() + static_cast<std::ptrdiff_t>(row * stride));
    beat();
    prompt_batch_.load(backend_, batch);
    prompt_tables_.reserve(backend_, tables.size());
    prompt_tables_.load(tables.data(), tables.size());
    model_.forward_prompts(weights, prompt_batch_,
                           {prompt_tables_.data(), prompt_batch_.positions(),
                            static_cast<std::int32_t>(stride), batch.rows()},
                           *cache_, prompt_activations_);
    backend_.gather_rows(prompt_hidden_.data(), prompt_activations_.hidden.data(),
                         prompt_batch_.loss_rows(), batch.sequences(), model_.shape().hidden);
    head_.logits(weights, prompt_hidden_.data(), batch.sequences(), prompt_logits_.data());
}

template <class T>
void RolloutEngine<T>::start_outputs(const std::vector<RolloutRequest>& requests,
                                     const RolloutOptions& options,
                                     std::vector<Completion>& outputs) {
    const std::size_t first = active_.size();
    std::vector<std::int32_t> rows;
    while (!groups_.empty() && static_cast<std::int32_t>(active_.size()) < places_) {
        Group& group = groups_.front();
        const RolloutRequest& request = requests[group.request];
        const auto length = static_cast<std::int32_t>(request.prompt.size());
        active_.push_back({first_output_[group.request] + group.started, request.prompt_index,
                           length, SequencePages<T>(*cache_)});
        active_.back().pages.share_prefix(group.pages, length);
        rows.push_back(group.logits_row);
        if (++group.started == request.count) groups_.pop_front();
    }
    chosen_rows_.load(rows.data(), rows.size());
    backend_.gather_wide_rows(logits_.data(), prompt_logits_.data(), chosen_rows_.data(),
                              static_cast<std::int32_t>(rows.size()), model_.shape().vocabulary);
    draw_first(first, options, outputs);
}

template <class T>
PhiloxCounter RolloutEngine<T>::counter_of(const Completion& output,
                                           const RolloutOptions& options) const {
    return {static_cast<std::uint32_t>(output.tokens.size()), output.sample, output.prompt_index,
            options.step};
}

template <class T>
void RolloutEngine<T>::draw_first(std::size_t first_active, const RolloutOptions& options,
                                  std::vector<Completion>& outputs) {
    std::vector<PhiloxCounter> counters;
    for (std::size_t i = first_active; i < active_.size(); ++i)
        counters.push_back(counter_of(outputs[active_[i].output], options));
    counters_.load(counters.data(), counters.size());
    backend_.sample(drawn_.data(), logprob_.data(), logits_.data(),
                    static_cast<std::int32_t>(counters.size()), model_.shape().vocabulary,
                    options.rule, {options.key, counters_.data()});
    const std::vector<std::int32_t> tokens = drawn_.to_host(counters.size());
    const std::vector<Wide<T>> logprobs = logprob_.to_host(counters.size());
    for (std::size_t i = 0; i < counters.size(); ++i)
        append(first_active + i, tokens[i], logprobs[i], options, outputs);
}

template <class T>
void RolloutEngine<T>::append(std::size_t row, std::int32_t token, Wide<T> logprob,
                              const RolloutOptions& options,
                              std::vector<Completion>& outputs) const {
    Completion& output = outputs[active_[row].output];
    if (output.ended || static_cast<std::int32_t>(output.tokens.size()) >= options.max_new_tokens)
        return;
    if (token < 0) throw_logits_not_finite(static_cast<std::int32_t>(row));
    output.tokens.push_back(token);
    output.logprobs.push_back(static_cast<float>(logprob));
    output.ended = token == options.end_of_text;
}

template <class T>
void RolloutEngine<T>::load_rows(std::int32_t rows, std::int32_t turns,
                                 const RolloutOptions& options,
                                 const std::vector<Completion>& outputs) {
    const auto count = static_cast<std::size_t>(rows);
    const auto stride = static_cast<std::size_t>(table_stride_);
    std::vector<std::int32_t> tokens(count, 0);
    std::vector<std::int32_t> positions(count, 0);
    std::vector<PhiloxCounter> counters(count, PhiloxCounter{});
    std::vector<std::int32_t> tables(count * stride, idle_page_->pages().front());
    for (std::size_t row = 0; row < active_.size(); ++row) {
        Active& sequence = active_[row];
        const Completion& output = outputs[sequence.output];
        const auto length =
            sequence.prompt_tokens + static_cast<std::int32_t>(output.tokens.size());
        sequence.pages.grow(length + turns - 1);
        tokens[row] = output.tokens.back();
        positions[row] = length - 1;
        counters[row] = counter_of(output, options);
        std::ranges::copy(sequence.pages.pages(),
                          tables.begin() + static_cast<std::ptrdiff_t>(row * stride));
    }
    tokens_.load(tokens.data(), count);
    positions_.load(positions.data(), count);
    counters_.load(counters.data(), count);
    tables_.load(tables.data(), tables.size());
    const std::int32_t first_turn = 0;
    turn_.load(&first_turn, 1);
}

template <class T>
void RolloutEngine<T>::decode_step(const Weights<T>& weights, std::int32_t rows,
                                   const RolloutOptions& options) {
    const CachedStep step{tokens_.data(), {tables_.data(), positions_.data(), table_stride_, rows}};
    model_.forward_cached(weights, step, *cache_, activations_);
    head_.logits(weights, activations_.hidden.data(), rows, logits_.data());
    backend_.sample(drawn_.data(), logprob_.data(), logits_.data(), rows, model_.shape().vocabulary,
                    options.rule, {options.key, counters_.data()});
    backend_.advance({tokens_.data(), positions_.data(), counters_.data(), turn_.data()},
                     log_tokens_.data(), log_logprobs_.data(), drawn_.data(), logprob_.data(),
                     rows);
}

template <class T>
void RolloutEngine<T>::decode(const Weights<T>& weights, const RolloutOptions& options,
                              std::vector<Completion>& outputs) {
    std::int32_t turns = 1;
    for (const Active& sequence : active_) {
        const auto written = static_cast<std::int32_t>(outputs[sequence.output].tokens.size());
        turns = std::max(turns, options.max_new_tokens - written);
    }
    turns = std::min(turns, most_turns_);
    const std::int32_t rows = backend_.replay_rows(static_cast<std::int32_t>(active_.size()));
    load_rows(rows, turns, options, outputs);
    for (std::int32_t turn = 0; turn < turns; ++turn) {
        beat();
        const auto step = [&] { decode_step(weights, rows, options); };
        // What the slices of a model exchange cannot be recorded.
        if (model_.slices() != nullptr) {
            step();
        } else {
            backend_.replay(static_cast<std::uint64_t>(rows), step);
        }
    }
    const std::size_t logged = static_cast<std::size_t>(rows) * static_cast<std::size_t>(turns);
    const std::vector<std::int32_t> tokens = log_tokens_.to_host(logged);
    const std::vector<Wide<T>> logprobs = log_logprobs_.to_host(logged);
    for (std::size_t at = 0; at < logged; ++at) {
        const std::size_t row = at % static_cast<std::size_t>(rows);
        if (row < active_.size()) append(row, tokens[at], logprobs[at], options, outputs);
    }
}

template <class T>
void RolloutEngine<T>::retire(const RolloutOptions& options,
                              const std::vector<Completion>& outputs) {
    std::erase_if(active_, [&](const Active& sequence) {
        const Completion& output = outputs[sequence.output];
        return output.ended ||
               static_cast<std::int32_t>(output.tokens.size()) >= options.max_new_tokens;
    });
}

template class RolloutEngine<Bf16>;
template class RolloutEngine<float>;
template class RolloutEngine<double>;

}  // namespace r1
