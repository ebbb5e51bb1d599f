// SPDX-License-Identifier: Apache-2.0
#include "kernels/backend.h"
#include "kernels/cuda/check.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/matrix_product.h"
#include "kernels/cuda/ops.h"
#include "kernels/cuda/stream.h"

namespace r1 {
namespace {

using std::int32_t;

class StreamOwner {
  public:
    virtual void* stream() = 0;
    virtual DeviceWatches& watches() = 0;

  protected:
    ~StreamOwner() = default;
};

template <class T>
class CudaBackend final : public Backend<T>, public StreamOwner {
  public:
    using W = Wide<T>;

    explicit CudaBackend(int index) : device_(index) {}

    void* stream() override { return device_.stream(); }
    DeviceWatches& watches() override { return device_.watches(); }
    const char* name() const override { return device_.name().c_str(); }
    bool shares_host_memory() const override { return false; }
    void* allocate(std::size_t bytes) override { return device_.allocate(bytes); }
    void release(void* memory) noexcept override { device_.release(memory); }
    void to_device(void* device, const void* host, std::size_t bytes) override {
        device_.to_device(device, host, bytes);
    }
    void to_host(void* host, const void* device, std::size_t bytes) override {
        device_.to_host(host, device, bytes);
    }
    void copy(void* target, const void* source, std::size_t bytes) override {
        device_.copy(target, source, bytes);
    }
    void zero(void* memory, std::size_t bytes) override { device_.zero(memory, bytes); }
    void finish() override { device_.finish(); }
    void replay(std::uint64_t key, const std::function<void()>& work) override {
        device_.replay(key, work);
    }
    void forget_replays() override { device_.forget_replays(); }
    int32_t replay_rows(int32_t rows) const override { return cuda::replay_rows(rows); }

    void linear_forward(T* y, const T* x, const T* w, const T* bias, int32_t m, int32_t n,
                        int32_t k) override {
        products_.multiply<T, T>(y, x, w, bias, nullptr, {m, n, k, false, false}, queue());
    }
    void linear_forward_residual(T* y, const T* x, const T* w, const T* residual, int32_t m,
                                 int32_t n, int32_t k) override {
        products_.multiply<T, T>(y, x, w, nullptr, residual, {m, n, k, false, false}, queue());
    }
    void linear_forward_wide(W* y, const T* x, const T* w, int32_t m, int32_t n,
                             int32_t k) override {
        products_.multiply<T, W>(y, x, w, nullptr, nullptr, {m, n, k, false, false}, queue());
    }
    void linear_backward_input(T* dx, const T* dy, const T* w, int32_t m, int32_t n, int32_t k,
                               bool accumulate) override {
        products_.multiply<T, T>(dx, dy, w, nullptr, accumulate ? dx : nullptr,
                                 {m, k, n, false, true}, queue());
    }
    void linear_backward_weight(W* dw, W* dbias, const T* dy, const T* x, int32_t m, int32_t n,
                                int32_t k) override {
        if (m == 0) return;
        products_.multiply<T, W>(dw, dy, x, nullptr, dw, {n, k, m, true, true}, queue());
        if (dbias != nullptr) cuda::add_column_sums<T>(dbias, dy, m, n, scratch(), queue());
    }

    void embedding_forward(T* y, const T* table, const TablePart& part, const int32_t* ids,
                           int32_t m, int32_t width) override {
        cuda::embedding_forward(y, table, part, ids, m, width, queue());
    }
    void embedding_backward(W* dtable, const TablePart& part, const T* dy, const int32_t* ids,
                            int32_t m, int32_t width) override {
        cuda::embedding_backward(dtable, part, dy, ids, m, width, scratch(), queue());
    }
    void rms_norm_forward(T* y, W* rstd, const T* x, const T* w, int32_t m, int32_t width,
                          double eps) override {
        cuda::rms_norm_forward(y, rstd, x, w, m, width, eps, queue());
    }
    void rms_norm_backward(T* dx, W* dw, const T* dy, const T* x, const T* w, const W* rstd,
                           int32_t m, int32_t width) override {
        cuda::rms_norm_backward(dx, dw, dy, x, w, rstd, m, width, scratch(), queue());
    }
    void rope(T* x, const int32_t* positions, int32_t m, int32_t heads, int32_t head_dim,
              int32_t row_stride, double theta, bool inverse) override {
        cuda::rope(x, positions, m, heads, head_dim, row_stride, theta, inverse, queue());
    }

    void attention_forward(T* out, W* lse, const T* qkv, const PackedSequences& sequences,
                           const HeadShape& shape) override {
        cuda::attention_forward(out, lse, qkv, sequences, shape, queue());
    }
    void attention_backward(T* dqkv, W* dot, const T* dout, const T* out, const W* lse,
                            const T* qkv, const PackedSequences& sequences,
                            const HeadShape& shape) override {
        cuda::attention_backward(dqkv, dot, dout, out, lse, qkv, sequences, shape, scratch(),
                                 queue());
    }
    void cache_store(const PagedCache<T>& cache, const T* qkv, const CachedRows& rows,
                     const HeadShape& shape) override {
        cuda::cache_store(cache, qkv, rows, shape, queue());
    }
    void attention_cached(T* out, const T* qkv, const PagedCache<T>& cache, const CachedRows& rows,
                          const HeadShape& shape) override {
        cuda::attention_cached(out, qkv, cache, rows, shape, scratch(), queue());
    }

