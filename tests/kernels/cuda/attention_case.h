// SPDX-License-Identifier: Apache-2.0
// One batch for attention: random inputs of type T, what the reference computes from them in
// double, and how far a result may be off.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/backend.h"

namespace r1::test {

/// A result in double, and the bound of its error, element by element.
struct Bounded {
    explicit Bounded(std::size_t count) : value(count), bound(count) {}
    std::vector<double> value, bound;
};

/// Let u be the unit roundoff of T (2^-8 for Bf16, 2^-24 for float) and v = 2^-24. Sums are made in
/// float, in any order, and a tensor core may cut where others round: a sum of n terms is off by
/// at most 2 n v times the sum of their absolute values. Every bound is what follows from that for
/// the products in which p and ds, and at last the result, are rounded to T.
template <class T>
class AttentionCase {
  public:
    AttentionCase(const HeadShape& shape, const std::vector<std::int32_t>& lengths,
                  std::uint32_t seed, double scale);

    HeadShape shape;
    std::vector<std::int32_t> offsets;
    std::int32_t rows, longest = 0;
    // Inputs; `out` and `lse` are the reference's, rounded, for the backward pass.
    std::vector<T> qkv, dout, out;
    std::vector<float> lse;
    // Results.
    Bounded wanted_out, wanted_lse, wanted_dot, wanted_dqkv;

  private:
    struct Pair;
    void compute_forward();
    void compute_backward();
    void bound_forward(std::int64_t first, std::int64_t row, std::int32_t head);
    void bound_backward(std::int64_t first, std::int64_t row, std::int32_t head);
    double probability_error(std::int64_t first, std::int64_t row, std::int32_t head) const;
    std::size_t query_at(std::int64_t row, std::int32_t head) const;
    std::size_t key_at(std::int64_t row, std::int32_t head) const;
    double sum_products(const std::vector<double>& a, std::size_t i, const std::vector<double>& b,
                        std::size_t j, bool absolute) const;

    double unit_;
    std::vector<double> exact_qkv_, exact_dout_, exact_out_, exact_lse_;
};

}  // namespace r1::test
