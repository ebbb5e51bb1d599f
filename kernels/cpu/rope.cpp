// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/ops.h"

namespace r1::cpu {
inline namespace R1_ISA {

void rope(float* x, const std::int32_t* positions, std::int32_t m, std::int32_t heads,
          std::int32_t head_dim, std::int32_t row_stride, double theta, bool inverse,
          Workspace& workspace) {
    std::int32_t last = 0;
    for (std::int32_t i = 0; i < m; ++i) last = positions[i] > last ? positions[i] : last;
    const float* table = workspace.rope.rows(last, head_dim, theta);
    const std::int64_t half = head_dim / 2;
    const Vec sign = fill(inverse ? -1.0F : 1.0F);
    for_each_index(m, 4 * heads * head_dim, workspace, [&](std::int64_t i) {
        const float* cosines = table + std::int64_t{positions[i]} * head_dim;
        for (std::int64_t h = 0; h < heads; ++h) {
            float* first = x + i * row_stride + h * head_dim;
            float* second = first + half;
            for_lanes(half, [&](std::int64_t j, auto lanes) {
                const Vec cosine = load(cosines + j, lanes);
                const Vec sine = sign * load(cosines + half + j, lanes);
                const Vec a = load(first + j, lanes), b = load(second + j, lanes);
                store(first + j, fma(a, cosine, -(b * sine)), lanes);
                store(second + j, fma(b, cosine, a * sine), lanes);
            });
        }
    });
}

}  // namespace R1_ISA
}  // namespace r1::cpu
