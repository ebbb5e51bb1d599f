// SPDX-License-Identifier: Apache-2.0
#include "kernels/adamw_factors.h"
#include "kernels/cpu/ops.h"

namespace r1::cpu {
inline namespace R1_ISA {
namespace {

constexpr std::int64_t kBlock = 1 << 14;

double block_squares(const float* x, std::int64_t count) {
    VecDouble squares{};
    for_lanes(count, [&](std::int64_t j, auto lanes) {
        const VecDouble v = __builtin_convertvector(load(x + j, lanes), VecDouble);
        squares += v * v;
    });
    double total = 0;
    for (int i = 0; i < kLanes; ++i) total += squares[i];
    return total;
}

}  // namespace

double sum_squares(const float* x, std::size_t count, Workspace& workspace) {
    const auto total = static_cast<std::int64_t>(count);
    const std::int64_t blocks = (total + kBlock - 1) / kBlock;
    double* parts = workspace.scratch.doubles(static_cast<std::size_t>(blocks));
    for_each_index(blocks, kBlock, workspace, [&](std::int64_t block) {
        const std::int64_t left = total - block * kBlock;
        parts[block] = block_squares(x + block * kBlock, left < kBlock ? left : kBlock);
    });
    double sum = 0;
    for (std::int64_t block = 0; block < blocks; ++block) sum += parts[block];
    return sum;
}

void adamw(float* parameters, const float* gradients, float* first_moment, float* second_moment,
           std::size_t count, const AdamWStep& step, Workspace& workspace) {
    const AdamWFactors f(step);
    const auto total = static_cast<std::int64_t>(count);
    for_each_index((total + kBlock - 1) / kBlock, 8 * kBlock, workspace, [&](std::int64_t block) {
        const std::int64_t first = block * kBlock;
        const std::int64_t size = total - first < kBlock ? total - first : kBlock;
        for_lanes(size, [&](std::int64_t offset, auto lanes) {
            const std::int64_t j = first + offset;
            const Vec g = load(gradients + j, lanes) * f.gradient;
            const Vec m = fma(load(first_moment + j, lanes), fill(f.beta1), g * f.rest1);
            const Vec v = fma(load(second_moment + j, lanes), fill(f.beta2), g * g * f.rest2);
            const Vec denominator = fma(square_root(v), fill(f.root), fill(f.epsilon));
            const Vec p = load(parameters + j, lanes);
            // Decay and step are added first, so that p is rounded once and not twice.
            store(parameters + j, p - fma(p, fill(f.decay), f.step_size * (m / denominator)),
                  lanes);
            store(first_moment + j, m, lanes);
            store(second_moment + j, v, lanes);
        });
    });
}

}  // namespace R1_ISA
}  // namespace r1::cpu
