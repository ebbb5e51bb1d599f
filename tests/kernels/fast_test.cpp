// SPDX-License-Identifier: Apache-2.0
// Every operation of the fast backend against the reference in double, at sizes that leave tails.
#include "tests/kernels/support.h"

namespace r1::test {
namespace {

class FastCpu : public EachInstructionSet {
  protected:
    /// op(backend, T{}) returns its outputs; both see the same inputs.
    template <class Op>
    void compare(double allowed, Op op) const {
        const auto reference = make_reference_backend<double>();
        const Values want = op(*reference, double{});
        for (const int threads : {1, 2}) expect_near(op(*fast(threads), float{}), want, allowed);
    }
};
INSTANTIATE_TEST_SUITE_P(, FastCpu, testing::ValuesIn(cpu_instruction_sets()),
                         [](const auto& suite) { return suite.param; });

struct LinearSize {
    std::int32_t m, n, k;
};
// Tails of rows, panels and depth; more than one block of each; threads by rows and by columns.
constexpr LinearSize kLinearSizes[] = {{1, 1, 1},    {3, 5, 7},    {13, 33, 17},  {64, 288, 96},
                                       {5, 600, 40}, {7, 31, 600}, {150, 70, 300}};

std::size_t area(std::int32_t a, std::int32_t b) {
    return static_cast<std::size_t>(a) * static_cast<std::size_t>(b);
}

TEST_P(FastCpu, LinearForwardEqualsTheReference) {
    for (const auto [m, n, k] : kLinearSizes) {
        const Values x = random_values(area(m, k), 1), w = random_values(area(n, k), 2);
        const Values bias = random_values(area(n, 1), 3);
        for (const bool with_bias : {false, true}) {
            compare(tolerance(k), [&, m = m, n = n, k = k](auto& backend, auto zero) {
                using T = decltype(zero);
                auto y = poisoned<T>(area(m, n));
                const auto tx = as<T>(x), tw = as<T>(w), tb = as<T>(bias);
                backend.linear_forward(y.data(), tx.data(), tw.data(),
                                       with_bias ? tb.data() : nullptr, m, n, k);
                return y;
            });
        }
    }
}

TEST_P(FastCpu, LinearBackwardInputOverwritesOrAccumulates) {
    for (const auto [m, n, k] : kLinearSizes) {
        const Values dy = random_values(area(m, n), 1), w = random_values(area(n, k), 2);
        const Values before = random_values(area(m, k), 3);
        for (const bool accumulate : {false, true}) {
            compare(tolerance(n), [&, m = m, n = n, k = k](auto& backend, auto zero) {
                using T = decltype(zero);
                auto dx = accumulate ? as<T>(before) : poisoned<T>(area(m, k));
                const auto tdy = as<T>(dy), tw = as<T>(w);
                backend.linear_backward_input(dx.data(), tdy.data(), tw.data(), m, n, k,
                                              accumulate);
                return dx;
            });
        }
    }
}

TEST_P(FastCpu, LinearBackwardWeightAccumulatesWeightAndBias) {
    for (const auto [m, n, k] : kLinearSizes) {
        const Values dy = random_values(area(m, n), 1), x = random_values(area(m, k), 2);
        const Values before = random_values(area(n, k + 1), 3);
        compare(tolerance(m), [&, m = m, n = n, k = k](auto& backend, auto zero) {
            using T = decltype(zero);
            auto dw = as<T>(before);
            const auto tdy = as<T>(dy), tx = as<T>(x);
            backend.linear_backward_weight(dw.data(), dw.data() + area(n, k), tdy.data(), tx.data(),
                                           m, n, k);
            return dw;
        });
    }
}

TEST_P(FastCpu, RmsNormEqualsTheReference) {
    for (const std::int32_t width : {1, 31, 96, 133}) {
        const std::int32_t m = 150;
        const Values x = random_values(area(m, width), 1), w = random_values(area(width, 1), 2);
        const Values dy = random_values(area(m, width), 3);
        const Values before = random_values(area(m + 1, width), 4);
        compare(tolerance(std::max(m, width), 4), [&](auto& backend, auto zero) {
            using T = decltype(zero);
            const auto tx = as<T>(x), tw = as<T>(w), tdy = as<T>(dy);
            auto y = poisoned<T>(area(m, width)), rstd = poisoned<T>(area(m, 1));
            backend.rms_norm_forward(y.data(), rstd.data(), tx.data(), tw.data(), m, width, 1e-2);
            auto grads = as<T>(before);
            backend.rms_norm_backward(grads.data(), grads.data() + area(m, width), tdy.data(),
                                      tx.data(), tw.data(), rstd.data(), m, width);
            y.insert(y.end(), rstd.begin(), rstd.end());
            y.insert(y.end(), grads.begin(), grads.end());
            return y;
        });
    }
}

TEST_P(FastCpu, RopeEqualsTheReferenceAndLeavesTheRestOfTheRow) {
    const std::int32_t m = 70, heads = 3, stride = 3 * 34 + 5;
    const Values x = random_values(area(m, stride), 1);
    const Numbers positions = random_numbers(static_cast<std::size_t>(m), 5000, 2);
    for (const std::int32_t head_dim : {6, 32, 34}) {
        for (const bool inverse : {false, true}) {
            compare(tolerance(4), [&](auto& backend, auto zero) {
                auto y = as<decltype(zero)>(x);
                backend.rope(y.data(), positions.data(), m, heads, head_dim, stride, 1e4, inverse);
                return y;
            });
        }
    }
}

TEST_P(FastCpu, SwigluEqualsTheReference) {
    for (const std::int32_t n : {1, 21, 264}) {
        const std::int32_t m = 19;
        const Values gate_up = random_values(area(m, 2 * n), 1, 20);
        const Values dy = random_values(area(m, n), 2);
        compare(tolerance(16), [&](auto& backend, auto zero) {
            using T = decltype(zero);
            const auto input = as<T>(gate_up), tdy = as<T>(dy);
            auto y = poisoned<T>(area(m, n)), grad = poisoned<T>(area(m, 2 * n));
            backend.swiglu_forward(y.data(), input.data(), m, n);
            backend.swiglu_backward(grad.data(), tdy.data(), input.data(), m, n);
            y.insert(y.end(), grad.begin(), grad.end());
            return y;
        });
    }
}

TEST_P(FastCpu, SwigluOfHugeGatesIsFinite) {
    const std::vector<float> gate_up = {-1000, -100, -88, 88, 100, 1000, 1, 1, 1, 1, 1, 1};
    auto y = poisoned<float>(6);
    fast()->swiglu_forward(y.data(), gate_up.data(), 1, 6);
    EXPECT_EQ(y[0], 0);
    EXPECT_EQ(y[5], 1000);
    for (const float v : y) EXPECT_TRUE(std::isfinite(v));
}

TEST_P(FastCpu, AttentionEqualsTheReference) {
    const Numbers offsets = {0, 1, 1, 18, 51, 120};
    const PackedSequences sequences{offsets.data(), 5, 120, 69};
    for (const HeadShape shape : {HeadShape{3, 3, 32}, {4, 2, 20}, {6, 2, 64}, {2, 1, 128}}) {
        const Values qkv = random_values(area(120, shape.qkv_width()), 1);
        const Values dout = random_values(area(120, shape.query_width()), 2);
        compare(tolerance(2 * 69), [&](auto& backend, auto zero) {
            using T = decltype(zero);
            const auto input = as<T>(qkv), grad = as<T>(dout);
            auto out = poisoned<T>(area(120, shape.query_width()));
            auto lse = poisoned<T>(area(120, shape.heads)), dot = lse;
            auto dqkv = poisoned<T>(input.size());
            backend.attention_forward(out.data(), lse.data(), input.data(), sequences, shape);
            backend.attention_backward(dqkv.data(), dot.data(), grad.data(), out.data(), lse.data(),
                                       input.data(), sequences, shape);
            out.insert(out.end(), lse.begin(), lse.end());
            out.insert(out.end(), dqkv.begin(), dqkv.end());
            return out;
        });
    }
}

TEST_P(FastCpu, LogprobAndEntropyEqualTheReference) {
    for (const std::int32_t vocab : {1, 53, 3001}) {
        const std::int32_t m = 23;
        Values logits = random_values(area(m, vocab), 1, 8);
        const Numbers targets =
            random_numbers(static_cast<std::size_t>(m), static_cast<std::uint32_t>(vocab), 2);
        Numbers or_none = targets;
        or_none.back() = -1;
        if (vocab > 1) logits[static_cast<std::size_t>(targets[0] == 0)] = -INFINITY;
        const Values dlogprob = random_values(area(m, 1), 3);
        // Errors of p carry the relative error of the exponential, 2 ulp of a scaled logit of 23.
        compare(tolerance(60), [&](auto& backend, auto zero) {
            using T = decltype(zero);
            auto line = as<T>(logits);
            const auto grad = as<T>(dlogprob);
            auto logprob = poisoned<T>(area(m, 1)), entropy = logprob;
            backend.logprob_forward(logprob.data(), entropy.data(), line.data(), targets.data(), m,
                                    vocab, 0.7);
            backend.logprob_backward(line.data(), line.data(), grad.data(), or_none.data(), m,
                                     vocab, 0.7);
            line.insert(line.end(), logprob.begin(), logprob.end());
            line.insert(line.end(), entropy.begin(), entropy.end());
            return line;
        });
    }
}

TEST_P(FastCpu, RowsAreGatheredAndDuplicatesAddUp) {
    const std::int32_t width = 37, m = 50;
    const Values table = random_values(area(9, width), 1), dy = random_values(area(m, width), 2);
    const Numbers ids = random_numbers(static_cast<std::size_t>(m), 9, 3);
    compare(tolerance(m), [&](auto& backend, auto zero) {
        using T = decltype(zero);
        auto grads = as<T>(table);
        const auto input = as<T>(table), grad = as<T>(dy);
        auto y = poisoned<T>(area(m, width)), gathered = y;
        backend.embedding_forward(y.data(), input.data(), {0, 9}, ids.data(), m, width);
        backend.gather_rows(gathered.data(), input.data(), ids.data(), m, width);
        EXPECT_EQ(y, gathered);
        gathered = poisoned<T>(area(m, width));
        backend.gather_wide_rows(gathered.data(), input.data(), ids.data(), m, width);
        EXPECT_EQ(y, gathered);
        backend.embedding_backward(grads.data(), {0, 9}, grad.data(), ids.data(), m, width);
        backend.scatter_add_rows(grads.data(), grad.data(), ids.data(), m, width);
        y.insert(y.end(), grads.begin(), grads.end());
        return y;
    });
}

TEST_P(FastCpu, ColumnsAreCopiedAndOthersStay) {
    const std::int32_t m = 3, width = 4, x_stride = 6, y_stride = 9;
    const Values x = random_values(area(m, x_stride), 1),
                 before = random_values(area(m, y_stride), 2);
    compare(0, [&](auto& backend, auto zero) {
        using T = decltype(zero);
        const auto source = as<T>(x), old = as<T>(before);
        auto y = old;
        backend.copy_columns(y.data(), y_stride, 5, source.data(), x_stride, 1, m, width);
        for (std::int32_t i = 0; i < m; ++i) {
            for (std::int32_t j = 0; j < y_stride; ++j) {
                const std::size_t at = area(i, y_stride) + static_cast<std::size_t>(j);
                const std::size_t from = area(i, x_stride) + static_cast<std::size_t>(j - 4);
                EXPECT_EQ(y[at], j >= 5 ? source[from] : old[at]) << i << ", " << j;
            }
        }
        return y;
    });
}

TEST_P(FastCpu, APartOfATableLeavesTheOtherIdsOut) {
    const std::int32_t width = 37, m = 50;
    const Values table = random_values(area(4, width), 1), dy = random_values(area(m, width), 2);
    const Numbers ids = random_numbers(static_cast<std::size_t>(m), 9, 3);
    compare(tolerance(m), [&](auto& backend, auto zero) {
        using T = decltype(zero);
        auto grads = as<T>(table);
        const auto input = as<T>(table), grad = as<T>(dy);
        auto y = poisoned<T>(area(m, width));
        backend.embedding_forward(y.data(), input.data(), {3, 4}, ids.data(), m, width);
        for (std::size_t i = 0; i < ids.size(); ++i) {
            const bool held = ids[i] >= 3 && ids[i] < 7;
            EXPECT_EQ(y[i * 37], held ? input[area(ids[i] - 3, width)] : 0) << ids[i];
        }
        backend.embedding_backward(grads.data(), {3, 4}, grad.data(), ids.data(), m, width);
        y.insert(y.end(), grads.begin(), grads.end());
        return y;
    });
}

TEST_P(FastCpu, ElementwiseOperationsEqualTheReference) {
    const Values x = random_values(40001, 1), before = random_values(40001, 2);
    compare(tolerance(1), [&](auto& backend, auto zero) {
        using T = decltype(zero);
        const auto input = as<T>(x);
        auto y = as<T>(before);
        backend.accumulate(y.data(), input.data(), y.size());
        backend.scale(y.data(), 0.3, y.size());
        return y;
    });
    const std::size_t bounds[] = {0, 17, x.size()};
    double want[2], one[2], two[2];
    make_reference_backend<double>()->sum_squares(want, x.data(), bounds);
    const auto input = as<float>(x);
    fast(1)->sum_squares(one, input.data(), bounds);
    fast(2)->sum_squares(two, input.data(), bounds);
    for (const int i : {0, 1}) {
        EXPECT_NEAR(one[i] / want[i], 1, 1e-13);
        EXPECT_EQ(one[i], two[i]);
    }
}

}  // namespace
}  // namespace r1::test
