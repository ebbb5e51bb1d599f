// SPDX-License-Identifier: Apache-2.0
// A row gets the same bits alone, in pairs, at other places, among other rows and with more
// threads.
#include <cstring>
#include <functional>
#include <numeric>

#include "tests/kernels/support.h"

namespace r1::test {
namespace {

using Floats = std::vector<float>;
using Rows = std::vector<std::size_t>;
/// Runs an operation on the chosen rows of its inputs; returns one output row for each.
using RowOperation = std::function<Floats(Backend<float>&, const Rows&)>;

constexpr std::size_t kRows = 61;

std::int32_t count_of(const Rows& rows) {
    return static_cast<std::int32_t>(rows.size());
}

Floats pick(const Floats& source, const Rows& rows, std::size_t width) {
    Floats result;
    for (const std::size_t i : rows) {
        const auto from = source.begin() + static_cast<std::ptrdiff_t>(i * width);
        result.insert(result.end(), from, from + static_cast<std::ptrdiff_t>(width));
    }
    return result;
}

void append(Floats& to, const Floats& more) {
    to.insert(to.end(), more.begin(), more.end());
}

/// Ways to place the rows 0 … kRows - 1 in batches.
std::vector<Rows> placements() {
    Rows all(kRows);
    std::iota(all.begin(), all.end(), std::size_t{0});
    std::vector<Rows> result{all, {all.rbegin(), all.rend()}};
    for (std::size_t i = 0; i < kRows; ++i) result.push_back({i});
    for (std::size_t i = 0; i + 1 < kRows; ++i) result.push_back({i + 1, i});
    for (const std::size_t m : {3, 5, 12, 13, 25})
        result.emplace_back(all.begin() + 7, all.begin() + 7 + static_cast<std::ptrdiff_t>(m));
    Rows many;
    for (std::size_t i = 0; i < 400; ++i) many.push_back(i * 7 % kRows);
    result.push_back(many);
    return result;
}

class BatchInvariance : public EachInstructionSet {
  protected:
    void check(std::size_t out_width, const RowOperation& op) const {
        const auto one = fast(1), two = fast(2);
        const std::vector<Rows> batches = placements();
        const Floats want = op(*one, batches.front());
        ASSERT_EQ(want.size(), kRows * out_width);
        for (const Rows& rows : batches) {
            const Floats expected = pick(want, rows, out_width);
            for (Backend<float>* backend : {one.get(), two.get()}) {
                const Floats got = op(*backend, rows);
                ASSERT_EQ(std::memcmp(got.data(), expected.data(), got.size() * sizeof(float)), 0)
                    << rows.size() << " rows from row " << rows.front();
            }
        }
    }
};
INSTANTIATE_TEST_SUITE_P(, BatchInvariance, testing::ValuesIn(cpu_instruction_sets()),
                         [](const auto& suite) { return suite.param; });

Floats random_floats(std::size_t count, std::uint32_t seed, double scale = 1) {
    return as<float>(random_values(count, seed, scale));
}

TEST_P(BatchInvariance, OfLinear) {
    struct Size {
        std::int32_t n, k;
    };
    for (const auto [n, k] : {Size{96, 96}, {53, 96}, {264, 300}, {17, 1}}) {
        const auto outputs = static_cast<std::size_t>(n), inputs = static_cast<std::size_t>(k);
        const Floats x = random_floats(kRows * inputs, 1), w = random_floats(outputs * inputs, 2);
        const Floats bias = random_floats(outputs, 3);
        check(outputs, [&, n = n, k = k](Backend<float>& backend, const Rows& rows) {
            Floats y = poisoned<float>(rows.size() * outputs);
            backend.linear_forward(y.data(), pick(x, rows, inputs).data(), w.data(), bias.data(),
                                   count_of(rows), n, k);
            return y;
        });
        const Floats dy = random_floats(kRows * outputs, 4);
        check(inputs, [&, n = n, k = k](Backend<float>& backend, const Rows& rows) {
            Floats dx = poisoned<float>(rows.size() * inputs);
            backend.linear_backward_input(dx.data(), pick(dy, rows, outputs).data(), w.data(),
                                          count_of(rows), n, k, false);
            return dx;
        });
    }
}

TEST_P(BatchInvariance, OfRmsNorm) {
    constexpr std::size_t kWidth = 101;
    const Floats x = random_floats(kRows * kWidth, 1), w = random_floats(kWidth, 2);
    check(kWidth, [&](Backend<float>& backend, const Rows& rows) {
        Floats y = poisoned<float>(rows.size() * kWidth), rstd = poisoned<float>(rows.size());
        backend.rms_norm_forward(y.data(), rstd.data(), pick(x, rows, kWidth).data(), w.data(),
                                 count_of(rows), kWidth, 1e-6);
        return y;
    });
}

TEST_P(BatchInvariance, OfRope) {
    constexpr std::size_t kWidth = 2 * 38;
    const Floats x = random_floats(kRows * kWidth, 1);
    const Numbers positions = random_numbers(kRows, 3000, 2);
    check(kWidth, [&](Backend<float>& backend, const Rows& rows) {
        Floats y = pick(x, rows, kWidth);
        Numbers at;
        for (const std::size_t i : rows) at.push_back(positions[i]);
        backend.rope(y.data(), at.data(), count_of(rows), 2, 38, kWidth, 1e4, false);
        return y;
    });
}

TEST_P(BatchInvariance, OfSwiglu) {
    constexpr std::size_t kWidth = 103;
    const Floats x = random_floats(kRows * 2 * kWidth, 1, 5);
    check(kWidth, [&](Backend<float>& backend, const Rows& rows) {
        Floats y = poisoned<float>(rows.size() * kWidth);
        backend.swiglu_forward(y.data(), pick(x, rows, 2 * kWidth).data(), count_of(rows), kWidth);
        return y;
    });
}

TEST_P(BatchInvariance, OfLogprobAndEntropy) {
    constexpr std::size_t kVocab = 1111;
    const Floats logits = random_floats(kRows * kVocab, 1, 6);
    const Numbers targets = random_numbers(kRows, kVocab, 2);
    check(2, [&](Backend<float>& backend, const Rows& rows) {
        Floats logprob = poisoned<float>(rows.size()), entropy = logprob, result;
        Numbers wanted;
        for (const std::size_t i : rows) wanted.push_back(targets[i]);
        backend.logprob_forward(logprob.data(), entropy.data(), pick(logits, rows, kVocab).data(),
                                wanted.data(), count_of(rows), kVocab, 0.7);
        for (std::size_t i = 0; i < rows.size(); ++i) append(result, {logprob[i], entropy[i]});
        return result;
    });
}

TEST_P(BatchInvariance, OfSampling) {
    constexpr std::size_t kVocab = 131;
    const Floats logits = random_floats(kRows * kVocab, 1, 3);
    check(2, [&](Backend<float>& backend, const Rows& rows) {
        Numbers tokens(rows.size());
        Floats logprob = poisoned<float>(rows.size()), result;
        std::vector<PhiloxCounter> counters;
        for (const std::size_t i : rows)
            counters.push_back({static_cast<std::uint32_t>(i), 0, 0, 0});
        backend.sample(tokens.data(), logprob.data(), pick(logits, rows, kVocab).data(),
                       count_of(rows), kVocab, {0.8, 0.95, 50}, {{7, 8}, counters.data()});
        for (std::size_t i = 0; i < rows.size(); ++i) {
            append(result, {static_cast<float>(tokens[i]), logprob[i]});
        }
        return result;
    });
}

/// Here a "row" is a sequence of its own length; its output is that of its last token, and a hash
/// of the others' bits would only repeat what the shorter sequences show.
TEST_P(BatchInvariance, OfAttentionOverSequences) {
    const HeadShape shape{4, 2, 36};
    const auto width = static_cast<std::size_t>(shape.qkv_width());
    const auto out_width = static_cast<std::size_t>(shape.query_width());
    const auto length = [](std::size_t sequence) { return 1 + sequence * 3 % 67; };
    std::vector<Floats> qkv;
    for (std::size_t s = 0; s < kRows; ++s) {
        qkv.push_back(random_floats(length(s) * width, static_cast<std::uint32_t>(s)));
    }
    check(out_width, [&](Backend<float>& backend, const Rows& chosen) {
        Floats packed, result;
        Numbers offsets = {0};
        PackedSequences sequences;
        for (const std::size_t s : chosen) {
            append(packed, qkv[s]);
            offsets.push_back(offsets.back() + static_cast<std::int32_t>(length(s)));
            sequences.longest = std::max(sequences.longest, static_cast<std::int32_t>(length(s)));
        }
        sequences.offsets = offsets.data();
        sequences.count = count_of(chosen);
        sequences.rows = offsets.back();
        const auto total = static_cast<std::size_t>(sequences.rows);
        Floats out = poisoned<float>(total * out_width), lse = poisoned<float>(total * 4);
        backend.attention_forward(out.data(), lse.data(), packed.data(), sequences, shape);
        for (std::size_t i = 1; i < offsets.size(); ++i) {
            append(result, pick(out, {static_cast<std::size_t>(offsets[i] - 1)}, out_width));
        }
        return result;
    });
}

/// A cache whose pages lie in scrambled order, and NaN where nothing was stored.
struct ScrambledCache {
    ScrambledCache(std::int32_t page_tokens, std::int32_t tokens, const HeadShape& shape)
        : stride((tokens + page_tokens - 1) / page_tokens) {
        const auto count = static_cast<std::size_t>((2 * stride + 1) * page_tokens) *
                           static_cast<std::size_t>(shape.kv_width());
        keys = poisoned<float>(count);
        values = keys;
        cache = {keys.data(), values.data(), page_tokens};
        for (std::int32_t p = 0; p < stride; ++p) pages.push_back(2 * (stride - p));
    }
    CachedRows rows(std::int32_t first, std::int32_t count) {
        tables.clear();
        positions.clear();
        for (std::int32_t i = 0; i < count; ++i) {
            tables.insert(tables.end(), pages.begin(), pages.end());
            positions.push_back(first + i);
        }
        return {tables.data(), positions.data(), stride, count};
    }
    std::int32_t stride;
    Floats keys, values;
    PagedCache<float> cache;
    Numbers pages, tables, positions;
};

void expect_cached_equals_packed(Backend<float>& backend, const HeadShape& shape,
                                 std::int32_t page_tokens, std::int32_t rows_at_once) {
    constexpr std::int32_t kTokens = 70;
    const auto out_width = static_cast<std::size_t>(shape.query_width());
    const Floats qkv = random_floats(static_cast<std::size_t>(kTokens * shape.qkv_width()), 1);
    const Numbers offsets = {0, kTokens};
    Floats want = poisoned<float>(kTokens * out_width);
    Floats lse = poisoned<float>(static_cast<std::size_t>(kTokens * shape.heads));
    backend.attention_forward(want.data(), lse.data(), qkv.data(),
                              {offsets.data(), 1, kTokens, kTokens}, shape);
    ScrambledCache cached(page_tokens, kTokens, shape);
    Floats got = poisoned<float>(want.size());
    for (std::int32_t first = 0; first < kTokens; first += rows_at_once) {
        const CachedRows rows = cached.rows(first, std::min(rows_at_once, kTokens - first));
        const float* input = qkv.data() + first * shape.qkv_width();
        backend.cache_store(cached.cache, input, rows, shape);
        backend.attention_cached(got.data() + first * shape.query_width(), input, cached.cache,
                                 rows, shape);
    }
    ASSERT_EQ(std::memcmp(got.data(), want.data(), got.size() * sizeof(float)), 0);
}

TEST_P(BatchInvariance, CachedAttentionGivesTheBitsOfPackedAttention) {
    for (const HeadShape shape : {HeadShape{3, 3, 32}, {4, 2, 20}, {2, 1, 128}}) {
        for (const std::int32_t page_tokens : {1, 7, 16, 100}) {
            for (const std::int32_t rows_at_once : {1, 33, 70}) {
                for (const int threads : {1, 2}) {
                    expect_cached_equals_packed(*fast(threads), shape, page_tokens, rows_at_once);
                }
            }
        }
    }
}

TEST(Reference, CachedAttentionGivesTheBitsOfPackedAttention) {
    expect_cached_equals_packed(*make_reference_backend<float>(), {4, 2, 20}, 7, 33);
}

TEST_P(BatchInvariance, GradientsOfWeightsAreTheSameWithMoreThreads) {
    constexpr std::int32_t kTokens = 400, kOut = 70, kIn = 50;
    const Floats dy = random_floats(kTokens * kOut, 1), x = random_floats(kTokens * kIn, 2);
    const Floats w = random_floats(kIn, 3), rstd = random_floats(kTokens, 4);
    const auto run = [&](int threads) {
        const auto backend = fast(threads);
        Floats dw(kOut * kIn + kOut), dx(kTokens * kIn), dnorm(kIn);
        backend->linear_backward_weight(dw.data(), dw.data() + kOut * kIn, dy.data(), x.data(),
                                        kTokens, kOut, kIn);
        backend->rms_norm_backward(dx.data(), dnorm.data(), x.data(), x.data(), w.data(),
                                   rstd.data(), kTokens, kIn);
        append(dw, dx);
        append(dw, dnorm);
        return dw;
    };
    EXPECT_EQ(run(1), run(2));
    EXPECT_EQ(run(1), run(3));
}

}  // namespace
}  // namespace r1::test
