// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/backend.h"

namespace r1 {

/// The part of a backend that is the same wherever the device's memory is the host's. Compiled
/// once, for every machine: the sources of cpu/ are compiled for some machines only, and must not
/// leave a copy of their own.
template <class T>
class HostBackend : public Backend<T> {
  public:
    bool shares_host_memory() const final;
    void* allocate(std::size_t bytes) final;
    void release(void* memory) noexcept final;
    void to_device(void* device, const void* host, std::size_t bytes) final;
    void to_host(void* host, const void* device, std::size_t bytes) final;
    void copy(void* target, const void* source, std::size_t bytes) final;
    void zero(void* memory, std::size_t bytes) final;
    void finish() final;
    void replay(std::uint64_t key, const std::function<void()>& work) final;
    void forget_replays() final;
    std::int32_t replay_rows(std::int32_t rows) const final;
    void copy_columns(Wide<T>* y, std::int32_t y_stride, std::int32_t y_first, const Wide<T>* x,
                      std::int32_t x_stride, std::int32_t x_first, std::int32_t m,
                      std::int32_t width) final;
    void advance(const DecodeState& state, std::int32_t* log_tokens, Wide<T>* log_logprobs,
                 const std::int32_t* drawn, const Wide<T>* logprob, std::int32_t m) final;
};

extern template class HostBackend<Bf16>;
extern template class HostBackend<float>;
extern template class HostBackend<double>;

}  // namespace r1
