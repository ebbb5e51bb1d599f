// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/rollout/rollout_engine.h"

#include <algorithm>
#include <string>
#include <utility>

#include "common/error.h"
#include "common/units.h"
#include "mpi_runtime/comm/progress.h"

namespace r1 {

namespace {

constexpr std::int32_t kPrefillRows = 2048;  // rows of one prefill pass, more only for one prompt

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
    : model_(model), backend_(model.backend()), limits_(limits), head_(model, 1) {}

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
    const std::int32_t per_place = pages_for(prompt + options.max_new_tokens, limits_.page_tokens) +
                                   pages_for(prompt, limits_.page_tokens);
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
    const std::int32_t pages = places_ * per_place;
    if (!cache_ || cache_->pages() < pages)
        cache_ = std::make_unique<KeyValueCache<T>>(backend_, model_.shape(), pages,
                                                    limits_.page_tokens);
    const auto vocabulary = static_cast<std::size_t>(model_.shape().vocabulary);
    const auto places = static_cast<std::size_t>(places_);
    logits_.reserve(backend_, places * vocabulary);
    prompt_logits_.reserve(backend_, places * vocabulary);
    prompt_hidden_.reserve(backend_, places * static_cast<std::size_t>(model_.shape().hidden));
    logprob_.reserve(backend_, places);
    drawn_.reserve(backend_, places);
}

template <class T>
std::vector<Completion> RolloutEngine<T>::generate(const T* parameters,
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
    reserve_cache(requests, options);
    next_request_ = 0;
    while (true) {
        admit(parameters, requests, options, outputs);
        if (active_.empty()) break;
        decode(parameters, options, outputs);
        retire(options, outputs);
    }
    return outputs;
}

template <class T>
void RolloutEngine<T>::admit(const T* parameters, const std::vector<RolloutRequest>& requests,
                             const RolloutOptions& options, std::vector<Completion>& outputs) {
    // A drawn first token may already end its sequence, so places can come free while filling them.
    while (static_cast<std::int32_t>(active_.size()) < places_) {
        if (groups_.empty()) prefill(parameters, requests);
        if (groups_.empty()) return;
        start_outputs(requests, options, outputs);
        retire(options, outputs);
    }
}

template <class T>
void RolloutEngine<T>::prefill(const T* parameters, const std::vector<RolloutRequest>& requests) {
    const auto free_places =
        static_cast<std::int64_t>(places_) - static_cast<std::int64_t>(active_.size());
    std::vector<std::int32_t> tokens;
    std::vector<std::int32_t> positions;
    std::vector<std::size_t> owners;  // by row, an index in groups_
    std::vector<std::int32_t> last_rows;
    std::int64_t places_filled = 0;
    while (next_request_ < requests.size() && places_filled < free_places) {
        const RolloutRequest& request = requests[next_request_];
        const auto length = static_cast<std::int32_t>(request.prompt.size());
        if (!tokens.empty() && static_cast<std::int32_t>(tokens.size()) + length > kPrefillRows)
            break;
        const std::size_t index = next_request_++;
        if (request.count == 0) continue;
        groups_.push_back(
            {index, 0, SequencePages<T>(*cache_), static_cast<std::int32_t>(last_rows.size())});
        groups_.back().pages.grow(length);
        for (std::int32_t at = 0; at < length; ++at) {
            tokens.push_back(request.prompt[static_cast<std::size_t>(at)]);
            positions.push_back(at);
            owners.push_back(groups_.size() - 1);
        }
        last_rows.push_back(static_cast<std::int32_t>(tokens.size()) - 1);
        places_filled += request.count;
    }
    if (tokens.empty()) return;
    std::vector<const SequencePages<T>*> pages;
    pages.reserve(owners.size());
    for (const std::size_t owner : owners) pages.push_back(&groups_[owner].pages);
    run_rows(parameters, tokens, positions, pages);
    const auto count = static_cast<std::int32_t>(last_rows.size());
    device_rows_.reserve(backend_, last_rows.size());
    device_rows_.load(last_rows.data(), last_rows.size());
    backend_.gather_rows(prompt_hidden_.data(), activations_.hidden.data(), device_rows_.data(),
                         count, model_.shape().hidden);
    head_.logits(parameters, prompt_hidden_.data(), count, prompt_logits_.data());
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
    device_rows_.reserve(backend_, rows.size());
    device_rows_.load(rows.data(), rows.size());
    backend_.gather_rows(logits_.data(), prompt_logits_.data(), device_rows_.data(),
                         static_cast<std::int32_t>(rows.size()), model_.shape().vocabulary);
    draw(logits_.data(), first, options, outputs);
}

template <class T>
void RolloutEngine<T>::run_rows(const T* parameters, const std::vector<std::int32_t>& tokens,
                                const std::vector<std::int32_t>& positions,
                                const std::vector<const SequencePages<T>*>& owners) {
    beat();
    std::size_t stride = 0;
    for (const SequencePages<T>* owner : owners) stride = std::max(stride, owner->pages().size());
    std::vector<std::int32_t> tables(tokens.size() * stride, 0);
    for (std::size_t row = 0; row < owners.size(); ++row)
        std::copy(owners[row]->pages().begin(), owners[row]->pages().end(),
                  tables.begin() + static_cast<std::ptrdiff_t>(row * stride));
    device_tokens_.reserve(backend_, tokens.size());
    device_tokens_.load(tokens.data(), tokens.size());
    device_positions_.reserve(backend_, positions.size());
    device_positions_.load(positions.data(), positions.size());
    device_tables_.reserve(backend_, tables.size());
    device_tables_.load(tables.data(), tables.size());
    CachedStep step;
    step.tokens = device_tokens_.data();
    step.rows = {device_tables_.data(), device_positions_.data(), static_cast<std::int32_t>(stride),
                 static_cast<std::int32_t>(tokens.size())};
    model_.forward_cached(parameters, step, *cache_, activations_);
}

template <class T>
void RolloutEngine<T>::decode(const T* parameters, const RolloutOptions& options,
                              std::vector<Completion>& outputs) {
    std::vector<std::int32_t> tokens;
    std::vector<std::int32_t> positions;
    std::vector<const SequencePages<T>*> owners;
    for (Active& sequence : active_) {
        const std::vector<std::int32_t>& written = outputs[sequence.output].tokens;
        const auto length = sequence.prompt_tokens + static_cast<std::int32_t>(written.size());
        sequence.pages.grow(length);
        tokens.push_back(written.back());
        positions.push_back(length - 1);
        owners.push_back(&sequence.pages);
    }
    run_rows(parameters, tokens, positions, owners);
    head_.logits(parameters, activations_.hidden.data(), static_cast<std::int32_t>(tokens.size()),
                 logits_.data());
    draw(logits_.data(), 0, options, outputs);
}

template <class T>
void RolloutEngine<T>::draw(const T* logits, std::size_t first_active,
                            const RolloutOptions& options, std::vector<Completion>& outputs) {
    std::vector<PhiloxCounter> counters;
    for (std::size_t i = first_active; i < active_.size(); ++i) {
        const Completion& output = outputs[active_[i].output];
        counters.push_back({static_cast<std::uint32_t>(output.tokens.size()), output.sample,
                            output.prompt_index, options.step});
    }
    backend_.sample(drawn_.data(), logprob_.data(), logits,
                    static_cast<std::int32_t>(counters.size()), model_.shape().vocabulary,
                    options.rule, {options.key, counters.data()});
    const std::vector<std::int32_t> tokens = drawn_.to_host(counters.size());
    const std::vector<T> logprobs = logprob_.to_host(counters.size());
    for (std::size_t i = 0; i < counters.size(); ++i) {
        Completion& output = outputs[active_[first_active + i].output];
        output.tokens.push_back(tokens[i]);
        output.logprobs.push_back(static_cast<float>(logprobs[i]));
    }
}

template <class T>
void RolloutEngine<T>::retire(const RolloutOptions& options, std::vector<Completion>& outputs) {
    const auto finished = [&](const Active& sequence) {
        Completion& output = outputs[sequence.output];
        output.ended = output.tokens.back() == options.end_of_text;
        return output.ended ||
               static_cast<std::int32_t>(output.tokens.size()) >= options.max_new_tokens;
    };
    std::erase_if(active_, finished);
}

template class RolloutEngine<float>;
template class RolloutEngine<double>;

}  // namespace r1
