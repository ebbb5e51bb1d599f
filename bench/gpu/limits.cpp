// SPDX-License-Identifier: Apache-2.0
// What the device does at most in this run: every share of a limit is a share of these two.
#include <algorithm>

#include "bench/gpu/bench.h"
#include "bench/gpu/shapes.h"
#include "kernels/array.h"

namespace r1::bench {

namespace {

/// A copy within the device of an array far larger than its caches; read and written bytes count.
double copy_bandwidth(const Options& options, Device& device) {
    const std::size_t bytes = options.tiny ? 1 << 16 : std::size_t{4} << 30;
    Array<char> source(device, bytes), target(device, bytes);
    const double seconds = seconds_of(device, options.tiny ? 1 : 10, 5,
                                      [&] { device.copy(target.data(), source.data(), bytes); });
    return 2 * static_cast<double>(bytes) / seconds;
}

struct ProductSize {
    std::int32_t m, n, k;
};

double matrix_rate_of(const Options& options, Backend<Bf16>& device, const ProductSize& size) {
    const auto values = [](std::int32_t rows, std::int32_t columns) {
        return static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
    };
    Array<Bf16> x(device, values(size.m, size.k)), w(device, values(size.n, size.k)),
        y(device, values(size.m, size.n));
    fill_normal(device, x.data(), x.size(), 1);
    fill_normal(device, w.data(), w.size(), 1);
    const double seconds = seconds_of(device, options.tiny ? 1 : 20, 5, [&] {
        device.linear_forward(y.data(), x.data(), w.data(), nullptr, size.m, size.n, size.k);
    });
    return 2.0 * size.m * size.n * size.k / seconds;
}

/// The best of large squares and of the products of the 1.5B shape.
double matrix_rate(const Options& options, Backend<Bf16>& device) {
    if (options.tiny) return matrix_rate_of(options, device, {16, 16, 16});
    const ModelShape shape = qwen2_1_5b();
    double best = 0;
    for (const ProductSize& size :
         {ProductSize{4096, 4096, 4096}, ProductSize{8192, 8192, 8192},
          ProductSize{16384, 8192, 8192}, ProductSize{16384, 2 * shape.intermediate, shape.hidden},
          ProductSize{16384, shape.hidden, shape.intermediate}})
        best = std::max(best, matrix_rate_of(options, device, size));
    return best;
}

}  // namespace

Limits limits_of(const Options& options, Backend<Bf16>& device) {
    Limits limits = options.limits;
    if (limits.bandwidth == 0) limits.bandwidth = copy_bandwidth(options, device);
    if (limits.matrix_rate == 0) limits.matrix_rate = matrix_rate(options, device);
    return limits;
}

void limits(const Options& options) {
    const auto device = make_device<Bf16>(options);
    const Limits measured = limits_of(options, *device);
    print_figure({"limits.bandwidth", measured.bandwidth, "B/s", "", 0, 0});
    print_figure({"limits.matrix_rate", measured.matrix_rate, "FLOP/s", "", 0, 0});
}

}  // namespace r1::bench
