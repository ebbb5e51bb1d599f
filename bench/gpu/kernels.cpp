// SPDX-License-Identifier: Apache-2.0
// The other kernels of a training step at the 1.5B shape: attention in operations a second, what
// goes through memory in bytes a second. Bytes are those that must be read and written once.
#include <string>

#include "bench/gpu/bench.h"
#include "bench/gpu/shapes.h"
#include "kernels/array.h"

namespace r1::bench {

namespace {

std::size_t values(std::int32_t rows, std::int32_t columns) {
    return static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
}

class KernelBench {
  public:
    explicit KernelBench(const Options& options)
        : options_(options),
          device_(make_device<Bf16>(options)),
          limits_(limits_of(options, *device_)),
          shape_(options.tiny ? tiny() : qwen2_1_5b()),
          rows_(options.tiny ? 16 : 16384) {}

    void attention(std::int32_t sequences);
    void norm();
    void swiglu();
    void rope();
    void logprob();
    void adamw();

  private:
    double seconds(const std::function<void()>& work) {
        return seconds_of(*device_, options_.tiny ? 1 : 20, 5, work);
    }
    void print_bytes(const std::string& name, double bytes, const std::function<void()>& work) {
        print_figure({"kernel." + name, bytes / seconds(work), "B/s", "measured bandwidth",
                      limits_.bandwidth, 0});
    }
    void print_flops(const std::string& name, double flops, const std::function<void()>& work) {
        print_figure({"kernel." + name, flops / seconds(work), "FLOP/s", "measured matrix rate",
                      limits_.matrix_rate, 0});
    }
    Array<Bf16> normal(std::int32_t rows, std::int32_t columns) {
        Array<Bf16> array(*device_, values(rows, columns));
        fill_normal(*device_, array.data(), array.size(), 1);
        return array;
    }
    Array<std::int32_t> load(const std::vector<std::int32_t>& host) {
        Array<std::int32_t> array(*device_, host.size());
        array.load(host.data(), host.size());
        return array;
    }

