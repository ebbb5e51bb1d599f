// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include "common/bfloat16.h"
#include "mpi_runtime/comm/tensor_groups.h"

namespace r1 {

std::size_t bytes_of(ValueType type) {
    switch (type) {
        case ValueType::kBfloat16:
            return sizeof(Bf16);
        case ValueType::kFloat32:
            return sizeof(float);
        case ValueType::kFloat64:
            return sizeof(double);
    }
    return 0;
}

std::vector<SumTerm> sum_of_ranks(int ranks) {
    std::vector<SumTerm> terms;
    for (int rank = 0; rank < ranks; ++rank) {
        SumTerm term{rank, 0, 0};
        for (int half = 1; half < ranks; half *= 2) {
            const int begin = rank - rank % (2 * half);
            const bool ends_here = rank + 1 == std::min(begin + 2 * half, ranks);
            if (ends_here && begin + half <= rank) ++term.joins;
        }
        terms.push_back(term);
    }
    return terms;
}

float* add_terms_on(const TensorDevice& device, std::span<const SumTerm> terms,
                    std::span<float* const> parts, std::size_t count) {
    std::vector<float*> open;
    for (std::size_t i = 0; i < terms.size(); ++i) {
        open.push_back(parts[i]);
        for (int join = 0; join < terms[i].joins; ++join) {
            if (count > 0) device.accumulate(open[open.size() - 2], open.back(), count);
            open.pop_back();
        }
    }
    return open.empty() ? nullptr : open.front();
}

}  // namespace r1