    void attention_inputs(T* qkv, const PagedCache<T>& cache, const NormedRows<T>& x, const T* w,
                          const T* bias, const CachedRows& rows, const HeadShape& shape,
                          double theta) override {
        if (cuda::few_rows_attention_inputs(qkv, cache, x, w, bias, rows, shape, theta, queue()))
            return;
        rms_norm_forward(x.normed, x.rstd, x.x, x.weight, rows.rows, x.width, x.eps);
        linear_forward(qkv, x.normed, w, bias, rows.rows, shape.qkv_width(), x.width);
        cuda::rope_to_cache(cache, qkv, rows, shape, theta, queue());
    }
    void feed_forward_inputs(T* y, T* gate_up, const NormedRows<T>& x, const T* w, int32_t m,
                             int32_t n) override {
        if (!cuda::few_rows_feed_forward_inputs(y, x, w, m, n, queue()))
            Backend<T>::feed_forward_inputs(y, gate_up, x, w, m, n);
    }

    void swiglu_forward(T* y, const T* gate_up, int32_t m, int32_t n) override {
        cuda::swiglu_forward(y, gate_up, m, n, queue());
    }
    void swiglu_backward(T* dgate_up, const T* dy, const T* gate_up, int32_t m,
                         int32_t n) override {
        cuda::swiglu_backward(dgate_up, dy, gate_up, m, n, queue());
    }
    void gather_rows(T* y, const T* x, const int32_t* rows, int32_t m, int32_t width) override {
        cuda::gather_rows(y, x, rows, m, width, queue());
    }
    void gather_wide_rows(W* y, const W* x, const int32_t* rows, int32_t m,
                          int32_t width) override {
        cuda::gather_rows(y, x, rows, m, width, queue());
    }
    void scatter_add_rows(T* dx, const T* dy, const int32_t* rows, int32_t m,
                          int32_t width) override {
        cuda::scatter_add_rows(dx, dy, rows, m, width, queue());
    }
    void copy_columns(W* y, int32_t y_stride, int32_t y_first, const W* x, int32_t x_stride,
                      int32_t x_first, int32_t m, int32_t width) override {
        if (m == 0 || width == 0) return;
        const auto bytes = [](int32_t values) {
            return static_cast<std::size_t>(values) * sizeof(W);
        };
        cuda::check_cuda(
            cudaMemcpy2DAsync(y + y_first, bytes(y_stride), x + x_first, bytes(x_stride),
                              bytes(width), static_cast<std::size_t>(m), cudaMemcpyDeviceToDevice,
                              queue()),
            "cudaMemcpy2DAsync");
    }

    void logprob_forward(W* logprob, W* entropy, const W* logits, const int32_t* targets, int32_t m,
                         int32_t vocab, double temperature) override {
        cuda::logprob_forward(logprob, entropy, logits, targets, m, vocab, temperature, queue());
    }
    void logprob_backward(T* dlogits, const W* logits, const W* dlogprob, const int32_t* targets,
                          int32_t m, int32_t vocab, double temperature) override {
        cuda::logprob_backward(dlogits, logits, dlogprob, targets, m, vocab, temperature, queue());
    }
    void sample(int32_t* tokens, W* logprob, const W* logits, int32_t m, int32_t vocab,
                const SamplingRule& rule, const SamplingNumbers& numbers) override {
        cuda::sample(tokens, logprob, logits, m, vocab, rule, numbers, queue());
    }
    void advance(const DecodeState& state, int32_t* log_tokens, W* log_logprobs,
                 const int32_t* drawn, const W* logprob, int32_t m) override {
        cuda::advance(state, log_tokens, log_logprobs, drawn, logprob, m, queue());
    }

    void accumulate(W* y, const W* x, std::size_t count) override {
        cuda::accumulate(y, x, count, queue());
    }
    void scale(W* x, double factor, std::size_t count) override {
        cuda::scale(x, factor, count, queue());
    }
    void sum_squares(double* sums, const W* x, std::span<const std::size_t> bounds) override {
        const double* found = cuda::sum_squares(x, bounds, scratch(), queue());
        if (found != nullptr) to_host(sums, found, (bounds.size() - 1) * sizeof(double));
    }
    void narrow(T* y, const W* x, std::size_t count) override {
        cuda::narrow(y, x, count, queue());
    }
    void widen(W* y, const T* x, std::size_t count) override { cuda::widen(y, x, count, queue()); }
    void adamw(T* weights, W* master, const W* gradients, W* first_moment, W* second_moment,
               std::size_t count, const AdamWStep& step) override {
        cuda::adamw(weights, master, gradients, first_moment, second_moment, count, step, queue());
    }

  private:
    cudaStream_t queue() const { return device_.stream(); }
    cuda::Scratch& scratch() { return device_.scratch(); }

    cuda::CudaDevice device_;
    cuda::MatrixProducts products_;
};

}  // namespace

template <class T>
std::unique_ptr<Backend<T>> make_cuda_backend(int index) {
    return std::make_unique<CudaBackend<T>>(index);
}
template std::unique_ptr<Backend<Bf16>> make_cuda_backend<Bf16>(int index);
template std::unique_ptr<Backend<float>> make_cuda_backend<float>(int index);

void* cuda_stream_of(Device& device) {
    auto* owner = dynamic_cast<StreamOwner*>(&device);
    return owner == nullptr ? nullptr : owner->stream();
}

DeviceWatches* cuda_watches_of(Device& device) {
    auto* owner = dynamic_cast<StreamOwner*>(&device);
    return owner == nullptr ? nullptr : &owner->watches();
}

}  // namespace r1
