// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/ops.h"
#include "kernels/cpu/transcendental.h"

namespace r1::cpu {
inline namespace R1_ISA {

void swiglu_forward(float* y, const float* gate_up, std::int32_t m, std::int32_t n,
                    Workspace& workspace) {
    for_each_index(m, 8 * n, workspace, [&](std::int64_t i) {
        const float* gate = gate_up + 2 * i * n;
        for_lanes(n, [&](std::int64_t j, auto lanes) {
            const Vec g = load(gate + j, lanes);
            store(y + i * n + j, g * sigmoid(g) * load(gate + n + j, lanes), lanes);
        });
    });
}

void swiglu_backward(float* dgate_up, const float* dy, const float* gate_up, std::int32_t m,
                     std::int32_t n, Workspace& workspace) {
    for_each_index(m, 8 * n, workspace, [&](std::int64_t i) {
        const float* gate = gate_up + 2 * i * n;
        float* dgate = dgate_up + 2 * i * n;
        for_lanes(n, [&](std::int64_t j, auto lanes) {
            const Vec g = load(gate + j, lanes), grad = load(dy + i * n + j, lanes);
            const Vec s = sigmoid(g);
            const Vec slope = s * fma(g, 1.0F - s, fill(1.0F));
            store(dgate + j, grad * load(gate + n + j, lanes) * slope, lanes);
            store(dgate + n + j, grad * g * s, lanes);
        });
    });
}

}  // namespace R1_ISA
}  // namespace r1::cpu
