// SPDX-License-Identifier: Apache-2.0
// Decoding by the rollout engine at the 1.5B shape. A step's time is the difference of two calls
// that draw many tokens and few, divided by the tokens between: both prefill the same prompts and
// record the same step.
#include <string>

#include "bench/gpu/rig.h"
#include "bench/gpu/shapes.h"
#include "common/time.h"
#include "mpi_runtime/rollout/rollout_engine.h"

namespace r1::bench {

namespace {

struct Case {
    std::int32_t batch;
    std::int32_t prompt;  ///< tokens of each sequence's own prompt
    std::int32_t few;     ///< tokens drawn by the shorter call, and by the longer one
    std::int32_t many;
    int rounds;
    double target;
    /// In the middle of what is measured.
    double context() const { return prompt + 0.5 * (few + many); }
};

/// Target: of the bandwidth at batch 1, of the roofline above.
std::vector<Case> cases_of(const Options& options) {
    if (options.tiny) return {{1, 8, 2, 4, 1, 0}, {3, 8, 2, 4, 1, 0}};
    return {{1, 1024, 17, 273, 5, 0.8},
            {1, 4096, 17, 273, 5, 0.8},
            {256, 1024, 17, 273, 3, 0.6},
            {256, 4096, 17, 145, 1, 0.6}};
}

class Decoder {
  public:
    Decoder(const Options& options, const ModelShape& shape)
        : device_(make_device<Bf16>(options)), model_(shape, *device_) {
        const std::vector<float> wide = quick_parameters(shape);
        const std::vector<Bf16> values(wide.begin(), wide.end());
        weights_ = Array<Bf16>(*device_, values.size());
        weights_.load(values.data(), values.size());
    }
    Backend<Bf16>& device() { return *device_; }

    void prepare(const Case& work) {
        engine_.reset();  // before the next one's cache is made
        const std::int64_t token = KeyValueCache<Bf16>::page_bytes(model_.shape(), 1);
        const std::int64_t place = 2 * work.prompt + work.many + 8 * kPageTokens;
        engine_ = std::make_unique<RolloutEngine<Bf16>>(
            model_, RolloutLimits{work.batch, kPageTokens, token * place * work.batch});
        requests_.clear();
        for (std::int32_t i = 0; i < work.batch; ++i) {
            const auto index = static_cast<std::uint32_t>(i);
            requests_.push_back(
                {index, random_tokens(model_.shape(), static_cast<std::size_t>(work.prompt), index),
                 0, 1});
        }
        generate(work.many);  // makes room
    }
    /// Seconds, prefill included.
    double generate(std::int32_t new_tokens) {
        RolloutOptions options;
        options.max_new_tokens = new_tokens;
        options.end_of_text = -2;  // no token: every sequence runs to the limit
        options.key = make_key(1, Purpose::kSample);
        device_->finish();
        const double begin = monotonic_seconds();
        engine_->generate(Weights<Bf16>(weights_.data()), requests_, options);
        return monotonic_seconds() - begin;
    }

  private:
    static constexpr std::int32_t kPageTokens = 64;
    std::unique_ptr<Backend<Bf16>> device_;
    Transformer<Bf16> model_;
    Array<Bf16> weights_;
    std::unique_ptr<RolloutEngine<Bf16>> engine_;
    std::vector<RolloutRequest> requests_;
};

void print_step(const ModelShape& shape, const Limits& limits, const Case& work, double seconds) {
    const std::string name =
        "decode." + std::to_string(work.batch) + "x" + std::to_string(work.prompt);
    const double bytes = decode_bytes(shape, work.batch, work.context(), sizeof(Bf16));
    const double flops = decode_flops(shape, work.batch, work.context());
    print_figure({name, work.batch / seconds, "tokens/s", "", 0, 0});
    if (work.batch == 1)
        print_figure({name + ".bytes", bytes / seconds, "B/s", "measured bandwidth",
                      limits.bandwidth, work.target});
    else
        print_figure({name + ".steps", 1 / seconds, "1/s", "roofline",
                      1 / least_seconds(limits, flops, bytes), work.target});
}

void measure(Decoder& decoder, const ModelShape& shape, const Limits& limits, const Case& work) {
    decoder.prepare(work);
    std::vector<double> prefills, steps;
    for (int round = 0; round < work.rounds; ++round) {
        const double shorter = decoder.generate(work.few);
        steps.push_back((decoder.generate(work.many) - shorter) / (work.many - work.few));
        prefills.push_back(shorter - (work.few - 1) * steps.back());
    }
    print_figure({"prefill." + std::to_string(work.batch) + "x" + std::to_string(work.prompt),
                  static_cast<double>(work.batch) * work.prompt / median(prefills), "tokens/s", "",
                  0, 0});
    print_step(shape, limits, work, median(steps));
}

}  // namespace

void decode(const Options& options) {
    const ModelShape shape = options.tiny ? tiny() : qwen2_1_5b();
    Decoder decoder(options, shape);
    const Limits limits = limits_of(options, decoder.device());
    for (const Case& work : cases_of(options)) measure(decoder, shape, limits, work);
}

}  // namespace r1::bench
