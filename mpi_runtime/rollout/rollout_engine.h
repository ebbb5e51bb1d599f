// SPDX-License-Identifier: Apache-2.0
// Generates outputs with continuous batching over a paged KV cache: a finished sequence frees its
// place at once, and the outputs of one prompt share its prefill. It runs the Transformer that
// training runs, on the same weights in the same memory.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "mpi_runtime/model/output_head.h"
#include "mpi_runtime/model/transformer.h"
#include "mpi_runtime/rollout/completion.h"
#include "mpi_runtime/rollout/sequence_pages.h"

namespace r1 {

/// What holds for every sequence of one generate() call.
struct RolloutOptions {
    SamplingRule rule;
    std::int32_t max_new_tokens = 0;
    std::int32_t end_of_text = 0;
    PhiloxKey key{};
    std::uint32_t step = 0;  ///< token t of (prompt, sample) draws at {t, sample, prompt, step}
};

/// Bounds of the engine's memory on one rank.
struct RolloutLimits {
    std::int32_t batch_size = 0;  ///< sequences decoded at once, at most
    std::int32_t page_tokens = 0;
    std::int64_t cache_bytes = 0;  ///< KV cache, at most
};

template <class T>
class RolloutEngine {
  public:
    RolloutEngine(Transformer<T>& model, const RolloutLimits& limits);

    /// Of a slice of a model: collective over the slices, with the same requests and options.
    /// Every requested output, ordered by request and sample. The outputs depend on the weights,
    /// the options and each one's (prompt_index, sample) alone: not on the batch size or on the
    /// other requests. Throws Error when a sequence cannot fit in the model's positions or in the
    /// cache.
    std::vector<Completion> generate(const Weights<T>& weights,
                                     const std::vector<RolloutRequest>& requests,
                                     const RolloutOptions& options);

  private:
    /// A prefilled prompt, kept until its last output has started.
    struct Group {
        std::size_t request = 0;
        std::uint32_t started = 0;
        SequencePages<T> pages;
        std::int32_t logits_row = 0;  ///< of prompt_logits_
    };
    /// A sequence being decoded.
    struct Active {
        std::size_t output = 0;  ///< index in the result
        std::uint32_t prompt_index = 0;
        std::int32_t prompt_tokens = 0;
        SequencePages<T> pages;
    };

    void check_fits(const std::vector<RolloutRequest>& requests, const RolloutOptions& options);
    void reserve_cache(const std::vector<RolloutRequest>& requests, const RolloutOptions& options);
    void reserve_rows();
    void admit(const Weights<T>& weights, const std::vector<RolloutRequest>& requests,
               const RolloutOptions& options, std::vector<Completion>& outputs);
    void prefill(const Weights<T>& weights, const std::vector<RolloutRequest>& requests);
    void start_outputs(const std::vector<RolloutRequest>& requests, const RolloutOptions& options,
                       std::vector<Completion>& outputs);
    /// Some steps for every active sequence: one where the host looks at no cost, otherwise many,
    /// so that the device need not wait for the host between two tokens.
    void decode(const Weights<T>& weights, const RolloutOptions& options,
                std::vector<Completion>& outputs);
    /// Writes the rows of the active sequences, and idle ones, to the device.
    void load_rows(std::int32_t rows, std::int32_t turns, const RolloutOptions& options,
                   const std::vector<Completion>& outputs);
    void decode_step(const Weights<T>& weights, std::int32_t rows, const RolloutOptions& options);
    void draw_first(std::size_t first_active, const RolloutOptions& options,
                    std::vector<Completion>& outputs);
    PhiloxCounter counter_of(const Completion& output, const RolloutOptions& options) const;
    /// Appends what was drawn for active sequence `row`, unless it has ended.
    void append(std::size_t row, std::int32_t token, Wide<T> logprob, const RolloutOptions& options,
                std::vector<Completion>& outputs) const;
    void retire(const RolloutOptions& options, const std::vector<Completion>& outputs);

    Transformer<T>& model_;
    Backend<T>& backend_;
    RolloutLimits limits_;
    OutputHead<T> head_;
    std::unique_ptr<KeyValueCache<T>> cache_;
    std::int32_t places_ = 0;        ///< sequences at once, by batch_size and by memory
    std::int32_t most_turns_ = 1;    ///< steps between two looks of the host
    std::int32_t table_stride_ = 0;  ///< pages of the longest sequence
    std::size_t next_request_ = 0;
    std::vector<std::size_t> first_output_;  ///< by request
    std::deque<Group> groups_;
    std::vector<Active> active_;
    // Prompts may be many rows at once; what decoding uses stays where it is, for its records.
    Activations<T> prompt_activations_, activations_;
    DeviceBatch prompt_batch_;
    Array<T> prompt_hidden_;
    Array<Wide<T>> prompt_logits_, logits_, logprob_, log_logprobs_;
    Array<std::int32_t> prompt_tables_, chosen_rows_;
    Array<std::int32_t> tokens_, positions_, tables_, turn_, drawn_, log_tokens_;
    Array<PhiloxCounter> counters_;
    std::unique_ptr<SequencePages<T>> idle_page_;  // where idle rows read and write
};

extern template class RolloutEngine<Bf16>;
extern template class RolloutEngine<float>;
extern template class RolloutEngine<double>;

}  // namespace r1
