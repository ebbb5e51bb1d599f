// SPDX-License-Identifier: Apache-2.0
// Qwen2ForCausalLM and LlamaForCausalLM of Hugging Face transformers, on sequences padded there and
// packed here.
#include "tests/mpi_runtime/parity/parity_model.h"

namespace r1 {
namespace {

/// The loss of supervised fine-tuning: the mean negative log-probability.
class MeanNegativeLogprob final : public TokenLoss {
  public:
    explicit MeanNegativeLogprob(std::size_t tokens) : weight_(1 / static_cast<double>(tokens)) {}
    void evaluate(std::size_t, std::span<const double> logprob, std::span<const double>,
                  std::span<double> gradient) override {
        for (std::size_t i = 0; i < logprob.size(); ++i) {
            value -= weight_ * logprob[i];
            gradient[i] = -weight_;
        }
    }
    double value = 0;

  private:
    double weight_;
};

template <class T>
void expect_parity(const std::string& name, std::unique_ptr<Backend<T>> backend) {
    test::ParityModel<T> model(name, std::move(backend));
    const nlohmann::json& reference = model.reference;
    const std::vector<T> logits = model.logits();
    test::expect_close(std::span<const T>(logits), test::numbers(reference.at("logits")),
                       test::kTolerance<T>, "logits");
    const std::vector<double> logprobs =
        model.runner.logprobs(model.parameters.data(), model.batch, reference.at("temperature"));
    test::expect_close(std::span<const double>(logprobs), test::numbers(reference.at("logprobs")),
                       test::kTolerance<T>, "log-probabilities");
    MeanNegativeLogprob loss(model.batch.targets.size());
    const std::vector<T> gradient = model.gradient_of(loss, 1.0);
    test::expect_close(loss.value, reference.at("sft_loss"), test::kTolerance<T>, "loss");
    test::expect_tensors_close(model.model.layout(), gradient, reference.at("sft_gradients"),
                               test::kGradientTolerance<T>);
}

void expect_parity_in_double(const std::string& name) {
    expect_parity(name, make_reference_backend<double>());
}

void expect_parity_in_float(const std::string& name) {
    test::with_every_fast_backend(
        [&](std::unique_ptr<Backend<float>> backend) { expect_parity(name, std::move(backend)); });
}

TEST(ModelParity, Qwen2WithTiedEmbeddingsInDoubleEqualsTransformers) {
    expect_parity_in_double("qwen2-tied");
}

TEST(ModelParity, Qwen2WithItsOwnHeadInDoubleEqualsTransformers) {
    expect_parity_in_double("qwen2-untied");
}

TEST(ModelParity, LlamaInDoubleEqualsTransformers) {
    expect_parity_in_double("llama");
}

TEST(ModelParity, Qwen2WithTiedEmbeddingsOnTheFastBackendsEqualsTransformers) {
    expect_parity_in_float("qwen2-tied");
}

TEST(ModelParity, Qwen2WithItsOwnHeadOnTheFastBackendsEqualsTransformers) {
    expect_parity_in_float("qwen2-untied");
}

TEST(ModelParity, LlamaOnTheFastBackendsEqualsTransformers) {
    expect_parity_in_float("llama");
}

}  // namespace
}  // namespace r1
