// SPDX-License-Identifier: Apache-2.0
// Every gradient of the reference in double against central differences of loss = Σ out · r for
// random r.
#include <functional>

#include "tests/kernels/support.h"

namespace r1::test {
namespace {

using Reference = Backend<double>;
using Forward = std::function<void(Reference&, double* out, const double* input)>;
using Backward =
    std::function<void(Reference&, double* gradient, const double* dout, const double* input)>;

double project(const Values& out, const Values& weights) {
    double sum = 0;
    for (std::size_t i = 0; i < out.size(); ++i) sum += out[i] * weights[i];
    return sum;
}

void expect_gradient(Values input, std::size_t out_count, const Forward& forward,
                     const Backward& backward) {
    const auto backend = make_reference_backend<double>();
    const Values weights = random_values(out_count, 99);
    Values gradient(input.size());
    backward(*backend, gradient.data(), weights.data(), input.data());
    Values out = poisoned<double>(out_count);
    const auto loss_at = [&](std::size_t i, double value) {
        const double kept = std::exchange(input[i], value);
        forward(*backend, out.data(), input.data());
        input[i] = kept;
        return project(out, weights);
    };
    double largest = 0;
    for (const double g : gradient) largest = std::max(largest, std::abs(g));
    constexpr double kStep = 1e-5;
    for (std::size_t i = 0; i < input.size(); ++i) {
        const double slope =
            (loss_at(i, input[i] + kStep) - loss_at(i, input[i] - kStep)) / (2 * kStep);
        ASSERT_NEAR(gradient[i], slope, 1e-6 * std::max(std::abs(slope), 0.1 * largest))
            << "element " << i;
    }
}

TEST(Gradient, OfLinearByInput) {
    const Values w = random_values(5 * 7, 2), bias = random_values(5, 3);
    expect_gradient(
        random_values(3 * 7, 1), 3 * 5,
        [&](Reference& b, double* y, const double* x) {
            b.linear_forward(y, x, w.data(), bias.data(), 3, 5, 7);
        },
        [&](Reference& b, double* dx, const double* dy, const double*) {
            b.linear_backward_input(dx, dy, w.data(), 3, 5, 7, false);
        });
}

TEST(Gradient, OfLinearByWeightAndBias) {
    const Values x = random_values(3 * 7, 2);
    expect_gradient(
        random_values(5 * 8, 1), 3 * 5,
        [&](Reference& b, double* y, const double* w) {
            b.linear_forward(y, x.data(), w, w + 5 * 7, 3, 5, 7);
        },
        [&](Reference& b, double* dw, const double* dy, const double*) {
            b.linear_backward_weight(dw, dw + 5 * 7, dy, x.data(), 3, 5, 7);
        });
}

TEST(Gradient, OfEmbeddingByTableWithDuplicateIds) {
    const Numbers ids = {2, 0, 2, 2};
    expect_gradient(
        random_values(3 * 5, 1), 4 * 5,
        [&](Reference& b, double* y, const double* table) {
            b.embedding_forward(y, table, {0, 3}, ids.data(), 4, 5);
        },
        [&](Reference& b, double* dtable, const double* dy, const double*) {
            b.embedding_backward(dtable, {0, 3}, dy, ids.data(), 4, 5);
        });
}

TEST(Gradient, OfGatheredRowsWithDuplicates) {
    const Numbers rows = {1, 1, 0};
    expect_gradient(
        random_values(2 * 4, 1), 3 * 4,
        [&](Reference& b, double* y, const double* x) { b.gather_rows(y, x, rows.data(), 3, 4); },
        [&](Reference& b, double* dx, const double* dy, const double*) {
            b.scatter_add_rows(dx, dy, rows.data(), 3, 4);
        });
}

TEST(Gradient, OfRmsNormByInputAndWeight) {
    constexpr int kRows = 4, kWidth = 6;
    // The weight follows the rows.
    expect_gradient(
        random_values((kRows + 1) * kWidth, 1), kRows * kWidth,
        [&](Reference& b, double* y, const double* x) {
            Values rstd(kRows);
            b.rms_norm_forward(y, rstd.data(), x, x + kRows * kWidth, kRows, kWidth, 1e-3);
        },
        [&](Reference& b, double* dx, const double* dy, const double* x) {
            Values rstd(kRows), y(kRows * kWidth);
            const double* w = x + kRows * kWidth;
            b.rms_norm_forward(y.data(), rstd.data(), x, w, kRows, kWidth, 1e-3);
            b.rms_norm_backward(dx, dx + kRows * kWidth, dy, x, w, rstd.data(), kRows, kWidth);
        });
}

TEST(Gradient, OfRopeIsItsInverse) {
    const Numbers positions = {0, 3, 1000};
    expect_gradient(
        random_values(3 * 14, 1), 3 * 14,
        [&](Reference& b, double* y, const double* x) {
            std::copy_n(x, 3 * 14, y);
            b.rope(y, positions.data(), 3, 2, 6, 14, 1e4, false);
        },
        [&](Reference& b, double* dx, const double* dy, const double*) {
            std::copy_n(dy, 3 * 14, dx);
            b.rope(dx, positions.data(), 3, 2, 6, 14, 1e4, true);
        });
}

TEST(Gradient, OfAttentionOverPackedSequences) {
    const Numbers offsets = {0, 1, 6, 6, 9};
    const PackedSequences sequences{offsets.data(), 4, 9, 5};
    const HeadShape shape{4, 2, 3};
    const auto out_count = static_cast<std::size_t>(9 * shape.query_width());
    expect_gradient(
        random_values(static_cast<std::size_t>(9 * shape.qkv_width()), 1), out_count,
        [&](Reference& b, double* out, const double* qkv) {
            Values lse(9 * 4);
            b.attention_forward(out, lse.data(), qkv, sequences, shape);
        },
        [&](Reference& b, double* dqkv, const double* dout, const double* qkv) {
            Values lse(9 * 4), dot(9 * 4), out(out_count);
            b.attention_forward(out.data(), lse.data(), qkv, sequences, shape);
            b.attention_backward(dqkv, dot.data(), dout, out.data(), lse.data(), qkv, sequences,
                                 shape);
        });
}

TEST(Gradient, OfSwiglu) {
    expect_gradient(
        random_values(3 * 10, 1, 3), 3 * 5,
        [](Reference& b, double* y, const double* x) { b.swiglu_forward(y, x, 3, 5); },
        [](Reference& b, double* dx, const double* dy, const double* x) {
            b.swiglu_backward(dx, dy, x, 3, 5);
        });
}

TEST(Gradient, OfLogprobAtATemperature) {
    const Numbers targets = {4, 0, 2};
    expect_gradient(
        random_values(3 * 5, 1, 2), 3,
        [&](Reference& b, double* logprob, const double* logits) {
            b.logprob_forward(logprob, nullptr, logits, targets.data(), 3, 5, 0.7);
        },
        [&](Reference& b, double* dlogits, const double* dlogprob, const double* logits) {
            b.logprob_backward(dlogits, logits, dlogprob, targets.data(), 3, 5, 0.7);
        });
}

TEST(Reference, LogprobAndEntropyOfAUniformRowAreLogVocab) {
    const Values logits(8, 1.5);
    const Numbers target = {3};
    double logprob = 0, entropy = 0;
    make_reference_backend<double>()->logprob_forward(&logprob, &entropy, logits.data(),
                                                      target.data(), 1, 8, 0.3);
    EXPECT_NEAR(logprob, -std::log(8), 1e-14);
    EXPECT_NEAR(entropy, std::log(8), 1e-14);
}

TEST(Reference, RopeTurnsTheFirstPairByTheWholePosition) {
    Values x = {1, 0, 0, 0};
    const Numbers position = {2};
    make_reference_backend<double>()->rope(x.data(), position.data(), 1, 1, 4, 4, 1e4, false);
    EXPECT_NEAR(x[0], std::cos(2), 1e-15);
    EXPECT_NEAR(x[2], std::sin(2), 1e-15);
}

}  // namespace
}  // namespace r1::test
