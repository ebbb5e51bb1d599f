// SPDX-License-Identifier: Apache-2.0
// A paged cache with random contents of type T, rows that read it, and what attention gives for
// them in double, with a bound of the error of a result.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/backend.h"

namespace r1::test {

/// Another one for each call and each run of the program; the first is printed.
std::uint32_t fresh_seed();

/// Row i is the last token of a sequence of its own. Pages lie in a random order, and what no
/// sequence holds is NaN. Rows whose positions the tables do not hold are idle.
template <class T>
class CachedCase {
  public:
    /// Queries and keys are up to `scale`. Without a table_stride the tables hold every row.
    CachedCase(const HeadShape& shape, std::int32_t page_tokens,
               const std::vector<std::int32_t>& positions, std::uint32_t seed, double scale,
               std::int32_t table_stride = 0);

    /// Every row reads the sequence of the last one.
    void let_rows_share_the_last_sequence();
    /// What `before`, the keys or the values, is once the rows' own are stored: those are `skip`
    /// values behind the queries in a row of qkv.
    std::vector<T> stored(const std::vector<T>& before, std::int32_t skip) const;

    HeadShape shape;
    std::int32_t page_tokens, table_stride;
    std::vector<std::int32_t> positions, tables;
    std::vector<T> qkv, keys, values;
    std::vector<double> wanted, bound;  ///< [rows, query_width]

  private:
    struct Scores;

    bool is_idle(std::size_t row) const;
    std::size_t cache_row(std::size_t row, std::int32_t position) const;
    /// Where the key or value of a query head begins.
    std::size_t cache_at(std::size_t row, std::int32_t position, std::int32_t head) const;
    Scores scores(std::size_t row, std::int32_t head) const;
    void compute();
    void compute_head(std::size_t row, std::int32_t head);
};

}  // namespace r1::test