    const Options& options_;
    std::unique_ptr<Backend<Bf16>> device_;
    Limits limits_;
    ModelShape shape_;
    std::int32_t rows_;
};

void KernelBench::attention(std::int32_t sequences) {
    const HeadShape& heads = shape_.attention;
    const std::int32_t length = rows_ / sequences;
    std::vector<std::int32_t> bounds;
    for (std::int32_t i = 0; i <= sequences; ++i) bounds.push_back(i * length);
    const Array<std::int32_t> offsets = load(bounds);
    const PackedSequences packed{offsets.data(), sequences, rows_, length};
    const Array<Bf16> qkv = normal(rows_, heads.qkv_width());
    const Array<Bf16> dout = normal(rows_, heads.query_width());
    Array<Bf16> out(*device_, dout.size()), dqkv(*device_, qkv.size());
    Array<float> lse(*device_, values(rows_, heads.heads)), dot(*device_, lse.size());
    const std::string size = std::to_string(sequences) + "x" + std::to_string(length);
    print_flops(
        "attention_forward." + size, sequences * attention_forward_flops(heads, length),
        [&] { device_->attention_forward(out.data(), lse.data(), qkv.data(), packed, heads); });
    print_flops("attention_backward." + size, sequences * attention_backward_flops(heads, length),
                [&] {
                    device_->attention_backward(dqkv.data(), dot.data(), dout.data(), out.data(),
                                                lse.data(), qkv.data(), packed, heads);
                });
}

void KernelBench::norm() {
    const Array<Bf16> x = normal(rows_, shape_.hidden), w = normal(1, shape_.hidden);
    Array<Bf16> y(*device_, x.size()), dx(*device_, x.size());
    Array<float> rstd(*device_, static_cast<std::size_t>(rows_)), dw(*device_, w.size());
    const auto count = static_cast<double>(x.size());
    print_bytes("rms_norm_forward", 4 * count, [&] {  // x, y
        device_->rms_norm_forward(y.data(), rstd.data(), x.data(), w.data(), rows_, shape_.hidden,
                                  shape_.rms_norm_eps);
    });
    print_bytes("rms_norm_backward", 8 * count, [&] {  // dy, x, dx read and written
        device_->rms_norm_backward(dx.data(), dw.data(), y.data(), x.data(), w.data(), rstd.data(),
                                   rows_, shape_.hidden);
    });
}

void KernelBench::swiglu() {
    const Array<Bf16> gate_up = normal(rows_, 2 * shape_.intermediate);
    Array<Bf16> y(*device_, gate_up.size() / 2), gradient(*device_, gate_up.size());
    const auto count = static_cast<double>(y.size());
    print_bytes("swiglu_forward", 6 * count, [&] {  // gate | up, y
        device_->swiglu_forward(y.data(), gate_up.data(), rows_, shape_.intermediate);
    });
    print_bytes("swiglu_backward", 10 * count, [&] {  // dy, gate | up, their gradient
        device_->swiglu_backward(gradient.data(), y.data(), gate_up.data(), rows_,
                                 shape_.intermediate);
    });
}

void KernelBench::rope() {
    const HeadShape& heads = shape_.attention;
    Array<Bf16> qkv = normal(rows_, heads.qkv_width());
    std::vector<std::int32_t> places;
    for (std::int32_t row = 0; row < rows_; ++row) places.push_back(row);
    const Array<std::int32_t> positions = load(places);
    const std::int32_t turned = heads.heads + heads.kv_heads;
    const double bytes = 4.0 * rows_ * turned * heads.head_dim;  // read and written in place
    print_bytes("rope", bytes, [&] {
        device_->rope(qkv.data(), positions.data(), rows_, turned, heads.head_dim,
                      heads.qkv_width(), shape_.rope_theta, false);
    });
}

void KernelBench::logprob() {
    const std::int32_t rows = options_.tiny ? 8 : 512;  // of one chunk of the output head
    Array<float> logits(*device_, values(rows, shape_.vocabulary));
    fill_normal(*device_, logits.data(), logits.size(), 1);
    const Array<std::int32_t> targets =
        load(std::vector<std::int32_t>(static_cast<std::size_t>(rows), 1));
    Array<float> logprob(*device_, targets.size()), entropy(*device_, targets.size()),
        gradient(*device_, targets.size());
    Array<Bf16> dlogits(*device_, logits.size());
    const auto count = static_cast<double>(logits.size());
    print_bytes("logprob_forward", 4 * count, [&] {
        device_->logprob_forward(logprob.data(), entropy.data(), logits.data(), targets.data(),
                                 rows, shape_.vocabulary, 1);
    });
    print_bytes("logprob_backward", 6 * count, [&] {  // logits, their gradient
        device_->logprob_backward(dlogits.data(), logits.data(), gradient.data(), targets.data(),
                                  rows, shape_.vocabulary, 1);
    });
}

void KernelBench::adamw() {
    const std::size_t count = options_.tiny ? 1000 : std::size_t{1} << 28;
    Array<Bf16> weights(*device_, count);
    Array<float> master(*device_, count), gradients(*device_, count), first(*device_, count),
        second(*device_, count);
    fill_normal(*device_, gradients.data(), count, 1);
    const AdamWStep step{1e-5, 0.9, 0.95, 1e-8, 0.01, 1, 1};
    // Masters and moments read and written, gradients read, weights written.
    print_bytes("adamw", 30 * static_cast<double>(count), [&] {
        device_->adamw(weights.data(), master.data(), gradients.data(), first.data(), second.data(),
                       count, step);
    });
}

}  // namespace

void kernels(const Options& options) {
    KernelBench bench(options);
    bench.attention(4);
    bench.attention(1);
    bench.norm();
    bench.swiglu();
    bench.rope();
    bench.logprob();
    bench.adamw();
}

}  // namespace r1::bench
