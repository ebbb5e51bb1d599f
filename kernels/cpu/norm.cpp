// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/ops.h"

namespace r1::cpu {
inline namespace R1_ISA {
namespace {

constexpr std::int64_t kChunk = 64;  // rows whose share of dw is summed before the others'

void norm_row(float* y, float& rstd, const float* x, const float* w, std::int64_t width,
              float eps) {
    Vec squares{};
    for_lanes(width, [&](std::int64_t j, auto lanes) {
        const Vec v = load(x + j, lanes);
        squares = fma(v, v, squares);
    });
    rstd = 1.0F / __builtin_sqrtf(sum(squares) / static_cast<float>(width) + eps);
    const Vec factor = fill(rstd);
    for_lanes(width, [&](std::int64_t j, auto lanes) {
        store(y + j, load(x + j, lanes) * factor * load(w + j, lanes), lanes);
    });
}

void norm_row_backward(float* dx, float* dw, const float* dy, const float* x, const float* w,
                       float rstd, std::int64_t width) {
    const Vec factor = fill(rstd);
    Vec products{};
    for_lanes(width, [&](std::int64_t j, auto lanes) {
        const Vec scaled = load(w + j, lanes) * load(dy + j, lanes);
        products = fma(load(x + j, lanes) * factor, scaled, products);
    });
    const Vec mean = fill(sum(products) / static_cast<float>(width));
    for_lanes(width, [&](std::int64_t j, auto lanes) {
        const Vec grad = load(dy + j, lanes);
        const Vec unit = load(x + j, lanes) * factor;
        const Vec inner = fma(-unit, mean, load(w + j, lanes) * grad);
        store(dx + j, fma(factor, inner, load(dx + j, lanes)), lanes);
        store(dw + j, fma(unit, grad, load(dw + j, lanes)), lanes);
    });
}

}  // namespace

void rms_norm_forward(float* y, float* rstd, const float* x, const float* w, std::int32_t m,
                      std::int32_t width, double eps, Workspace& workspace) {
    for_each_index(m, width, workspace, [&](std::int64_t i) {
        norm_row(y + i * width, rstd[i], x + i * width, w, width, static_cast<float>(eps));
    });
}

void rms_norm_backward(float* dx, float* dw, const float* dy, const float* x, const float* w,
                       const float* rstd, std::int32_t m, std::int32_t width,
                       Workspace& workspace) {
    const std::int64_t chunks = (m + kChunk - 1) / kChunk;
    float* parts = workspace.scratch.floats(static_cast<std::size_t>(chunks * width));
    for_each_index(chunks, 4 * kChunk * width, workspace, [&](std::int64_t chunk) {
        float* part = parts + chunk * width;
        for_lanes(width, [&](std::int64_t j, auto lanes) { store(part + j, Vec{}, lanes); });
        for (std::int64_t i = chunk * kChunk; i < m && i < (chunk + 1) * kChunk; ++i) {
            norm_row_backward(dx + i * width, part, dy + i * width, x + i * width, w, rstd[i],
                              width);
        }
    });
    for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
        for_lanes(width, [&](std::int64_t j, auto lanes) {
            store(dw + j, load(dw + j, lanes) + load(parts + chunk * width + j, lanes), lanes);
        });
    }
}

}  // namespace R1_ISA
}  // namespace r1::cpu
