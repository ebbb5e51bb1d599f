// SPDX-License-Identifier: Apache-2.0
// Every matrix product of a training step at the 1.5B shape, as a share of the matrix rate.
#include <string>

#include "bench/gpu/bench.h"
#include "bench/gpu/shapes.h"
#include "kernels/array.h"

namespace r1::bench {

namespace {

struct Product {
    std::string name;
    std::int32_t m, n, k;
    bool wide = false;  ///< the logits, which are not rounded to bf16
    std::size_t outputs() const {
        return static_cast<std::size_t>(m) * static_cast<std::size_t>(n);
    }
    std::size_t inputs() const { return static_cast<std::size_t>(m) * static_cast<std::size_t>(k); }
    std::size_t weights() const {
        return static_cast<std::size_t>(n) * static_cast<std::size_t>(k);
    }
    double flops() const { return 2.0 * m * n * k; }
};

std::vector<Product> products_of(const ModelShape& shape, std::int32_t rows,
                                 std::int32_t head_rows) {
    const HeadShape& heads = shape.attention;
    return {{"qkv", rows, heads.qkv_width(), shape.hidden},
            {"output", rows, shape.hidden, heads.query_width()},
            {"gate_up", rows, 2 * shape.intermediate, shape.hidden},
            {"down", rows, shape.hidden, shape.intermediate},
            {"head", head_rows, shape.vocabulary, shape.hidden, true}};
}

void measure(const Options& options, const Limits& limits, Backend<Bf16>& device,
             const Product& product) {
    const auto [name, m, n, k, wide] = product;
    Array<Bf16> x(device, product.inputs()), w(device, product.weights()),
        y(device, product.outputs());
    Array<float> wide_y(device, wide ? product.outputs() : 0), dw(device, product.weights());
    fill_normal(device, x.data(), x.size(), 1);
    fill_normal(device, w.data(), w.size(), 0.02);
    fill_normal(device, y.data(), y.size(), 1);
    const auto print = [&, &label = name](const char* pass, const std::function<void()>& work) {
        const double seconds = seconds_of(device, options.tiny ? 1 : 10, 5, work);
        print_figure({"product." + label + "." + pass, product.flops() / seconds, "FLOP/s",
                      "measured matrix rate", limits.matrix_rate, 0});
    };
    Bf16* const dx = x.data();
    print("backward_weight", [&, m = m, n = n, k = k] {
        device.linear_backward_weight(dw.data(), nullptr, y.data(), x.data(), m, n, k);
    });
    print("backward_input", [&, m = m, n = n, k = k] {
        device.linear_backward_input(dx, y.data(), w.data(), m, n, k, false);
    });
    print("forward", [&, m = m, n = n, k = k] {
        if (product.wide)
            device.linear_forward_wide(wide_y.data(), x.data(), w.data(), m, n, k);
        else
            device.linear_forward(y.data(), x.data(), w.data(), nullptr, m, n, k);
    });
}

}  // namespace

void products(const Options& options) {
    const auto device = make_device<Bf16>(options);
    const Limits limits = limits_of(options, *device);
    const std::vector<Product> all =
        options.tiny ? products_of(tiny(), 16, 8) : products_of(qwen2_1_5b(), 16384, 512);
    for (const Product& product : all) measure(options, limits, *device, product);
}

}  // namespace r1::bench
