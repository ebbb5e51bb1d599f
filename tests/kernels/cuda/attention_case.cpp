// SPDX-License-Identifier: Apache-2.0
#include "tests/kernels/cuda/attention_case.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "kernels/reference/attention.h"
#include "tests/kernels/support.h"

namespace r1::test {

namespace {

constexpr double kFloatUnit = 0x1p-24;
// Below it floats are not normal numbers, and 2^x on the GPU is zero.
constexpr double kSmallest = 0x1p-126;

template <class T>
std::vector<double> widened(const std::vector<T>& values) {
    std::vector<double> result;
    for (const T& value : values) result.push_back(static_cast<double>(value));
    return result;
}

template <class T>
std::vector<T> rounded(const std::vector<double>& values) {
    std::vector<T> result;
    for (const double value : values) result.push_back(static_cast<T>(value));
    return result;
}

}  // namespace

template <class T>
AttentionCase<T>::AttentionCase(const HeadShape& s, const std::vector<std::int32_t>& lengths,
                                std::uint32_t seed, double scale)
    : shape(s),
      offsets{0},
      rows([&] {
          for (const std::int32_t length : lengths) offsets.push_back(offsets.back() + length);
          return offsets.back();
      }()),
      wanted_out(static_cast<std::size_t>(rows * s.query_width())),
      wanted_lse(static_cast<std::size_t>(rows * s.heads)),
      wanted_dot(static_cast<std::size_t>(rows * s.heads)),
      wanted_dqkv(static_cast<std::size_t>(rows * s.qkv_width())),
      unit_(std::is_same_v<T, float> ? kFloatUnit : 0x1p-8) {
    for (const std::int32_t length : lengths) longest = std::max(longest, length);
    const auto count = static_cast<std::size_t>(rows);
    qkv = rounded<T>(random_values(count * static_cast<std::size_t>(s.qkv_width()), seed, scale));
    dout = rounded<T>(random_values(count * static_cast<std::size_t>(s.query_width()), seed + 1));
    exact_qkv_ = widened(qkv);
    exact_dout_ = widened(dout);
    compute_forward();
    compute_backward();
}

template <class T>
std::size_t AttentionCase<T>::query_at(std::int64_t row, std::int32_t head) const {
    return static_cast<std::size_t>(row * shape.qkv_width() + head * shape.head_dim);
}

template <class T>
std::size_t AttentionCase<T>::key_at(std::int64_t row, std::int32_t head) const {
    const std::int32_t kv_head = head / (shape.heads / shape.kv_heads);
    return static_cast<std::size_t>(row * shape.qkv_width() + shape.query_width() +
                                    kv_head * shape.head_dim);
}

template <class T>
double AttentionCase<T>::sum_products(const std::vector<double>& a, std::size_t i,
                                      const std::vector<double>& b, std::size_t j,
                                      bool absolute) const {
    double sum = 0;
    for (std::size_t d = 0; d < static_cast<std::size_t>(shape.head_dim); ++d) {
        const double term = a[i + d] * b[j + d];
        sum += absolute ? std::abs(term) : term;
    }
    return sum;
}

// Of p = exp(score − lse), relative. The score is a sum of head_dim products; scaling it, lse as a
// float, their difference in base 2 and 2^x (to 2 units) round another 8 times.
template <class T>
double AttentionCase<T>::probability_error(std::int64_t first, std::int64_t row,
                                           std::int32_t head) const {
    double largest = 0;
    for (std::int64_t t = first; t <= row; ++t) {
        largest = std::max(largest, sum_products(exact_qkv_, query_at(row, head), exact_qkv_,
                                                 key_at(t, head), true));
    }
    largest *= reference::score_scale<double>(shape);
    const double shift = std::abs(exact_lse_[static_cast<std::size_t>(row * shape.heads + head)]);
    return kFloatUnit * (2 * shape.head_dim * largest + 8 * (largest + shift + 1));
}

template <class T>
void AttentionCase<T>::compute_forward() {
    const PackedSequences sequences{offsets.data(), static_cast<std::int32_t>(offsets.size()) - 1,
                                    rows, longest};
    wanted_lse.value.assign(wanted_lse.value.size(), 0);
    reference::attention_forward(wanted_out.value.data(), wanted_lse.value.data(),
                                 exact_qkv_.data(), sequences, shape);
    exact_lse_ = wanted_lse.value;
    out = rounded<T>(wanted_out.value);
    lse = rounded<float>(wanted_lse.value);
    reference::for_each_row(sequences, [&](std::int64_t first, std::int64_t row) {
        for (std::int32_t h = 0; h < shape.heads; ++h) bound_forward(first, row, h);
    });
}

// out = (sum of p · v) / (sum of p): p is rounded to T in the one, and both are sums of n terms.
template <class T>
void AttentionCase<T>::bound_forward(std::int64_t first, std::int64_t row, std::int32_t head) {
    const auto at = static_cast<std::size_t>(row * shape.heads + head);
    const double n = static_cast<double>(row - first + 1);
    const double error = probability_error(first, row, head);
    const double sums = 2 * error + 4 * n * kFloatUnit;
    wanted_lse.bound[at] = error + kFloatUnit * (2 * n + 4 * std::abs(wanted_lse.value[at]));
    for (std::int32_t d = 0; d < shape.head_dim; ++d) {
        const auto element =
            at * static_cast<std::size_t>(shape.head_dim) + static_cast<std::size_t>(d);
        double magnitude = 0;
        for (std::int64_t t = first; t <= row; ++t) {
            const double score =
                sum_products(exact_qkv_, query_at(row, head), exact_qkv_, key_at(t, head), false) *
                reference::score_scale<double>(shape);
            const std::size_t value = key_at(t, head) + static_cast<std::size_t>(shape.kv_width());
            magnitude += std::exp(score - wanted_lse.value[at]) *
                         std::abs(exact_qkv_[value + static_cast<std::size_t>(d)]);
        }
        wanted_out.bound[element] =
            (unit_ + sums) * magnitude + 2 * unit_ * std::abs(wanted_out.value[element]);
    }
}

template <class T>
void AttentionCase<T>::compute_backward() {
    const PackedSequences sequences{offsets.data(), static_cast<std::int32_t>(offsets.size()) - 1,
                                    rows, longest};
    exact_out_ = widened(out);
    exact_lse_ = widened(lse);
    reference::attention_backward(wanted_dqkv.value.data(), wanted_dot.value.data(),
                                  exact_dout_.data(), exact_out_.data(), exact_lse_.data(),
                                  exact_qkv_.data(), sequences, shape);
    reference::for_each_row(sequences, [&](std::int64_t first, std::int64_t row) {
        for (std::int32_t h = 0; h < shape.heads; ++h) bound_backward(first, row, h);
    });
    for (std::size_t i = 0; i < wanted_dqkv.bound.size(); ++i)
        wanted_dqkv.bound[i] += 2 * unit_ * std::abs(wanted_dqkv.value[i]);
}

// Adds what each pair of a query and a key may contribute: to dv p · dout, to dq and dk ds times k
// and q. ds = p · (dp − dot) is rounded to T; before that it is off by the error of p and of two
// sums over the columns.
template <class T>
void AttentionCase<T>::bound_backward(std::int64_t first, std::int64_t row, std::int32_t head) {
    const double scale = reference::score_scale<double>(shape);
    const auto at = static_cast<std::size_t>(row * shape.heads + head);
    const std::size_t grad = at * static_cast<std::size_t>(shape.head_dim);
    const std::size_t q = query_at(row, head);
    const double error = probability_error(first, row, head);
    const double columns = 2 * (shape.head_dim + 4) * kFloatUnit;
    const double sums = 2 * (longest * (shape.heads / shape.kv_heads) + 4) * kFloatUnit;
    const double dot = sum_products(exact_dout_, grad, exact_out_, grad, true);
    wanted_dot.bound[at] = columns * dot;
    for (std::int64_t t = first; t <= row; ++t) {
        const std::size_t k = key_at(t, head);
        const std::size_t v = k + static_cast<std::size_t>(shape.kv_width());
        const double score = sum_products(exact_qkv_, q, exact_qkv_, k, false) * scale;
        const double p = std::exp(score - exact_lse_[at]);
        const double ds =
            p * scale *
            std::abs(sum_products(exact_dout_, grad, exact_qkv_, v, false) - wanted_dot.value[at]);
        const double terms = scale * (sum_products(exact_dout_, grad, exact_qkv_, v, true) + dot);
        const double relative = unit_ + sums + error;
        const double p_error = relative * p + kSmallest;
        const double ds_error =
            relative * ds + ((1 + unit_) * columns * p + kSmallest) * terms + kSmallest;
        for (std::size_t d = 0; d < static_cast<std::size_t>(shape.head_dim); ++d) {
            wanted_dqkv.bound[v + d] += p_error * std::abs(exact_dout_[grad + d]) + kSmallest;
            wanted_dqkv.bound[q + d] += ds_error * std::abs(exact_qkv_[k + d]);
            wanted_dqkv.bound[k + d] += ds_error * std::abs(exact_qkv_[q + d]);
        }
    }
}

template class AttentionCase<Bf16>;
template class AttentionCase<float>;

}  // namespace r1::test
